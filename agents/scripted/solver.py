"""Solver: plays the solved games without a mistake, or with a known rate of random moves."""

from __future__ import annotations

from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agents.agent import Agent, Decision, EpsilonGreedy, Memory, Unable
from agents.scripted.solvers import SOLUTIONS
from envs.game import Game, Rows, View
from envs.kernels import pick_legal
from envs.registry import resolve


class Solution(Protocol):
    """What is known of a solved game; scores are from the mover's side, higher for faster wins, 0 for a draw."""

    def bounds(self, stones: NDArray[np.uint64]) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
        """Lower and upper bounds [B, A] of every move's score; illegal moves have a lower bound below all others'."""
        ...


@cache
def solution(game: str) -> Solution:
    """The solution of a game, made at first use and shared by all solvers of the process."""
    return resolve(SOLUTIONS, game, "solved game")()


def worth(game: Game, rows: Rows) -> NDArray[np.float64]:
    """[B] what positions are worth to who moves if both play perfectly, 1, 0 or -1; NaN where that is not known.

    Raises Unable for games that have no solution here.
    """
    if game.name not in SOLUTIONS:
        raise Unable(f"Perfect play is known of {' and '.join(sorted(SOLUTIONS))}, not of {game.name}.")
    low, high = solution(game.name).bounds(rows["stones"])
    floor, ceiling = np.sign(low.max(axis=1)), np.sign(high.max(axis=1))
    return np.where(floor == ceiling, floor, np.nan).astype(np.float64)


def solver(epsilon: float = 0.0) -> Agent:
    """Perfect play, or an evenly drawn legal move with probability `epsilon`: opponents of known strength."""
    return EpsilonGreedy(Solver(), epsilon, f"solver:epsilon={epsilon:g}") if epsilon else Solver()


class Solver:
    """Picks evenly among the best moves: the value of the game first, then the fastest win or the slowest loss."""

    name = "solver"

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        if game.name not in SOLUTIONS:
            raise Unable(f"solver knows {' and '.join(sorted(SOLUTIONS))}, not {game.name}; random plays any game.")
        return {"rng": seeds.copy()}

    def act(self, view: View, memory: Memory) -> Decision:
        """Chooses; `extra` has value [B] in {-1, 0, 1}, 0 also where unknown, and scores [B, A], NaN where unknown."""
        if view.rows is None:
            raise Unable("solver looks into the position, and this game hides it.")
        low, high = solution(view.game.name).bounds(view.rows["stones"])
        best = view.legal & (low == low.max(axis=1, keepdims=True))
        floor, ceiling = np.sign(low.max(axis=1)), np.sign(high.max(axis=1))
        hope = np.where(best, high, low.min())  # where the value is open, a move not known to fail short of it
        best &= (floor == ceiling)[:, None] | (hope == hope.max(axis=1, keepdims=True))
        rng = memory["rng"].copy()
        action = pick_legal(best, rng)
        scores = np.where(view.legal & (low == high), low, np.nan).astype(np.float32)
        value = np.where(floor == ceiling, floor, 0).astype(np.float32)
        return Decision(action, {"rng": rng}, {"value": value, "scores": scores})

"""The referee's clock for agents that play in this process; programs have their own (`agents.external`)."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.agent import Agent, Decision, Forfeit, Memory, close, part_of, put, take
from agents.play import illegal
from envs import kernels
from envs.game import Game, View

DAY = 86_400
INNER = "inner."


@dataclass(frozen=True)
class Clock:
    """How long an agent may think, in seconds of the referee's clock; 0 = as long as it likes.

    move  for one move
    game  for all its moves of one game
    """

    move: float = 0.0
    game: float = 0.0

    def __post_init__(self) -> None:
        for name, seconds in (("move", self.move), ("game", self.game)):
            if not isinstance(seconds, (int, float)) or not 0 <= seconds <= DAY:
                raise ValueError(f"The time for a {name} is 0 (no limit) to {DAY:,} seconds, not {seconds}.")

    def __bool__(self) -> bool:
        return bool(self.move or self.game)

    def left(self, spent: float) -> float:
        """Seconds for the next move of who has spent so many in this game."""
        return min(self.move or math.inf, self.game - spent if self.game else math.inf)


UNTIMED = Clock()


@dataclass
class Clocked:
    """Another agent against the clock: asked game by game, and a move that comes too late loses its game.

    What it needs to get ready (compiling, loading) it does before the clock runs, in a first position of its own.
    """

    agent: Agent
    clock: Clock
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.agent.name

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        self._warm(game, seeds[:1])
        inner = self.agent.begin(game, seeds)
        return {**{INNER + key: value for key, value in inner.items()}, "spent": np.zeros(len(seeds))}

    def _warm(self, game: Game, seeds: NDArray[np.uint64]) -> None:
        view = kernels.view(game, kernels.new_rows(game, seeds))
        self.agent.act(view._replace(moves=None if view.rows is None else [[]]), self.agent.begin(game, seeds))

    def act(self, view: View, memory: Memory) -> Decision:
        inner = {key[len(INNER) :]: value.copy() for key, value in memory.items() if key.startswith(INNER)}
        actions, spent = any_move(view), memory["spent"].copy()
        forfeits: dict[int, Forfeit] = {}
        for lane in range(len(view.seat)):
            only = np.array([lane])
            alone, begun = part_of(view, only), time.monotonic()
            decision = self.agent.act(alone, take(inner, only))
            took = time.monotonic() - begun
            put(inner, only, decision.memory)
            wrong = {**illegal(self.agent, alone, decision.action), **decision.forfeits}
            if wrong:
                forfeits[lane] = wrong[0]
            elif took > self.clock.left(float(spent[lane])):
                forfeits[lane] = late(self.clock, float(spent[lane]), took)
            else:
                actions[lane] = decision.action[0]
            spent[lane] += took
        kept: Memory = {**{INNER + key: value for key, value in inner.items()}, "spent": spent}
        return Decision(actions, kept, {}, forfeits)

    def close(self) -> None:
        """Has the agent let go of what it holds."""
        close(self.agent)


def late(clock: Clock, spent: float, took: float) -> Forfeit:
    """What is said of a move that took longer than was left."""
    if clock.move and took > clock.move:
        return Forfeit("late", f"it answered after {took:.2f} s, and had {clock.move:g} s.")
    return Forfeit(
        "late", f"it had used up its {clock.game:g} s for the game: {spent:.2f} s before, then {took:.2f} s."
    )


def any_move(view: View) -> NDArray[Any]:
    """[B] a legal move of each game, whichever: what stands where a game is lost."""
    if view.game.controls:
        low = np.array([low for low, _ in view.game.controls], np.float32)
        return np.repeat(low[None, :], len(view.seat), axis=0)
    return view.legal.argmax(axis=1).astype(np.int64)

"""Any game as one seat sees it: whoever else sits at the board answers before the seat is asked again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from envs import kernels
from envs.game import Game, Rows, View
from envs.kernels import (
    Loop,
    below,
    count_true,
    draw,
    legal,
    mix,
    next_random,
    nth_true,
    observe,
    play,
    restart,
)


class Player(Protocol):
    """Who plays the other seats; every agent of `agents/` is one.

    begin(game, seeds [B]) gives the memory of new games, arrays with a leading lane axis; act(view, memory) gives an
    object with `action` [B] and `memory`.
    """

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> dict[str, NDArray[Any]]: ...
    def act(self, view: View, memory: dict[str, NDArray[Any]]) -> Any: ...


Opponent: TypeAlias = Player | Callable[[View], NDArray[np.int64]] | None
"""A player, a function from what the seats to move see to actions [B], or None for evenly drawn legal moves."""


class OneSeat:
    """B games side by side, each seen from one seat.

    An illegal action loses: reward -1, and the game is over for that seat with the position left as it was.
    """

    def __init__(self, game: Game, lanes: int, seat: int | None, opponent: Opponent) -> None:
        if game.simultaneous:
            raise ValueError(f"{game.name} has all seats move at once, which a one-seat view does not cover.")
        if seat is not None and not 0 <= seat < game.seats:
            raise ValueError(f"{game.name} has seats 0 to {game.seats - 1}, so seat={seat} is not one; leave it out.")
        self.game, self.fixed, self.opponent = game, -1 if seat is None else seat, opponent
        self.rows: Rows = np.zeros(lanes, game.row)
        self.seat = np.zeros(lanes, np.int8)  # which seat is ours, lane by lane
        self.stream = np.zeros(lanes, np.uint64)  # seeds every game of a lane, one after the other
        self.over = np.ones(lanes, np.bool_)
        self.illegal = np.zeros(lanes, np.bool_)
        self.reward = np.zeros(lanes, np.float32)
        self.obs = np.zeros((lanes, *game.shape), np.float32)
        self.mask = np.zeros((lanes, game.actions), np.bool_)
        self.memory: dict[str, NDArray[Any]] | None = None

    def seed(self, lane: int, generator: np.random.Generator) -> None:
        """Makes all coming games of a lane follow from a generator."""
        self.stream[lane] = generator.integers(0, 2**64, dtype=np.uint64)

    def begin(self, fresh: NDArray[np.bool_]) -> None:
        """Starts new games where fresh [B] and plays them until our seat is to move."""
        self._begin(fresh)
        self._answer(fresh)

    def step(self, actions: NDArray[np.int64], fresh: NDArray[np.bool_] | None = None) -> None:
        """Plays our actions [B] (-1: not this lane) and the answers to them; fills reward, over and illegal.

        Lanes that are `fresh` begin a new game instead.
        """
        self.reward[:] = 0.0
        if fresh is not None:
            self._begin(fresh)
        own_plies(self.game, self.rows, self.seat, actions, self.mask, self.reward, self.illegal)
        self._answer(fresh)
        self.over = self.rows["done"] | self.illegal

    def _begin(self, fresh: NDArray[np.bool_]) -> None:
        seeds = np.zeros(len(self.rows), np.uint64)
        begin_lanes(self.game, self.rows, fresh, self.stream, self.seat, self.fixed, seeds)
        self.over[fresh] = False
        self.illegal[fresh] = False
        if self.opponent is not None and not callable(self.opponent) and fresh.any():
            born = self.opponent.begin(self.game, seeds[fresh])
            if self.memory is None:
                self.memory = {k: np.zeros((len(self.rows), *v.shape[1:]), v.dtype) for k, v in born.items()}
            for key, value in born.items():
                self.memory[key][fresh] = value

    def _answer(self, fresh: NDArray[np.bool_] | None) -> None:
        """Lets the others move until our seat is to move everywhere, and looks."""
        if self.opponent is None:
            random_answers(self.game, self.rows, self.seat, self.mask[0], self.reward)
        else:
            self._opponent_answers(self.opponent)
        if fresh is not None:
            self.reward[fresh] = 0.0
        self.obs = np.empty_like(self.obs)
        self.mask = np.empty_like(self.mask)
        see(self.game, self.rows, self.seat, self.obs, self.mask)

    def _opponent_answers(self, opponent: Player | Callable[[View], NDArray[np.int64]]) -> None:
        while True:
            lanes = np.flatnonzero(~self.rows["done"] & (self.rows["seat"] != self.seat))
            if not len(lanes):
                return
            view = kernels.view(self.game, self.rows[lanes])
            actions = np.full(len(self.rows), -1, np.int64)
            if callable(opponent):
                actions[lanes] = opponent(view)
            else:
                memory = self.memory or {}
                decision = opponent.act(view, {key: value[lanes] for key, value in memory.items()})
                actions[lanes] = decision.action
                for key, value in decision.memory.items():
                    memory[key][lanes] = value
            known = (actions[lanes] >= 0) & (actions[lanes] < self.game.actions)
            if not known.all() or not view.legal[np.arange(len(lanes)), actions[lanes]].all():
                raise ValueError(f"The opponent made a move against the rules of {self.game.name}.")
            other_plies(self.game, self.rows, self.seat, actions, self.reward)


@Loop
def begin_lanes(
    rows: Rows,
    fresh: NDArray[np.bool_],
    stream: NDArray[np.uint64],
    seat: NDArray[np.int8],
    fixed: int,
    seeds: NDArray[np.uint64],
) -> None:
    """First positions where fresh; draws our seat (unless fixed >= 0) and a seed for the opponent."""
    for i in range(rows.shape[0]):
        if fresh[i]:
            rows[i].rng = mix(next_random(stream, i))
            restart(rows[i])
            seeds[i] = next_random(stream, i)
            drawn = below(next_random(stream, i), rows[i].reward.shape[0])
            seat[i] = fixed if fixed >= 0 else drawn


@Loop
def own_plies(
    rows: Rows,
    seat: NDArray[np.int8],
    actions: NDArray[np.int64],
    mask: NDArray[np.bool_],
    reward: NDArray[np.float32],
    illegal: NDArray[np.bool_],
) -> None:
    """Our move in every lane with an action >= 0 whose game goes on; mask [B, A] is room to work in."""
    for i in range(rows.shape[0]):
        if actions[i] >= 0 and not rows[i].done:
            legal(rows[i], mask[i])
            if actions[i] < mask.shape[1] and mask[i, actions[i]]:
                play(rows[i], actions[i])
                reward[i] += rows[i].reward[seat[i]]
            else:
                illegal[i] = True
                reward[i] = -1.0


@Loop
def other_plies(rows: Rows, seat: NDArray[np.int8], actions: NDArray[np.int64], reward: NDArray[np.float32]) -> None:
    """One move of another seat in every lane with an action >= 0; adds what it pays us."""
    for i in range(rows.shape[0]):
        if actions[i] >= 0:
            play(rows[i], actions[i])
            reward[i] += rows[i].reward[seat[i]]


@Loop
def random_answers(rows: Rows, seat: NDArray[np.int8], mask: NDArray[np.bool_], reward: NDArray[np.float32]) -> None:
    """Evenly drawn moves of the others until our seat is to move or the game is done; mask [A] is room to work in."""
    for i in range(rows.shape[0]):
        while not rows[i].done and rows[i].seat != seat[i]:
            legal(rows[i], mask)
            play(rows[i], nth_true(mask, below(draw(rows[i]), count_true(mask))))
            reward[i] += rows[i].reward[seat[i]]


@Loop
def see(rows: Rows, seat: NDArray[np.int8], obs: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
    """What our seat sees, to move or not, and what it may play: nothing when the game is done."""
    for i in range(rows.shape[0]):
        mover = rows[i].seat
        rows[i].seat = seat[i]
        observe(rows[i], obs[i])
        rows[i].seat = mover
        if rows[i].done or mover != seat[i]:
            mask[i] = False
        else:
            legal(rows[i], mask[i])

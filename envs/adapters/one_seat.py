"""Any game as one seat sees it: whoever else sits at the table answers before the seat is asked again."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from envs import kernels
from envs.adapters.seated import BEGINNINGS, drawn_seat, may_be_played, seat_rows
from envs.game import Game, Rows, View
from envs.kernels import compiled
from envs.randomness import next_random

MANY = 16
"""From so many lanes on, a loop of the game's own is worth what it costs to compile: half a second, once."""


class Player(Protocol):
    """Who plays the other seats; every agent of `agents/` is one.

    begin(game, seeds [B]) gives the memory of new games, arrays with a leading lane axis; act(view, memory) gives an
    object with `action` [B] (or [B, controls]) and `memory`.
    """

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> dict[str, NDArray[Any]]: ...
    def act(self, view: View, memory: dict[str, NDArray[Any]]) -> Any: ...


Opponent: TypeAlias = Player | Callable[[View], NDArray[Any]] | None
"""A player, a function from what the seats to move see to actions [B], or None for evenly drawn actions."""


class OneSeat:
    """B games side by side, each seen from one seat; all else that moves has moved when the seat is asked.

    An illegal action loses: reward -1, and the game is over for that seat with the position left as it was. Vectors
    as actions are brought within their bounds first, so only what is no number is illegal there. A game that ends
    before the seat has been asked once is not shown: another begins in its place.

    MANY lanes against evenly drawn actions take a step in one loop (`seat_rows`). All else works by the loops that
    every other use of a game compiles too (`envs.kernels`), to the same games.

    What is seen, and what is over, stands in new arrays after every step.
    """

    def __init__(self, game: Game, lanes: int, seat: int | None, opponent: Opponent) -> None:
        if seat is not None and not (isinstance(seat, (int, np.integer)) and 0 <= seat < game.seats):
            raise ValueError(f"{game.name} has seats 0 to {game.seats - 1}, so seat={seat} is not one; leave it out.")
        if not (opponent is None or callable(opponent) or hasattr(opponent, "act")):
            raise ValueError(f"The opponent is an agent, a function or None, not {opponent!r}.")
        self.game, self.fixed, self.opponent = game, -1 if seat is None else seat, opponent
        self.rows: Rows = np.zeros(lanes, game.row)
        self.seat = np.zeros(lanes, np.int8)  # which seat is ours, lane by lane
        self.stream = np.zeros(lanes, np.uint64)  # seeds every game of a lane, one after the other
        self.over = np.ones(lanes, np.bool_)
        self.cut = np.zeros(lanes, np.bool_)  # over by a limit and not by the rules
        self.illegal = np.zeros(lanes, np.bool_)
        self.reward = np.zeros(lanes, np.float32)
        self.obs = np.zeros((lanes, *game.shape), np.float32)
        self.mask = np.zeros((lanes, game.actions), np.bool_)
        self.memory: dict[str, NDArray[Any]] | None = None
        self.whole = opponent is None and lanes >= MANY and not game.foreign
        self.actions = kernels.no_actions(game, lanes)
        self.lawful = np.zeros(lanes, np.bool_)
        self._none, self._all = np.zeros(lanes, np.bool_), np.ones(lanes, np.bool_)

    def seed(self, lane: int, generator: np.random.Generator) -> None:
        """Makes all coming games of a lane follow from a generator."""
        self.stream[lane] = generator.integers(0, 2**64, dtype=np.uint64)

    def begin(self, fresh: NDArray[np.bool_]) -> None:
        """Starts new games where fresh [B] and plays them until our seat is to move."""
        if self.whole:
            self._pass(fresh, fresh)
            return
        self._begin(fresh)
        self._answer(fresh)
        self._end()

    def step(self, actions: NDArray[Any], fresh: NDArray[np.bool_] | None = None) -> None:
        """Plays our actions [B] or [B, controls] and the answers to them; fills reward, over, cut and illegal.

        Lanes that are `fresh` begin a new game instead, whatever their action.
        """
        self._judge(actions)
        if self.whole:
            self._pass(self._all, self._none if fresh is None else fresh)
            return
        self.reward[:] = 0.0
        moving = ~self.over
        if fresh is not None and not fresh.any():
            fresh = None
        if fresh is not None:
            self._begin(fresh)
            moving &= ~fresh
        self.illegal |= moving & ~self.lawful
        self._play(np.flatnonzero(moving & self.lawful), self.actions)
        self.reward[moving & ~self.lawful] = -1.0
        self._answer(fresh)
        self._end()

    def _judge(self, actions: NDArray[Any]) -> None:
        """Takes our actions as the rules do, and notes which of them may be played, by the mask we were shown."""
        given = np.asarray(actions)
        if given.size != self.actions.size or given.dtype.kind not in "iufb":
            each = "numbers" if self.game.controls else f"whole numbers from 0 to {self.game.actions - 1}"
            raise ValueError(
                f"{self.game.name} takes {each} of shape {self.actions.shape}, not {reprlib.repr(actions)}."
            )
        given = given.reshape(self.actions.shape)
        if self.game.controls:
            low, high = np.array(self.game.controls, np.float32).T
            vectors = given.astype(np.float64)
            np.clip(vectors, low, high, out=self.actions, casting="same_kind")
            self.lawful[:] = ~np.isnan(vectors).any(axis=1)
        else:
            if given.dtype.kind == "f":  # what is no whole number is no action
                given = np.where((np.trunc(given) == given) & (np.abs(given) < self.game.actions), given, -1)
            self.actions[:] = given
            may_be_played(self.actions, self.mask, self.lawful)

    def _pass(self, shown: NDArray[np.bool_], fresh: NDArray[np.bool_]) -> None:
        """A step of the lanes that are shown, or their next games where they are fresh, by the game's own loop."""
        if shown is self._all:
            self._renew()
        else:
            self.obs, self.mask = self.obs.copy(), self.mask.copy()
        self.over, self.cut = self.over.copy(), self.cut.copy()
        asked = seat_rows(
            self.game,
            self.rows,
            self.seat,
            self.fixed,
            self.stream,
            shown,
            fresh,
            self.actions,
            self.lawful,
            self.obs,
            self.mask,
            self.reward,
            self.illegal,
            self.over,
            self.cut,
        )
        if not asked:
            raise self._never()

    def _renew(self) -> None:
        """New arrays for what is seen; those of before may be somebody's by now."""
        self.obs = np.empty_like(self.obs)
        self.mask = np.empty_like(self.mask)

    def _play(self, lanes: NDArray[np.int64], actions: NDArray[Any]) -> None:
        """One ply in some lanes, by actions of all; adds what it pays us."""
        if not len(lanes):
            return
        part = self.rows if len(lanes) == len(self.rows) else self.rows[lanes]
        kernels.play_rows(self.game, part, actions if part is self.rows else actions[lanes])
        self._moved(part, lanes)

    def _moved(self, part: Rows, lanes: NDArray[np.int64]) -> None:
        if part is not self.rows:
            self.rows[lanes] = part
        self.reward[lanes] += part["reward"][np.arange(len(lanes)), self.seat[lanes]]

    def _begin(self, fresh: NDArray[np.bool_]) -> None:
        lanes = np.flatnonzero(fresh)
        seeds, players = np.zeros(len(lanes), np.uint64), np.zeros(len(lanes), np.uint64)
        _deal(self.stream, lanes, self.game.seats, self.fixed, seeds, players, self.seat)
        self.rows[lanes] = kernels.new_rows(self.game, seeds)
        self.illegal[lanes] = False
        if self.opponent is not None and not callable(self.opponent) and len(lanes):
            born = self.opponent.begin(self.game, players)
            if self.memory is None:
                self.memory = {k: np.zeros((len(self.rows), *v.shape[1:]), v.dtype) for k, v in born.items()}
            for key, value in born.items():
                self.memory[key][lanes] = value

    def _answer(self, fresh: NDArray[np.bool_] | None) -> None:
        """Lets the others move until our seat is to move everywhere, and begins anew what ended before it was."""
        for _ in range(BEGINNINGS):
            while len(lanes := np.flatnonzero(~self.rows["done"] & (self.rows["seat"] != self.seat))):
                self._others(lanes)
            if fresh is None:
                return
            unasked = fresh & self.rows["done"]
            if not unasked.any():
                self.reward[fresh] = 0.0
                return
            self._begin(unasked)
        raise self._never()

    def _never(self) -> ValueError:
        return ValueError(f"{self.game.name} always ends before our seat is asked for a move; take another with seat=.")

    def _others(self, lanes: NDArray[np.int64]) -> None:
        """One move of whoever is to move in these lanes."""
        part = self.rows[lanes]
        if self.opponent is None:
            kernels.random_ply(self.game, part)
        else:
            kernels.play_rows(self.game, part, self._choices(self.opponent, part, lanes))
        self._moved(part, lanes)

    def _choices(self, opponent: Player | Callable[[View], Any], part: Rows, lanes: NDArray[np.int64]) -> NDArray[Any]:
        view = kernels.view(self.game, part)
        if callable(opponent):
            actions = np.asarray(opponent(view))
        else:
            memory = self.memory or {}
            decision = opponent.act(view, {key: value[lanes] for key, value in memory.items()})
            actions = np.asarray(decision.action)
            for key, value in decision.memory.items():
                memory[key][lanes] = value
        if self.game.controls:
            lawful = kernels.in_bounds(self.game, actions).all()
        else:
            inside = ((actions >= 0) & (actions < self.game.actions)).all()
            lawful = inside and view.legal[np.arange(len(lanes)), actions].all()
        if not lawful:
            raise ValueError(f"The opponent made a move against the rules of {self.game.name}.")
        return actions.astype(np.float32 if self.game.controls else np.int64)

    def _end(self) -> None:
        """Says what is over, and looks: what our seat sees, to move or not, and what it may play."""
        self.over = self.rows["done"] | self.illegal
        self.cut = self.rows["cut"] & ~self.illegal
        self._renew()
        mover = self.rows["seat"].copy()
        self.rows["seat"] = self.seat
        kernels.view_rows(self.game, self.rows, self.obs, self.mask)
        self.rows["seat"] = mover
        self.mask[mover != self.seat] = False


@compiled
def _deal(
    stream: NDArray[np.uint64],
    lanes: NDArray[np.int64],
    seats: int,
    fixed: int,
    seeds: NDArray[np.uint64],
    players: NDArray[np.uint64],
    seat: NDArray[np.int8],
) -> None:
    """For new games in some lanes: a seed for the rules, one for the opponent, and our seat (unless fixed >= 0)."""
    for i in range(lanes.shape[0]):
        lane = lanes[i]
        seeds[i] = next_random(stream, lane)
        players[i] = next_random(stream, lane)
        seat[lane] = drawn_seat(stream, lane, seats, fixed)

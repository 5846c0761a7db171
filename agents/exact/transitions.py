"""The exact model of a game: what every action may lead to from every state, and how likely.

It is made by playing every action of every state (`Game.key`) and drawing every outcome (`Game.chances`). A state
forgets how many plies were made: what a limit on plies does is a matter of the horizon that is planned to.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.agent import Unable
from envs.game import CHANCE, Game, Rows
from envs.kernels import Loop, act, begin, key, legal, odds, settle

DEEPEST = 64
"""Outcomes in a row that chance may draw after one action."""
MOST_STATES = 2_000_000
MOST_OUTCOMES = 10_000_000
"""Of all actions in all states together: what a model holds in memory is theirs."""


@Loop
def unfold(
    rows: Rows, room: Rows, mask: NDArray[np.bool_], counts: NDArray[np.int64], outcomes: int, most: int,
    after: Rows, pairs: NDArray[np.int64], shares: NDArray[np.float64], keys: NDArray[np.uint64],
) -> int:  # fmt: skip
    """Everything that may follow each row: the number of outcomes, of which as many are written as there is room for.

    after   the rows that follow          pairs [.., 2] which row, and which action, led there
    shares  how likely from there         keys  of the rows that follow
    A row whose seat is CHANCE and whose ply is 0 is begun: its one action is -1. `room` [DEEPEST + 1] and `counts` are
    to work in; -1 is returned where they do not suffice. It ends early where there are more than `most`.
    """
    found = 0
    fresh = np.zeros(DEEPEST + 1)
    for i in range(rows.shape[0]):
        if found > most:
            break
        starts = rows[i].seat == CHANCE
        if not starts:
            legal(rows[i], mask)
        for action in range(-1 if starts else 0, 0 if starts else mask.shape[0]):
            if action >= 0 and not mask[action]:
                continue
            room[0] = rows[i]
            room[0].ply = 0
            if starts:
                room[0].seat = 0
                begin(room[0])
            else:
                act(room[0], action)
            depth, counts[0], fresh[0] = 0, 0, 1.0
            while depth >= 0:
                if room[depth].seat != CHANCE or room[depth].done:
                    if found < after.shape[0]:
                        after[found] = room[depth]
                        pairs[found, 0], pairs[found, 1] = i, action
                        shares[found] = fresh[depth]
                        keys[found] = key(room[depth])
                    found += 1
                    depth -= 1
                    continue
                if counts[depth] == outcomes:
                    depth -= 1
                    continue
                outcome = counts[depth]
                counts[depth] += 1
                share = odds(room[depth], outcome)
                if share > 0.0:
                    if depth == DEEPEST:
                        return -1
                    room[depth + 1] = room[depth]
                    settle(room[depth + 1], outcome)
                    fresh[depth + 1] = fresh[depth] * share
                    counts[depth + 1] = 0
                    depth += 1
    return found


@dataclass(frozen=True, eq=False)
class Model:
    """All that can happen: states, in each the actions that may be played, of each the outcomes.

    keys     [S] what `Game.key` says of each state          seat     [S] who moves there
    pairs    [S + 1] state s has the pairs pairs[s] .. pairs[s + 1] - 1
    action   [P] of each pair                                outcomes [P + 1] likewise, of each pair
    to       [N] the state after an outcome, -1 where the game is over
    odds     [N] how likely it is                            pays     [N] what it pays seat 0
    start    [S] how likely the game begins in each state
    """

    game: Game
    keys: NDArray[np.uint64]
    seat: NDArray[np.int8]
    pairs: NDArray[np.int64]
    action: NDArray[np.int64]
    outcomes: NDArray[np.int64]
    to: NDArray[np.int64]
    odds: NDArray[np.float64]
    pays: NDArray[np.float64]
    start: NDArray[np.float64]

    @property
    def size(self) -> int:
        """How many states there are."""
        return len(self.keys)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """[S] the states by their keys."""
        return np.argsort(self.keys)

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """[B] the state of each key; -1 for a key that no state has."""
        place = np.minimum(np.searchsorted(self.keys, keys, sorter=self.order), self.size - 1)
        found = self.order[place]
        return np.where(self.keys[found] == keys, found, -1)

    def worth(self, values: NDArray[np.float64]) -> float:
        """What the game is worth to seat 0 before it begins, by the values of its states."""
        return float(self.start @ values)

    def dense(self, table: NDArray[np.float64], missing: float = 0.0) -> NDArray[np.float64]:
        """[keys, A] a number for each pair, laid out by key and action as a learner's table is."""
        out = np.full((self.game.keys, self.game.actions), missing)
        states = np.repeat(np.arange(self.size), np.diff(self.pairs))
        out[self.keys[states].astype(np.int64), self.action] = table
        return out


def explore(game: Game) -> Model:
    """The model of a game that has `key`, found by breadth first search from the beginning.

    Raises `Unable` for games that hide something, of several seats unless two play for the same stakes, or whose chance
    is not laid open.
    """
    _require_plannable(game)
    known: dict[int, int] = {}
    frontier = np.zeros(1, game.row)
    frontier["seat"] = CHANCE
    layers: list[tuple[NDArray[Any], ...]] = []
    seats: list[NDArray[np.int8]] = []
    base, start = -1, np.zeros(0, np.float64)  # the beginning is state -1, until it is taken out below
    while len(frontier):
        after, pairs, shares, keys = _unfold(game, frontier, MOST_OUTCOMES - sum(len(layer[0]) for layer in layers))
        over = after["done"] & ~after["cut"]
        names, first, which = np.unique(keys[~over], return_index=True, return_inverse=True)
        fresh = np.array([int(name) not in known for name in names], np.bool_)
        for name in names[fresh]:
            known[int(name)] = len(known)
        numbers = np.array([known[int(name)] for name in names], np.int64)
        to = np.full(len(after), -1)
        to[~over] = numbers[which]
        if base < 0:
            if over.any():
                raise Unable(f"{game.name} may be over before it begins; there is nothing to plan.")
            start = np.bincount(to, shares, len(numbers)).astype(np.float64)
        else:
            layers.append((pairs[:, 0] + base, pairs[:, 1], to, shares, after["reward"][:, 0].astype(np.float64)))
        base = 0 if base < 0 else base + len(frontier)
        frontier = after[~over][first[fresh]]
        frontier["done"] = frontier["cut"] = False
        seats.append(frontier["seat"].copy())
        if len(known) > MOST_STATES:
            raise _too_large(game)
    numbers = np.array(list(known), np.uint64)
    return _assembled(game, numbers, np.concatenate(seats), layers, np.pad(start, (0, len(numbers) - len(start))))


def _require_plannable(game: Game) -> None:
    trait = next((t for t in ("hidden", "simultaneous", "foreign", "controls") if getattr(game, t)), None)
    if trait:
        raise Unable(f"Planning needs every position laid open, which {game.name} ({trait}) does not allow.")
    if game.key is None:
        raise Unable(f"Planning tells positions apart by their key, and {game.name} has none.")
    if game.chance and game.chances is None:
        raise Unable(f"Planning needs the odds of what is drawn, and {game.name} does not lay them open.")
    if game.seats > 2 or (game.seats == 2 and game.pays == "general"):
        raise Unable(f"Planning is for one seat, or two that play for the same stakes; {game.name} is neither.")


def _too_large(game: Game) -> Unable:
    return Unable(
        f"{game.name} has more than {MOST_STATES:,} states or {MOST_OUTCOMES:,} outcomes of their actions, "
        "too many to plan in; take a smaller variant."
    )


def _unfold(
    game: Game, rows: Rows, most: int
) -> tuple[Rows, NDArray[np.int64], NDArray[np.float64], NDArray[np.uint64]]:
    """(rows, pairs, shares, keys) of all that may follow these rows, alike outcomes of one pair in one."""
    size = max(256, len(rows) * game.actions * 2)
    outcomes = game.chances.outcomes if game.chances else 0
    while True:
        after, pairs = np.zeros(size, game.row), np.zeros((size, 2), np.int64)
        shares, keys = np.zeros(size), np.zeros(size, np.uint64)
        work = np.zeros(DEEPEST + 1, game.row), np.zeros(game.actions, np.bool_), np.zeros(DEEPEST + 1, np.int64)
        found = unfold(game, rows, *work, outcomes, most, after, pairs, shares, keys)
        if found < 0:
            raise Unable(
                f"{game.name} draws more than {DEEPEST} things after one action; planning does not go so deep."
            )
        if found > most:
            raise _too_large(game)
        if found <= size:
            break
        size = found
    over = after["done"][:found] & ~after["cut"][:found]
    columns = pairs[:found, 0], pairs[:found, 1], np.where(over, 0, keys[:found]), over, after["reward"][:found, 0]
    order = np.lexsort(columns[::-1])
    changes = np.zeros(found, np.bool_)
    changes[0] = True
    for column in columns:
        changes[1:] |= column[order][1:] != column[order][:-1]
    kept = order[changes]
    totals = np.add.reduceat(shares[:found][order], np.flatnonzero(changes))
    return after[kept], pairs[kept], totals, keys[kept]


def _assembled(
    game: Game, keys: NDArray[np.uint64], seat: NDArray[np.int8], layers: list[tuple[NDArray[Any], ...]],
    start: NDArray[np.float64],
) -> Model:  # fmt: skip
    state, action, to, share, pays = (np.concatenate(column) for column in zip(*layers, strict=True))
    first = np.flatnonzero(np.concatenate([[True], (np.diff(state) != 0) | (np.diff(action) != 0)]))
    pairs = np.searchsorted(state[first], np.arange(len(keys) + 1))
    return Model(game, keys, seat, pairs, action[first], np.append(first, len(to)), to, share, pays, start)

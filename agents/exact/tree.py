"""The whole tree of a game as arrays, by what each seat has done and knows: its sequence form.

With perfect recall, how likely a seat is to play its part of a history depends on its last own move alone: on its
sequence, a pair of information set and action (von Stengel 1996). So what is kept of the tree is the information sets
of each seat, each below the sequence that leads to it, and the terminals, each with one sequence a seat. Sweeps over
these few arrays give values, best responses and regrets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.agent import Unable
from envs.game import CHANCE, Game, Rows
from envs.kernels import Loop, act, begin, key, legal, odds, settle

MOST = 2_000_000
"""Trees of more positions than this are refused unless they are asked for."""

CHUNK = 4096


@dataclass(frozen=True, eq=False)
class Tree:
    """A game's tree in sequence form; I information sets, S sequences, T terminals.

    Information sets are sorted by seat, and within a seat parents come before what lies below them. Sequence p < seats
    is that of seat p having done nothing yet; the others are the legal actions of set 0, of set 1 ... in order.

    bounds    [seats + 1] seat p's information sets are bounds[p] .. bounds[p + 1] - 1
    keys      [I] what the seat can tell (`Game.key`), or the number of the position where nothing is hidden
    legal     [I, A] what may be played
    rows      [I] a position of each set
    above     [I] the sequence that leads to each set
    first     [I + 1] set i's sequences are first[i] .. first[i + 1] - 1
    actions   [S] what each sequence ends with (-1 for those of no move)
    sets      [S] the information set of each sequence (-1 for those of no move)
    ends      [seats, T] the sequence of each seat that leads to each terminal
    paid      [seats, T] what each seat is paid there, times the probability of all that chance did on the way
    chance    [T] that probability
    nodes     positions in the tree: chance's, the seats' and the ends
    """

    game: Game
    bounds: NDArray[np.int64]
    keys: NDArray[np.uint64]
    legal: NDArray[np.bool_]
    rows: Rows
    above: NDArray[np.int64]
    first: NDArray[np.int64]
    actions: NDArray[np.int64]
    sets: NDArray[np.int64]
    ends: NDArray[np.int64]
    paid: NDArray[np.float64]
    chance: NDArray[np.float64]
    nodes: int

    @property
    def seat(self) -> NDArray[np.int64]:
        """[I] whose information set each is."""
        return np.repeat(np.arange(self.game.seats), np.diff(self.bounds))

    def uniform(self) -> NDArray[np.float64]:
        """[I, A] the policy that plays every legal action alike."""
        return self.legal / self.legal.sum(axis=1, keepdims=True)

    def flat(self, policy: NDArray[np.floating]) -> NDArray[np.float64]:
        """[S] the probability with which each sequence's last action is played, 1 where there is none."""
        if policy.shape != self.legal.shape:
            raise ValueError(
                f"A policy for {self.game.name} is a table of {self.legal.shape[0]} information sets by "
                f"{self.legal.shape[1]} actions, not {' by '.join(map(str, policy.shape))}; see Tree.uniform."
            )
        out = policy[self.sets, self.actions].astype(np.float64)
        out[: self.game.seats] = 1.0
        return out

    def table(self, flat: NDArray[np.floating]) -> NDArray[np.float64]:
        """[I, A] from one number a sequence [S]; 0 where an action is not legal."""
        out = np.zeros(self.legal.shape)
        out[self.legal] = flat[self.game.seats :]
        return out


class TooLarge(ValueError):
    """A game's tree has more positions than are to be held; the text says what to do."""


class Level(NamedTuple):
    """All positions at one depth: whose turn (CHANCE, or seats for an end), and where each came from."""

    seat: NDArray[np.int8]
    key: NDArray[np.uint64]
    parent: NDArray[np.int64]
    via: NDArray[np.int64]
    chance: NDArray[np.float64]
    paid: NDArray[np.float64]
    example: NDArray[np.int64]
    """Which of the positions stand for their key in `rows` and `legal`."""
    rows: Rows
    legal: NDArray[np.bool_]


@Loop
def first_row(rows: Rows) -> None:
    """Writes the first position, nothing drawn yet, into rows [1]."""
    begin(rows[0])


@Loop
def spread(
    rows: Rows,
    outcomes: int,
    mask: NDArray[np.bool_],
    keys: NDArray[np.uint64],
    after: Rows,
    parent: NDArray[np.int64],
    via: NDArray[np.int64],
    chance: NDArray[np.float64],
) -> int:
    """Fills masks and keys of all rows, and every position one step after them; returns how many those are.

    via is the action, or -1 after chance; chance the probability of what was drawn, 1 after an action.
    """
    n = 0
    for i in range(rows.shape[0]):
        mask[i] = False
        keys[i] = 0
        if rows[i].done:
            continue
        if rows[i].seat == CHANCE:
            for outcome in range(outcomes):
                share = odds(rows[i], outcome)
                if share > 0.0:
                    after[n] = rows[i]
                    settle(after[n], outcome)
                    parent[n], via[n], chance[n] = i, -1, share
                    n += 1
            continue
        keys[i] = key(rows[i])
        legal(rows[i], mask[i])
        for action in range(mask.shape[1]):
            if mask[i, action]:
                after[n] = rows[i]
                act(after[n], action)
                parent[n], via[n], chance[n] = i, action, 1.0
                n += 1
    return n


def flatten(game: Game, most: int = MOST) -> Tree:
    """The whole tree of a game; raises TooLarge past `most` positions, and Unable where a tree cannot be walked."""
    check(game)
    levels = list(_levels(game, most))
    keys, order, kinds = _information_sets(levels)
    rows = np.concatenate([level.rows for level in levels])[order]
    mask = np.concatenate([level.legal for level in levels])[order]
    seat = kinds[order]
    bounds = np.searchsorted(seat, np.arange(game.seats + 1)).astype(np.int64)
    first = game.seats + np.r_[0, np.cumsum(mask.sum(axis=1))].astype(np.int64)
    sets, actions = np.nonzero(mask)
    none = np.full(game.seats, -1)
    number = np.full(mask.shape, -1)
    number[mask] = np.arange(first[0], first[-1])
    above, ends, paid, chance = _walk(game, levels, keys, seat, number)
    return Tree(
        game=game,
        bounds=bounds,
        keys=keys,
        legal=mask,
        rows=rows,
        above=above,
        first=first,
        actions=np.r_[none, actions].astype(np.int64),
        sets=np.r_[none, sets].astype(np.int64),
        ends=ends,
        paid=paid,
        chance=chance,
        nodes=sum(len(level.seat) for level in levels),
    )


def check(game: Game) -> None:
    """Raises Unable, saying why, for games whose tree cannot be walked."""
    if game.foreign or game.controls:
        raise Unable(
            f"{game.name} has no tree that can be walked: its rules are another program's, or actions vectors."
        )
    if game.chance and game.chances is None:
        raise Unable(f"{game.name} does not lay its chance open (Game.chances), so its tree cannot be walked.")
    if game.hidden and game.key is None:
        raise Unable(f"{game.name} hides things and does not number what a seat can tell (Game.key).")


def _levels(game: Game, most: int) -> Iterator[Level]:
    """The tree, depth by depth; positions of a game that hides nothing are numbered."""
    rows = np.zeros(1, game.row)
    first_row(game, rows)
    parent, via = np.zeros(1, np.int64), np.full(1, -1)
    chance, paid, total = np.ones(1), np.zeros((1, game.seats)), 0
    while len(rows):
        found = list(_steps(game, rows, total, most))
        mask = np.concatenate([part.legal for part in found])
        keys = np.concatenate([part.keys for part in found])
        seat = np.where(rows["done"], game.seats, rows["seat"]).astype(np.int8)
        if not game.hidden:
            keys = np.arange(total, total + len(rows)).astype(np.uint64)
        total += len(rows)
        deciding = np.flatnonzero((seat != CHANCE) & (seat < game.seats))
        example = deciding[np.unique(keys[deciding], return_index=True)[1]]
        _same_moves(game, keys[deciding], mask[deciding], keys[example], mask[example])
        yield Level(seat, keys, parent, via, chance, paid, example, rows[example], mask[example])
        rows = np.concatenate([part.after for part in found])
        parent = np.concatenate([part.parent for part in found])
        via = np.concatenate([part.via for part in found])
        chance = chance[parent] * np.concatenate([part.chance for part in found])
        settled = (rows["seat"] != CHANCE) | rows["done"]  # a ply pays once all that follows it has fallen
        paid = paid[parent] + np.where(settled[:, None], rows["reward"].astype(np.float64), 0.0)


class Step(NamedTuple):
    """Some positions of a level: their moves and keys, and every position one step after them (see `spread`)."""

    legal: NDArray[np.bool_]
    keys: NDArray[np.uint64]
    after: Rows
    parent: NDArray[np.int64]
    via: NDArray[np.int64]
    chance: NDArray[np.float64]


def _steps(game: Game, rows: Rows, total: int, most: int) -> Iterator[Step]:
    """A level's steps, a chunk of its rows at a time; total = positions counted before this level."""
    outcomes = game.chances.outcomes if game.chances else 0
    count = total + len(rows)
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        mask, keys = np.empty((len(part), game.actions), np.bool_), np.empty(len(part), np.uint64)
        after = np.empty(len(part) * max(game.actions, outcomes), game.row)
        parent, via, chance = np.empty(len(after), np.int64), np.empty(len(after), np.int64), np.empty(len(after))
        n = spread(game, part, outcomes, mask, keys, after, parent, via, chance)
        count += n
        if count > most:
            raise TooLarge(
                f"The tree of {game.name} has more than {most:,} positions, too many for exact work; take a smaller "
                f"game, or a best response that is learned, which bounds exploitability from below."
            )
        yield Step(mask, keys, after[:n].copy(), parent[:n] + start, via[:n].copy(), chance[:n].copy())


def _same_moves(game: Game, keys: NDArray, mask: NDArray, known: NDArray, known_mask: NDArray) -> None:
    if not np.array_equal(mask, known_mask[np.searchsorted(known, keys)]):
        raise ValueError(f"{game.name}: positions that a seat cannot tell apart allow different moves; mend its key.")


def _information_sets(levels: list[Level]) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """(the keys in the tree's order, which of all levels' examples stand for them, the seat of every example)."""
    keys = np.concatenate([level.key[level.example] for level in levels])
    seats = np.concatenate([level.seat[level.example] for level in levels]).astype(np.int64)
    _, chosen = np.unique(keys, return_index=True)  # the first, which is the highest in the tree
    order = chosen[np.lexsort((chosen, seats[chosen]))]
    return keys[order], order, seats


def _walk(
    game: Game,
    levels: list[Level],
    keys: NDArray[np.uint64],
    seat: NDArray[np.int64],
    number: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """(above [I], ends [seats, T], paid [seats, T], chance [T]) by going down the tree; checks perfect recall."""
    by_key = np.argsort(keys)
    above = np.full(len(keys), -1)
    last = np.arange(game.seats)[None]
    places, ended = np.zeros(0, np.int64), []
    before = levels[0]
    for level in levels:
        if level is not before:
            last = last[level.parent]
            moved = np.flatnonzero(level.via >= 0)
            where = places[level.parent[moved]]
            last[moved, before.seat[level.parent[moved]]] = number[where, level.via[moved]]
        over = level.seat == game.seats
        ended.append((last[over], level.chance[over], level.paid[over]))
        deciding = np.flatnonzero(~over & (level.seat != CHANCE))
        places = np.full(len(level.seat), -1)
        places[deciding] = by_key[np.searchsorted(keys, level.key[deciding], sorter=by_key)]
        own = last[deciding, level.seat[deciding]]
        fresh = above[places[deciding]] < 0
        above[places[deciding[fresh]]] = own[fresh]
        if (above[places[deciding]] != own).any() or (seat[places[deciding]] != level.seat[deciding]).any():
            raise Unable(
                f"{game.name}: what a seat can tell (Game.key) forgets moves of its own or whose turn it is, and "
                "exact work needs perfect recall."
            )
        before = level
    sequences, chances, returns = (np.concatenate(parts) for parts in zip(*ended, strict=True))
    paid = np.ascontiguousarray((returns * chances[:, None]).T)
    return above, np.ascontiguousarray(sequences.T), paid, chances

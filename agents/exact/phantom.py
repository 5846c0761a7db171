"""Best responses in phantom games (dark Hex, phantom tic-tac-toe), whose trees are too large to be held.

For opponents who care what they know and not in which order they learned it: their policy is a table over what they
have placed and met. The answering seat's own information sets are then walked depth first, each with its belief: how
likely every hidden position is that agrees with what it has seen. Uniform play is such a policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.agent import Unable
from envs.game import Game, rule
from envs.kernels import compiled, new_rows, play_rows

MOST_CELLS = 9


class Answers(NamedTuple):
    """What a pair of policies is worth, and what answering each best is worth."""

    values: NDArray[np.float64]
    """[2] what each seat gets when both play their policies."""
    best: NDArray[np.float64]
    """[2] what each seat gets with its best response to the other's policy."""
    sets: tuple[int, int]
    """How many information sets each seat has."""

    @property
    def gains(self) -> NDArray[np.float64]:
        """[2] what each seat gains by its best response."""
        return self.best - self.values

    @property
    def nash_conv(self) -> float:
        """Both gains together."""
        return float(self.gains.sum())


def winning(game: Game) -> NDArray[np.bool_]:
    """[2, 2 ** cells] whether these stones win for a seat: the last of them is placed by the rules themselves."""
    if not {"stones", "met"} <= set(game.row.names or ()) or not game.hidden or game.actions > MOST_CELLS:
        raise Unable(f"{game.name} is no phantom game of at most {MOST_CELLS} cells.")
    cells = game.actions
    sets = 1 << cells
    found = np.zeros((2, sets), np.bool_)
    for seat in (0, 1):
        for last in range(cells):
            with_it = np.flatnonzero(np.arange(sets) >> last & 1)
            rows = new_rows(game, np.zeros(len(with_it), np.uint64))
            rows["stones"][:, seat] = with_it & ~(1 << last)
            rows["seat"] = seat
            play_rows(game, rows, np.full(len(with_it), last))
            found[seat, with_it] |= rows["reward"][:, seat] > 0
    return found


def uniform(cells: int) -> NDArray[np.float64]:
    """[2 ** cells, 2 ** cells, cells] by stones placed and stones met: every cell not yet tried alike."""
    sets = np.arange(1 << cells)
    tried = (sets[:, None] | sets)[:, :, None] >> np.arange(cells) & 1
    left = (1 - tried).astype(np.float64)
    return left / np.maximum(left.sum(axis=2, keepdims=True), 1.0)


class Room(NamedTuple):
    """Where beliefs are held, one a depth of the answering seat's tries; K counts subsets of its own stones.

    others [D], stones [D, 2 ** cells]  how many sets of the other's stones are possible, and which
    weight [D, 2 ** cells, K]           how likely each is, with each subset of the own stones met by the other
    spread [2 ** cells, K]              the n-th subset of a set of stones
    place  [2 ** cells]                 where a set of stones stands in the belief being made, or -1
    sets   [1]                          information sets met so far
    """

    others: NDArray[np.int64]
    stones: NDArray[np.int64]
    weight: NDArray[np.float64]
    spread: NDArray[np.int64]
    place: NDArray[np.int64]
    sets: NDArray[np.int64]


def answers(game: Game, policies: Sequence[NDArray[np.float64]]) -> Answers:
    """What two policies [stones placed, stones met, action], one a seat, are worth and leave to gain; see `uniform`."""
    best = [_walked(game, policies, seat, follow=False) for seat in (0, 1)]
    first, _ = _walked(game, policies, 0, follow=True)
    return Answers(np.array([first, -first]), np.array([value for value, _ in best]), (best[0][1], best[1][1]))


def _walked(game: Game, policies: Sequence[NDArray[np.float64]], seat: int, *, follow: bool) -> tuple[float, int]:
    """(what `seat` gets against the other's policy, best or by its own, its information sets)."""
    policy, mine = policies[1 - seat], policies[seat]
    cells = game.actions
    wins = winning(game)
    subsets, depths = 1 << cells, cells + 2
    most = 1 << (cells + 1) // 2
    spread = np.zeros((subsets, most), np.int64)
    for stones in range(subsets):
        places = [cell for cell in range(cells) if stones >> cell & 1]
        for n in range(min(most, 1 << len(places))):
            spread[stones, n] = sum(1 << cell for bit, cell in enumerate(places) if n >> bit & 1)
    room = Room(
        np.zeros(depths, np.int64),
        np.zeros((depths, subsets), np.int64),
        np.zeros((depths, subsets, most)),
        spread,
        np.full(subsets, -1),
        np.zeros(1, np.int64),
    )
    room.others[0] = 1
    room.weight[0, 0, 0] = 1.0
    if seat == 0:
        value = answered(0, cells, wins, policy, mine, follow, room, 0, 0, 0)
    else:
        value = moved(1, cells, wins, policy, room, 0, -1, 0) + answered(
            1, cells, wins, policy, mine, follow, room, 0, 0, 1
        )
    return float(value), int(room.sets[0])


@compiled
def answered(
    seat: int,
    cells: int,
    wins: NDArray[np.bool_],
    policy: NDArray[np.float64],
    mine: NDArray[np.float64],
    follow: bool,
    room: Room,
    own: int,
    met: int,
    depth: int,
) -> float:
    """What the rest is worth to `seat`, to move with these stones of its own and these of the other's met.

    With the best move of each information set, or by its own policy `mine` if it is to `follow` that.
    """
    others = room.others[depth]
    if others == 0:
        return 0.0
    room.sets[0] += 1
    best = 0.0 if follow else -np.inf
    subsets = 1 << _count(own)
    for action in range(cells):
        bit = 1 << action
        if (own | met) & bit:
            continue
        value, kept, free = 0.0, 0, 0.0
        for i in range(others):
            if room.stones[depth, i] & bit:
                room.stones[depth + 1, kept] = room.stones[depth, i]
                room.weight[depth + 1, kept, :subsets] = room.weight[depth, i, :subsets]
                kept += 1
            elif wins[seat, own | bit]:
                free += room.weight[depth, i, :subsets].sum()
        if kept:
            room.others[depth + 1] = kept
            value += answered(seat, cells, wins, policy, mine, follow, room, own, met | bit, depth + 1)
        if wins[seat, own | bit]:
            value += free
        elif kept < others:
            value += moved(seat, cells, wins, policy, room, own, action, depth)
            value += answered(seat, cells, wins, policy, mine, follow, room, own | bit, met, depth + 1)
        best = best + mine[own, met, action] * value if follow else max(best, value)
    return best


@compiled
def moved(
    seat: int,
    cells: int,
    wins: NDArray[np.bool_],
    policy: NDArray[np.float64],
    room: Room,
    own: int,
    action: int,
    depth: int,
) -> float:
    """The other's whole turn after `seat` has placed a stone (-1: none): writes the next depth's belief.

    Returns what `seat` is paid where that turn ends the game.
    """
    paid, made, whole = 0.0, 0, (1 << cells) - 1
    bit = 1 << action if action >= 0 else 0
    stones, low = own | bit, (1 << _count(own & (bit - 1))) - 1 if action >= 0 else 0
    subsets = 1 << _count(own)
    seen = np.zeros(room.weight.shape[2])
    for i in range(room.others[depth]):
        theirs = room.stones[depth, i]
        if theirs & bit or stones | theirs == whole:
            continue
        seen[:] = 0.0
        for n in range(subsets):  # a new stone of which the other knows nothing yet
            seen[(n & low) | (n & ~low) << 1 if action >= 0 else n] = room.weight[depth, i, n]
        for n in range(1 << _count(stones)):
            if seen[n] == 0.0:
                continue
            known = room.spread[stones, n]
            for cell in range(cells):
                there = 1 << cell
                share = seen[n] * policy[theirs, known, cell]
                if share == 0.0:
                    continue
                if stones & there:
                    seen[n | 1 << _count(stones & (there - 1))] += share
                elif wins[1 - seat, theirs | there]:
                    paid -= share
                elif stones | theirs | there != whole:
                    slot = room.place[theirs | there]
                    if slot < 0:
                        slot = made
                        room.place[theirs | there] = slot
                        room.stones[depth + 1, slot] = theirs | there
                        room.weight[depth + 1, slot, :] = 0.0
                        made += 1
                    room.weight[depth + 1, slot, n] += share
    for slot in range(made):
        room.place[room.stones[depth + 1, slot]] = -1
    room.others[depth + 1] = made
    return paid


@rule
def _count(stones: int) -> int:
    """How many stones a small set holds."""
    total = 0
    while stones:
        stones &= stones - 1
        total += 1
    return total

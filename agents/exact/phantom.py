"""Best responses in phantom games (dark Hex, phantom tic-tac-toe), exact, though their trees are too large to be held.

A policy is a table over a seat's information sets (`agents.exact.phantom_sets`). The answering seat's sets are walked
depth first, each with its belief: how likely each of the other's sets is, wherever that seat then stands. Positions
whose result no play can change any more are paid at once, which spares nine tenths of the walk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.exact.best_response import Answers
from agents.exact.phantom_sets import MET, OPEN, PLACED, Sets, alive_sets, results, sets_of
from agents.exact.policy import Heard
from envs.game import Game
from envs.kernels import compiled


def answers(game: Game, policies: Sequence[NDArray[np.float64]], *, heard: Heard = lambda done, total: None) -> Answers:
    """What two policies [I, A], one a seat, are worth and leave to gain; both seats are walked at once, on two cores.

    policies  over the information sets of `sets_of(game, seat)`
    """
    done = [0, 0]

    def more(seat: int) -> None:
        done[seat] += 1
        heard(sum(done), 2 * game.actions)

    with ThreadPoolExecutor(2) as pool:
        (best, value), (other, _) = pool.map(lambda seat: _walked(game, policies, seat, lambda: more(seat)), (0, 1))
    return Answers(np.array([value, -value]), np.array([best, other]))


class Walk(NamedTuple):
    """What a seat's walk reads, and where it holds its beliefs, a stack.

    ends     [2 ** cells, 2 ** cells] what the seat is paid, or OPEN, by its own stones and the other's
    mine     [I, A] the seat's own policy
    next     [I, A, 2] its information sets
    policy, below  of the other
    who      [room] the other's information set, once it is to move there
    held     [room] its stones
    weight   [room] how likely it is there, as far as the other's moves go
    turn, share  [cells * cells] likewise, of sets in which the other goes on with its turn
    place    [I + 2 ** cells] where on the stack a set of the belief being made stands, or -1, those that are not asked
             any more by their stones; of length 0 where no two ways lead to one
    """

    ends: NDArray[np.int8]
    mine: NDArray[np.float64]
    next: NDArray[np.int32]
    policy: NDArray[np.float64]
    below: NDArray[np.int32]
    who: NDArray[np.int64]
    held: NDArray[np.int64]
    weight: NDArray[np.float64]
    turn: NDArray[np.int64]
    share: NDArray[np.float64]
    place: NDArray[np.int64]


def _walked(
    game: Game, policies: Sequence[NDArray[np.float64]], seat: int, heard: Callable[[], None]
) -> tuple[float, float]:
    """What `seat` gets against the other's policy: (with its best response, by its own policy)."""
    own, others, cells = sets_of(game, seat), sets_of(game, 1 - seat), game.actions
    ends = results(game)
    if seat == 1:
        ends = np.ascontiguousarray(np.where(ends == OPEN, OPEN, -ends).T)
    size = room(game, 1 - seat)
    policy, below, first = forgotten(others, policies[1 - seat])
    merged = len(policy) < len(others.stones)
    walk = Walk(
        ends, policies[seat], own.below, policy, below, np.zeros(size, np.int64), np.zeros(size, np.int64),
        np.zeros(size), np.zeros(cells * cells, np.int64), np.zeros(cells * cells),
        np.full(len(policy) + (1 << cells) if merged else 0, -1),
    )  # fmt: skip
    start, stop, paid = 0, 1, 0.0  # the other has nothing yet, and knows nothing
    walk.who[0], walk.weight[0] = first, 1.0
    if seat == 1:
        start = stop
        stop, paid = replied(cells, walk, 0, 0, 0, 1)
    best, played = -np.inf, 0.0
    for cell in range(cells):
        worth, as_played = answered(cells, walk, 0, 0, 0, start, stop, 1 << cell)
        best, played = max(best, worth), played + as_played
        heard()
    return best + paid, played + paid


def forgotten(sets: Sets, policy: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int32], int]:
    """(policy, `Sets.below`, the first set) with sets as one that a policy plays alike, if what it cares for is what it
    has placed and met, and not in which order; else as they are. Even play is such a policy, and is answered sooner.
    """
    _, first, which = np.unique(sets.stones << sets.game.actions | sets.met, return_index=True, return_inverse=True)
    if (policy != policy[first][which]).any():
        return policy, sets.below, 0
    below = sets.below[first]
    return policy[first], np.where(below < 0, -1, which[below]).astype(np.int32), int(which[0])


@cache
def room(game: Game, seat: int) -> int:
    """A bound of how many of a seat's information sets the beliefs of one walk hold at once.

    At each of the walk's tries no more than the sets with as many stones that hold none of the walker's, and have met
    none but those.
    """
    cells = game.actions
    ways = sequences(cells, alive_sets(cells, np.full((1 << cells,) * 2, OPEN, np.int8), seat))
    for cell in range(cells):  # sums over all sets of stones met within a set
        with_it = np.flatnonzero(np.arange(1 << cells) >> cell & 1)
        ways[:, with_it] += ways[:, with_it ^ (1 << cell)]
    stones = np.arange(1 << cells)
    ways[stones[:, None] & stones != 0] = 0
    number = np.bitwise_count(stones)
    most = max(ways[number == k].sum(axis=0).max() for k in range(cells + 1))
    return int(most) * (cells + 2) + 2


@compiled
def sequences(cells: int, alive: NDArray[np.bool_]) -> NDArray[np.int64]:
    """[2 ** cells, 2 ** cells] how many information sets have placed and met these stones, where they are `alive`."""
    ways = np.zeros(alive.shape, np.int64)
    ways[0, 0] = 1
    for own in range(len(alive)):
        for met in range(len(alive)):
            if ways[own, met]:
                for cell in range(cells):
                    bit = 1 << cell
                    if not (own | met) & bit:
                        if alive[own | bit, met]:
                            ways[own | bit, met] += ways[own, met]
                        if alive[own, met | bit]:
                            ways[own, met | bit] += ways[own, met]
    return ways


@compiled
def answered(
    cells: int, walk: Walk, at: int, own: int, met: int, start: int, stop: int, within: int
) -> tuple[float, float]:
    """What the rest is worth to the walker, to move in set `at` with the belief start .. stop - 1 of the stack.

    (With the best move of each information set, by its own policy), from among the cells `within` a set of them.
    """
    if start == stop:
        return 0.0, 0.0
    best, played, everywhere = -np.inf, 0.0, (1 << cells) - 1
    for cell in range(cells):
        bit = 1 << cell
        if (own | met) & bit or not within & bit:
            continue
        worth, as_played, top = 0.0, 0.0, stop
        for i in range(start, stop):
            if walk.held[i] & bit:
                walk.who[top], walk.held[top], walk.weight[top] = walk.who[i], walk.held[i], walk.weight[i]
                top += 1
        # As int64: numba caches no function that calls itself with other types than it was called with.
        met_below: Any = np.int64(walk.next[at, cell, MET])
        placed_below: Any = np.int64(walk.next[at, cell, PLACED])
        if top > stop:
            worth, as_played = answered(cells, walk, met_below, own, met | bit, stop, top, everywhere)
        top, paid = replied(cells, walk, own | bit, bit, start, stop)
        more, more_played = answered(cells, walk, placed_below, own | bit, met, stop, top, everywhere)
        best = max(best, worth + more + paid)
        played += walk.mine[at, cell] * (as_played + more_played + paid)
    return best, played


@compiled
def replied(cells: int, walk: Walk, own: int, placed: int, start: int, stop: int) -> tuple[int, float]:
    """The other's whole turn: puts the walker's next belief on the stack from `stop` on, given start .. stop - 1.

    own     the walker's stones, with `placed`, the one that it has just placed; where that lies on a stone nothing was
    Returns (where the belief ends, what the walker is paid where its stone or that turn decides the game).
    """
    top, paid, merging = stop, 0.0, len(walk.place) > 0
    for i in range(start, stop):
        stones = walk.held[i]
        if stones & placed:
            continue
        end = walk.ends[own, stones]
        if end != OPEN:
            paid += end * walk.weight[i]
            continue
        walk.turn[0], walk.share[0] = walk.who[i], walk.weight[i]
        turns = 1
        while turns:
            turns -= 1
            at, share = walk.turn[turns], walk.share[turns]
            for cell in range(cells):
                weight = share * walk.policy[at, cell]
                bit = 1 << cell
                if weight == 0.0:
                    continue
                if own & bit:
                    walk.turn[turns], walk.share[turns] = walk.below[at, cell, MET], weight
                    turns += 1
                    continue
                end, then = walk.ends[own, stones | bit], walk.below[at, cell, PLACED]
                if end != OPEN:
                    paid += end * weight
                    continue
                if merging:
                    place = then if then >= 0 else len(walk.policy) + (stones | bit)
                    if walk.place[place] >= 0:
                        walk.weight[walk.place[place]] += weight
                        continue
                    walk.place[place] = top
                walk.who[top], walk.held[top], walk.weight[top] = then, stones | bit, weight
                top += 1
    if merging:
        for i in range(stop, top):
            walk.place[walk.who[i] if walk.who[i] >= 0 else len(walk.policy) + walk.held[i]] = -1
    return top, paid

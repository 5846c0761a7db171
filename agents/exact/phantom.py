"""Best responses in phantom games (dark Hex, phantom tic-tac-toe), exact, though their trees are too large to be held.

A policy is a table over a seat's information sets: all that it has tried, in its order, and what it met. The answering
seat's sets are walked depth first, each with its belief: how likely each of the other's sets is, wherever that seat
then stands. Positions whose result no play can change any more are paid at once, which spares nine tenths of the walk;
on 3 x 3, of 1.9e10 histories of dark Hex 7e8 are left that somebody has still something to decide in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.agent import Agent, Memory, Unable, take
from agents.exact.best_response import Answers
from agents.exact.policy import BATCH, Heard, drawn_from
from agents.play import check
from envs import kernels
from envs.game import Game, Rows, rule
from envs.kernels import compiled, new_rows, play_rows

MOST_CELLS = 9
OPEN = 2
"""In a table of results: of positions that are still to be decided."""
PLACED, MET = 0, 1
"""What becomes of a try."""


@dataclass(frozen=True, eq=False)
class Sets:
    """One seat's information sets in which something is still to be decided; I of them, by the number of tries.

    stones  [I] its stones on the board, as bits
    met     [I] the other's stones that it has met
    below   [I, A, 2] the set that follows a try that placed a stone, or met one; -1 where none does
    above   [I] the set and the try that lead to each, and what came of it: (set * A + action) * 2 + PLACED or MET
    levels  where each number of tries begins, and where the last ends
    """

    game: Game
    seat: int
    stones: NDArray[np.int64]
    met: NDArray[np.int64]
    below: NDArray[np.int32]
    above: NDArray[np.int64]
    levels: tuple[int, ...]

    def rows(self) -> Iterator[tuple[int, Rows]]:
        """(number of the first, a position of each of them) of the sets of each number of tries, by the rules."""
        before = new_rows(self.game, np.zeros(1, np.uint64))
        before["seat"] = self.seat
        yield 0, before
        for start, stop, last in zip(self.levels[1:-1], self.levels[2:], self.levels, strict=False):
            above, came = np.divmod(self.above[start:stop], 2)
            above, action = np.divmod(above, self.game.actions)
            rows = before[above - last]
            stone = np.uint64(1) << action.astype(np.uint64)
            rows["stones"][:, 1 - self.seat] |= np.where(came == MET, stone, np.uint64(0))
            play_rows(self.game, rows, action)
            rows["seat"], rows["done"] = self.seat, False
            yield start, rows
            before = rows

    def uniform(self) -> NDArray[np.float64]:
        """[I, A] the policy that tries every cell not yet tried alike."""
        free = 1 - ((self.stones | self.met)[:, None] >> np.arange(self.game.actions) & 1)
        return free / free.sum(axis=1, keepdims=True)


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


@cache
def results(game: Game) -> NDArray[np.int8]:
    """[2 ** cells, 2 ** cells] by the stones of both seats: what seat 0 is paid, or OPEN while that may be any of two.

    Who moves next follows from how many stones there are; places that are no position hold what means nothing.
    """
    wins = winning(game)
    out = np.full((1 << game.actions, 1 << game.actions), OPEN, np.int8)
    _results(game.actions, wins, out)
    return out


@compiled
def _results(cells: int, wins: NDArray[np.bool_], out: NDArray[np.int8]) -> None:
    whole = (1 << cells) - 1
    for first in range(whole, -1, -1):  # whatever follows holds more stones, and is a larger number
        for second in range(whole, -1, -1):
            if first & second:
                continue
            if wins[0, first]:
                out[first, second] = 1
            elif wins[1, second]:
                out[first, second] = -1
            elif first | second == whole:
                out[first, second] = 0
            else:
                mover, low, high = _count(first) - _count(second), 2, -2
                for cell in range(cells):
                    bit = 1 << cell
                    if not (first | second) & bit:
                        then = out[first | bit, second] if mover == 0 else out[first, second | bit]
                        low, high = (-2, 2) if then == OPEN else (min(low, then), max(high, then))
                        if low != high:
                            break
                if low == high:
                    out[first, second] = low


@cache
def sets_of(game: Game, seat: int) -> Sets:
    """A seat's information sets in which something is still to be decided."""
    cells = game.actions
    alive = _alive(cells, results(game) if seat == 0 else results(game).T.copy(), seat)
    stones, met, above = [np.zeros(1, np.int64)], [np.zeros(1, np.int64)], [np.full(1, -1)]
    below, levels, count = [], [0, 1], 1
    while len(stones[-1]):
        own, seen = stones[-1][:, None, None], met[-1][:, None, None]
        bit = (1 << np.arange(cells))[:, None]
        after = (own | bit * np.array([1, 0]), seen | bit * np.array([0, 1]))
        there = alive[after] & ((own | seen) & bit == 0)
        fresh = np.flatnonzero(there)
        then = np.full(there.shape, -1, np.int32)
        then[there] = count + np.arange(len(fresh))
        below.append(then)
        stones.append(after[0][there])
        met.append(after[1][there])
        above.append(levels[-2] * cells * 2 + fresh)
        count += len(fresh)
        levels.append(count)
    own, seen, whence = (np.concatenate(part) for part in (stones, met, above))
    return Sets(game, seat, own, seen, np.concatenate(below), whence, tuple(levels[:-1]))


def _alive(cells: int, ends: NDArray[np.int8], seat: int) -> NDArray[np.bool_]:
    """[2 ** cells, 2 ** cells] by own stones and stones met: whether the seat may have to move in an open position.

    ends  `results`, the own stones first
    """
    stones = np.arange(1 << cells)
    number = np.bitwise_count(stones).astype(np.int64)
    out = np.zeros(ends.shape, np.bool_)
    for own in stones:
        others = stones[(stones & own == 0) & (number == number[own] + seat)]
        for other in others[ends[own, others] == OPEN]:
            out[own, stones & ~other == 0] = True
    return out


def policy_of(
    agent: Agent, sets: Sets, *, seed: int = 0, heard: Heard = lambda done, total: None
) -> NDArray[np.float64]:
    """[I, A] with what probability an agent plays each action in each information set.

    One that says what it draws its moves from is believed; one whose moves are always the same is asked twice. Raises
    Unable of any other, as it would have to be asked too often.
    """
    policy, told = _asked(agent, sets, seed, 0, heard)
    if not told and (policy != _asked(agent, sets, seed, 1, heard)[0]).any():
        raise Unable(f"{agent.name} draws its moves, and does not say from what; exact work needs to know.")
    return policy / policy.sum(axis=1, keepdims=True)


def _asked(agent: Agent, sets: Sets, seed: int, turn: int, heard: Heard) -> tuple[NDArray[np.float64], bool]:
    """([I, A] one answer in every information set, from the top down; whether all were what moves are drawn from)."""
    game, told = sets.game, True
    policy = np.zeros((len(sets.stones), game.actions))
    before: Memory = {}
    last = 0
    for start, rows in sets.rows():
        kept: Memory = {}
        for at in range(0, len(rows), BATCH):
            lanes = np.arange(at, min(at + BATCH, len(rows)))
            memory = agent.begin(game, kernels.seeds(seed, len(lanes), sets.seat, turn, start + at))
            if start:
                memory |= take(before, sets.above[start + lanes] // (2 * game.actions) - last)
            view = kernels.view(game, rows[lanes])
            decision = agent.act(view, memory)
            check(agent, view, decision.action)
            for name, value in decision.memory.items():
                kept.setdefault(name, np.zeros((len(rows), *value.shape[1:]), value.dtype))[lanes] = value
            drawn = drawn_from(agent, view, decision)
            told &= drawn is not None
            if drawn is None:
                policy[start + lanes, decision.action] = 1.0
            else:
                policy[start + lanes] = np.where(view.legal, drawn, 0.0)
            heard(start + int(lanes[-1]) + 1, len(policy))
        before, last = kept, start
    return policy, told


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
    ways = sequences(cells, _alive(cells, np.full((1 << cells,) * 2, OPEN, np.int8), seat))
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


@rule
def _count(stones: int) -> int:
    """How many stones a small set holds."""
    total = 0
    while stones:
        stones &= stones - 1
        total += 1
    return total

"""Information sets of phantom games (dark Hex, phantom tic-tac-toe), and what an agent plays in each of them.

A seat's set is all that it has tried, in its order, and what it met. On 3 x 3, of 1.9e10 histories of dark Hex 7e8 are
left that somebody has still something to decide in; only the sets of those are held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agents.agent import Agent, Memory, Unable, take
from agents.exact.policy import BATCH, Heard, drawn_from
from agents.play import check
from envs import kernels
from envs.bits import count_bits
from envs.game import Game, Rows
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
                mover, low, high = count_bits(np.uint64(first)) - count_bits(np.uint64(second)), 2, -2
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
    alive = alive_sets(cells, results(game) if seat == 0 else results(game).T.copy(), seat)
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


def alive_sets(cells: int, ends: NDArray[np.int8], seat: int) -> NDArray[np.bool_]:
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

"""What perfect play says about a Connect Four position: the book where it reaches, search where it ends."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from agents.scripted.solvers import connect_four as c4
from agents.scripted.solvers.book import Book, load
from agents.scripted.solvers.connect_four_moves import find_all, find_best, outline

U = np.uint64
NODES = 15_000_000
"""Positions that one answer may visit: under a second of one core (15 to 20 million a second)."""
SHARED_FROM = 12
"""From this ply on every search ends far below NODES, so all may share what they prove. Earlier ones start from an
empty table: then the answer at the limit depends on the position alone, not on what was asked before."""
REMEMBERED = 1 << 16

Bounds = tuple[NDArray[np.int8], NDArray[np.int8]]


class ConnectFour:
    """Scores of moves, as in `connect_four`; keeps its proofs from call to call."""

    actions = c4.COLUMNS

    def __init__(self, nodes: int = NODES, table_bits: int = 22, book: Book | None = None) -> None:
        self.nodes = nodes
        self.book = load() if book is None else book
        self.table = c4.new_table(table_bits)
        self.answers: OrderedDict[tuple[int, int], Bounds] = OrderedDict()

    def bounds(self, stones: NDArray[np.uint64]) -> Bounds:
        """Lower and upper bounds, int8 [B, 7], of every move's score for the seat to move; stones [B, 2] by seat.

        The moves with the highest lower bound are the ones to play. They are the best there are, as to win, draw or
        loss, wherever the book or a search of `nodes` positions reaches that far, and mostly as to how soon.
        """
        low = np.full((len(stones), c4.COLUMNS), c4.NEVER, np.int8)
        high = low.copy()
        for row, (mover, mask) in enumerate(sides(stones)):
            if (mover, mask) not in self.answers:
                self.answers[mover, mask] = self._answer(mover, mask)
                if len(self.answers) > REMEMBERED:
                    self.answers.popitem(last=False)
            low[row], high[row] = self.answers[mover, mask]
        return low, high

    def scores(self, stones: NDArray[np.uint64]) -> NDArray[np.int8]:
        """[B, 7] the exact score of every move, NEVER where illegal; takes what time it takes.

        Milliseconds a position from 12 stones on, up to minutes on an empty board without a book of exact scores.
        """
        out = np.full((len(stones), c4.COLUMNS), c4.NEVER, np.int8)
        for row, (mover, mask) in enumerate(sides(stones)):
            low, high = self._outline(mover, mask)
            find_all(U(mover), U(mask), low, high, self.table, np.array([0, np.iinfo(np.int64).max]))
            out[row] = low
        return out

    def _outline(self, mover: int, mask: int) -> Bounds:
        """What needs no search: rules of thumb and the book."""
        low, high = np.empty(c4.COLUMNS, np.int8), np.empty(c4.COLUMNS, np.int8)
        if bool(c4.has_four(U(mover ^ mask))):
            low[:] = high[:] = c4.NEVER
            return low, high
        outline(U(mover), U(mask), low, high)
        for column in np.flatnonzero(low < high).tolist():
            move = (mask + int(c4.BOTTOM)) & (int(c4.COLUMN) << 7 * column)
            after = self.book.find(mover ^ mask, mask | move)
            if after is not None:
                low[column], high[column] = max(low[column], -after.high), min(high[column], -after.low)
        here = self.book.find(mover, mask)
        if here is not None and low.max() < here.low:
            low[here.move] = here.low
        if here is not None:
            np.minimum(high, here.high, out=high, where=high > here.high)
        return low, high

    def _answer(self, mover: int, mask: int) -> Bounds:
        low, high = self._outline(mover, mask)
        if low.max() < high.max() and not self._in_book(low, high):
            if mask.bit_count() < SHARED_FROM:
                self.table[:] = 0
            find_best(U(mover), U(mask), low, high, self.table, np.array([0, self.nodes]))
        elif np.any((low < high) & (high >= low.max())):
            find_best(U(mover), U(mask), low, high, self.table, np.array([0, self.nodes]))
        return low, high

    @staticmethod
    def _in_book(low: NDArray[np.int8], high: NDArray[np.int8]) -> bool:
        """Whether it is known of every legal move if it wins, draws or loses."""
        return bool(np.all((low > 0) | (high < 0) | (low == high)))


def sides(stones: NDArray[np.uint64]) -> list[tuple[int, int]]:
    """(mover's stones, both seats' stones) of positions given as stones [B, 2] by seat; seat 0 moves first."""
    out: list[tuple[int, int]] = []
    for first, second in stones.tolist():
        mask = first | second
        out.append((second if mask.bit_count() % 2 else first, mask))
    return out


def plies_left(stones: NDArray[np.uint64], scores: NDArray[np.int8]) -> NDArray[np.int64]:
    """[B] the plies to the end of the game under perfect play, the loser holding out; from `ConnectFour.scores`."""
    best = scores.max(axis=1).astype(np.int64)
    ply = np.array([mask.bit_count() for _, mask in sides(stones)], np.int64)
    seat = np.where(best > 0, ply % 2, 1 - ply % 2)  # the winner
    end = 2 * (c4.CELLS // 2 + 1 - np.abs(best)) - (seat == 0)
    return np.where(best == 0, c4.CELLS, end) - ply

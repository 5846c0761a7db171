"""What forbids the same position to come back: simple ko, or positional superko by Zobrist hashes kept in the row.

Positions are compared by 64 bits (Zobrist 1970), the first one with all others. Two facts make that cheap. A stone of
one's own can complete an earlier position only where an own stone once stood and was taken, unless the move takes
itself; so only such points are looked at. And a sieve, one bit for each earlier position, turns most of them away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.bits import ONE, lowest_bit
from envs.boards.go.chains import BLACK, COUNT, EMPTY, OFF, breathes, in_atari
from envs.game import Bits, Row, rule
from envs.kernels import seeds


class Ko(NamedTuple):
    """The fields that a rule of ko needs in a row, and what it does when.

    forget(row)                      at the start of a game
    fell(row, start, colour)         after a chain, around from `start`, was taken
    settled(row, point, count, last) after a stone on `point` took `count` stones in all, the last chain's at `last`
    bar(row)                         before the seat to move is asked: sets row.barred where it must not play
    """

    fields: dict[str, Any]
    forget: Callable[[Row], None]
    fell: Callable[[Row, int, int], None]
    settled: Callable[[Row, int, int, int], None]
    bar: Callable[[Row], None]


@rule
def nothing(row: Row) -> None:
    """There is nothing to forget, and nothing more to bar."""


@rule
def nothing_fell(row: Row, start: int, colour: int) -> None:
    """Who keeps no account of positions need not know."""


@rule
def bar_taking_back(row: Row, point: int, count: int, last: int) -> None:
    """A single stone that took a single stone, and has its place for its only liberty, may not be taken at once."""
    if count == 1 and row.follow[point] == point and row.liberties[point] >> COUNT == 1:
        row.barred[last] = True


SIMPLE = Ko({}, nothing, nothing_fell, bar_taking_back, nothing)


def positional(points: int, limit: int, suicide: bool, beside: NDArray[np.uint16]) -> Ko:
    """No position of the board may come back, whoever is to move (Tromp & Taylor)."""
    codes = seeds(0, 2 * points, 1952).reshape(2, points)
    words = 1 << max(0, (limit // 8).bit_length())  # 8 to 16 bits of the sieve for a position
    low, six = np.uint64(words - 1), np.uint64(6)
    sets = -(-points // 64)
    every = np.array([(1 << min(64, points - 64 * i)) - 1 for i in range(sets)], np.uint64)
    fields = {
        "hash": np.uint64,
        "positions": np.int16,
        "past": (np.uint64, (limit + 1,)),
        "sieve": (np.uint64, (words,)),
        "fallen": (np.uint64, (2, sets)),  # bits: where a stone of each seat was taken once
    }

    @rule
    def note(row: Row) -> None:
        row.past[row.positions] = row.hash
        row.positions += 1
        row.sieve[(row.hash >> six) & low] |= ONE << (row.hash & np.uint64(63))

    @rule
    def forget(row: Row) -> None:
        row.hash = 0
        row.positions = 0
        for i in range(limit + 1):
            row.past[i] = 0
        for i in range(words):
            row.sieve[i] = 0
        for i in range(sets):
            row.fallen[0, i] = 0
            row.fallen[1, i] = 0
        note(row)

    @rule
    def fell(row: Row, start: int, colour: int) -> None:
        stone = start
        while True:
            row.hash ^= codes[colour - BLACK, stone]
            row.fallen[colour - BLACK, stone >> 6] |= ONE << np.uint64(stone & 63)
            stone = row.follow[stone]
            if stone == start:
                break

    @rule
    def settled(row: Row, point: int, count: int, last: int) -> None:
        row.hash ^= codes[1 - row.seat if row.colour[point] == EMPTY else row.seat, point]
        note(row)

    @rule
    def sieved(row: Row, code: Bits) -> bool:
        return (row.sieve[(code >> six) & low] >> (code & np.uint64(63))) & ONE != 0

    @rule
    def known(row: Row, code: Bits) -> bool:
        if not sieved(row, code):
            return False
        found = False
        for i in range(row.positions):
            found |= row.past[i] == code
        return found

    @rule
    def without(row: Row, code: Bits, point: int, colour: int) -> Bits:
        """The code of the position without those chains of a colour whose last liberty is `point`."""
        for k in range(4):
            other = beside[point, k]
            if row.colour[other] == OFF:
                break
            if row.colour[other] != colour or not in_atari(row.liberties[row.chain[other]]):
                continue
            again = False
            for before in range(k):
                near = beside[point, before]
                again |= row.colour[near] == colour and row.chain[near] == row.chain[other]
            stone = other
            while not again:
                code ^= codes[colour - BLACK, stone]
                stone = row.follow[stone]
                again = stone == other
        return code

    @rule
    def bar_point(row: Row, point: int) -> None:
        """Bars an empty point where a stone would bring back an earlier position."""
        mine = row.seat + BLACK
        tight = row.vacant[point] == 0
        if suicide and not tight and (row.fallen[row.seat, point >> 6] >> np.uint64(point & 63)) & ONE == 0:
            return
        if tight and not breathes(row, point, mine, beside, suicide):
            return
        start: Bits = row.hash
        code = without(row, start, point, 3 - mine)
        if tight and code == start and not breathes(row, point, mine, beside, False):
            code = without(row, code, point, mine)
        else:
            code ^= codes[mine - BLACK, point]
        row.barred[point] = known(row, code)

    @rule
    def may_repeat(row: Row, point: int) -> bool:
        """Whether a stone on an empty point takes, or the sieve knows the position in which it took nothing."""
        takes = False
        for k in range(4):
            other = beside[point, k]
            takes |= (row.colour[other] == 2 - row.seat) & (row.air[row.chain[other]] == row.seat + 1)
        return takes | sieved(row, row.hash ^ codes[row.seat, point])

    @rule
    def bar(row: Row) -> None:
        if row.taken[0] + row.taken[1] == 0:
            return
        for i in range(sets):
            left: Bits = (every[i] if suicide else row.fallen[row.seat, i]) & ~row.stones[i]
            while left:
                point = 64 * i + lowest_bit(left)
                left &= left - ONE
                if suicide or may_repeat(row, point):
                    bar_point(row, point)

    return Ko(fields, forget, fell, settled, bar)

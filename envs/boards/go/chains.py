"""Stones of Go in chains that know their liberties, kept up to date move by move.

Every stone names its chain (one of its stones), and the stones of a chain follow each other in a circle. A chain keeps
the number, the sum and the sum of squares of its pseudo-liberties: the empty points beside its stones, once for every
stone they lie beside. They are all the same point exactly where number x squares = sum x sum (equality in the
inequality of Cauchy and Schwarz), which is how a chain in atari is known without looking at it. The three stand in one
64-bit number, so that placing, joining and taking are one addition each. What follows for a stone beside a chain is
kept too (`air`): few chains change in a ply, and every walled point asks all those around it.

The fields of a row, for n points counted line by line from the top left, and one more that is off the board, so that
nothing asks whether a neighbour is there: a branch that depends on the board is guessed wrong too often. Points have
no sign, or every look at a field would ask whether it counts from the end.
colour[n + 1]  EMPTY, BLACK, WHITE or OFF     vacant[n + 1]  empty points beside this one
chain[n + 1], follow[n]                       of stones
liberties[n + 1], air[n + 1]                  of chains, only those of the stone that names it; `air` is the side whose
                                              stone would live beside the chain: its own, or in atari the other
stones, walled  bits: where there is a stone, or no board; where no empty point is beside
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.bits import ONE
from envs.game import Row, rule

EMPTY, BLACK, WHITE, OFF = 0, 1, 2, 3
COUNT, SUM = 48, 28
"""Where the number and the sum of the pseudo-liberties begin; the squares are below. 361 points fit."""


def neighbours(lines: int, columns: int) -> NDArray[np.uint16]:
    """[n, 4] the points beside each point; those off the board are n, and come last."""
    count = lines * columns
    beside = np.full((count, 4), count, np.uint16)
    for point in range(count):
        line, column = divmod(point, columns)
        around = ((line - 1, column), (line, column - 1), (line, column + 1), (line + 1, column))
        found = [r * columns + c for r, c in around if 0 <= r < lines and 0 <= c < columns]
        beside[point, : len(found)] = found
    return beside


def weights(count: int) -> NDArray[np.int64]:
    """[n + 1] what each point adds to the liberties of a chain: 1, itself, and its square; off the board, nothing."""
    points = np.arange(count + 1, dtype=np.int64)
    return ((1 << COUNT) + (points << SUM) + points * points) * (points < count)


@rule
def in_atari(liberties: int) -> bool:
    """Whether all the pseudo-liberties of a chain are the same point."""
    count = liberties >> COUNT
    total = (liberties >> SUM) & ((1 << COUNT - SUM) - 1)
    return count * (liberties & ((1 << SUM) - 1)) == total * total


@rule
def weigh(row: Row, point: int) -> None:
    """Brings `air` up to date for the chain of a stone; where there is none, nothing that is asked for changes."""
    name = row.chain[point]
    side = row.colour[name]
    row.air[name] = 3 - side if in_atari(row.liberties[name]) else side


@rule
def place(row: Row, point: int, mine: int, beside: NDArray[np.uint16], weight: NDArray[np.int64]) -> None:
    """Puts a stone on an empty point and joins it to its own side's chains; nothing is taken yet, or weighed."""
    row.colour[point] = mine
    row.stones[point >> 6] |= ONE << np.uint64(point & 63)
    row.chain[point] = point
    row.follow[point] = point
    found = 0
    for k in range(4):
        other = beside[point, k]
        row.vacant[other] -= 1
        row.walled[other >> 6] |= np.uint64(row.vacant[other] == 0) << np.uint64(other & 63)
        empty = row.colour[other] == EMPTY
        found += weight[other] * empty
        row.liberties[row.chain[other]] -= weight[point] * (not empty)
    row.liberties[point] = found
    for k in range(4):
        other = beside[point, k]
        if (row.colour[other] == mine) & (row.chain[other] != row.chain[point]):
            join(row, point, other)


@rule
def join(row: Row, point: int, other: int) -> None:
    """Makes one chain of those of a new stone and of a stone beside it; a stone alone takes the other's name."""
    if row.follow[point] == point:
        kept, gone, start = row.chain[other], row.chain[point], point
    else:
        kept, gone, start = row.chain[point], row.chain[other], other
    row.liberties[kept] += row.liberties[gone]
    stone = start
    while True:
        row.chain[stone] = kept
        stone = row.follow[stone]
        if stone == start:
            break
    row.follow[point], row.follow[other] = row.follow[other], row.follow[point]


@rule
def lift(row: Row, start: int, beside: NDArray[np.uint16], weight: NDArray[np.int64]) -> int:
    """Takes the chain of a stone off the board; how many stones they were. Their `follow` still leads around."""
    count, stone = 0, start
    while True:
        row.colour[stone] = EMPTY
        row.stones[stone >> 6] &= ~(ONE << np.uint64(stone & 63))
        for k in range(4):
            other = beside[stone, k]
            row.vacant[other] += 1
            row.walled[other >> 6] &= ~(ONE << np.uint64(other & 63))
            row.liberties[row.chain[other]] += weight[stone] * (row.colour[other] != EMPTY)
            weigh(row, other)
        count += 1
        stone = row.follow[stone]
        if stone == start:
            break
    return count


@rule
def breathes(row: Row, point: int, mine: int, beside: NDArray[np.uint16], suicide: bool) -> bool:
    """Whether a stone on an empty point with no empty point beside it lives: it takes, or joins a chain that has air.

    Where suicide is allowed, a chain of two stones or more may take itself; a single stone never may.
    """
    lives, kin = False, False
    for k in range(4):
        other = beside[point, k]
        lives |= row.air[row.chain[other]] == mine
        kin |= row.colour[other] == mine
    return lives or (suicide and kin)


@rule
def margin(row: Row, beside: NDArray[np.uint16]) -> int:
    """Black's area less white's: stones, and empty points from which only one side's stones can be reached."""
    count = beside.shape[0]
    seen = np.zeros(count + 1, np.bool_)
    waiting = np.empty(count, np.int16)
    total = 0
    for point in range(count):
        if row.colour[point] == BLACK:
            total += 1
        elif row.colour[point] == WHITE:
            total -= 1
        elif not seen[point]:
            seen[point] = True
            waiting[0] = point
            left, size, touched = 1, 0, 0
            while left:
                left -= 1
                here = waiting[left]
                size += 1
                for k in range(4):
                    other = beside[here, k]
                    if row.colour[other] == EMPTY and not seen[other]:
                        seen[other] = True
                        waiting[left] = other
                        left += 1
                    elif row.colour[other] != OFF:
                        touched |= row.colour[other]
            if touched == BLACK:
                total += size
            elif touched == WHITE:
                total -= size
    return total

"""The moves of a Connect Four position, with bounds of the score of each.

`low` and `high` [7] hold the bounds, from the side of the seat to move, NEVER in both where the column is full.
Scores, `mask` and `tally` are those of `connect_four`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.scripted.solvers.connect_four import (
    BOARD,
    BOTTOM,
    CELLS,
    COLUMN,
    COLUMNS,
    NEVER,
    NO,
    YES,
    ZERO,
    Bits,
    Table,
    U,
    bit_count,
    narrow,
    prove,
    winning,
)
from envs.game import rule
from envs.kernels import compiled


@compiled
def outline(mover: Bits, mask: Bits, low: NDArray[np.int8], high: NDArray[np.int8]) -> None:
    """Bounds of every move's score that need no search."""
    ply = bit_count(mask)
    other = mover ^ mask
    for column in range(COLUMNS):
        move = (mask + BOTTOM) & BOARD & (COLUMN << U(7 * column))
        if move == ZERO:
            low[column] = high[column] = NEVER
        elif winning(mover, mask) & move != ZERO:
            low[column] = high[column] = (CELLS + 1 - ply) // 2
        elif ply == CELLS - 1:
            low[column] = high[column] = 0
        elif winning(other, mask | move) & (((mask | move) + BOTTOM) & BOARD) != ZERO:
            low[column] = high[column] = -((CELLS - ply) // 2)
        else:
            low[column], high[column] = -((CELLS - 2 - ply) // 2), (CELLS - 1 - ply) // 2


@compiled
def split(
    mover: Bits,
    mask: Bits,
    low: NDArray[np.int8],
    high: NDArray[np.int8],
    aim: int,
    table: Table,
    tally: NDArray[np.int64],
) -> None:
    """Settles for every move whether its score is at least `aim`."""
    for column in (3, 2, 4, 1, 5, 0, 6):
        if low[column] < aim <= high[column]:
            move = (mask + BOTTOM) & (COLUMN << U(7 * column))
            answer = prove(mover ^ mask, mask | move, 1 - aim, table, tally)
            if answer == NO:
                low[column] = aim
            elif answer == YES:
                high[column] = aim - 1


@rule
def highest(bounds: NDArray[np.int8]) -> int:
    """The highest of seven."""
    found = np.int64(bounds[0])
    for column in range(1, COLUMNS):
        found = max(found, np.int64(bounds[column]))
    return found  # pyright: ignore[reportReturnType]


@compiled
def find_best(
    mover: Bits, mask: Bits, low: NDArray[np.int8], high: NDArray[np.int8], table: Table, tally: NDArray[np.int64]
) -> None:
    """Narrows bounds of the moves' scores until the best moves are told from the rest, as far as the tally allows.

    First win, draw or loss, which is cheap, then how soon. So if the limit is reached in between, the moves with the
    highest lower bound keep the value of the game though some may win later than they could.
    """
    limit = tally[1]
    at_least, at_most = max(-1, highest(low)), min(1, highest(high))
    for stage in range(2):
        tally[1] = tally[0] + (limit - tally[0]) * 7 // 8  # the rest is for telling which moves it holds for
        at_least, at_most = narrow(mover, mask, at_least, at_most, table, tally)
        tally[1] = limit
        if stage == 1 or at_most < 1:
            for column in range(COLUMNS):  # as a whole it takes numba 1.6 s to compile, for what it would raise
                high[column] = min(high[column], at_most)
        split(mover, mask, low, high, at_least, table, tally)
        if at_least < at_most or at_least == 0:
            return
        at_least, at_most = highest(low), highest(high) if at_least > 0 else -1


@compiled
def find_all(
    mover: Bits, mask: Bits, low: NDArray[np.int8], high: NDArray[np.int8], table: Table, tally: NDArray[np.int64]
) -> None:
    """Makes the bounds of all moves' scores equal, unless the tally's limit is reached."""
    for column in (3, 2, 4, 1, 5, 0, 6):
        if low[column] < high[column]:
            move = (mask + BOTTOM) & (COLUMN << U(7 * column))
            worst, best = narrow(mover ^ mask, mask | move, -int(high[column]), -int(low[column]), table, tally)
            low[column], high[column] = -best, -worst

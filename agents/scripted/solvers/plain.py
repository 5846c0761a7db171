"""A second Connect Four solver, slow and written differently on purpose, to check the first.

A board of cells, wins seen by walking from the last stone, columns tried from the centre outwards, alpha-beta over win,
draw and loss or over exact scores, and a table indexed by random cell keys. It shares no code with `connect_four`.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

ROWS, COLUMNS = 6, 7
ORDER = (3, 2, 4, 1, 5, 0, 6)
_random = np.random.default_rng(20240607)
CELL_KEYS = _random.integers(1, 2**63, (2, COLUMNS, ROWS), np.int64)


@njit(cache=True, nogil=True)
def makes_four(cells: NDArray[np.int8], column: int, row: int, seat: int) -> bool:
    """Whether a stone of `seat` at (column, row) would stand in a line of four; cells [7, 6], -1 empty."""
    for across, up in ((1, 0), (0, 1), (1, 1), (1, -1)):
        line = 1
        for way in (1, -1):
            x, y = column + way * across, row + way * up
            while 0 <= x < 7 and 0 <= y < 6 and cells[x, y] == seat:
                line += 1
                x += way * across
                y += way * up
        if line >= 4:
            return True
    return False


@njit(cache=True, nogil=True)
def search(
    cells: NDArray[np.int8],
    heights: NDArray[np.int64],
    ply: int,
    alpha: int,
    beta: int,
    code: int,
    known: NDArray[np.int64],
) -> int:
    """The score for the seat to move (as in `connect_four`), exact within alpha < score < beta, else a bound.

    known [N, 2] holds (code, bounds) where code is a sum of cell keys; bounds = 64 * (lower + 32) + upper + 32.
    """
    if ply == 42:
        return 0
    seat = ply & 1
    for column in ORDER:
        if heights[column] < 6 and makes_four(cells, column, heights[column], seat):
            return (43 - ply) // 2
    slot = code & (len(known) - 1)
    if known[slot, 0] == code:
        lower, upper = known[slot, 1] // 64 - 32, known[slot, 1] % 64 - 32
        if lower >= beta or lower == upper:
            return lower
        if upper <= alpha:
            return upper
    first, best = alpha, -22
    for column in ORDER:
        row = heights[column]
        if row == 6:
            continue
        cells[column, row] = seat
        heights[column] += 1
        value = -search(cells, heights, ply + 1, -beta, -max(alpha, best), code + CELL_KEYS[seat, column, row], known)
        heights[column] -= 1
        cells[column, row] = -1
        best = max(best, value)
        if best >= beta:
            break
    known[slot, 0] = code
    known[slot, 1] = 64 * ((best if best > first else -22) + 32) + (best if best < beta else 22) + 32
    return best


class Plain:
    """Solves positions with a table of its own; 16 bytes an entry."""

    def __init__(self, bits: int = 22) -> None:
        self.known = np.zeros((1 << bits, 2), np.int64)

    def score(self, mover: int, mask: int, *, exact: bool = True) -> int:
        """The score of the position, or only its sign."""
        cells = np.full((COLUMNS, ROWS), -1, np.int8)
        ply = mask.bit_count()
        code = 1
        for column in range(COLUMNS):
            for row in range(ROWS):
                bit = 1 << (7 * column + row)
                if mask & bit:
                    seat = ply & 1 if mover & bit else 1 - (ply & 1)
                    cells[column, row] = seat
                    code = (code + int(CELL_KEYS[seat, column, row])) & (2**64 - 1)
        heights = (cells >= 0).sum(axis=1)
        wide = 22 if exact else 1
        signed = code - 2**64 if code >= 2**63 else code
        value = int(search(cells, heights, ply, -wide, wide, signed, self.known))
        return value if exact else (value > 0) - (value < 0)

"""Hex on a rhombus of 3 x 3 to 19 x 19: who joins his two sides wins (Hein 1942, Nash 1948); there are no draws.

 a b c d         Seat 0 joins top and bottom, seat 1 left and right. A cell touches those beside it, the two above it
1 . . . .        to the right and the two below it to the left: (line, column) and (line - 1, column + 1) are
 2 . . . .       neighbours, (line, column) and (line - 1, column - 1) are not.
  3 . . . .
   4 . . . .     With swap=true the second player's first move may be to take over the first stone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.game import Game, Row, Symmetry, row_dtype, rule
from envs.options import flag, spec, whole
from envs.views import as_planes

STONE, NEAR, FAR = 3, 4, 8
"""The parts of a cell's byte: seat + 1 where a stone is; whether its group has reached its owner's top or left side
(NEAR), his bottom or right one (FAR). A group is told so once, when it first touches a side, so keeping the flags costs
less than one look at each stone in a whole game; a stone that has both ends it."""


def hex(size: int = 11, swap: bool = False) -> Game:
    """Hex on size x size, size 3 to 19."""
    whole("hex", "size", size, 3, 19, 7)
    flag("hex", "swap", swap)
    cells, actions = size * size, size * size + swap
    beside, sides = neighbours(size), reached(size)

    @rule
    def reset(row: Row) -> None:
        row.cells[:] = 0

    @rule
    def play(row: Row, action: int) -> None:
        seat = row.seat
        row.ply += 1
        row.seat = 1 - seat
        if action == cells:  # the first stone becomes the other's, reflected, for his sides are the other two
            first = 0
            while row.cells[first] == 0:
                first += 1
            row.cells[first] = 0
            action = first % size * size + first // size
        if place(row.cells, seat, action, beside, sides) == NEAR | FAR:
            row.done = True
            row.reward[seat] = 1.0
            row.reward[1 - seat] = -1.0

    @rule
    def legal(row: Row, out: NDArray[np.bool_]) -> None:
        for cell in range(cells):
            out[cell] = row.cells[cell] == 0
        if swap:
            out[cells] = row.ply == 1

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """Three planes: the mover's stones, the other's, and 1 everywhere where the mover joins top and bottom."""
        planes = as_planes(out, 3, cells)
        own = row.seat + 1
        for cell in range(cells):
            planes[0, cell] = row.cells[cell] & STONE == own
            planes[1, cell] = row.cells[cell] & STONE == 3 - own
            planes[2, cell] = own == 1

    @rule
    def heuristic(row: Row) -> float:
        """How many more stones the other needs to join his sides, with half a stone for being to move."""
        own, other = row.seat, 1 - row.seat
        lead = missing(row.cells, other, beside, sides) - missing(row.cells, own, beside, sides)
        return 0.99 * np.tanh(0.35 * (lead + 0.5))

    def text(row: Any) -> str:
        lines = ["   " + " ".join(chr(ord("a") + c) for c in range(size))]
        for r in range(size):
            stones = " ".join(".xo"[row.cells[r * size + c] & STONE] for c in range(size))
            lines.append(" " * (r + (r < 9)) + f"{r + 1} {stones}")
        return "\n".join(lines)

    turn = np.arange(cells)[::-1].copy()
    return Game(
        name=spec("hex", size=(size, 11), swap=(swap, False)),
        seats=2,
        actions=actions,
        shape=(3, size, size),
        row=row_dtype(2, cells=(np.int8, (cells + 1,))),
        reset=reset,
        play=play,
        legal=legal,
        observe=observe,
        names=(*(f"{chr(ord('a') + c)}{r + 1}" for r in range(size) for c in range(size)), *["swap"] * swap),
        max_plies=actions,
        symmetries=(Symmetry("turn 180", turn, np.concatenate([turn, np.arange(cells, actions)])),),
        heuristic=heuristic,
        text=text,
    )


def neighbours(size: int) -> NDArray[np.int16]:
    """[cells, 6] the cells that each cell touches; size * size, a cell always empty, for those off the board."""
    around = ((-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0))
    table = np.full((size * size, 6), size * size, np.int16)
    for r in range(size):
        for c in range(size):
            for i, (dr, dc) in enumerate(around):
                if 0 <= r + dr < size and 0 <= c + dc < size:
                    table[r * size + c, i] = (r + dr) * size + c + dc
    return table


def reached(size: int) -> NDArray[np.int8]:
    """[seat, cell] NEAR and FAR where the cell lies on the seat's own sides."""
    table = np.zeros((2, size, size), np.int8)
    table[0, 0, :] = table[1, :, 0] = NEAR
    table[0, -1, :] = table[1, :, -1] = FAR
    return table.reshape(2, -1)


@rule
def place(cells: NDArray[np.int8], seat: int, cell: int, beside: NDArray[np.int16], sides: NDArray[np.int8]) -> int:
    """Puts a stone on a cell; the sides that its group has now reached."""
    flags, alone = int(sides[seat, cell]), False
    for i in range(6):
        other = cells[beside[cell, i]]
        if other & STONE == seat + 1:
            flags |= int(other) & (NEAR | FAR)
            alone |= other < NEAR
    cells[cell] = (seat + 1) | flags
    if flags and flags != NEAR | FAR and alone:
        spread(cells, cell, beside)
    return flags


@rule
def spread(cells: NDArray[np.int8], cell: int, beside: NDArray[np.int16]) -> None:
    """Tells the stones joined to a cell, as far as they have not heard it, that their group has reached a side."""
    waiting, count = np.empty(cells.shape[0], np.int16), 1
    waiting[0] = cell
    told = cells[cell]
    while count:
        count -= 1
        here = waiting[count]
        for i in range(6):
            other = beside[here, i]
            if cells[other] == told & STONE:
                cells[other] = told
                waiting[count] = other
                count += 1


@rule
def missing(cells: NDArray[np.int8], seat: int, beside: NDArray[np.int16], sides: NDArray[np.int8]) -> int:
    """How many stones the seat must add to join its sides, if the other did nothing; as many as cells if it cannot."""
    size = beside.shape[0]
    seen = np.zeros(size + 1, np.bool_)
    seen[size] = True
    now, later = np.empty(size, np.int16), np.empty(size, np.int16)
    count, added, next_count = 0, 0, 0
    for cell in range(size):  # stones cost nothing: they go first
        if sides[seat, cell] & NEAR:
            stone = cells[cell] & STONE
            seen[cell] = True
            if stone == seat + 1:
                now[count] = cell
                count += 1
            elif stone == 0:
                later[next_count] = cell
                next_count += 1
    while count or next_count:
        while count:
            count -= 1
            here = now[count]
            if sides[seat, here] & FAR:
                return added
            for i in range(6):
                other = beside[here, i]
                if seen[other]:
                    continue
                stone = cells[other] & STONE
                seen[other] = True
                if stone == seat + 1:
                    now[count] = other
                    count += 1
                elif stone == 0:
                    later[next_count] = other
                    next_count += 1
        now, later = later, now
        count, next_count = next_count, 0
        added += 1
    return size

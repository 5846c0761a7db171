"""Breakthrough (Dan Troyka, 2000): pawns step ahead, straight or slantwise, and take slantwise; who gets through wins.

Seat 0 starts on the two lowest lines and moves up, seat 1 on the two highest and moves down. A pawn steps to an empty
cell ahead of it, or slantwise to one that its own side does not hold. Reaching the last line wins, and so does taking
every pawn of the other side; there is always a move, and no draw.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.bits import ONE, count_bits
from envs.game import Bits, Game, Row, Symmetry, row_dtype, rule
from envs.options import spec, whole
from envs.views import as_planes


def breakthrough(width: int = 8, height: int = 8) -> Game:
    """Breakthrough on width 2 to 8 columns of height 4 to 8 lines."""
    whole("breakthrough", "width", width, 2, 8, 6)
    whole("breakthrough", "height", height, 4, 8, 6)
    cells = width * height
    highest = np.uint64((1 << width) - 1)
    lowest = highest << np.uint64(cells - width)
    second = np.uint64((1 << 2 * width) - 1)
    first = second << np.uint64(cells - 2 * width)
    steps = moves(width, height)
    half, straight = len(steps) // 2, width * (height - 1)  # each seat's: the straight ones, then the slanting
    origin = np.array([1 << a for a, _ in steps], np.uint64)
    target = np.array([1 << b for _, b in steps], np.uint64)
    worth = np.array([0.02 * (height - 1 - cell // width) ** 2 for cell in range(cells)])  # of a pawn of seat 0

    @rule
    def reset(row: Row) -> None:
        row.stones[0] = first
        row.stones[1] = second

    @rule
    def play(row: Row, action: int) -> None:
        seat = row.seat
        own: Bits = row.stones[seat] ^ (origin[action] | target[action])
        other: Bits = row.stones[1 - seat] & ~target[action]
        row.stones[seat] = own
        row.stones[1 - seat] = other
        row.ply += 1
        row.seat = 1 - seat
        if own & (highest if seat == 0 else lowest) or other == 0:
            row.done = True
            row.reward[seat] = 1.0
            row.reward[1 - seat] = -1.0

    @rule
    def legal(row: Row, out: NDArray[np.bool_]) -> None:
        own: Bits = row.stones[row.seat]
        taken: Bits = own | row.stones[1 - row.seat]
        out[:] = False
        if row.seat == 0:  # loops of known bounds become a few wide instructions: a seventh of the time
            for a in range(straight):
                out[a] = (own & origin[a] != 0) & (taken & target[a] == 0)
            for a in range(straight, half):
                out[a] = (own & origin[a] != 0) & (own & target[a] == 0)
        else:
            for a in range(half, half + straight):
                out[a] = (own & origin[a] != 0) & (taken & target[a] == 0)
            for a in range(half + straight, 2 * half):
                out[a] = (own & origin[a] != 0) & (own & target[a] == 0)

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """Three planes: the mover's pawns, the other's, and 1 everywhere where the mover moves up."""
        planes = as_planes(out, 3, cells)
        own: Bits = row.stones[row.seat]
        other: Bits = row.stones[1 - row.seat]
        for cell in range(cells):
            planes[0, cell] = (own >> np.uint64(cell)) & ONE
            planes[1, cell] = (other >> np.uint64(cell)) & ONE
            planes[2, cell] = row.seat == 0

    @rule
    def heuristic(row: Row) -> float:
        """Pawns, and how far they have come: own minus the other's."""
        score = 0.5 * (count_bits(row.stones[0]) - count_bits(row.stones[1]))
        for cell in range(cells):
            bit = ONE << np.uint64(cell)
            if row.stones[0] & bit:
                score += worth[cell]
            elif row.stones[1] & bit:
                score -= worth[cells - 1 - cell]
        return np.tanh(0.3 * (score if row.seat == 0 else -score))

    def text(row: Any) -> str:
        lines = []
        for r in range(height):
            marks = (
                ".xo"[sum((s + 1) * (int(row.stones[s]) >> r * width + c & 1) for s in (0, 1))] for c in range(width)
            )
            lines.append(f"{height - r:2} " + " ".join(marks))
        return "\n".join([*lines, "   " + " ".join(chr(ord("a") + c) for c in range(width))])

    def cell_name(cell: int) -> str:
        return f"{chr(ord('a') + cell % width)}{height - cell // width}"

    return Game(
        name=spec("breakthrough", width=(width, 8), height=(height, 8)),
        seats=2,
        actions=len(steps),
        shape=(3, height, width),
        row=row_dtype(2, stones=(np.uint64, (2,))),
        reset=reset,
        play=play,
        legal=legal,
        observe=observe,
        names=tuple(cell_name(a) + cell_name(b) for a, b in steps),
        max_plies=2 * width * (2 * height - 3),  # every step brings a pawn one line on
        symmetries=(mirror(width, height, steps),),
        heuristic=heuristic,
        text=text,
    )


def moves(width: int, height: int) -> list[tuple[int, int]]:
    """Every step there is as (from, to): seat 0's straight ones and its slanting ones, then seat 1's."""
    found = []
    for ahead, lines in ((-1, range(1, height)), (1, range(height - 1))):
        for sideways in ((0,), (-1, 1)):
            found += [
                (r * width + c, (r + ahead) * width + c + dc)
                for r in lines
                for c in range(width)
                for dc in sideways
                if 0 <= c + dc < width
            ]
    return found


def mirror(width: int, height: int, steps: list[tuple[int, int]]) -> Symmetry:
    """Left and right exchanged."""
    cells = np.arange(width * height).reshape(height, width)[:, ::-1].reshape(-1).copy()
    number = {step: a for a, step in enumerate(steps)}
    return Symmetry("mirror", cells, np.array([number[int(cells[a]), int(cells[b])] for a, b in steps]))

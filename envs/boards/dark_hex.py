"""Dark Hex: Hex without seeing the other's stones; a try at a taken cell shows the stone there, and goes again.

Seat 0 joins top and bottom, seat 1 left and right; cells touch as in Hex. Rules: those of open_spiel's dark_hex
(classical). On 3 x 3 seat 0 has 3,720,850 information states and seat 1 has 2,352,067.
"""

from __future__ import annotations

import numpy as np

from envs.boards.phantom import phantom, whose
from envs.boards.squares import square_names
from envs.game import Bits, Game, Row, Symmetry, rule
from envs.options import spec, whole


def dark_hex(size: int = 3) -> Game:
    """Dark Hex on size x size, size 2 to 8; information states have exact keys up to size 4."""
    whole("dark_hex", "size", size, 2, 8, 4)
    cells = size * size
    column = sum(1 << (r * size) for r in range(size))
    line = (1 << size) - 1
    left, top = np.uint64(column), np.uint64(line)
    right, bottom = np.uint64(column << (size - 1)), np.uint64(line << (cells - size))
    up, down = np.uint64(size), np.uint64(size - 1)
    one = np.uint64(1)
    everywhere = np.uint64((1 << cells) - 1)

    @rule
    def won(seat: int, stones: Bits) -> bool:
        """Whether stones join a seat's two sides: all that hangs together with the near side, grown until it stays."""
        reach = stones & (top if seat == 0 else left)
        goal = bottom if seat == 0 else right
        while True:
            if reach & goal:
                return True
            off_left, off_right = reach & ~left, reach & ~right
            grown = (reach << up) | (reach >> up) | (off_left >> one) | (off_right << one)
            grown |= (off_left << down) | (off_right >> down)
            grown = (reach | grown) & stones & everywhere
            if grown == reach:
                return False
            reach = grown

    rules = phantom(cells, won)

    def text(row: Row, seen_by: int | None = None) -> str:
        marks = rules.marks(row, seen_by)
        lines = ["  " + " ".join(chr(ord("a") + c) for c in range(size))]
        for r in range(size):
            lines.append(" " * r + f"{r + 1} " + " ".join(marks[r * size : r * size + size]))
        return "\n".join([*lines, *whose(seen_by)])

    turn = np.arange(cells)[::-1].copy()
    return Game(
        name=spec("dark_hex", size=(size, 3)),
        seats=2,
        actions=cells,
        shape=(4, size, size),
        row=rules.row,
        reset=rules.reset,
        play=rules.play,
        legal=rules.legal,
        observe=rules.observe,
        names=square_names(size, first_line="top"),
        max_plies=2 * cells - 1,
        symmetries=(Symmetry("turn 180", turn, turn),),
        key=rules.key,
        text=text,
        hidden=True,
    )

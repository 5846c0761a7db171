"""Snake on a square: every apple makes the snake longer, and it must bite neither the wall nor itself.

The end of the tail makes room as the head moves, so the head may follow it closely.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.arcade.buttons import lettered
from envs.episode import MOST_PLIES, count_ply
from envs.game import Game, Row, row_dtype, rule
from envs.options import spec, whole
from envs.randomness import below, draw

UP, RIGHT, DOWN, LEFT = range(4)
START = 3
"""How long the snake is at first."""


def snake(size: int = 10, limit: int = 4000) -> Game:
    """1 for an apple on size x size cells, size 6 to 15; over at a bite or when the snake is everywhere."""
    whole("snake", "size", size, 6, 15, 8)
    whole("snake", "limit", limit, 1, MOST_PLIES, 1000)
    cells = size * size
    shape = (3, size, size)

    @rule
    def grow_apple(row: Row) -> None:
        """An apple on a free cell."""
        left = below(draw(row), cells - row.length)
        for cell in range(cells):
            if row.life[cell] == 0:
                if left == 0:
                    row.apple = cell
                    return
                left -= 1

    @rule
    def reset(row: Row) -> None:
        row.life[:] = 0
        row.head = size // 2 * size + size // 2
        for i in range(START):
            row.life[row.head - i] = START - i
        row.length = START
        row.heading = RIGHT
        row.score = 0
        grow_apple(row)

    @rule
    def ahead(row: Row, action: int) -> int:
        """The cell that the head comes to, or -1 for the wall."""
        line, column = row.head // size, row.head % size
        if action == UP:
            line -= 1
        elif action == RIGHT:
            column += 1
        elif action == DOWN:
            line += 1
        else:
            column -= 1
        return line * size + column if 0 <= line < size and 0 <= column < size else -1

    @rule
    def play(row: Row, action: int) -> None:
        cell = ahead(row, action)
        row.heading = action
        row.reward[0] = 0.0
        eats = cell == row.apple
        if not eats:
            for other in range(cells):
                row.life[other] -= row.life[other] > 0
        if cell < 0 or row.life[cell] > 0:
            row.done = True
        else:
            if eats:
                row.length += 1
                row.score += 1
                row.reward[0] = 1.0
            row.head = cell
            row.life[cell] = row.length
            if row.length == cells:
                row.done = True
                row.apple = -1
            elif eats:
                grow_apple(row)
        count_ply(row, limit)

    @rule
    def legal(row: Row, out: NDArray[np.bool_]) -> None:
        """Anything but straight back."""
        for action in range(4):
            out[action] = action != (row.heading + 2) % 4

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """Three planes: the head, the body by how long each cell is still taken (1 = longest), the apple."""
        share = np.float32(1.0 / row.length)
        for cell in range(cells):
            line, column = cell // size, cell % size
            out[0, line, column] = 0.0
            out[1, line, column] = np.float32(row.life[cell]) * share
            out[2, line, column] = 0.0
        out[0, row.head // size, row.head % size] = 1.0
        if row.apple >= 0:
            out[2, row.apple // size, row.apple % size] = 1.0

    return Game(
        name=spec("snake", size=(size, 10), limit=(limit, 4000)),
        seats=1,
        actions=4,
        shape=shape,
        row=row_dtype(
            1, score=np.int32, head=np.int16, apple=np.int16, length=np.int16, heading=np.int8,
            life=(np.uint8, (cells,)),
        ),
        reset=reset,
        play=play,
        legal=legal,
        observe=observe,
        names=("up", "right", "down", "left"),
        max_plies=limit,
        pays="general",
        text=lettered(observe, shape, "@o*"),
        chance=True,
    )  # fmt: skip

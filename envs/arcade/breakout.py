"""Breakout on 10 x 10 cells: bounce the ball off the paddle into three rows of bricks.

The rules of MinAtar (Young & Tian 2019), with its order of events: a ball may pass through a corner of the wall.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.arcade.buttons import LEFT, LIMIT, NONE, RIGHT, STICKY, buttons, cabinet, check, presses
from envs.episode import count_ply
from envs.game import Game, Row, row_dtype, rule
from envs.options import spec
from envs.randomness import below, draw

SIZE = 10
CELLS = SIZE * SIZE
SHAPE = (4, SIZE, SIZE)
WALL = np.uint32((1 << 30) - 1)
"""Thirty bricks, lines 1 to 3 from the left."""

ROW = row_dtype(
    1, bricks=np.uint32, score=np.int32, x=np.int8, y=np.int8, dx=np.int8, dy=np.int8,
    was_x=np.int8, was_y=np.int8, paddle=np.int8, strike=np.bool_, last=np.int8,
)  # fmt: skip


@rule
def reset(row: Row) -> None:
    right = below(draw(row), 2)
    row.x = 9 * right
    row.y = 3
    row.dx = 1 - 2 * right
    row.dy = 1
    row.was_x = row.x
    row.was_y = row.y
    row.paddle = 4
    row.bricks = WALL
    row.strike = False
    row.last = NONE
    row.score = 0


@rule
def fly(row: Row) -> None:
    """Moves the ball a cell, breaks the brick it strikes, and ends the game when it falls past the paddle."""
    row.was_x = row.x
    row.was_y = row.y
    x, y = row.x + row.dx, row.y + row.dy
    if x < 0 or x > 9:
        x = min(max(x, 0), 9)
        row.dx = -row.dx
    inside = False
    if y < 0:
        y = 0
        row.dy = -row.dy
    elif 1 <= y <= 3 and (row.bricks >> np.uint32(10 * y - 10 + x)) & np.uint32(1):
        inside = True
        if not row.strike:  # a ball among bricks breaks one, then flies through others until it is out
            row.strike = True
            row.bricks ^= np.uint32(1) << np.uint32(10 * y - 10 + x)
            row.reward[0] = 1.0
            row.score += 1
            y = row.was_y
            row.dy = -row.dy
    elif y == 9:
        if row.bricks == 0:
            row.bricks = WALL
        if row.x == row.paddle:
            row.dy = -row.dy
            y = row.was_y
        elif x == row.paddle:
            row.dx = -row.dx
            row.dy = -row.dy
            y = row.was_y
        else:
            row.done = True
    row.strike = row.strike and inside
    row.x = x
    row.y = y


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """Four planes: paddle, ball, where the ball was, bricks."""
    flat, bricks = out.flat, row.bricks  # flat: written in whole registers, since its places are known beforehand
    for cell in range(4 * CELLS):
        flat[cell] = 0.0
    out[0, 9, row.paddle] = 1.0
    out[1, row.y, row.x] = 1.0
    out[2, row.was_y, row.was_x] = 1.0
    for brick in range(30):
        flat[3 * CELLS + SIZE + brick] = (bricks >> np.uint32(brick)) & np.uint32(1)


def breakout(sticky: float = STICKY, minimal: bool = True, limit: int = LIMIT) -> Game:
    """1 for every brick, a new wall after the last one; `minimal` leaves out the buttons without effect."""
    check("breakout", sticky, limit)
    pressed = buttons(minimal, (NONE, LEFT, RIGHT))
    press = presses(pressed, sticky)

    @rule
    def play(row: Row, action: int) -> None:
        button = press(row, action)
        row.reward[0] = 0.0
        row.paddle = min(max(row.paddle + int(button == RIGHT) - int(button == LEFT), 0), 9)
        fly(row)
        count_ply(row, limit)

    name = spec("breakout", sticky=(sticky, STICKY), minimal=(minimal, True), limit=(limit, LIMIT))
    return cabinet(name, pressed, limit, "=o'#", shape=SHAPE, row=ROW, reset=reset, play=play, observe=observe)

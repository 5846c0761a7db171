"""Breakout in pixels, 48 x 48: five deep rows of bricks with room above them, to be reached by a tunnel at the side.

Made after Atari's, for what Mnih et al. 2015 show: an agent that digs a tunnel and lets the ball bounce behind the
wall. Where the ball strikes the paddle decides how flat it leaves it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.episode import MOST_PLIES, anything, count_ply
from envs.game import Game, Row, row_dtype, rule
from envs.options import spec, whole
from envs.randomness import below, draw, unit

SIZE = 48
COLUMNS, LINES = 12, 5
BRICK_W, BRICK_H = 4, 2
TOP = 10
"""The wall's uppermost line; eight pixels are free above it, below the line of lives."""
BOTTOM = TOP + LINES * BRICK_H
PADDLE, PADDLE_Y, PADDLE_STEP = 8, 45, 3
BALL = 2
FINE = 8
"""Places of the ball are kept in eighths of a pixel."""
STEPS = 2
"""The ball moves a pixel up or down this many times a ply."""
SLOPES = (-10, -7, -4, -2, 2, 4, 7, 10)
"""Eighths of a pixel sideways for a pixel up, by the pixel of the paddle that was struck."""
STAY, LEFT, RIGHT = range(3)
WALL = np.uint64((1 << (COLUMNS * LINES)) - 1)
SHADES = (0.45, 0.5, 0.55, 0.6, 0.65)
"""The bricks of each line, uppermost first; the paddle is 0.8, the ball 1, a life left 0.3."""


@rule
def brick_at(row: Row, x: int, y: int) -> int:
    """The brick that covers pixel (x, y), or -1."""
    if not TOP <= y < BOTTOM or not 0 <= x < SIZE:
        return -1
    brick = (y - TOP) // BRICK_H * COLUMNS + x // BRICK_W
    return brick if (row.bricks >> np.uint64(brick)) & np.uint64(1) else -1


@rule
def brick_under(row: Row, x: int, y: int) -> int:
    """A brick that the ball touches with its upper left corner at (x, y) in eighths, or -1."""
    left, top = x // FINE, y // FINE
    for corner in range(4):
        brick = brick_at(row, left + corner % 2 * (BALL - 1), top + corner // 2 * (BALL - 1))
        if brick >= 0:
            return brick
    return -1


@rule
def smash(row: Row, brick: int) -> None:
    row.bricks &= ~(np.uint64(1) << np.uint64(brick))
    row.reward[0] += 1.0
    row.score += 1


@rule
def serve(row: Row) -> None:
    """The ball starts below the wall, anywhere, downwards."""
    row.x = FINE * (8 + below(draw(row), SIZE - 16))
    row.y = FINE * (BOTTOM + 2)
    row.dx = 4 if unit(draw(row)) < 0.5 else -4
    row.dy = FINE


@rule
def fly(row: Row) -> bool:
    """Moves the ball by a pixel up or down; False when it is lost."""
    x = row.x + row.dx
    if x < 0 or x > FINE * (SIZE - BALL):
        x = min(max(x, 0), FINE * (SIZE - BALL))
        row.dx = -row.dx
    brick = brick_under(row, x, row.y)
    if brick >= 0:
        smash(row, brick)
        row.dx = -row.dx
        x = row.x
    row.x = x
    y = row.y + row.dy
    if y < FINE * 2:
        y = FINE * 2
        row.dy = -row.dy
    brick = brick_under(row, x, y)
    if brick >= 0:
        smash(row, brick)
        row.dy = -row.dy
        y = row.y
    if row.dy > 0 and y // FINE + BALL == PADDLE_Y:
        middle = x // FINE + BALL // 2 - row.paddle
        if 0 <= middle <= PADDLE:
            right_half = middle > PADDLE // 2 or (middle == PADDLE // 2 and row.dx > 0)
            row.dx = SLOPES[min(middle, PADDLE // 2 - 1) if not right_half else max(middle - 1, PADDLE // 2)]
            row.dy = -row.dy
            if row.bricks == 0:
                row.bricks = WALL
    row.y = y
    return y // FINE + BALL < SIZE


@rule
def look(row: Row, back: int) -> None:
    """Keeps what is to be seen of the position as the frame of `back` plies ago."""
    row.seen_bricks[back] = row.bricks
    row.seen_x[back] = row.x // FINE
    row.seen_y[back] = row.y // FINE
    row.seen_paddle[back] = row.paddle
    row.seen_lives[back] = row.lives


@rule
def remember(row: Row) -> None:
    """Every frame becomes a ply older; the newest is the position."""
    for back in range(row.seen_x.shape[0] - 1, 0, -1):
        row.seen_bricks[back] = row.seen_bricks[back - 1]
        row.seen_x[back] = row.seen_x[back - 1]
        row.seen_y[back] = row.seen_y[back - 1]
        row.seen_paddle[back] = row.seen_paddle[back - 1]
        row.seen_lives[back] = row.seen_lives[back - 1]
    look(row, 0)


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """Frames of 48 x 48 pixels in [0, 1], the newest first; before the game began, the first one again."""
    out[:] = 0.0
    for back in range(out.shape[0]):
        for life in range(1, row.seen_lives[back]):
            out[back, 0, 2 * life - 2] = 0.3
        bricks = row.seen_bricks[back]
        for brick in range(COLUMNS * LINES):
            if bricks & np.uint64(1):
                line, column = brick // COLUMNS, brick % COLUMNS
                for y in range(TOP + line * BRICK_H, TOP + line * BRICK_H + BRICK_H):
                    for x in range(column * BRICK_W, column * BRICK_W + BRICK_W):
                        out[back, y, x] = SHADES[line]
            bricks >>= np.uint64(1)
        for x in range(PADDLE):
            out[back, PADDLE_Y, row.seen_paddle[back] + x] = 0.8
        for corner in range(BALL * BALL):
            out[back, min(row.seen_y[back] + corner // BALL, SIZE - 1), row.seen_x[back] + corner % BALL] = 1.0


def text(row: Row) -> str:
    """The newest frame, a letter for two pixels across and two down; then the score."""
    planes = np.zeros((len(row.seen_x), SIZE, SIZE), np.float32)
    getattr(observe, "py_func", observe)(row, planes)
    blocks = planes[0].reshape(SIZE // 2, 2, SIZE // 2, 2).max(axis=(1, 3))
    marks = np.select([blocks > 0.9, blocks > 0.7, blocks > 0.4, blocks > 0], ["o", "=", "#", "'"], ".")
    return "\n".join([*("".join(line) for line in marks), f"score {row.score}"])


def pixel_breakout(frames: int = 2, lives: int = 3, limit: int = 4000) -> Game:
    """1 for every brick, a new wall after the last; over with the last of the `lives`; `frames` are seen at once."""
    whole("pixel_breakout", "frames", frames, 1, 4, 4)
    whole("pixel_breakout", "lives", lives, 1, 5, 5)
    whole("pixel_breakout", "limit", limit, 1, MOST_PLIES, 1000)

    @rule
    def reset(row: Row) -> None:
        row.bricks = WALL
        row.paddle = (SIZE - PADDLE) // 2
        row.lives = lives
        row.score = 0
        serve(row)
        for back in range(frames):
            look(row, back)

    @rule
    def play(row: Row, action: int) -> None:
        row.reward[0] = 0.0
        if action == LEFT:
            row.paddle = max(0, row.paddle - PADDLE_STEP)
        elif action == RIGHT:
            row.paddle = min(SIZE - PADDLE, row.paddle + PADDLE_STEP)
        for _ in range(STEPS):
            if not fly(row):
                row.lives -= 1
                if row.lives > 0:
                    serve(row)
                else:
                    row.done = True
                break
        remember(row)
        count_ply(row, limit)

    return Game(
        name=spec("pixel_breakout", frames=(frames, 2), lives=(lives, 3), limit=(limit, 4000)),
        seats=1,
        actions=3,
        shape=(frames, SIZE, SIZE),
        row=row_dtype(
            1, bricks=np.uint64, seen_bricks=(np.uint64, (frames,)), score=np.int32, x=np.int16, y=np.int16,
            dx=np.int8, dy=np.int8, paddle=np.int8, lives=np.int8, seen_x=(np.int8, (frames,)),
            seen_y=(np.int8, (frames,)), seen_paddle=(np.int8, (frames,)), seen_lives=(np.int8, (frames,)),
        ),
        reset=reset,
        play=play,
        legal=anything(3),
        observe=observe,
        names=("stay", "left", "right"),
        max_plies=limit,
        pays="general",
        text=text,
        chance=True,
    )  # fmt: skip

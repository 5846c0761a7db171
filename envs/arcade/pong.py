"""Pong on 12 x 16 cells: play the ball past the other paddle, against a machine or against another player.

A ball leaves a paddle the steeper the nearer to the paddle's end it was struck. With one seat the machine follows the
ball, a cell a ply with probability `skill`; with two, both choose at once, which is played as hidden choices in turn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.arcade.buttons import lettered
from envs.episode import MOST_PLIES, anything, count_ply
from envs.game import Game, Row, row_dtype, rule
from envs.options import number, spec, whole
from envs.randomness import below, draw, unit

HEIGHT, WIDTH = 12, 16
PADDLE = 4
LOWEST = HEIGHT - PADDLE
STAY, UP, DOWN = range(3)
WAYS = ("stay", "up", "down")
SHAPE = (4, HEIGHT, WIDTH)


@rule
def serve(row: Row, right: bool) -> None:
    """The ball starts in the middle, towards the right player (seat 0) or the left one."""
    row.x = WIDTH // 2 if right else WIDTH // 2 - 1
    row.y = 3 + below(draw(row), HEIGHT - 6)
    row.was_x = row.x
    row.was_y = row.y
    row.dx = 1 if right else -1
    row.dy = 1 if unit(draw(row)) < 0.5 else -1


@rule
def reset(row: Row) -> None:
    row.paddle[:] = LOWEST // 2
    row.points[:] = 0
    row.choice = STAY
    row.score = 0
    serve(row, unit(draw(row)) < 0.5)


@rule
def move(row: Row, seat: int, choice: int) -> None:
    """Moves a paddle a cell."""
    if choice == UP:
        row.paddle[seat] = max(0, row.paddle[seat] - 1)
    elif choice == DOWN:
        row.paddle[seat] = min(LOWEST, row.paddle[seat] + 1)


@rule
def follow(row: Row, skill: float) -> None:
    """The machine's turn: towards the ball's line, or too slow."""
    if unit(draw(row)) < skill:
        if row.y < row.paddle[1] + 1:
            move(row, 1, UP)
        elif row.y > row.paddle[1] + PADDLE - 2:
            move(row, 1, DOWN)


@rule
def fly(row: Row) -> int:
    """Moves the ball a column; the seat that wins a point by it, or -1."""
    row.was_x = row.x
    row.was_y = row.y
    y = row.y + row.dy
    if y < 0:
        y = -y
        row.dy = -row.dy
    elif y >= HEIGHT:
        y = 2 * (HEIGHT - 1) - y
        row.dy = -row.dy
    row.y = y
    x = row.x + row.dx
    if 0 < x < WIDTH - 1:
        row.x = x
        return -1
    seat = 1 if x == 0 else 0
    struck = y - row.paddle[seat]
    if 0 <= struck < PADDLE:
        row.dx = -row.dx
        row.dy = struck - 2 if struck < 2 else struck - 1
        return -1
    return 1 - seat


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """Four planes, the mover's paddle on the right: own paddle, the other's, ball, where the ball was."""
    flat, seat = out.flat, row.seat
    for place in range(4 * HEIGHT * WIDTH):  # places that are known beforehand are written in whole registers
        flat[place] = 0.0
    for line in range(PADDLE):
        out[0, row.paddle[seat] + line, WIDTH - 1] = 1.0
        out[1, row.paddle[1 - seat] + line, 0] = 1.0
    out[2, row.y, row.x if seat == 0 else WIDTH - 1 - row.x] = 1.0
    out[3, row.was_y, row.was_x if seat == 0 else WIDTH - 1 - row.was_x] = 1.0


def pong(seats: int = 1, points: int = 5, skill: float = 0.6, limit: int = 3000) -> Game:
    """1 for a point won and -1 for one lost; over at `points` of either side."""
    whole("pong", "seats", seats, 1, 2, 2)
    whole("pong", "points", points, 1, 21, 21)
    number("pong", "skill", skill, 0, 1, 0.8)
    whole("pong", "limit", limit, 1, MOST_PLIES, 1000)

    @rule
    def play(row: Row, action: int) -> None:
        row.reward[:] = 0.0
        if seats == 2 and row.seat == 0:
            row.choice = action
            row.seat = 1
        else:
            if seats == 2:
                move(row, 0, row.choice)
                move(row, 1, action)
                row.choice = STAY
                row.seat = 0
            else:
                move(row, 0, action)
                follow(row, skill)
            winner = fly(row)
            if winner >= 0:
                row.points[winner] += 1
                row.score += 1 - 2 * winner
                row.reward[0] = 1.0 - 2.0 * winner
                if seats == 2:
                    row.reward[1] = -row.reward[0]
                row.done = row.points[winner] == points
                serve(row, winner == 1)
        count_ply(row, limit)

    shown = lettered(observe, SHAPE, "][o'")

    def text(row: Row, seen_by: int | None = None) -> str:
        """Seat 0's paddle on the right, whoever looks; the choice that is made and not yet played is not for a seat."""
        turned = row.copy()
        turned.seat = 0
        chosen = f"\nseat 0 has chosen {WAYS[row.choice]}" if seen_by is None and row.seat == 1 else ""
        return shown(turned) + chosen

    return Game(
        name=spec("pong", seats=(seats, 1), points=(points, 5), skill=(skill, 0.6), limit=(limit, 3000)),
        seats=seats,
        actions=3,
        shape=SHAPE,
        row=row_dtype(
            seats, score=np.int32, paddle=(np.int8, (2,)), points=(np.int8, (2,)), x=np.int8, y=np.int8, dx=np.int8,
            dy=np.int8, was_x=np.int8, was_y=np.int8, choice=np.int8,
        ),
        reset=reset,
        play=play,
        legal=anything(3),
        observe=observe,
        names=WAYS,
        max_plies=limit,
        pays="general" if seats == 1 else "zero-sum",
        text=text,
        hidden=seats == 2,
        chance=True,
        simultaneous=seats == 2,
    )  # fmt: skip

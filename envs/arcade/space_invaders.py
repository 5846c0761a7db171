"""Space Invaders on 10 x 10 cells: shoot the aliens that march down before they reach or shoot the cannon.

The rules of MinAtar (Young & Tian 2019), with its order of events; by its ramp every wave marches faster.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.arcade.buttons import FIRE, LEFT, LIMIT, NONE, RIGHT, STICKY, buttons, cabinet, check, presses
from envs.episode import count_ply
from envs.game import Game, Row, row_dtype, rule
from envs.options import spec

SHAPE = (6, 10, 10)
SLOWEST, FASTEST = 12, 6
"""Plies between two marches of a full wave: of the first wave, and of the last that is faster than the one before."""
RELOAD, ALIEN_RELOAD = 5, 10
WAVE = 0b0011111100
"""A line of six aliens in the middle; four such lines are a wave. Bit c is column c."""
ONE = np.int16(1)  # wide enough to be shifted by ten where nothing is compiled

ROW = row_dtype(
    1, score=np.int32, aliens=(np.int16, (10,)), shots=(np.int16, (10,)), bombs=(np.int16, (10,)),
    left=np.int8, x=np.int8, direction=np.int8, interval=np.int8, march_timer=np.int8, bomb_timer=np.int8,
    shot_timer=np.int8, last=np.int8,
)  # fmt: skip


@rule
def send_wave(row: Row) -> None:
    for line in range(4):
        row.aliens[line] = WAVE
    row.left = 24


@rule
def reset(row: Row) -> None:
    row.aliens[:] = 0
    row.shots[:] = 0
    row.bombs[:] = 0
    send_wave(row)
    row.x = 5
    row.direction = -1
    row.interval = SLOWEST
    row.march_timer = SLOWEST
    row.bomb_timer = ALIEN_RELOAD
    row.shot_timer = 0
    row.last = NONE
    row.score = 0


@rule
def fly(row: Row) -> None:
    """Shots go up a cell and bombs down."""
    for line in range(9):
        row.shots[line] = row.shots[line + 1]
        row.bombs[9 - line] = row.bombs[8 - line]
    row.shots[9] = 0
    row.bombs[0] = 0


@rule
def any_line(lines: NDArray[np.int16]) -> int:
    """The columns in which any line has something."""
    columns = 0
    for line in range(10):
        columns |= lines[line]
    return columns


@rule
def march(row: Row) -> None:
    """The aliens step sideways, or at the edge down and turn about; from the lowest line they win."""
    edge = 1 if row.direction < 0 else 1 << 9
    if any_line(row.aliens) & edge:
        row.direction = -row.direction
        lowest = row.aliens[9]
        if lowest:
            row.done = True
        for line in range(9, 0, -1):
            row.aliens[line] = row.aliens[line - 1]
        row.aliens[0] = lowest
    elif row.direction < 0:
        for line in range(10):
            row.aliens[line] >>= 1
    else:
        for line in range(10):
            row.aliens[line] <<= 1


@rule
def bomb(row: Row) -> None:
    """The lowest alien of the column nearest to the cannon (the left one of two) drops a bomb."""
    columns = any_line(row.aliens)
    for distance in range(10):
        left, right = row.x - distance, row.x + distance
        column = -1
        if left >= 0 and columns >> left & 1:
            column = left
        elif right <= 9 and columns >> right & 1:
            column = right
        if column >= 0:
            for line in range(9, -1, -1):
                if row.aliens[line] >> column & 1:
                    row.bombs[line] |= ONE << column
                    return


@rule
def hit(row: Row) -> None:
    """Aliens and shots in the same cell are gone."""
    for line in range(10):
        both = row.aliens[line] & row.shots[line]
        if both:
            row.aliens[line] ^= both
            row.shots[line] ^= both
            while both:
                both &= both - 1
                row.left -= 1
                row.reward[0] += 1.0
                row.score += 1


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """Six planes: cannon, aliens, aliens marching left, aliens marching right, own shots, bombs."""
    out[:] = 0.0
    out[0, 9, row.x] = 1.0
    side = 2 if row.direction < 0 else 3
    for line in range(10):
        aliens, shots, bombs = row.aliens[line], row.shots[line], row.bombs[line]
        if aliens | shots | bombs:
            for column in range(10):
                out[1, line, column] = aliens >> column & 1
                out[side, line, column] = aliens >> column & 1
                out[4, line, column] = shots >> column & 1
                out[5, line, column] = bombs >> column & 1


def space_invaders(sticky: float = STICKY, ramping: bool = True, minimal: bool = True, limit: int = LIMIT) -> Game:
    """1 for every alien, a new wave after the last; `minimal` leaves out the buttons without effect."""
    check("space_invaders", sticky, limit)
    pressed = buttons(minimal, (NONE, LEFT, RIGHT, FIRE))
    press = presses(pressed, sticky)

    @rule
    def play(row: Row, action: int) -> None:
        button = press(row, action)
        row.reward[0] = 0.0
        if button == FIRE and row.shot_timer == 0:
            row.shots[9] |= ONE << row.x
            row.shot_timer = RELOAD
        elif button == LEFT:
            row.x = max(0, row.x - 1)
        elif button == RIGHT:
            row.x = min(9, row.x + 1)
        fly(row)
        if (row.bombs[9] | row.aliens[9]) >> row.x & 1:
            row.done = True
        if row.march_timer == 0:
            row.march_timer = min(row.left, row.interval)
            march(row)
            if row.aliens[9] >> row.x & 1:
                row.done = True
        if row.bomb_timer == 0:
            row.bomb_timer = ALIEN_RELOAD
            bomb(row)
        hit(row)
        row.shot_timer -= row.shot_timer > 0
        row.march_timer -= 1
        row.bomb_timer -= 1
        if row.left == 0:
            if ramping and row.interval > FASTEST:
                row.interval -= 1
            send_wave(row)
        count_ply(row, limit)

    name = spec(
        "space_invaders",
        sticky=(sticky, STICKY),
        ramping=(ramping, True),
        minimal=(minimal, True),
        limit=(limit, LIMIT),
    )
    return cabinet(
        name, pressed, limit, "AMMM^v", shape=SHAPE, row=ROW, reset=reset, play=play, observe=observe, chance=sticky > 0
    )

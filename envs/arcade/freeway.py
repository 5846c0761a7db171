"""Freeway on 10 x 10 cells: lead a chicken over eight lanes of cars, again and again, until the time is up.

The rules of MinAtar (Young & Tian 2019), with its order of events.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.arcade.buttons import DOWN, NONE, STICKY, UP, buttons, cabinet, check, presses
from envs.episode import count_ply
from envs.game import Game, Row, row_dtype, rule
from envs.options import spec
from envs.randomness import below, draw, unit

SHAPE = (7, 10, 10)
LANES = 8
COLUMN = 4
"""Where the chicken crosses."""
LEGS = 3
"""Plies from one step of the chicken to the next."""
TIME = 2501
"""MinAtar's 2500 frames and the one in which its clock runs out."""

ROW = row_dtype(
    1, score=np.int32, car=(np.int8, (LANES,)), timer=(np.int8, (LANES,)), speed=(np.int8, (LANES,)),
    y=np.int8, legs=np.int8, last=np.int8,
)  # fmt: skip


@rule
def send_cars(row: Row) -> None:
    """New speeds: a move every 1 to 5 plies and one to be made at, leftwards where negative."""
    for lane in range(LANES):
        row.timer[lane] = 1 + below(draw(row), 5)
    for lane in range(LANES):
        row.speed[lane] = row.timer[lane] if unit(draw(row)) >= 0.5 else -row.timer[lane]


@rule
def reset(row: Row) -> None:
    row.car[:] = 0
    send_cars(row)
    row.y = 9
    row.legs = LEGS
    row.last = NONE
    row.score = 0


@rule
def drive(row: Row) -> None:
    """Moves the cars whose time has come, round the field's ends; a chicken that is hit starts again."""
    for lane in range(LANES):
        here = row.y == lane + 1
        if here and row.car[lane] == COLUMN:
            row.y = 9
            here = False
        if row.timer[lane] == 0:
            row.timer[lane] = abs(row.speed[lane])
            x = row.car[lane] + (1 if row.speed[lane] > 0 else -1)
            row.car[lane] = 9 if x < 0 else (0 if x > 9 else x)
            if here and row.car[lane] == COLUMN:
                row.y = 9
        else:
            row.timer[lane] -= 1


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """Seven planes: chicken, cars, and behind each car its speed: a move every 2, 3, 4, 5 or 6 plies."""
    out[:] = 0.0
    out[0, row.y, COLUMN] = 1.0
    for lane in range(LANES):
        x, speed = row.car[lane], row.speed[lane]
        out[1, lane + 1, x] = 1.0
        back = x - 1 if speed > 0 else x + 1
        back = 9 if back < 0 else (0 if back > 9 else back)
        out[1 + abs(speed), lane + 1, back] = 1.0


def freeway(sticky: float = STICKY, minimal: bool = True, limit: int = TIME) -> Game:
    """1 for every road crossed; `minimal` leaves out the buttons without effect."""
    check("freeway", sticky, limit)
    pressed = buttons(minimal, (NONE, UP, DOWN))
    press = presses(pressed, sticky)

    @rule
    def play(row: Row, action: int) -> None:
        button = press(row, action)
        row.reward[0] = 0.0
        if row.legs == 0 and button in (UP, DOWN):
            row.legs = LEGS
            row.y = max(0, row.y - 1) if button == UP else min(9, row.y + 1)
        if row.y == 0:
            row.reward[0] = 1.0
            row.score += 1
            send_cars(row)
            row.y = 9
        drive(row)
        row.legs -= row.legs > 0
        count_ply(row, limit)

    name = spec("freeway", sticky=(sticky, STICKY), minimal=(minimal, True), limit=(limit, TIME))
    return cabinet(name, pressed, limit, "@C12345", shape=SHAPE, row=ROW, reset=reset, play=play, observe=observe)

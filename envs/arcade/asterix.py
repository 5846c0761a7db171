"""Asterix on 10 x 10 cells: gather the treasure that crosses the field and keep out of the enemies' way.

The rules of MinAtar (Young & Tian 2019), with its order of events; by its ramp things come and move ever faster.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.arcade.buttons import DOWN, LEFT, LIMIT, NONE, RIGHT, STICKY, UP, buttons, cabinet, check, presses
from envs.episode import count_ply
from envs.game import Game, Row, row_dtype, rule
from envs.options import spec
from envs.randomness import below, draw, unit

SHAPE = (4, 10, 10)
LANES = 8
"""Lines 1 to 8, each with at most one thing."""
NOTHING = -1
RAMP = 100

ROW = row_dtype(
    1, score=np.int32, at=(np.int8, (LANES,)), right=(np.int8, (LANES,)), gold=(np.int8, (LANES,)),
    x=np.int8, y=np.int8, spawn_speed=np.int8, spawn_timer=np.int8, move_speed=np.int8, move_timer=np.int8,
    ramp_timer=np.int8, ramp=np.int16, last=np.int8,
)  # fmt: skip


@rule
def reset(row: Row) -> None:
    row.at[:] = NOTHING
    row.right[:] = 0
    row.gold[:] = 0
    row.x = 5
    row.y = 5
    row.spawn_speed = 10
    row.spawn_timer = 10
    row.move_speed = 5
    row.move_timer = 5
    row.ramp_timer = RAMP
    row.ramp = 0
    row.last = NONE
    row.score = 0


@rule
def spawn(row: Row) -> None:
    """Something new at one end of a free line: a third of it is gold."""
    right = unit(draw(row)) < 1 / 2
    gold = unit(draw(row)) < 1 / 3
    free = 0
    for lane in range(LANES):
        free += row.at[lane] == NOTHING
    if free == 0:
        return
    left = below(draw(row), free)
    for lane in range(LANES):
        if row.at[lane] == NOTHING:
            if left == 0:
                row.at[lane] = 0 if right else 9
                row.right[lane] = right
                row.gold[lane] = gold
                return
            left -= 1


@rule
def meet(row: Row) -> None:
    """What happens where the player stands: gold is taken, an enemy ends the game."""
    lane = row.y - 1
    if row.at[lane] == row.x:
        if row.gold[lane]:
            row.at[lane] = NOTHING
            row.reward[0] += 1.0
            row.score += 1
        else:
            row.done = True


@rule
def advance(row: Row) -> None:
    """Everything moves a cell; what leaves the field is gone."""
    for lane in range(LANES):
        if row.at[lane] != NOTHING:
            x = row.at[lane] + (1 if row.right[lane] else -1)
            row.at[lane] = x if 0 <= x <= 9 else NOTHING


@rule
def speed_up(row: Row) -> None:
    """The ramp: every RAMP + 2 plies things come more often, and every second time they also move faster."""
    if row.spawn_speed > 1 or row.move_speed > 1:
        if row.ramp_timer >= 0:
            row.ramp_timer -= 1
        else:
            if row.move_speed > 1 and row.ramp % 2:
                row.move_speed -= 1
            if row.spawn_speed > 1:
                row.spawn_speed -= 1
            row.ramp += 1
            row.ramp_timer = RAMP


@rule
def walk(row: Row, button: int) -> None:
    """Moves the player within lines 1 to 8."""
    if button == LEFT:
        row.x = max(0, row.x - 1)
    elif button == RIGHT:
        row.x = min(9, row.x + 1)
    elif button == UP:
        row.y = max(1, row.y - 1)
    elif button == DOWN:
        row.y = min(8, row.y + 1)


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """Four planes: player, enemies, trails behind whatever moves, gold."""
    out[:] = 0.0
    out[0, row.y, row.x] = 1.0
    for lane in range(LANES):
        x = row.at[lane]
        if x != NOTHING:
            out[3 if row.gold[lane] else 1, lane + 1, x] = 1.0
            back = x - 1 if row.right[lane] else x + 1
            if 0 <= back <= 9:
                out[2, lane + 1, back] = 1.0


def asterix(sticky: float = STICKY, ramping: bool = True, minimal: bool = True, limit: int = LIMIT) -> Game:
    """1 for every piece of gold, over at the first enemy; `minimal` leaves out the buttons without effect."""
    check("asterix", sticky, limit)
    pressed = buttons(minimal, (NONE, LEFT, UP, RIGHT, DOWN))
    press = presses(pressed, sticky)

    @rule
    def play(row: Row, action: int) -> None:
        button = press(row, action)
        row.reward[0] = 0.0
        if row.spawn_timer == 0:
            spawn(row)
            row.spawn_timer = row.spawn_speed
        walk(row, button)
        meet(row)
        if row.move_timer == 0:
            row.move_timer = row.move_speed
            advance(row)
            meet(row)
        row.spawn_timer -= 1
        row.move_timer -= 1
        if ramping:
            speed_up(row)
        count_ply(row, limit)

    name = spec(
        "asterix", sticky=(sticky, STICKY), ramping=(ramping, True), minimal=(minimal, True), limit=(limit, LIMIT)
    )
    return cabinet(name, pressed, limit, "@x-$", shape=SHAPE, row=ROW, reset=reset, play=play, observe=observe)

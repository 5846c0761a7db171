"""Mountain car: an engine too weak for the hill must swing back and forth to reach the flag.

Moore 1990; dynamics, start, rewards and limits are those of Gymnasium's MountainCar-v0 and MountainCarContinuous-v0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.episode import MOST_PLIES, anything, count_ply, drawn_between
from envs.game import Game, Row, row_dtype, rule, unbarred
from envs.options import spec, whole

LEFT, RIGHT = -1.2, 0.6  # m
FLAG, FLAG_CONTINUOUS = 0.5, 0.45
FASTEST = 0.07  # m a step
FORCE, POWER, GRAVITY = 0.001, 0.0015, 0.0025
SINGLE_LEFT, SINGLE_RIGHT, SINGLE_FLAG = np.float32(LEFT), np.float32(RIGHT), np.float32(FLAG_CONTINUOUS)
SINGLE_FASTEST, SINGLE_POWER = np.float32(FASTEST), np.float32(POWER)

ROW = row_dtype(1, x=np.float64, speed=np.float64, force=np.float32)


@rule
def reset(row: Row) -> None:
    row.x = drawn_between(row, -0.6, -0.4)
    row.speed = 0.0
    row.force = 0.0


@rule
def move(row: Row, force: int) -> None:
    """A step with the engine backward (-1), off (0) or forward (1)."""
    row.force = force
    speed = row.speed + (force * FORCE + math.cos(3 * row.x) * -GRAVITY)
    speed = min(max(speed, -FASTEST), FASTEST)
    row.x = min(max(row.x + speed, LEFT), RIGHT)
    row.speed = 0.0 if row.x == LEFT and speed < 0 else speed


@rule
def move_continuous(row: Row, force: Any) -> None:
    """A step in single precision from the first one on, as Gymnasium makes it: in double it would end elsewhere."""
    row.force = force
    turn = 3.0 * row.x
    if row.ply > 0:
        turn = np.float64(np.float32(turn))
    push = np.float32(force * SINGLE_POWER) - np.float32(GRAVITY * math.cos(turn))
    speed = np.float32(row.speed + push)
    speed = min(max(speed, -SINGLE_FASTEST), SINGLE_FASTEST)
    x = np.float32(row.x + speed)
    x = min(max(x, SINGLE_LEFT), SINGLE_RIGHT)
    row.x = x
    row.speed = 0.0 if x == SINGLE_LEFT and speed < 0 else speed


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """Place (m; the valley is at -0.52) and speed (m a step)."""
    out[0] = row.x
    out[1] = row.speed


def text(row: Row) -> str:
    """Place and speed with their units."""
    return f"car at {row.x:+.3f} m, {row.speed:+.4f} m a step"


def mountain_car(limit: int = 200) -> Game:
    """-1 for every step until the flag, engine backward, off or forward."""
    whole("mountain_car", "limit", limit, 1, MOST_PLIES, 500)

    @rule
    def play(row: Row, action: int) -> None:
        move(row, action - 1)
        row.reward[0] = -1.0
        row.done = row.x >= FLAG and row.speed >= 0
        count_ply(row, limit)

    return Game(
        name=spec("mountain_car", limit=(limit, 200)),
        seats=1,
        actions=3,
        shape=(2,),
        row=ROW,
        reset=reset,
        play=play,
        legal=anything(3),
        observe=observe,
        names=("left", "none", "right"),
        max_plies=limit,
        pays="general",
        text=text,
        chance=True,
    )


def mountain_car_continuous(limit: int = 999) -> Game:
    """100 for the flag, less a tenth of the square of the engine's force at every step."""
    whole("mountain_car_continuous", "limit", limit, 1, MOST_PLIES, 500)

    @rule
    def play(row: Row, action: NDArray[np.float32]) -> None:
        move_continuous(row, action[0])
        row.done = row.x >= SINGLE_FLAG and row.speed >= 0
        row.reward[0] = (100.0 if row.done else 0.0) - np.float64(action[0]) ** 2 * 0.1
        count_ply(row, limit)

    return Game(
        name=spec("mountain_car_continuous", limit=(limit, 999)),
        seats=1,
        actions=0,
        shape=(2,),
        row=ROW,
        reset=reset,
        play=play,
        legal=unbarred,
        observe=observe,
        names=("force",),
        max_plies=limit,
        pays="general",
        controls=((-1.0, 1.0),),
        text=text,
        chance=True,
    )

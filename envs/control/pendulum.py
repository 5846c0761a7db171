"""Pendulum: a motor too weak to lift a rod at once must swing it up and hold it there.

Dynamics, start, reward and limit are those of Gymnasium's Pendulum-v1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from envs.episode import MOST_PLIES, count_ply, drawn_between
from envs.game import Game, Row, row_dtype, rule, unbarred
from envs.options import spec, whole

GRAVITY = 10.0  # of a rod of 1 m and 1 kg
STEP = 0.05  # s
FASTEST = 8.0  # rad/s
STRONGEST = 2.0  # N m


@rule
def reset(row: Row) -> None:
    row.angle = drawn_between(row, -math.pi, math.pi)
    row.spin = drawn_between(row, -1.0, 1.0)
    row.torque = 0.0


@rule
def from_upright(angle: float) -> float:
    """The same direction within half a turn either way."""
    return (angle + math.pi) % (2 * math.pi) - math.pi


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """Cosine and sine of the angle from upright, and its speed (rad/s)."""
    out[0] = math.cos(row.angle)
    out[1] = math.sin(row.angle)
    out[2] = row.spin


def text(row: Row) -> str:
    """Angle, speed and torque with their units."""
    return (
        f"rod {math.degrees(from_upright(row.angle)):+.1f} degrees from upright, {row.spin:+.2f} rad/s\n"
        f"torque {row.torque:+.2f} N m"
    )


def pendulum(limit: int = 200) -> Game:
    """Minus angle^2 + 0.1 speed^2 + 0.001 torque^2 at every step; never over before the limit."""
    whole("pendulum", "limit", limit, 1, MOST_PLIES, 500)

    @rule
    def play(row: Row, action: NDArray[np.float32]) -> None:
        torque = np.float64(action[0])
        cost = from_upright(row.angle) ** 2 + 0.1 * row.spin**2 + 0.001 * torque**2
        spin = row.spin + (1.5 * GRAVITY * math.sin(row.angle) + 3.0 * torque) * STEP
        row.spin = min(max(spin, -FASTEST), FASTEST)
        row.angle += row.spin * STEP
        row.torque = torque
        row.reward[0] = -cost
        count_ply(row, limit)

    return Game(
        name=spec("pendulum", limit=(limit, 200)),
        seats=1,
        actions=0,
        shape=(3,),
        row=row_dtype(1, angle=np.float64, spin=np.float64, torque=np.float32),
        reset=reset,
        play=play,
        legal=unbarred,
        observe=observe,
        names=("torque",),
        max_plies=limit,
        pays="general",
        controls=((-STRONGEST, STRONGEST),),
        text=text,
        chance=True,
    )

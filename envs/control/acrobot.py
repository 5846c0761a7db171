"""Acrobot: two links hang from a bar; a motor in the elbow alone must swing the tip above the bar.

Sutton 1996, with the equations of the book (Sutton & Barto 2018); start, reward and limit are Gymnasium's Acrobot-v1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from envs.episode import MOST_PLIES, anything, count_ply, drawn_between
from envs.game import Game, Row, row_dtype, rule
from envs.options import spec, whole

STEP = 0.2  # s
GRAVITY = 9.8
MIDDLE = 0.5  # m from a link's upper end to its centre of mass; links are 1 m, 1 kg, 1 kg m^2
FASTEST = (4 * math.pi, 9 * math.pi)
HALF_TURN = math.pi / 2


@rule
def reset(row: Row) -> None:
    row.torque = 0
    for i in range(4):
        row.state[i] = np.float32(drawn_between(row, -0.1, 0.1))


@rule
def accelerations(a1: float, a2: float, s1: float, s2: float, torque: float) -> tuple[float, float]:
    """How fast the speeds (s1, s2) of the angles (a1, a2) change, in rad/s^2."""
    sin, cos = math.sin(a2), math.cos(a2)
    d1 = MIDDLE**2 + (1.0 + MIDDLE**2 + 2.0 * MIDDLE * cos) + 1.0 + 1.0
    d2 = MIDDLE**2 + MIDDLE * cos + 1.0
    phi2 = MIDDLE * GRAVITY * math.cos(a1 + a2 - HALF_TURN)
    phi1 = -MIDDLE * s2**2 * sin - 2.0 * MIDDLE * s2 * s1 * sin
    phi1 = phi1 + (MIDDLE + 1.0) * GRAVITY * math.cos(a1 - HALF_TURN) + phi2
    up2 = (torque + d2 / d1 * phi1 - MIDDLE * s1**2 * sin - phi2) / (MIDDLE**2 + 1.0 - d2**2 / d1)
    return -(d2 * up2 + phi1) / d1, up2


@rule
def move(row: Row, torque: float) -> None:
    """One step of the fourth-order Runge-Kutta method; angles are wrapped to half a turn, speeds are bounded."""
    a1, a2, s1, s2 = row.state[0], row.state[1], row.state[2], row.state[3]
    half = STEP / 2.0
    k1, l1 = accelerations(a1, a2, s1, s2, torque)
    u1, v1 = s1 + half * k1, s2 + half * l1
    k2, l2 = accelerations(a1 + half * s1, a2 + half * s2, u1, v1, torque)
    u2, v2 = s1 + half * k2, s2 + half * l2
    k3, l3 = accelerations(a1 + half * u1, a2 + half * v1, u2, v2, torque)
    u3, v3 = s1 + STEP * k3, s2 + STEP * l3
    k4, l4 = accelerations(a1 + STEP * u2, a2 + STEP * v2, u3, v3, torque)
    sixth = STEP / 6.0
    row.state[0] = wrapped(a1 + sixth * (s1 + 2 * u1 + 2 * u2 + u3))
    row.state[1] = wrapped(a2 + sixth * (s2 + 2 * v1 + 2 * v2 + v3))
    row.state[2] = min(max(s1 + sixth * (k1 + 2 * k2 + 2 * k3 + k4), -FASTEST[0]), FASTEST[0])
    row.state[3] = min(max(s2 + sixth * (l1 + 2 * l2 + 2 * l3 + l4), -FASTEST[1]), FASTEST[1])


@rule
def wrapped(angle: float) -> float:
    """The same direction within half a turn either way."""
    while angle > math.pi:
        angle -= 2 * math.pi
    while angle < -math.pi:
        angle += 2 * math.pi
    return angle


@rule
def height(row: Row) -> float:
    """How far the tip is above the bar, in m."""
    return -math.cos(row.state[0]) - math.cos(row.state[1] + row.state[0])


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """Cosine and sine of the upper angle (0 hangs), of the elbow's, and the two speeds (rad/s)."""
    out[0] = math.cos(row.state[0])
    out[1] = math.sin(row.state[0])
    out[2] = math.cos(row.state[1])
    out[3] = math.sin(row.state[1])
    out[4] = row.state[2]
    out[5] = row.state[3]


def text(row: Row) -> str:
    """Angles, speeds and the tip's height with their units."""
    angles = [math.degrees(x) for x in row.state]
    return (
        f"shoulder {angles[0]:+.1f} degrees, {angles[2]:+.1f} degrees/s\n"
        f"elbow {angles[1]:+.1f} degrees, {angles[3]:+.1f} degrees/s\n"
        f"tip {height(row):+.2f} m above the bar, wanted above +1"
    )


def acrobot(limit: int = 500) -> Game:
    """-1 for every step until the tip is a link's length above the bar."""
    whole("acrobot", "limit", limit, 1, MOST_PLIES, 200)

    @rule
    def play(row: Row, action: int) -> None:
        row.torque = action - 1
        move(row, action - 1.0)
        row.done = height(row) > 1.0
        row.reward[0] = 0.0 if row.done else -1.0
        count_ply(row, limit)

    return Game(
        name=spec("acrobot", limit=(limit, 500)),
        seats=1,
        actions=3,
        shape=(6,),
        row=row_dtype(1, state=(np.float64, (4,)), torque=np.int8),
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

"""Cart-pole: push a cart left or right so that the pole hinged on it stays up.

Barto, Sutton & Anderson 1983; dynamics, start, reward and limit are those of Gymnasium's CartPole-v1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from envs.episode import MOST_PLIES, anything, count_ply, drawn_between
from envs.game import Game, Row, row_dtype, rule
from envs.options import spec, whole

GRAVITY = 9.8
CART, POLE = 1.0, 0.1  # kg
HALF = 0.5  # m from the hinge to the pole's middle
FORCE = 10.0  # N
STEP = 0.02  # s
FARTHEST = 2.4  # m
STEEPEST = 12 * 2 * math.pi / 360

MASS = POLE + CART
LEVER = POLE * HALF  # kg m

SMALL = 0.25  # rad; a pole that stands leans less
SPLIT = 134217729.0  # 2**27 + 1 parts a float64 into halves whose products are exact (Dekker 1971)


@rule
def reset(row: Row) -> None:
    row.x = drawn_between(row, -0.05, 0.05)
    row.x_speed = drawn_between(row, -0.05, 0.05)
    row.angle = drawn_between(row, -0.05, 0.05)
    row.spin = drawn_between(row, -0.05, 0.05)


@rule
def sine_and_cosine(x: float) -> tuple[float, float]:
    """Of a small angle by their series, in a quarter of the C library's time, and the same on every machine.

    The cosine's square is carried to twice the digits, so that it is rounded once: of a million angles one in 5,000
    differs from the C library's in its last bit, of the sines one in 300. A larger angle is left to the library.
    """
    if abs(x) > SMALL:
        return math.sin(x), math.cos(x)
    square = x * x
    upper = SPLIT * x - (SPLIT * x - x)
    lower = x - upper
    rest = ((upper * upper - square) + 2.0 * upper * lower) + lower * lower  # square + rest is x * x, exactly
    fourth = square * square
    end = 1 / 362880 + square * (-1 / 39916800) + fourth * (1 / 6227020800)
    tail = (-1 / 6 + square * (1 / 120)) + fourth * (-1 / 5040 + square * end)
    sine = x + x * square * tail
    half = 0.5 * square
    most = 1.0 - half
    end = (1 / 40320 + square * (-1 / 3628800)) + fourth * (1 / 479001600)
    tail = (1 / 24 + square * (-1 / 720)) + fourth * end
    return sine, most + (((1.0 - most) - half) + (fourth * tail - 0.5 * rest))


@rule
def move(row: Row, action: int) -> None:
    """A step of Euler's, each operation in Gymnasium's order: a balanced pole doubles any difference every 9 steps."""
    sin, cos = sine_and_cosine(row.angle)
    force = FORCE * (2 * action - 1)
    push = (force + LEVER * (row.spin * row.spin) * sin) / MASS
    spin_up = (GRAVITY * sin - cos * push) / (HALF * (4.0 / 3.0 - POLE * (cos * cos) / MASS))
    speed_up = push - LEVER * spin_up * cos / MASS
    row.x += STEP * row.x_speed
    row.x_speed += STEP * speed_up
    row.angle += STEP * row.spin
    row.spin += STEP * spin_up


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """Cart's place (m) and speed (m/s), pole's angle from upright (rad, clockwise) and its speed (rad/s)."""
    out[0] = row.x
    out[1] = row.x_speed
    out[2] = row.angle
    out[3] = row.spin


def text(row: Row) -> str:
    """The four numbers with their units."""
    return (
        f"cart at {row.x:+.3f} m, {row.x_speed:+.3f} m/s\n"
        f"pole leans {math.degrees(row.angle):+.2f} degrees, {math.degrees(row.spin):+.2f} degrees/s"
    )


def cart_pole(limit: int = 500) -> Game:
    """1 for every step, the one included in which the pole falls below 12 degrees or the cart leaves 2.4 m."""
    whole("cart_pole", "limit", limit, 1, MOST_PLIES, 200)

    @rule
    def play(row: Row, action: int) -> None:
        move(row, action)
        row.reward[0] = 1.0
        row.done = abs(row.x) > FARTHEST or abs(row.angle) > STEEPEST
        count_ply(row, limit)

    return Game(
        name=spec("cart_pole", limit=(limit, 500)),
        seats=1,
        actions=2,
        shape=(4,),
        row=row_dtype(1, x=np.float64, x_speed=np.float64, angle=np.float64, spin=np.float64),
        reset=reset,
        play=play,
        legal=anything(2),
        observe=observe,
        names=("left", "right"),
        max_plies=limit,
        pays="general",
        text=text,
        chance=True,
    )

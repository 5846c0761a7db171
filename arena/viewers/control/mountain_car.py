"""Mountain car: the valley, the car on its slope with the engine's push, the flag."""

from __future__ import annotations

import math

from arena.viewers.control.stage import block, stage, steps, turned, tween
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture
from arena.viewers.shapes import BOARD, PIECES, Arrow, Box, Disc, Line, Poly
from arena.viewers.theme import SEATS, mix
from envs.control.mountain_car import FLAG, FLAG_CONTINUOUS, LEFT, RIGHT
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """The hill is the sine that pulls the car; the arrow's length is the engine's force."""
    now = tween(before, row, part)
    x = now("x")
    made = stage(game, room, layout, steps(game, row), f"{x:+.2f} m  {1000 * now('speed'):+.1f} mm a step")
    scene, add = made.scene, made.shapes.append
    metre = scene.w / (RIGHT - LEFT)
    bottom = scene.cy + 0.5 * metre

    def point(at: float) -> tuple[float, float]:
        return scene.x + (at - LEFT) * metre, bottom - (0.45 * math.sin(3 * at) + 0.45) * metre

    hill = [point(LEFT + (RIGHT - LEFT) * k / 60) for k in range(61)]
    earth = ((scene.x, scene.bottom), *hill, (scene.right, scene.bottom))
    add(Poly(earth, mix("felt", "ground", 0.45), layer=BOARD))
    add(Line(tuple(hill), 0.6, "line", layer=BOARD))
    flag_x, flag_y = point(FLAG_CONTINUOUS if game.controls else FLAG)
    top = flag_y - 0.22 * metre
    add(Line(((flag_x, flag_y), (flag_x, top)), 0.5, "text", layer=BOARD))
    add(Poly(((flag_x, top), (flag_x - 0.13 * metre, top + 0.05 * metre), (flag_x, top + 0.1 * metre)), "yellow",
             layer=BOARD))  # fmt: skip
    car_x, car_y = point(x)
    slope = -math.atan(1.35 * math.cos(3 * x))
    size = 0.085 * metre
    add(block(car_x, car_y, slope, Box(-size, -1.15 * size, 2 * size, 0.75 * size), SEATS[0]))
    add(block(car_x, car_y, slope, Box(-0.55 * size, -1.7 * size, 1.1 * size, 0.6 * size), mix(SEATS[0], "text", 0.5)))
    for side in (-1, 1):
        add(Disc(*turned(car_x, car_y, side * 0.6 * size, -0.32 * size, slope), 0.32 * size, "ink", rim="text",
                 rim_width=0.3))  # fmt: skip
    force = float(row["force"])
    if abs(force) > 0.02:
        start = turned(car_x, car_y, math.copysign(1.1 * size, force), -0.8 * size, slope)
        end = turned(car_x, car_y, math.copysign(1.1 * size, force) + 2.2 * size * force, -0.8 * size, slope)
        add(Arrow(*start, *end, 0.8, SEATS[1], layer=PIECES))
    return made.picture()

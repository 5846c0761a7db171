"""Pendulum: the rod, the place it should stand in, and the motor's torque as a bent arrow."""

from __future__ import annotations

import math

from arena.viewers.control.stage import stage, steps, torque, tween
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture
from arena.viewers.shapes import BOARD, PIECES, Box, Disc, Line, Ring, Text
from arena.viewers.theme import BODY, SEATS
from envs.control.pendulum import STRONGEST
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Angles grow counter-clockwise from upright, and so does the torque."""
    now = tween(before, row, part)
    angle = now("angle")
    lean = math.degrees((angle + math.pi) % (2 * math.pi) - math.pi)
    made = stage(game, room, layout, steps(game, row), f"{lean:+.0f}°  {now('spin'):+.1f} rad/s")
    scene, add = made.scene, made.shapes.append
    metre = min(scene.w, scene.h) / 2.5
    x, y = scene.cx, scene.cy
    add(Ring(x, y, metre, 0.25, "line", 0.5, dashes=48, layer=BOARD))
    add(Line(((x, y - 0.93 * metre), (x, y - 1.07 * metre)), 0.6, "yellow", layer=BOARD))
    tip = (x - metre * math.sin(angle), y - metre * math.cos(angle))
    add(Line(((x, y), tip), 0.17 * metre, SEATS[0], layer=PIECES))
    add(Disc(*tip, 0.13 * metre, "white stone", rim="ink", rim_width=0.3))
    add(Disc(x, y, 0.10 * metre, "ground", rim="line", rim_width=0.6))
    push = float(row["torque"])
    made.shapes += torque(x, y, 0.32 * metre, push / STRONGEST)
    words = Box(scene.x, scene.bottom - 3.5 * layout.text, scene.w, 3 * layout.text)
    add(Text(f"torque {push:+.2f} N m", words, BODY * layout.text, "muted", layer=BOARD))
    return made.picture()

"""Acrobot: two links on a bar, the motor's push at the elbow, the line that the tip must pass."""

from __future__ import annotations

import math

from arena.viewers.control.stage import stage, steps, torque
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture
from arena.viewers.shapes import BOARD, PIECES, Box, Disc, Line, Rect, Text
from arena.viewers.theme import BODY, SEATS
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Angles grow counter-clockwise from hanging down; the second is counted from the first link."""
    upper, lower = (angle(before, row, part, i) for i in (0, 1))
    height = -math.cos(upper) - math.cos(upper + lower)
    made = stage(game, room, layout, steps(game, row), f"tip {height:+.2f} m")
    scene, add = made.scene, made.shapes.append
    metre = min(scene.w, scene.h) / 4.5
    x, y = scene.cx, scene.cy
    goal = y - metre
    add(Line(((scene.x, goal), (scene.right, goal)), 0.35, "yellow", dash=1.4, layer=BOARD))
    words = Box(scene.x, goal - 3.2 * layout.text, scene.w, 3 * layout.text)
    add(Text("the tip must get above this line", words, BODY * layout.text, "yellow", layer=BOARD))
    add(Rect(x - 1.2 * metre, y - 0.5, 2.4 * metre, 1.0, "line", radius=0.5, layer=BOARD))
    elbow = (x + metre * math.sin(upper), y + metre * math.cos(upper))
    tip = (elbow[0] + metre * math.sin(upper + lower), elbow[1] + metre * math.cos(upper + lower))
    add(Line(((x, y), elbow), 0.16 * metre, "white stone", layer=PIECES))
    add(Line((elbow, tip), 0.16 * metre, SEATS[0], layer=PIECES))
    add(Disc(x, y, 0.13 * metre, "ground", rim="line", rim_width=0.5))
    add(Disc(*elbow, 0.13 * metre, "ground", rim="line", rim_width=0.5))
    add(Disc(*tip, 0.11 * metre, "yellow", rim="ink", rim_width=0.3))
    made.shapes += torque(*elbow, 0.35 * metre, float(row["torque"]))
    return made.picture()


def angle(before: Row | None, row: Row, part: float, i: int) -> float:
    """An angle on the shorter way from `before` to `row`."""
    now = float(row["state"][i])
    if before is None:
        return now
    old = float(before["state"][i])
    return old + part * ((now - old + math.pi) % (2 * math.pi) - math.pi)

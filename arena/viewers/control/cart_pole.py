"""Cart-pole: the cart on its track between two posts, the pole and how far it may lean."""

from __future__ import annotations

import math

from arena.viewers.control.stage import block, stage, steps, turned, tween
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture
from arena.viewers.shapes import BOARD, PIECES, Box, Disc, Line, Poly, Rect
from arena.viewers.theme import SEATS, mix
from envs.control.cart_pole import FARTHEST, STEEPEST
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """The pole is drawn twice as long as it is, to be seen from afar."""
    now = tween(before, row, part)
    lean = f"{math.degrees(now('angle')):+.1f}°  {now('x'):+.2f} m"
    made = stage(game, room, layout, steps(game, row), lean)
    scene, add = made.scene, made.shapes.append
    metre = scene.w / (2 * FARTHEST + 1.0)
    track = scene.y + 0.82 * scene.h
    x, y = scene.cx + metre * now("x"), track - 0.5 * metre
    long = min(2.0 * metre * 1.6, y - scene.y - 1)
    wedge = [(x, y), *(turned(x, y, 0.0, -long, s * STEEPEST / 4) for s in range(-4, 5))]
    add(Poly(tuple(wedge), "sky", 0.10, layer=BOARD))
    add(Line(((scene.x, track), (scene.right, track)), 0.6, "line", layer=BOARD))
    for side in (-1, 1):
        post = scene.cx + side * metre * FARTHEST
        add(Rect(post - 0.5, track - 0.8 * metre, 1.0, 0.8 * metre, "purple", radius=0.4, layer=BOARD))
        add(Line(((post, track), (post, scene.bottom)), 0.25, "purple", dash=0.8, layer=BOARD))
    add(Line(((scene.cx, track), (scene.cx, track + 1.5)), 0.3, "line", layer=BOARD))
    wide, high = 0.75 * metre, 0.38 * metre
    add(Rect(x - wide / 2, y, wide, high, "white stone", mix("white stone", "shadow", 0.25), radius=0.8, layer=PIECES))
    for side in (-1, 1):
        add(Disc(x + side * 0.27 * wide, track - 0.13 * metre, 0.13 * metre, "ground", rim="line", rim_width=0.5))
    fallen = bool(row["done"]) and not bool(row["cut"])
    add(block(x, y, now("angle"), Box(-0.07 * metre, -long, 0.14 * metre, long), SEATS[1] if fallen else SEATS[0]))
    add(Disc(x, y, 0.11 * metre, "yellow", rim="ink", rim_width=0.3))
    return made.picture()

"""The T-maze: a corridor with the sign at its start and the two arms at its end."""

from __future__ import annotations

from arena.viewers.control.stage import stage, steps
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot
from arena.viewers.shapes import BOARD, OVERLAY, PIECES, Arrow, Box, Disc, Line, Point, Poly, Rect, Shape, Text
from arena.viewers.theme import LABEL, mix
from envs.game import Game, Row
from envs.memory.t_maze import DOWN, UP

DRAWN = 14
"""A longer corridor is drawn as so many cells."""


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """The sign is there for who stands at it; whether it stays visible and which arm pays is not for `seen_by`."""
    length = game.max_plies // 4 - 1
    made = stage(game, room, layout, steps(game, row), f"corridor of {length}")
    cells = min(length, DRAWN) + 1
    scene = made.scene
    side = min(scene.w / (cells + 0.5), scene.h / 5)
    x0, y0 = scene.cx - side * cells / 2, scene.cy - side / 2

    def at(place: float, arm: float = 0.0) -> tuple[float, float]:
        share = place * (cells - 1) / length
        return x0 + (share + 0.5) * side, y0 + (0.5 - arm) * side

    made.shapes += _ground(x0, y0, side, cells)
    sign, place, arm = int(row["sign"]), float(row["place"]), {0: 0, UP: 1, DOWN: -1}[int(row["arm"])]
    if seen_by is None or place == 0:
        made.shapes += _sign(sign, Box(x0, y0 - side * 1.25, side, side * 1.1), seen_by is None and place > 0)
    if seen_by is None or (arm and float(row["reward"][0]) > 0):
        x, y = at(length, 1 if sign == UP else -1)
        made.shapes.append(Poly(star(x, y, 0.36 * side), "yellow", layer=PIECES))
    if before is not None and part < 1:
        was = float(before["place"])
        place, arm = was + (place - was) * part, arm * part
    x, y = at(place, arm)
    made.shapes.append(Disc(x, y, 0.3 * side, "sky", mix("sky", "shadow", 0.3), layer=OVERLAY))
    if row["done"] and part >= 1:
        good = float(row["reward"][0]) > 0
        words = Box(scene.x, scene.bottom - 5, scene.w, 4)
        told = "the right arm: +1" if good else "the wrong arm: -1" if arm else "too late: -1"
        colour = "teal" if good else "purple"
        made.shapes.append(Text(told, words, LABEL * 1.3 * layout.text, colour, "centre", "bold", layer=OVERLAY))
    made.shapes += _forward(made.spots[0])
    return made.picture()


def _ground(x0: float, y0: float, side: float, cells: int) -> list[Shape]:
    end = x0 + side * (cells - 1)
    floor, edge = mix("raised", "text", 0.06), mix("raised", "text", 0.25)
    shapes: list[Shape] = [
        Rect(x0, y0, side * cells, side, floor, layer=BOARD),
        Rect(end, y0 - side, side, 3 * side, floor, layer=BOARD),
    ]
    for i in range(1, cells):
        shapes.append(Line(((x0 + i * side, y0), (x0 + i * side, y0 + side)), 0.12, "line", 0.4, layer=BOARD))
    outline = (
        (x0, y0), (end, y0), (end, y0 - side), (end + side, y0 - side), (end + side, y0 + 2 * side),
        (end, y0 + 2 * side), (end, y0 + side), (x0, y0 + side), (x0, y0),
    )  # fmt: skip
    return [*shapes, Line(outline, 0.4, edge, layer=BOARD)]


def _sign(sign: int, box: Box, past: bool) -> list[Shape]:
    """An arrow up or down on a board; faint once it cannot be seen any more."""
    alpha, way = (0.35 if past else 1.0), (-1 if sign == UP else 1)
    return [
        Rect(*box, "raised", radius=0.8, stroke="yellow", stroke_width=0.4, alpha=alpha, layer=PIECES),
        Arrow(box.cx, box.cy - way * box.h * 0.3, box.cx, box.cy + way * box.h * 0.32, 1.0, "yellow", alpha),
    ]


def _forward(at: Spot) -> list[Shape]:
    return [
        Disc(at.x, at.y, 0.55 * at.r, "raised", layer=PIECES),
        Poly(((at.x - at.r * 0.45, at.y - at.r * 0.5), (at.x - at.r * 0.45, at.y + at.r * 0.5),
              (at.x + at.r * 0.6, at.y)), "line", layer=OVERLAY),
    ]  # fmt: skip


def star(x: float, y: float, r: float) -> tuple[Point, ...]:
    """The corners of a star of five points: what is to be reached."""
    tips = (
        (0, -1), (0.24, -0.32), (0.95, -0.31), (0.38, 0.12), (0.59, 0.81), (0, 0.40), (-0.59, 0.81), (-0.38, 0.12),
        (-0.95, -0.31), (-0.24, -0.32),
    )  # fmt: skip
    return tuple((x + r * dx, y + r * dy) for dx, dy in tips)

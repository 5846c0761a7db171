"""The point mass: the point, its last push, the goal, and the circle on which the last payment says the goal lies."""

from __future__ import annotations

from arena.viewers.control.stage import piece, stage, steps
from arena.viewers.layout import Layout
from arena.viewers.memory.t_maze import star
from arena.viewers.pictures import Picture
from arena.viewers.shapes import BOARD, OVERLAY, PIECES, Arrow, Box, Disc, Group, Line, Poly, Rect, Ring, Shape
from arena.viewers.theme import mix
from envs.bandits.point_mass import EDGE, GOALS
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """The plane from above; the goal is not for `seen_by`, what was paid is."""
    paid = f"distance {-float(row['reward'][0]):.2f}" if row["ply"] else ""
    made = stage(game, room, layout, steps(game, row), paid)
    side = min(made.scene.w, made.scene.h) - 1
    field = Box(made.scene.cx - side / 2, made.scene.cy - side / 2, side, side)
    scale = side / (2 * EDGE)

    def at(place: tuple[float, float]) -> tuple[float, float]:
        return field.cx + place[0] * scale, field.cy - place[1] * scale

    floor = mix("raised", "ground", 0.5)
    shapes: list[Shape] = [Rect(*field, floor, radius=0.5, stroke="line", stroke_width=0.3, layer=BOARD)]
    for k in range(1, 8):
        x, y = field.x + side * k / 8, field.y + side * k / 8
        shapes.append(Line(((x, field.y), (x, field.bottom)), 0.12, "line", 0.35, layer=BOARD))
        shapes.append(Line(((field.x, y), (field.right, y)), 0.12, "line", 0.35, layer=BOARD))
    goals = Box(*at((-GOALS, GOALS)), 2 * GOALS * scale, 2 * GOALS * scale)
    shapes.append(Rect(*goals, "yellow", radius=0.4, alpha=0.07, layer=BOARD))
    here = (float(row["place"][0]), float(row["place"][1]))
    if before is not None:
        was = (float(before["place"][0]), float(before["place"][1]))
        shapes.append(Line((at(was), at(here)), 0.5, "sky", 0.6, layer=PIECES))
        here = (was[0] + (here[0] - was[0]) * part, was[1] + (here[1] - was[1]) * part)
    x, y = at(here)
    if row["ply"] and part >= 1:
        far = -float(row["reward"][0]) * scale
        circle = Ring(x, y, far, 0.35, "orange", 0.9, dashes=max(8, int(far * 2)), layer=PIECES)
        shapes.append(Group((circle,), field, layer=PIECES))
    if seen_by is None:
        goal = at((float(row["goal"][0]), float(row["goal"][1])))
        shapes.append(Poly(star(*goal, 2.6), "yellow", layer=OVERLAY))
    push = (float(row["last"][0]), float(row["last"][1]))
    if abs(push[0]) + abs(push[1]) > 0.05:
        shapes.append(Arrow(x, y, x + push[0] * 9, y - push[1] * 9, 0.7, "text", 0.8))
    shapes.append(Disc(x, y, 1.9, "sky", mix("sky", "shadow", 0.3), rim="ink", layer=OVERLAY))
    return Picture(made.shapes + shapes, {}, {}, piece, side / 8)

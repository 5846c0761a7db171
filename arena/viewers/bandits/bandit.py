"""A bandit: for each arm what it has paid on average and how often it was pulled, and what it pays in truth."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

from arena.viewers.control.stage import piece, steps
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot
from arena.viewers.shapes import BOARD, OVERLAY, PIECES, Box, Disc, Line, Rect, Shape, Text
from arena.viewers.theme import CORNER, LABEL, SMALL, mix
from envs.game import Game, Row
from envs.registry import parse


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """A column an arm: a bar for the mean so far with its standard error, a yellow line for the true one."""
    low, high = (-3.0, 3.0) if parse(game.name)[1].get("kind") == "gaussian" else (0.0, 1.0)
    size = LABEL * layout.text
    words = Box(room.x + 2, room.y + 0.6, room.w - 4, 2 * size)
    total = float(row["paid"].sum())
    shapes: list[Shape] = [
        Rect(room.x, room.y + 0.6, room.w, room.h, "shadow", radius=CORNER, alpha=0.5, blur=2.0, layer=BOARD),
        Rect(*room, "panel", mix("panel", "ground", 0.5), radius=CORNER, layer=BOARD),
        Text(steps(game, row), words, size, "muted", layer=BOARD),
        Text(
            f"paid {total:.0f}" if low == 0 else f"paid {total:+.1f}", words, size, "text", "right", "bold", layer=BOARD
        ),
    ]
    foot = 3.2 * size
    field = Box(room.x + 2.5 * size, words.bottom + 1, room.w - 3.5 * size, room.bottom - words.bottom - foot - 2)

    def height(value: float) -> float:
        return field.bottom - field.h * (min(high, max(low, value)) - low) / (high - low)

    for mark in (low, (low + high) / 2, high):
        y = height(mark)
        shapes.append(Line(((field.x, y), (field.right, y)), 0.15, "line", 0.5, layer=BOARD))
        tick = Box(room.x + 0.5, y - size, 2.5 * size - 1, 2 * size)
        shapes.append(Text(f"{mark:g}", tick, size * 0.85, "muted", "right", layer=BOARD))
    wide = field.w / game.actions
    columns = {a: Box(field.x + a * wide, field.y, wide, field.h + foot) for a in range(game.actions)}
    for arm, column in columns.items():
        shapes += _arm(row, arm, column, height, 0.5 if low == 0 else 1.0, truth=seen_by is None)
        shapes += _below(row, arm, column, field.bottom, size)
    latest = int(row["last"])
    if latest >= 0:
        paid, column = float(row["reward"][0]), columns[latest]
        y = field.y + (height(paid) - field.y) * (part if before is not None else 1.0)
        shapes.append(
            Rect(*column.inset(0.04 * wide, 0), None, radius=0.8, stroke="text", stroke_width=0.25, layer=OVERLAY)
        )
        shapes.append(Disc(column.cx, y, min(1.6, 0.25 * wide), "orange", rim="ink", layer=OVERLAY))
    spots = {a: Spot(box.cx, height((low + high) / 2), 0.4 * wide) for a, box in columns.items()}
    return Picture(shapes, columns, spots, piece, wide)


def _arm(
    row: Row, arm: int, column: Box, height: Callable[[float], float], deviation: float, *, truth: bool
) -> list[Shape]:  # fmt: skip
    """The bar from zero to the mean so far, a whisker of its standard error (at most), and the truth."""
    pulls = int(row["pulls"][arm])
    shapes: list[Shape] = []
    if pulls:
        mean = float(row["paid"][arm]) / pulls
        top, foot = sorted((height(mean), height(0.0)))
        bar = Box(column.x + 0.18 * column.w, top, 0.64 * column.w, max(0.3, foot - top))
        shapes.append(Rect(*bar, "sky", mix("sky", "shadow", 0.25), radius=0.3, layer=PIECES))
        error = deviation / sqrt(pulls)
        ends = (height(mean - error), height(mean + error))
        shapes.append(Line(((column.cx, ends[0]), (column.cx, ends[1])), 0.3, "text", 0.8, layer=PIECES))
    if truth:
        y = height(float(row["means"][arm]))
        line = ((column.x + 0.08 * column.w, y), (column.right - 0.08 * column.w, y))
        shapes.append(Line(line, 0.6, "yellow", layer=OVERLAY))
    return shapes


def _below(row: Row, arm: int, column: Box, y: float, size: float) -> list[Shape]:
    """The arm's number and how often it was pulled, as far as there is room."""
    small = min(size, column.w * 0.55)
    if small < SMALL * 0.6:
        return []
    number, count = (Box(column.x, y + line * size, column.w, 1.4 * size) for line in (0.2, 1.6))
    pulls = f"{int(row['pulls'][arm])}×"
    return [
        Text(str(arm + 1), number, small, "text", "centre", "bold", layer=BOARD),
        Text(pulls, count, small * 0.85, "muted", "centre", layer=BOARD),
    ]

"""Floors of square cells on which somebody walks: maze, cliff, frozen lake, four rooms, windy grid.

The floor lies on the layer BOARD and the walker on PIECES, so that a learner's values and arrows can be painted between
them, on MAP: `cells` says where each state is.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot
from arena.viewers.shapes import BOARD, PIECES, Arrow, Box, Disc, Line, Poly, Rect, Ring, Shape
from arena.viewers.theme import SEATS, mix
from envs.game import Game, Row
from envs.grids.windy_grid import WIND

WAYS = {
    "up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1),
    "up-right": (-1, 1), "down-right": (1, 1), "down-left": (1, -1), "up-left": (-1, -1),
}  # fmt: skip


@cache
def signs(game: Game) -> tuple[str, ...]:
    """The board in characters, without the walker: put together from two positions of it."""
    assert game.text is not None
    rows = np.zeros(2, game.row)
    rows["state"] = 0, 1
    first, second = game.text(rows[0]).splitlines(), game.text(rows[1]).splitlines()
    return (second[0][0] + first[0][1:], *first[1:])


def cells(game: Game, room: Box, layout: Layout) -> dict[int, Box]:
    """Where each state's cell is drawn."""
    lines = signs(game)
    grid, cell = layout.grid(room.inset(1.2), len(lines[0]), len(lines))
    return {
        i * len(lines[0]) + j: Box(grid.x + j * cell, grid.y + i * cell, cell, cell)
        for i in range(len(lines))
        for j in range(len(lines[0]))
    }


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """The floor and the walker on it; a click on a cell beside the walker means the step there."""
    lines = signs(game)
    places = cells(game, room, layout)
    side, width = places[0].w, len(lines[0])
    first, last = places[0], places[len(places) - 1]
    wide, high = last.right - first.x + 1.4, last.bottom - first.y + 1.4
    shapes: list[Shape] = [
        Rect(first.x - 0.7, first.y, wide, high, "shadow", radius=1.6, alpha=0.5, blur=2.0, layer=BOARD),
        Rect(first.x - 0.7, first.y - 0.7, wide, high, "line", radius=1.2, layer=BOARD),
    ]
    for state, box in places.items():
        shapes += _cell(lines[state // width][state % width], box)
        wind = WIND[state % width] if game.name.startswith("windy_grid") else 0
        for i in range(wind):
            x = box.x + side * (i + 1) / (wind + 1)
            shapes.append(Arrow(x, box.y + 0.8 * side, x, box.y + 0.2 * side, 0.05 * side, "line", 0.5, layer=BOARD))
    state = int(row["state"])
    at = places[state]
    if before is not None and part < 1.0 and int(before["ply"]) < int(row["ply"]):
        was = places[int(before["state"])]
        at = Box(was.x + (at.x - was.x) * part, was.y + (at.y - was.y) * part, side, side)
    shapes += walker(0, Spot(at.cx, at.cy, 0.34 * side), 1.0)
    hits, spots = {}, {}
    for action, name in enumerate(game.names):
        line, column = state // width + WAYS[name][0], state % width + WAYS[name][1]
        if not row["done"] and 0 <= line < len(lines) and 0 <= column < width:
            box = places[line * width + column]
            hits[action], spots[action] = box, Spot(box.cx, box.cy, 0.34 * side)
    return Picture(shapes, hits=hits, spots=spots, piece=walker, cell=side)


def _cell(sign: str, box: Box) -> list[Shape]:
    gap, side = 0.02 * box.w, box.w
    inner = box.inset(gap)

    def tile(top: str, low: str) -> list[Shape]:
        return [Rect(*inner, top, low, radius=0.06 * side, layer=BOARD)]

    if sign == "#":
        return tile(mix("frame", "text", 0.3), mix("frame", "text", 0.05))
    floor = tile(mix("raised", "text", 0.06), "raised")
    if sign in "HPC":
        return [
            *floor,
            Disc(box.cx, box.cy, 0.42 * side, "#07090B", mix("ground", "shadow", 0.3), layer=BOARD),
            Ring(box.cx, box.cy, 0.43 * side, 0.05 * side, "orange", layer=BOARD),
        ]
    if sign == "G":
        pole, top = box.x + 0.34 * side, box.y + 0.16 * side
        flag = ((pole, top), (pole + 0.42 * side, top + 0.17 * side), (pole, top + 0.34 * side))
        return [
            *tile(mix("teal", "ground", 0.55), mix("teal", "ground", 0.7)),
            Line(((pole, top), (pole, box.bottom - 0.14 * side)), 0.06 * side, "text", layer=BOARD),
            Poly(flag, "teal", layer=BOARD),
        ]
    if sign == "S":
        return [*floor, Ring(box.cx, box.cy, 0.4 * side, 0.04 * side, "muted", dashes=12, layer=BOARD)]
    if sign == "~":
        ice = tile(mix("sky", "raised", 0.55), mix("sky", "raised", 0.72))
        for height in (0.3, 0.5, 0.7):
            points = tuple(
                (box.x + side * (0.15 + 0.7 * i / 8), box.y + side * (height + (0.03 if i % 2 else -0.03)))
                for i in range(9)
            )
            ice.append(Line(points, 0.03 * side, mix("sky", "text", 0.4), 0.7, layer=BOARD))
        return ice
    return floor


def walker(seat: int, at: Spot, alpha: float) -> list[Shape]:
    """A disc with two eyes."""
    colour = "yellow" if seat == 0 else SEATS[seat]
    eyes = [Disc(at.x + d * 0.36 * at.r, at.y - 0.15 * at.r, 0.14 * at.r, "ink", alpha=alpha) for d in (-1, 1)]
    return [
        Disc(
            at.x, at.y, at.r, colour, mix(colour, "shadow", 0.25), alpha, rim="ink", rim_width=0.1 * at.r, layer=PIECES
        ),
        *eyes,
    ]

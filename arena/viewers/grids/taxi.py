"""Taxi: a city of 5 x 5 with walls, four stands, a passenger and the cab."""

from __future__ import annotations

from arena.viewers.grids.floor import WAYS
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot
from arena.viewers.shapes import BOARD, PIECES, Box, Disc, Line, Rect, Ring, Shape, Text
from arena.viewers.theme import mix
from envs.game import Game, Row
from envs.grids.taxi import ABOARD, OPEN, SIZE, STANDS, parts_of

COLOURS = ("orange", "teal", "yellow", "sky")
COMPASS = {"north": "up", "south": "down", "east": "right", "west": "left"}


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """The city; the stand that the passenger is bound for has a ring, and the passenger is a small figure."""
    grid, side = layout.grid(room.inset(1.5), SIZE, SIZE)

    def cell(line: int, column: int) -> Box:
        return Box(grid.x + column * side, grid.y + line * side, side, side)

    shapes: list[Shape] = [Rect(*grid.inset(-0.7), "line", radius=1.2, layer=BOARD)]
    for line in range(SIZE):
        for column in range(SIZE):
            shapes.append(Rect(*cell(line, column).inset(0.1), mix("raised", "text", 0.06), "raised", layer=BOARD))
    line, column, passenger, destination = parts_of(int(row["state"]))
    for stand, (i, j) in enumerate(STANDS):
        box = cell(i, j)
        shapes.append(Rect(*box.inset(0.1), mix(COLOURS[stand], "ground", 0.55), layer=BOARD))
        corner = Box(box.x + 0.06 * side, box.y + 0.04 * side, 0.3 * side, 0.26 * side)
        shapes.append(Text("RGYB"[stand], corner, 0.22 * side, "text", weight="bold", layer=BOARD))
        if stand == destination:
            x, y = box.cx + 0.06 * side, box.cy + 0.07 * side  # clear of the letter
            shapes.append(Ring(x, y, 0.36 * side, 0.06 * side, "text", dashes=14, layer=BOARD))
    for i in range(SIZE):
        for j in range(SIZE - 1):
            if not OPEN[i, j]:
                x = grid.x + (j + 1) * side
                shapes.append(Line(((x, grid.y + i * side), (x, grid.y + (i + 1) * side)), 0.09 * side, "text",
                                   layer=BOARD))  # fmt: skip
    at = cell(line, column)
    if before is not None and part < 1.0 and int(before["ply"]) < int(row["ply"]):
        was = cell(*parts_of(int(before["state"]))[:2])
        at = Box(was.x + (at.x - was.x) * part, was.y + (at.y - was.y) * part, side, side)
    shapes += cab(0, Spot(at.cx, at.cy, 0.36 * side), 1.0)
    if passenger == ABOARD:
        shapes += figure(at.cx, at.cy - 0.1 * side, 0.13 * side)
    else:
        box = cell(*STANDS[passenger])
        shapes += figure(box.x + 0.76 * side, box.y + 0.3 * side, 0.15 * side)
    hits, spots = {}, {}
    for action, name in enumerate(game.names):
        down, right = WAYS[COMPASS[name]] if name in COMPASS else (0, 0)
        if 0 <= line + down < SIZE and 0 <= column + right < SIZE and not row["done"] and name != "set-down":
            box = cell(line + down, column + right)
            hits[action], spots[action] = box, Spot(box.cx, box.cy, 0.34 * side)
    return Picture(shapes, hits=hits, spots=spots, piece=cab, cell=side)


def cab(seat: int, at: Spot, alpha: float) -> list[Shape]:
    """A yellow car from the side."""
    x, y, r = at.x, at.y, at.r
    return [
        Rect(
            x - 0.5 * r,
            y - 0.62 * r,
            r,
            0.7 * r,
            mix("yellow", "shadow", 0.35),
            radius=0.2 * r,
            alpha=alpha,
            layer=PIECES,
        ),
        Rect(
            x - r,
            y - 0.15 * r,
            2 * r,
            0.6 * r,
            "yellow",
            mix("yellow", "shadow", 0.2),
            0.2 * r,
            alpha=alpha,
            layer=PIECES,
        ),
        Disc(x - 0.55 * r, y + 0.48 * r, 0.24 * r, "ink", alpha=alpha, rim="text", rim_width=0.06 * r, layer=PIECES),
        Disc(x + 0.55 * r, y + 0.48 * r, 0.24 * r, "ink", alpha=alpha, rim="text", rim_width=0.06 * r, layer=PIECES),
    ]


def figure(x: float, y: float, r: float) -> list[Shape]:
    """A passenger: a head over shoulders."""
    return [
        Rect(x - r, y + 0.35 * r, 2 * r, 1.2 * r, "purple", radius=0.6 * r, layer=PIECES),
        Disc(x, y - 0.2 * r, 0.62 * r, "purple", rim="ink", rim_width=0.08 * r, layer=PIECES),
    ]

"""Hex: a rhombus of hexagons between coloured sides, stones on them, the winning chain drawn through."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin, sqrt

from arena.viewers.boards.connect_four import stone
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot
from arena.viewers.shapes import BOARD, OVERLAY, PIECES, Box, Line, Point, Poly, Rect, Shape, Text
from arena.viewers.theme import SEATS, mix
from envs.boards.hex import FAR, NEAR, STONE, neighbours, reached
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Size x size hexagons; where the first stone may be taken over, a button says so. Flipped, it is turned round."""
    size = game.shape[1]
    cells = size * size
    words = min(2.4 * layout.text, 0.85 * room.w / (1.5 * size + 1))
    wide = (room.w - words * 1.8) / (1.5 * size + 0.3)
    tall = wide * sqrt(3) / 2
    left = room.x + words * 1.8 + 0.95 * wide
    top = room.cy - tall * (size - 1) / 2 + words * 0.3
    places = range(cells)[:: -1 if flipped else 1]
    spots = {
        a: Spot(left + (at % size + at // size / 2) * wide, top + at // size * tall, 0.40 * wide)
        for a, at in enumerate(places)
    }
    shapes = _board([spots[a] for a in places], size, wide) + _words(game, spots, places, size, wide, words)
    for action in range(cells):
        owner = int(row["cells"][action]) & STONE
        if owner:
            new = before is not None and not before["cells"][action]
            grown = 0.4 + 0.6 * part if new else 1.0
            at = spots[action]
            shapes += stone(owner - 1, Spot(at.x, at.y, at.r * grown), max(0.2, part) if new else 1.0)
    if row["done"] and part >= 1:
        chain = winning_chain(row["cells"], size)
        way = tuple((spots[a].x, spots[a].y) for a in chain)
        shapes += [Line(way, share * wide, c, layer=OVERLAY) for share, c in ((0.24, "ink"), (0.14, "yellow"))]
    hits = {a: Box(s.x - wide / 2, s.y - tall / 2, wide, tall) for a, s in spots.items()}
    if game.actions > cells:
        high = 3.2 * layout.text
        hits[cells] = Box(room.x + 0.5, min(room.bottom - high - 0.5, top + tall * size), 13 * layout.text, high)
        if row["ply"] == 1:
            shapes += _button(hits[cells], layout)
    return Picture(shapes, hits, spots, stone, wide)


def corner(at: Spot, wide: float, which: float) -> Point:
    """A corner of a cell's hexagon, counted clockwise from the top; halves lie between two corners."""
    if which % 1:
        (x, y), (x2, y2) = corner(at, wide, which - 0.5), corner(at, wide, which + 0.5)
        return (x + x2) / 2, (y + y2) / 2
    angle = (which / 3 - 0.5) * pi
    return at.x + wide / sqrt(3) * cos(angle), at.y + wide / sqrt(3) * sin(angle)


def _board(spots: Sequence[Spot], size: int, wide: float) -> list[Shape]:
    """The cells in the order in which they lie, and the four sides in their owners' colours."""
    tall, far = wide * sqrt(3) / 2, size - 1
    first, last = spots[0], spots[-1]
    x, y = 0.62 * wide, 0.72 * wide
    outline = (
        (first.x - x * 1.3, first.y - y),
        (spots[far].x + x, spots[far].y - y),
        (last.x + x * 1.3, last.y + y),
        (spots[-size].x - x, spots[-size].y + y),
    )
    shapes: list[Shape] = [
        Poly(tuple((a, b + 0.8) for a, b in outline), "shadow", 0.45, layer=BOARD),
        Poly(outline, mix("raised", "shadow", 0.25), layer=BOARD),
    ]
    for k, at in enumerate(spots):
        shade = mix("raised", "text", (0.03, 0.07, 0.11)[(k % size - k // size) % 3])
        shapes.append(Poly(tuple(corner(at, wide, i) for i in range(6)), shade, layer=BOARD))
        for i in (0, 1, 2):
            shapes.append(Line((corner(at, wide, i), corner(at, wide, i + 1)), 0.18, "line", 0.7, layer=BOARD))
        for i in (3, 4, 5) if k % size == 0 or k // size in (0, far) else ():
            shapes.append(Line((corner(at, wide, i), corner(at, wide, i + 1)), 0.18, "line", 0.7, layer=BOARD))
    sides: dict[int, list[list[Point]]] = {0: [[], []], 1: [[], []]}
    for i in range(size):
        end = i == far
        for at, side, corners in (
            (spots[i], sides[0][0], (5, 0, 0.5 if end else 1)),
            (spots[far * size + i], sides[0][1], (3.5 if i == 0 else 4, 3, 2)),
            (spots[i * size], sides[1][0], (5, 4, 3.5 if end else 3)),
            (spots[i * size + far], sides[1][1], (0.5 if i == 0 else 1, 1, 2)),
        ):
            side += [corner(at, wide, which) for which in corners]
    for seat, both in sides.items():
        for points in both:
            shapes.append(Line(tuple(points), max(0.7, 0.16 * tall), SEATS[seat], layer=BOARD))
    return shapes


def _words(
    game: Game, spots: dict[int, Spot], places: Sequence[int], size: int, wide: float, words: float
) -> list[Shape]:
    shapes: list[Shape] = []
    for i in range(size):
        column, line = game.names[places[i]][0], game.names[places[i * size]][1:]
        at = spots[places[i]]
        box = Box(at.x - wide * 0.9, at.y - wide * 0.72 - words * 1.3, wide, words * 1.3)
        shapes.append(Text(column, box, words, "muted", "centre", layer=BOARD))
        at = spots[places[i * size]]
        box = Box(at.x - wide * 0.9 - words * 2, at.y - wide / 2, words * 2, wide)
        shapes.append(Text(line, box, words, "muted", "right", layer=BOARD))
    return shapes


def _button(box: Box, layout: Layout) -> list[Shape]:
    return [
        Rect(*box, "raised", radius=0.8, stroke="yellow", stroke_width=0.3, layer=PIECES),
        Text("swap", box, 2.4 * layout.text, "text", "centre", "bold", layer=PIECES),
    ]


def winning_chain(cells: Sequence[int], size: int) -> list[int]:
    """The fewest stones that join the winner's two sides, from the one to the other; none if nobody has won."""
    beside, sides = neighbours(size), reached(size)
    for seat in (0, 1):
        own = {a for a in range(size * size) if int(cells[a]) & STONE == seat + 1}
        came: dict[int, int | None] = {a: None for a in sorted(own) if sides[seat, a] & NEAR}
        for here in (queue := list(came)):
            if sides[seat, here] & FAR:
                chain = [here]
                while (step := came[chain[-1]]) is not None:
                    chain.append(step)
                return chain
            fresh = [int(a) for a in beside[here] if int(a) in own and int(a) not in came]
            came.update(dict.fromkeys(fresh, here))
            queue += fresh
    return []

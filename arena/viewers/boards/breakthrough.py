"""Breakthrough: pawns of two colours on a plain chequered board; a step is clicked on the side it comes from."""

from __future__ import annotations

import numpy as np

from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot, bits
from arena.viewers.shapes import BOARD, OVERLAY, PIECES, Box, Disc, Poly, Rect, Ring, Shape, Text
from arena.viewers.theme import SEATS, mix
from envs.boards.breakthrough import moves
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Width x height cells. Of up to three pawns that can step to one cell, its thirds tell which is meant."""
    _, height, width = game.shape
    rim = max(2.0, 2.4 * layout.text) + 0.8
    grid, cell = layout.grid(room.inset(rim), width, height)
    places = range(width * height)[:: -1 if flipped else 1]
    spots = {
        a: Spot(grid.x + (at % width + 0.5) * cell, grid.y + (at // width + 0.5) * cell, 0.40 * cell)
        for a, at in enumerate(places)
    }
    shapes = _board(width, height, grid, cell, rim, layout, flipped)
    old = None if before is None else [set(bits(before["stones"][seat])) for seat in (0, 1)]
    for seat in (0, 1):
        now = set(bits(row["stones"][seat]))
        for at in sorted(now):
            came = None if old is None or at in old[seat] else next(iter(old[seat] - now), None)
            shapes += pawn(seat, spots[at] if came is None else _between(spots[came], spots[at], part), 1.0)
        if old is not None and part < 1:  # taken: fades away
            for at in sorted(old[seat] - now - _left(row, before, seat)):
                shapes += pawn(seat, spots[at], 1 - part)
    if row["done"] and part >= 1 and row["reward"].max() > 0:
        winner = int(np.argmax(row["reward"]))
        goal = range(width) if winner == 0 else range(width * (height - 1), width * height)
        for at in set(bits(row["stones"][winner])) & set(goal):
            shapes.append(Ring(spots[at].x, spots[at].y, 0.47 * cell, 0.06 * cell, "yellow", layer=OVERLAY))
    hits, ends, rests = {}, {}, {}
    steps = moves(width, height)
    half = len(steps) // 2
    for action in range(int(row["seat"]) * half, (int(row["seat"]) + 1) * half):
        start, end = (spots[at] for at in steps[action])
        third = 0 if abs(start.x - end.x) < cell / 2 else 1 if start.x > end.x else -1
        x = end.x + third * cell / 3
        hits[action] = Box(x - cell / 6, end.y - cell / 2, cell / 3, cell)
        ends[action] = Spot(x, end.y, 0.40 * cell)
        rests[action] = end
    return Picture(shapes, hits, ends, pawn, cell, rests)


def _left(row: Row, before: Row | None, seat: int) -> set[int]:
    """The cell that the seat's pawn left, if it was the one to move."""
    if before is None or int(before["seat"]) != seat:
        return set()
    return set(bits(before["stones"][seat])) - set(bits(row["stones"][seat]))


def _between(a: Spot, b: Spot, part: float) -> Spot:
    return Spot(a.x + (b.x - a.x) * part, a.y + (b.y - a.y) * part, b.r)


def _board(width: int, height: int, grid: Box, cell: float, rim: float, layout: Layout, flipped: bool) -> list[Shape]:
    body = grid.inset(-rim)
    light, dark = mix("raised", "text", 0.20), mix("raised", "text", 0.06)
    shapes: list[Shape] = [
        Rect(body.x, body.y + 0.8, body.w, body.h, "shadow", radius=2.0, alpha=0.55, blur=2.5, layer=BOARD),
        Rect(*body, mix("panel", "text", 0.18), mix("panel", "shadow", 0.3), radius=1.6, layer=BOARD),
        Rect(*body.inset(0.18), "panel", mix("panel", "shadow", 0.25), radius=1.4, layer=BOARD),
    ]
    for r in range(height):
        for c in range(width):
            fill = light if (r + c) % 2 == 0 else dark
            shapes.append(Rect(grid.x + c * cell, grid.y + r * cell, cell, cell, fill, layer=BOARD))
    far = 0.22 * rim  # each side's goal, in its colour, beyond the other's home
    top, bottom = (SEATS[1], SEATS[0]) if flipped else (SEATS[0], SEATS[1])
    shapes.append(Rect(grid.x, grid.y - far, grid.w, far, top, layer=BOARD))
    shapes.append(Rect(grid.x, grid.bottom, grid.w, far, bottom, layer=BOARD))
    size = 2.4 * layout.text * 0.85
    for c in range(width):
        box = Box(grid.x + c * cell, grid.bottom + far, cell, rim - far)
        name = chr(ord("a") + (width - 1 - c if flipped else c))
        shapes.append(Text(name, box, size, "muted", "centre", layer=BOARD))
    for r in range(height):
        box = Box(body.x, grid.y + r * cell, rim, cell)
        shapes.append(Text(str(r + 1 if flipped else height - r), box, size, "muted", "centre", layer=BOARD))
    return shapes


def pawn(seat: int, at: Spot, alpha: float) -> list[Shape]:
    """A pawn seen from its side: foot, body and head; player 2's wears a band, so colour is not the only difference."""
    colour, r = SEATS[seat], at.r
    deep, high = mix(colour, "shadow", 0.45), mix(colour, "text", 0.30)

    def body(grow: float, fill: str) -> Poly:
        outline = ((0.24, -0.30), (0.34, 0.34), (0.66, 0.62), (0.66, 0.86))
        right = [(at.x + (x + grow) * r, at.y + (y + (grow if y > 0.7 else 0)) * r) for x, y in outline]
        left = [(2 * at.x - x, y) for x, y in reversed(right)]
        return Poly((*right, *left), fill, alpha, layer=PIECES)

    shapes: list[Shape] = [
        Disc(at.x + 0.05 * r, at.y + 0.78 * r, 0.7 * r, "shadow", alpha=0.25 * alpha, blur=0.4 * r),
        body(0.08, deep),
        Disc(at.x, at.y - 0.48 * r, 0.46 * r, deep, alpha=alpha),
        body(0.0, colour),
        Disc(at.x, at.y - 0.48 * r, 0.38 * r, high, colour, alpha),
    ]
    if seat == 1:
        shapes.append(Rect(at.x - 0.66 * r, at.y + 0.60 * r, 1.32 * r, 0.14 * r, deep, alpha=alpha, layer=PIECES))
        shapes.append(Disc(at.x, at.y - 0.48 * r, 0.15 * r, deep, alpha=alpha))
    return shapes

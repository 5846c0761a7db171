"""Othello: a green board, stones that turn over, the count of each side on the rim."""

from __future__ import annotations

from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot, bits
from arena.viewers.shapes import BOARD, PIECES, Box, Disc, Line, Rect, Shape, Text
from arena.viewers.theme import SEATS, mix
from envs.game import Game, Row

STONES = ("black stone", "white stone")


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Size x size cells, black moves first; where a pass is the only move the rim below the board passes."""
    size = game.shape[1]
    rim = max(2.0, 2.4 * layout.text) + 0.8
    grid, cell = layout.grid(room.inset(rim), size, size)
    places = range(size * size)[:: -1 if flipped else 1]
    spots = {
        a: Spot(grid.x + (at % size + 0.5) * cell, grid.y + (at // size + 0.5) * cell, 0.42 * cell)
        for a, at in enumerate(places)
    }
    shapes = _board([game.names[a] for a in places], size, grid, cell, rim, layout)
    taken = {a: seat for seat in (0, 1) for a in bits(row["stones"][seat])}
    old = taken if before is None else {a: s for s in (0, 1) for a in bits(before["stones"][s])}
    for action, seat in taken.items():
        at = spots[action]
        was = old.get(action)
        if was is None:
            shapes += stone(seat, Spot(at.x, at.y, at.r * (0.4 + 0.6 * part)), max(0.2, part))
        elif was != seat and part < 1:
            shown = was if part < 0.5 else seat
            shapes += stone(shown, Spot(at.x, at.y, at.r * (0.35 + 0.65 * abs(1 - 2 * part))), 1.0)
        else:
            shapes += stone(seat, at, 1.0)
    below = Box(grid.x, grid.bottom, grid.w, rim)
    for seat in (0, 1):
        count, dot = str(sum(s == seat for s in taken.values())), 0.3 * rim
        at = Spot(below.cx + (-8 if seat == 0 else 8 - 2 * dot), below.cy, dot)
        words = Box(at.x + dot + 0.7, below.y, 6, rim)
        shapes += stone(seat, at, 1.0)
        shapes.append(Text(count, words, 2.4 * layout.text, "text", weight="bold", layer=BOARD))
    hits = {a: Box(s.x - cell / 2, s.y - cell / 2, cell, cell) for a, s in spots.items()}
    return Picture(shapes, {**hits, size * size: below}, spots, stone, cell)


def _board(names: list[str], size: int, grid: Box, cell: float, rim: float, layout: Layout) -> list[Shape]:
    body = grid.inset(-rim)
    wood, words = mix("ground", "felt", 0.30), layout.text * 2.4
    shapes: list[Shape] = [
        Rect(body.x, body.y + 0.8, body.w, body.h, "shadow", radius=2.0, alpha=0.55, blur=2.5, layer=BOARD),
        Rect(*body, mix(wood, "text", 0.18), mix(wood, "shadow", 0.3), radius=1.6, layer=BOARD),
        Rect(*body.inset(0.18), wood, mix(wood, "shadow", 0.25), radius=1.4, layer=BOARD),
        Rect(*grid, mix("felt", "text", 0.05), mix("felt", "shadow", 0.12), layer=BOARD),
    ]
    dark = mix("felt", "shadow", 0.55)
    for i in range(size + 1):
        x, y = grid.x + i * cell, grid.y + i * cell
        shapes.append(Line(((x, grid.y), (x, grid.bottom)), 0.2, dark, layer=BOARD))
        shapes.append(Line(((grid.x, y), (grid.right, y)), 0.2, dark, layer=BOARD))
    for i in range(size):
        column, line = names[i][0], names[i * size][1:]
        top = Box(grid.x + i * cell, body.y, cell, rim)
        left = Box(body.x, grid.y + i * cell, rim, cell)
        shapes.append(Text(column, top, words, "muted", "centre", layer=BOARD))
        shapes.append(Text(line, left, words, "muted", "centre", layer=BOARD))
    if size > 4:
        for i in (2, size - 2):
            for j in (2, size - 2):
                shapes.append(Disc(grid.x + i * cell, grid.y + j * cell, 0.45, dark, layer=BOARD))
    return shapes


def stone(seat: int, at: Spot, alpha: float) -> list[Shape]:
    """A black or a white stone with a thin rim in the colour of its player."""
    colour = STONES[seat]
    high = mix(colour, "white stone", 0.30) if seat == 0 else "#FFFFFF"
    low = mix(colour, "shadow", 0.20)
    return [
        Disc(at.x + 0.1 * at.r, at.y + 0.12 * at.r, at.r, "shadow", alpha=0.45 * alpha, blur=0.3 * at.r),
        Disc(at.x, at.y, at.r, SEATS[seat], mix(SEATS[seat], "shadow", 0.3), alpha, layer=PIECES),
        Disc(at.x, at.y, at.r * 0.90, high, low, alpha),
        Disc(at.x, at.y, at.r * 0.80, mix(colour, high, 0.35), colour, alpha),
    ]

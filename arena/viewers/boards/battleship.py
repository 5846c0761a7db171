"""Battleship: two seas side by side with the ships in them, hits as flames, misses as splashes."""

from __future__ import annotations

from collections.abc import Sequence

from arena.viewers.boards.connect_four import stone
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot
from arena.viewers.shapes import BOARD, OVERLAY, PIECES, Box, Disc, Line, Poly, Rect, Ring, Shape, Text
from arena.viewers.theme import SEATS, mix
from envs.game import Game, Row

SEA = mix("ground", "frame", 0.75)


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """Seat 0's sea and seat 1's; ships that `seen_by` may not know are shown only as far as they are hit or sunk.

    A click means a shot at a cell of the sea of who is not to move, or a ship to be placed in the mover's own: from a
    cell to the right where its upper half is clicked, downwards where its lower half is.
    """
    size = game.shape[1]
    words = 2.4 * layout.text
    wide = room.w >= room.h
    half = (room.w - 2) / 2 if wide else (room.h - 2) / 2
    seas: list[tuple[Box, float]] = []
    for at in (0, half + 2):
        slot = Box(room.x + at, room.y, half, room.h) if wide else Box(room.x, room.y + at, room.w, half)
        grid, cell = layout.grid(
            Box(slot.x + words, slot.y + 2 * words, slot.w - words, slot.h - 2 * words), size, size
        )
        seas.append((grid, cell))
    if flipped:
        seas.reverse()
    shapes: list[Shape] = []
    for seat, (grid, cell) in enumerate(seas):
        shapes += _sea(game, seat, grid, cell, words)
        shapes += _ships(row, seat, grid, cell, size, seen_by)
        shapes += _shots(row, seat, grid, cell, size, before, part)
    placing = bool((row["shots"] == 0).all()) and int(row["ply"]) < 2 * len(row["afloat"][0])
    grid, cell = seas[int(row["seat"]) if placing else 1 - int(row["seat"])]
    cells = size * size
    centres = [(grid.x + (c % size + 0.5) * cell, grid.y + (c // size + 0.5) * cell) for c in range(cells)]
    boxes = [Box(x - cell / 2, y - cell / 2, cell, cell) for x, y in centres]
    spots = dict(enumerate(Spot(x, y, 0.4 * cell) for x, y in centres))
    hits = dict(enumerate(boxes))
    if placing:
        spots = {k * cells + c: spots[c] for k in (1, 2) for c in range(cells)}
        hits = {
            k * cells + c: Box(b.x, b.y + (k - 1) * b.h / 2, b.w, b.h / 2) for k in (1, 2) for c, b in enumerate(boxes)
        }
    return Picture(shapes, hits, spots, stone, cell)


def _sea(game: Game, seat: int, grid: Box, cell: float, words: float) -> list[Shape]:
    size = game.shape[1]
    body = grid.inset(-0.5)
    shapes: list[Shape] = [
        Rect(*body, SEATS[seat], radius=0.8, layer=BOARD),
        Rect(*grid, SEA, mix(SEA, "shadow", 0.3), layer=BOARD),
    ]
    for i in range(1, size):
        x, y = grid.x + i * cell, grid.y + i * cell
        shapes.append(Line(((x, grid.y), (x, grid.bottom)), 0.15, "line", 0.45, layer=BOARD))
        shapes.append(Line(((grid.x, y), (grid.right, y)), 0.15, "line", 0.45, layer=BOARD))
    small = min(words, cell * 0.6)
    for i in range(size):
        top = Box(grid.x + i * cell, body.y - small * 1.5, cell, small * 1.4)
        left = Box(body.x - words * 1.1, grid.y + i * cell, words, cell)
        shapes.append(Text(game.names[i][0], top, small, "muted", "centre", layer=BOARD))
        shapes.append(Text(game.names[i * size][1:], left, small, "muted", "right", layer=BOARD))
    return shapes


def _ships(row: Row, seat: int, grid: Box, cell: float, size: int, seen_by: int | None) -> list[Shape]:
    """Ships as rounded hulls; where they are hidden only the sunk ones are known to be ships."""
    fleet, shapes = row["fleet"][seat], []
    for ship, left in enumerate(row["afloat"][seat]):
        cells = [c for c in range(size * size) if fleet[c] == ship + 1]
        if not cells or (seen_by == 1 - seat and left):
            continue
        box = _around(cells, grid, cell, size).inset(0.1 * cell)
        colour = mix("line", "text", 0.25) if left else mix("line", "ground", 0.65)
        shapes.append(Rect(*box, colour, mix(colour, "shadow", 0.3), radius=0.36 * cell, layer=PIECES))
        deck = box.inset(0.14 * cell)
        shapes.append(Rect(*deck, mix(colour, "shadow", 0.25), radius=0.26 * cell, layer=PIECES))
        if not left:
            shapes.append(Rect(*box, None, radius=0.36 * cell, stroke=SEATS[1 - seat], stroke_width=0.5, layer=OVERLAY))
    return shapes


def _around(cells: Sequence[int], grid: Box, cell: float, size: int) -> Box:
    (r, c), (r2, c2) = divmod(min(cells), size), divmod(max(cells), size)
    return Box(grid.x + c * cell, grid.y + r * cell, (c2 - c + 1) * cell, (r2 - r + 1) * cell)


def _shots(
    row: Row, seat: int, grid: Box, cell: float, size: int, before: Row | None, part: float
) -> list[Shape]:  # fmt: skip
    """What the other has shot at: a flame where a ship was, a splash where none was."""
    shapes: list[Shape] = []
    latest = int(row["shots"][1 - seat].max())
    for c in range(size * size):
        if not row["shots"][1 - seat][c]:
            continue
        new = before is not None and not before["shots"][1 - seat][c]
        grown = 0.4 + 0.6 * part if new else 1.0
        x, y, r = grid.x + (c % size + 0.5) * cell, grid.y + (c // size + 0.5) * cell, 0.36 * cell * grown
        if row["fleet"][seat][c]:
            star = [(x + r * dx, y + r * dy) for dx, dy in _STAR]
            shapes.append(Poly(tuple(star), "yellow", layer=OVERLAY))
            shapes.append(Disc(x, y, 0.4 * r, "ink", layer=OVERLAY))
        else:
            shapes.append(Ring(x, y, 0.62 * r, max(0.2, 0.2 * r), "text", 0.75, layer=PIECES))
        if int(row["shots"][1 - seat][c]) == latest:
            shapes.append(
                Rect(x - cell / 2, y - cell / 2, cell, cell, None, stroke="yellow", stroke_width=0.35, layer=PIECES)
            )
    return shapes


_STAR = (
    (0, -1), (0.28, -0.38), (0.95, -0.31), (0.45, 0.15), (0.59, 0.81), (0, 0.47), (-0.59, 0.81), (-0.45, 0.15),
    (-0.95, -0.31), (-0.28, -0.38),
)  # fmt: skip

"""Tic-tac-toe: crosses and noughts drawn with a round pen, the winning three struck through."""

from __future__ import annotations

from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot, bits, lines_of
from arena.viewers.shapes import BOARD, OVERLAY, PIECES, Box, Line, Rect, Ring, Shape, Text
from arena.viewers.theme import SEATS, mix
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Nine cells; player 1 draws crosses."""
    _, lines, columns = game.shape
    grid, cell = layout.grid(room.inset(max(1.0, min(room.w, room.h) * 0.06)), columns, lines)
    places = range(lines * columns)[:: -1 if flipped else 1]
    spots = {
        a: Spot(grid.x + (at % columns + 0.5) * cell, grid.y + (at // columns + 0.5) * cell, 0.33 * cell)
        for a, at in enumerate(places)
    }
    body = grid.inset(-cell * 0.06)
    shapes: list[Shape] = [
        Rect(body.x, body.y + 0.8, body.w, body.h, "shadow", radius=2.5, alpha=0.5, blur=2.5, layer=BOARD),
        Rect(*body, mix("raised", "text", 0.12), mix("raised", "shadow", 0.2), radius=2.2, layer=BOARD),
        Rect(*body.inset(0.18), "raised", mix("raised", "ground", 0.55), radius=2.0, layer=BOARD),
    ]
    for i in range(1, columns):
        x, y, far = grid.x + i * cell, grid.y + i * cell, 0.04 * cell
        shapes.append(Line(((x, grid.y + far), (x, grid.bottom - far)), 0.5, "line", layer=BOARD))
        shapes.append(Line(((grid.x + far, y), (grid.right - far, y)), 0.5, "line", layer=BOARD))
    size = 2.4 * layout.text
    for action, name in enumerate(game.names):
        x, y = spots[action].x - cell / 2, spots[action].y - cell / 2
        shapes.append(Text(name, Box(x + 0.8, y + 0.5, cell / 2, size * 1.2), size, "muted", layer=BOARD))
    taken = {a: seat for seat in (0, 1) for a in bits(row["stones"][seat])}
    old = set(taken) if before is None else {a for s in (0, 1) for a in bits(before["stones"][s])}
    for action, seat in taken.items():
        at = spots[action]
        grown = 1.0 if action in old else 0.4 + 0.6 * part
        shapes += mark(seat, Spot(at.x, at.y, at.r * grown), 1.0 if action in old else max(0.2, part))
    if row["done"] and part >= 1:
        for seat in (0, 1):
            own = {(a % columns, a // columns) for a, s in taken.items() if s == seat}
            ends = sorted(lines_of(own, columns))
            if ends:
                (c1, r1), (c2, r2) = ends[0], ends[-1]
                a, b = spots[r1 * columns + c1], spots[r2 * columns + c2]
                shapes.append(Line(((a.x, a.y), (b.x, b.y)), 1.0, "yellow", 0.85, layer=OVERLAY))
    return Picture(
        shapes,
        hits={a: Box(s.x - cell / 2, s.y - cell / 2, cell, cell) for a, s in spots.items()},
        spots={a: Spot(s.x, s.y, 0.42 * cell) for a, s in spots.items()},
        piece=mark,
        cell=cell,
    )


def mark(seat: int, at: Spot, alpha: float) -> list[Shape]:
    """A cross for player 1, a nought for player 2."""
    wide, arm = max(0.3, at.r * 0.26), at.r * 0.72
    if seat == 1:
        return [Ring(at.x, at.y, at.r * 0.92, wide, SEATS[1], alpha, layer=PIECES)]
    return [
        Line(((at.x - arm, at.y - d * arm), (at.x + arm, at.y + d * arm)), wide, SEATS[0], alpha, layer=PIECES)
        for d in (1, -1)
    ]

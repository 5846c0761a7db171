"""Connect Four: a blue frame with holes, embossed discs that fall, the winning four ringed."""

from __future__ import annotations

from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot, bits, lines_of
from arena.viewers.shapes import BOARD, OVERLAY, PIECES, Box, Disc, Rect, Ring, Shape, Text
from arena.viewers.theme import SEATS, mix
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Seven columns of six; a click anywhere in a column drops into it. Flipped, it is seen from behind."""
    _, lines, columns = game.shape
    edge, foot = 1.2, max(2.0, 2.6 * layout.text) + 0.6
    grid, cell = layout.grid(room.inset(edge, (foot + 2 * edge) / 2), columns, lines)
    grid = grid._replace(y=grid.y - (foot - edge) / 2)
    places = range(columns)[:: -1 if flipped else 1]
    shapes = _frame([game.names[c] for c in places], grid, cell, edge, foot, layout)

    def spot(column: int, height: int) -> Spot:
        return Spot(grid.x + (places[column] + 0.5) * cell, grid.bottom - (height + 0.5) * cell, 0.42 * cell)

    taken = {(c, h): seat for seat in (0, 1) for c, h in (divmod(b, lines + 1) for b in bits(row["stones"][seat]))}
    old = set() if before is None else {divmod(b, lines + 1) for s in (0, 1) for b in bits(before["stones"][s])}
    for column in range(columns):
        for line in range(lines):
            at = spot(column, line)
            shapes.append(Disc(at.x, at.y, at.r, "#0B0E12", mix("ground", "frame", 0.25), layer=BOARD))
            shapes.append(Ring(at.x, at.y, at.r + 0.12, 0.2, mix("frame", "shadow", 0.45), layer=BOARD))
    for (column, height), seat in taken.items():
        at = spot(column, height)
        if before is not None and part < 1 and (column, height) not in old:
            at = Spot(at.x, at.y - (1 - part) ** 2 * (at.y - grid.y + cell * 0.3), at.r)
        shapes += stone(seat, at, 1.0)
    if row["done"] and part >= 1:
        for seat in (0, 1):
            for column, height in lines_of({cell for cell, s in taken.items() if s == seat}, 4):
                at = spot(column, height)
                shapes.append(Ring(at.x, at.y, at.r + 0.1, 0.6, "yellow", layer=OVERLAY))
    heights = [sum((c, h) in taken for h in range(lines)) for c in range(columns)]
    return Picture(
        shapes,
        hits={c: Box(grid.x + places[c] * cell, grid.y, cell, grid.h) for c in range(columns)},
        spots={c: spot(c, heights[c]) for c in range(columns) if heights[c] < lines},
        piece=stone,
        cell=cell,
    )


def _frame(names: list[str], grid: Box, cell: float, edge: float, foot: float, layout: Layout) -> list[Shape]:
    body = Box(grid.x - edge, grid.y - edge, grid.w + 2 * edge, grid.h + edge + foot)
    light, dark = mix("frame", "text", 0.10), mix("frame", "shadow", 0.22)
    size = 2.6 * layout.text
    return [
        Rect(body.x, body.y + 0.8, body.w, body.h, "shadow", radius=2.5, alpha=0.55, blur=2.5, layer=BOARD),
        Rect(*body, mix("frame", "text", 0.28), dark, radius=2.2, layer=BOARD),
        Rect(*body.inset(0.18), light, dark, radius=2.0, layer=BOARD),
        *(
            Text(name, Box(grid.x + c * cell, grid.bottom, cell, foot), size, "text", "centre", "bold", layer=BOARD)
            for c, name in enumerate(names)
        ),
    ]


def stone(seat: int, at: Spot, alpha: float) -> list[Shape]:
    """A disc with a raised rim; player 1's has a ring, player 2's a dot, so colour is not the only difference."""
    colour = SEATS[seat]
    deep = mix(colour, "shadow", 0.35)
    shapes: list[Shape] = [
        Disc(at.x, at.y, at.r, mix(colour, "text", 0.35), mix(colour, "shadow", 0.45), alpha),
        Disc(at.x, at.y, at.r * 0.92, colour, mix(colour, "shadow", 0.14), alpha),
    ]
    if seat == 0:
        shapes.append(Ring(at.x, at.y, at.r * 0.66, at.r * 0.09, deep, alpha * 0.75, layer=PIECES))
    else:
        shapes.append(Disc(at.x, at.y, at.r * 0.66, mix(colour, "shadow", 0.16), mix(colour, "text", 0.10), alpha))
    return shapes

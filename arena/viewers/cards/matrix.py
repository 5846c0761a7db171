"""Matrix games: the table of what is paid, the chosen line and column lit."""

from __future__ import annotations

from arena.viewers.cards.table import buttons, chip, halves
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture
from arena.viewers.shapes import BOARD, OVERLAY, PIECES, Box, Rect, Shape, Text
from arena.viewers.theme import SEATS, mix
from envs.cards.matrix import TABLES
from envs.game import Game, Row
from envs.registry import parse


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """Player 1 chooses a line, player 2 a column; a first choice is lit for who may know it."""
    table = TABLES[str(parse(game.name)[1].get("game", "rps"))]
    count = len(table.names)
    area, strip = halves(room, 1, layout)
    size = max(2.4, 2.8 * layout.text)
    grid = Box(area.x + 16, area.y + 7, area.w - 18, area.h - 9)
    w, h = grid.w / count, grid.h / count
    chosen = [int(choice) for choice in row["chosen"]]
    if not row["done"] and seen_by == 1:
        chosen[0] = -1
    shapes: list[Shape] = []
    for i, name in enumerate(table.names):
        line = Box(area.x, grid.y + i * h, 15, h)
        column = Box(grid.x + i * w, area.y, w, 6.5)
        shapes.append(Text(name, line, size, SEATS[0], "right", "bold", layer=BOARD))
        shapes.append(Text(name, column, min(size, 1.7 * w / len(name)), SEATS[1], "centre", "bold", layer=BOARD))
        for j in range(count):
            cell = Box(grid.x + j * w, grid.y + i * h, w, h).inset(0.3)
            both, one = chosen == [i, j], chosen[0] == i or chosen[1] == j
            fill = mix("raised", "yellow", 0.35) if both else mix("raised", "text", 0.12) if one else "raised"
            shapes.append(Rect(*cell, fill, mix(fill, "shadow", 0.15), radius=0.8, layer=BOARD))
            if both:
                shapes.append(Rect(*cell, radius=0.8, stroke="yellow", stroke_width=0.5, layer=OVERLAY))
            large = min(1.6 * size, 0.3 * h, 0.2 * w)
            low, high = Box(cell.x, cell.y, cell.w * 0.5, cell.h), Box(cell.cx, cell.y, cell.w * 0.5, cell.h)
            shapes.append(Text(number(table.first[i][j]), low, large, SEATS[0], "centre", "bold", layer=PIECES))
            shapes.append(Text(number(table.second[i][j]), high, large, SEATS[1], "centre", "bold", layer=PIECES))
    more, hits, spots = buttons(game, row, strip, layout, count, flipped=flipped)
    return Picture(shapes + more, hits, spots, chip, strip.h)


def number(amount: float) -> str:
    """A payoff with a true minus sign."""
    return f"{amount:g}".replace("-", "−")

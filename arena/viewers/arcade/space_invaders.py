"""Space Invaders: the aliens with the way they march, shots and bombs, the cannon."""

from __future__ import annotations

from arena.viewers.arcade.field import Field, between
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, bits
from arena.viewers.shapes import PIECES, Box, Disc, Rect
from arena.viewers.theme import SEATS
from envs.game import Game, Row

ALIEN = "0,3 2,3 3,1 7,1 8,3 10,3 9,6 8,6 8,9 6,9 6,7 4,7 4,9 2,9 2,6 1,6"


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Ten cells across and down; the aliens look the way they march."""
    field = Field(game, row, room, layout, 10, 10)
    look = 0.12 if row["direction"] > 0 else -0.12
    for line in range(10):
        for column in bits(row["aliens"][line]):
            field.poly(column, line, "purple", ALIEN)
            box = field.at(column, line)
            for eye in (-0.14, 0.14):
                field.add(Disc(box.cx + (eye + look) * field.cell, box.y + 0.4 * field.cell, 0.07 * field.cell, "ink"))
        for column in bits(row["shots"][line]):
            field.add(Rect(*field.at(column + 0.42, line + 0.1, 0.16, 0.8), "yellow", radius=0.3, layer=PIECES))
        for column in bits(row["bombs"][line]):
            field.poly(column, line, "orange", "5,9 3,5 5,1 7,5")
    x = between(before, row, "x", part)
    field.brick(x, 9.5, SEATS[0], lines=0.5)
    field.brick(x + 0.38, 9.1, SEATS[0], columns=0.24, lines=0.5)
    return field.picture()

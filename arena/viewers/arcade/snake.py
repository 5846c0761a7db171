"""Snake: the body paler towards its tail, the head with its eyes, the apple."""

from __future__ import annotations

from arena.viewers.arcade.field import Field
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture
from arena.viewers.shapes import Box, Disc, Line
from arena.viewers.theme import SEATS, mix
from envs.game import Game, Row

LOOKS = ((0, -1), (1, 0), (0, 1), (-1, 0))
"""Where the head looks, by heading."""


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Size x size cells."""
    size = game.shape[1]
    field = Field(game, row, room, layout, size, size, f"length {int(row['length'])}")
    if row["apple"] >= 0:
        column, line = int(row["apple"]) % size, int(row["apple"]) // size
        field.ball(column, line, "purple", 0.34)
        box = field.at(column, line)
        stalk = ((box.cx, box.y + 0.22 * field.cell), (box.cx + 0.12 * field.cell, box.y + 0.04 * field.cell))
        field.add(Line(stalk, 0.5, "teal"))
    length = int(row["length"])
    for cell in range(size * size):
        life = int(row["life"][cell])
        if life:
            field.brick(cell % size, cell // size, mix("raised", SEATS[0], 0.35 + 0.65 * life / length))
    head = field.at(int(row["head"]) % size, int(row["head"]) // size)
    dx, dy = LOOKS[int(row["heading"])]
    colour = "orange" if row["done"] and not row["cut"] else "white stone"
    for side in (-0.2, 0.2):
        x, y = head.cx + field.cell * (0.2 * dx - side * dy), head.cy + field.cell * (0.2 * dy + side * dx)
        field.add(Disc(x, y, 0.12 * field.cell, colour), Disc(x, y, 0.06 * field.cell, "ink"))
    return field.picture()

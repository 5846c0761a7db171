"""Freeway: eight lanes of cars, the brighter the faster, and the chicken that crosses."""

from __future__ import annotations

from arena.viewers.arcade.field import Field, between
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture
from arena.viewers.shapes import BOARD, PIECES, Box, Disc, Rect
from arena.viewers.theme import cividis, mix
from envs.arcade.freeway import COLUMN, LANES
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Ten cells across and down; grass at both ends of the road."""
    field = Field(game, row, room, layout, 10, 10, f"ply {int(row['ply'])} of {game.max_plies}")
    for line in (0, 9):
        field.add(Rect(*field.at(0, line, 10), mix("felt", "ground", 0.4), layer=BOARD))
    for lane in range(LANES):
        x, speed = int(row["car"][lane]), int(row["speed"][lane])
        right, colour = speed > 0, cividis(1.0 - (abs(speed) - 1) * 0.17)
        field.trail((x - 1 if right else x + 1) % 10, lane + 1)
        field.brick(x, lane + 1.2, colour, lines=0.6)
        window = field.at(x + (0.62 if right else 0.2), lane + 1.32, 0.18, 0.36)
        field.add(Rect(*window, "ink", radius=0.1, layer=PIECES))
    y = between(before, row, "y", part)
    field.ball(COLUMN, y, "white stone", 0.38)
    field.poly(COLUMN, y, "orange", "4,1 6,1 5,3")
    box = field.at(COLUMN, y)
    field.add(Disc(box.cx, box.y + 0.42 * field.cell, 0.07 * field.cell, "ink"))
    return field.picture()

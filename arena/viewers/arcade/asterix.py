"""Asterix: the player, gold as stars, enemies as blades, each with where it was."""

from __future__ import annotations

from arena.viewers.arcade.field import Field, between
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture
from arena.viewers.shapes import Box
from arena.viewers.theme import SEATS
from envs.arcade.asterix import LANES, NOTHING
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Ten cells across and down; blades point the way they fly."""
    field = Field(game, row, room, layout, 10, 10)
    for lane in range(LANES):
        x, right = int(row["at"][lane]), bool(row["right"][lane])
        if x == NOTHING:
            continue
        back = x - 1 if right else x + 1
        if 0 <= back <= 9:
            field.trail(back, lane + 1)
        if row["gold"][lane]:
            field.star(x, lane + 1, "yellow")
        else:
            field.poly(x, lane + 1, "purple", "1,2 9,5 1,8 3,5", flip=not right)
    field.ball(between(before, row, "x", part), between(before, row, "y", part), SEATS[0], 0.42)
    return field.picture()

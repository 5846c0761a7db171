"""Breakout: three coloured rows of bricks, the ball with where it was, the paddle."""

from __future__ import annotations

from arena.viewers.arcade.field import Field, between
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, bits
from arena.viewers.shapes import Box
from arena.viewers.theme import SEATS
from envs.game import Game, Row

ROWS = ("purple", "orange", "teal")


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Ten cells across and down; a brick struck goes when the ball is there."""
    field = Field(game, row, room, layout, 10, 10)
    for brick in bits(row["bricks"] if before is None or part >= 1 else before["bricks"]):
        field.brick(brick % 10, 1 + brick // 10, ROWS[brick // 10])
    field.trail(float(row["was_x"]), float(row["was_y"]))
    field.ball(between(before, row, "x", part), between(before, row, "y", part), "yellow")
    paddle = between(before, row, "paddle", part)
    field.brick(paddle, 9.25, SEATS[0], lines=0.5)
    return field.picture()

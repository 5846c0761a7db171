"""Pong: two paddles in their players' colours, the ball with where it was, the points."""

from __future__ import annotations

from arena.viewers.arcade.field import Field, between
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture
from arena.viewers.shapes import BOARD, Box, Line, Text
from arena.viewers.theme import HERO, SEATS
from envs.arcade.pong import HEIGHT, PADDLE, WIDTH
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """Seat 0 on the right, from its other side on the left; the choice that is hidden is not drawn."""
    field = Field(game, row, room, layout, WIDTH, HEIGHT)
    mid = field.grid.cx
    field.add(Line(((mid, field.grid.y), (mid, field.grid.bottom)), 0.35, "line", 0.6, dash=1.5, layer=BOARD))
    for seat in (0, 1):
        right = (seat == 0) != flipped
        field.brick(WIDTH - 1 if right else 0, float(row["paddle"][seat]), SEATS[seat], lines=PADDLE)
        half = Box(mid if right else field.grid.x, field.grid.y + 1, field.grid.w / 2, HERO * 1.2)
        field.add(Text(str(int(row["points"][seat])), half, HERO, SEATS[seat], "centre", "bold", layer=BOARD))
    turn = (lambda x: WIDTH - 1 - x) if flipped else (lambda x: x)
    field.trail(turn(float(row["was_x"])), float(row["was_y"]))
    field.ball(turn(between(before, row, "x", part)), between(before, row, "y", part), "yellow", 0.42)
    return field.picture()

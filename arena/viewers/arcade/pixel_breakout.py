"""Breakout in pixels: the frame as the agent sees it, enlarged, in the colours of the wall's rows."""

from __future__ import annotations

from arena.viewers.arcade.field import Field
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, bits
from arena.viewers.shapes import PIECES, Box, Rect
from arena.viewers.theme import SEATS
from envs.arcade.pixel_breakout import BALL, BRICK_H, BRICK_W, COLUMNS, FINE, PADDLE, PADDLE_Y, SIZE, TOP
from envs.game import Game, Row

ROWS = ("purple", "orange", "yellow", "teal", "sky")


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """48 x 48 pixels; the ball's earlier frame is faint."""
    left = "life" if row["lives"] == 1 else "lives"
    field = Field(game, row, room, layout, SIZE, SIZE, f"ply {int(row['ply'])}  {int(row['lives'])} {left}")
    for brick in bits(row["bricks"]):
        line = brick // COLUMNS
        field.brick(brick % COLUMNS * BRICK_W, TOP + line * BRICK_H, ROWS[line], BRICK_W, BRICK_H)
    field.add(Rect(*field.at(int(row["paddle"]), PADDLE_Y, PADDLE), SEATS[0], radius=0.2, layer=PIECES))
    if len(row["seen_x"]) > 1:
        was = field.at(int(row["seen_x"][1]), int(row["seen_y"][1]), BALL, BALL)
        field.add(Rect(*was, "line", alpha=0.5, layer=PIECES))
    x, y = (float(row[name]) / FINE for name in ("x", "y"))
    if before is not None and before["lives"] == row["lives"]:
        x += (float(before["x"]) / FINE - x) * (1 - part)
        y += (float(before["y"]) / FINE - y) * (1 - part)
    field.add(Rect(*field.at(x, min(y, SIZE - BALL), BALL, BALL), "white stone", layer=PIECES))
    return field.picture()

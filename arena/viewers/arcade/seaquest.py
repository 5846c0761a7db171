"""Seaquest: the submarine among fish, armed submarines and divers, its air and its crew."""

from __future__ import annotations

from typing import Any

from arena.viewers.arcade.field import Field
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture
from arena.viewers.shapes import BOARD, PIECES, Box, Disc, Rect
from arena.viewers.theme import SEATS, mix
from envs.arcade.seaquest import AIR, TO_RIGHT, X, Y
from envs.game import Game, Row

FISH = "0,2 3,4 6,2 9,4 10,5 9,6 6,8 3,6 0,8"
SUB = "0,4 4,4 4,2 6,2 6,4 9,4 10,6 8,8 0,8"
DIVER = "0,4 2,5 6,5 6,6 2,6 0,7"


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Ten cells across and down: the surface above, the gauges of air and divers below."""
    field = Field(game, row, room, layout, 10, 10)
    field.add(Rect(*field.at(0, 0, 10), mix("sky", "ground", 0.55), layer=BOARD))
    field.add(Rect(*field.at(0, 1, 10, 8), "frame", mix("frame", "ground", 0.6), layer=BOARD))
    for kind, colour, corners in (("fish", "orange", FISH), ("subs", "purple", SUB), ("divers", "white stone", DIVER)):
        for thing in things(row, kind):
            right = bool(thing[TO_RIGHT])
            back = int(thing[X]) + (-1 if right else 1)
            if 0 <= back <= 9:
                field.trail(back, int(thing[Y]))
            field.poly(int(thing[X]), int(thing[Y]), colour, corners, flip=not right)
            if kind == "divers":
                head = field.at(int(thing[X]) + (0.2 if right else -0.2), int(thing[Y]))
                field.add(Disc(head.cx, head.cy + 0.05 * field.cell, 0.16 * field.cell, "white stone"))
    for shot in things(row, "bombs"):
        field.add(
            Rect(*field.at(int(shot[X]) + 0.2, int(shot[Y]) + 0.42, 0.6, 0.16), "purple", radius=0.3, layer=PIECES)
        )
    for shot in things(row, "shots"):
        field.add(Rect(*field.at(int(shot[X]) + 0.1, int(shot[Y]) + 0.4, 0.8, 0.2), "yellow", radius=0.3, layer=PIECES))
    x, y, right = int(row["x"]), int(row["y"]), bool(row["to_right"])
    stern = x - 1 if right else x
    field.brick(stern, y + 0.3, SEATS[0], columns=2, lines=0.55)
    field.brick(x + 0.25, y + 0.05, SEATS[0], columns=0.5, lines=0.35)
    nose = field.at(x + (0.55 if right else -0.05), y + 0.3, 0.5, 0.55)
    field.add(Disc(nose.cx, nose.cy, 0.14 * field.cell, "ink", rim="text", rim_width=0.3))
    gauges(field, row)
    return field.picture()


def things(row: Row, kind: str) -> Any:
    """The rows of one of the lists of things."""
    return row[kind][: int(row[f"n_{kind}"])]


def gauges(field: Field, row: Row) -> None:
    """The air as a bar that turns orange when it is short, and a head for every diver aboard."""
    share = max(0, int(row["air"])) / AIR
    field.add(Rect(*field.at(0, 9, 10), "ground", layer=BOARD))
    field.add(Rect(*field.at(0.1, 9.55, 9.8, 0.35), "raised", radius=0.5, layer=BOARD))
    if share > 0:
        field.add(
            Rect(*field.at(0.1, 9.55, 9.8 * share, 0.35), "orange" if share < 0.3 else "teal", radius=0.5, layer=PIECES)
        )
    for k in range(max(0, int(row["divers_aboard"]))):
        field.ball(0.1 + 0.7 * k - 0.2, 8.78, "white stone", 0.2)

"""The picture of a game that has none: its own text, drawn in letters as large as fit."""

from __future__ import annotations

import numpy as np

from arena.viewers import dials
from arena.viewers.layout import Layout
from arena.viewers.lettering import cut, width
from arena.viewers.pictures import Picture, Spot
from arena.viewers.shapes import BOARD, PIECES, Box, Disc, Rect, Shape, Text
from arena.viewers.theme import CORNER, SEATS, SMALL
from envs.game import Game, Row
from envs.text import text_seen


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """The lines of the position's text; there is no place to click but on dials: moves are made with the keyboard."""
    room = Box(room.x, room.y, room.w, room.h - dials.foot(game))
    return in_words(text_seen(game, np.array([row]), seen_by), room)


def in_words(text: str, room: Box) -> Picture:
    """Lines of text as large as they fit, every letter as wide as any other: a board's columns stay columns."""
    lines = text.splitlines() or [""]
    inner = room.inset(3)
    longest = max(width(line, 1.0, "mono") for line in lines) or 1.0
    size = max(SMALL, min(4.0, inner.w / longest, inner.h / (1.4 * len(lines))))
    shown = lines[: max(1, int(inner.h / (1.4 * size)))]
    shapes: list[Shape] = [Rect(*room, "panel", radius=CORNER, layer=BOARD)]
    top = inner.cy - 0.7 * size * len(shown)
    for i, line in enumerate(shown):
        box = Box(inner.x, top + 1.4 * size * i, inner.w, 1.4 * size)
        shapes.append(Text(cut(line, inner.w, size, "mono"), box, size, weight="mono", layer=PIECES))
    return Picture(shapes, {}, {}, piece, 5.0)


def piece(seat: int, at: Spot, alpha: float) -> list[Shape]:
    """A disc in the seat's colour."""
    return [Disc(at.x, at.y, at.r, SEATS[seat % len(SEATS)], alpha=alpha)]

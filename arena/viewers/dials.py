"""Dials: how a person gives the numbers of a move, and where the last ones are shown; a track for each control."""

from __future__ import annotations

from collections.abc import Sequence

from arena.viewers.layout import Layout
from arena.viewers.lettering import width
from arena.viewers.shapes import BOARD, OVERLAY, PIECES, Box, Disc, Line, Rect, Shape, Text
from arena.viewers.snapshot import amount
from arena.viewers.theme import LABEL, SEATS, mix
from envs.game import Game

HIGH = 4.6
"""The height of one dial, in u."""
STEPS = 10
"""So many keys from one end of a dial to the other."""


def foot(game: Game) -> float:
    """How much of the board's slot its dials take, from below."""
    return HIGH * min(len(game.controls), 6) + 0.8 if game.controls else 0.0


def track(game: Game, room: Box, which: int, size: float = LABEL) -> Box:
    """Where the dial of one control runs from its lowest value to its highest."""
    high = (foot(game) - 0.8) / len(game.controls)
    named = min(0.3 * room.w, max(width(name, size) for name in game.names) + 2.5)
    left, right = room.x + 1.5 + named, room.right - 11.5
    return Box(left, room.bottom - foot(game) + 0.4 + which * high, right - left, high)


def value_at(game: Game, room: Box, which: int, x: float) -> float:
    """The value that a dial has at x."""
    low, high = game.controls[which]
    at = track(game, room, which)
    return low + (high - low) * min(1.0, max(0.0, (x - at.x) / at.w))


def middle(game: Game) -> tuple[float, ...]:
    """Where dials stand at first: at 0, or at what is nearest to it."""
    return tuple(min(max(0.0, low), high) for low, high in game.controls)


def dials(game: Game, layout: Layout, values: Sequence[float], chosen: int | None) -> list[Shape]:
    """The dials with these values; with `chosen`, the one that the keys move, they can be turned."""
    shapes: list[Shape] = []
    for which, (name, value) in enumerate(zip(game.names, values, strict=True)):
        low, high = game.controls[which]
        at = track(game, layout.board, which)
        size = min(LABEL, 0.62 * at.h)
        lit = which == chosen and len(game.controls) > 1
        words = "text" if chosen is not None else "muted"
        shapes.append(Rect(at.x, at.cy - 0.35, at.w, 0.7, "raised", radius=0.35, layer=BOARD))
        zero, x = (at.x + at.w * (min(max(v, low), high) - low) / (high - low) for v in (0.0, value))
        shapes.append(Line(((zero, at.cy - 1.1), (zero, at.cy + 1.1)), 0.25, "line", layer=BOARD))
        if abs(x - zero) > 0.1:
            colour = SEATS[0] if value > 0 else SEATS[1]
            shapes.append(Rect(min(x, zero), at.cy - 0.35, abs(x - zero), 0.7, colour, radius=0.2, layer=PIECES))
        knob = "yellow" if chosen is not None else mix("line", "ground", 0.2)
        shapes.append(Disc(x, at.cy, 0.3 * at.h, knob, rim="ink", rim_width=0.3, layer=OVERLAY))
        left = Box(layout.board.x + 1.5, at.y, at.x - layout.board.x - 2.5, at.h)
        right = Box(at.right + 1.5, at.y, layout.board.right - at.right - 3, at.h)
        shapes.append(Text(name, left, size, "yellow" if lit else words, weight="bold" if lit else "regular"))
        shapes.append(Text(amount(round(value, 2), plus=abs(value) >= 0.005), right, size, words, "right", "bold"))
        if chosen is not None:
            shapes.append(Rect(at.x - 1, at.y, at.w + 2, at.h, layer=OVERLAY, hit=f"dial:{which}"))
    return shapes

"""The value of the game over its plies, which is also the line to drag along."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from arena.viewers import returns
from arena.viewers.layout import Layout
from arena.viewers.lettering import width
from arena.viewers.shapes import TIMELINE, Box, Disc, Line, Point, Poly, Rect, Shape, Text
from arena.viewers.snapshot import BIG_CHANGE, Series, Snapshot, changes, loss, opinions
from arena.viewers.theme import CORNER, SEATS, SMALL, STROKE, mix

if TYPE_CHECKING:
    from arena.viewers.ui import UI


def span(snapshot: Snapshot) -> int:
    """How many plies the width stands for: the whole game, or room for more while it goes on."""
    if snapshot.result is not None:
        return max(1, snapshot.length)
    if snapshot.game.max_plies <= 64:
        return snapshot.game.max_plies
    return 20 * math.ceil((snapshot.length + 5) / 20)


def plot(layout: Layout, snapshot: Snapshot) -> Box:
    """Where the curve is drawn; x from the first to the last ply, y from +1 to −1, or over all that was paid."""
    assert layout.timeline is not None
    box = layout.timeline
    left, top = (3.6 if snapshot.scored else 2.1) * _size(layout), 1.2 * _size(layout)
    return Box(box.x + left, box.y + top, box.w - left - 2.0, box.h - top - 3.2)


def _size(layout: Layout) -> float:
    """The size of the axis' words; the strip is too low for the largest ones."""
    return SMALL * min(1.2, max(1.0, layout.text))


def x_of(layout: Layout, snapshot: Snapshot, ply: float) -> float:
    """Where a ply is on the line."""
    room = plot(layout, snapshot)
    return room.x + room.w * ply / span(snapshot)


def ply_at(layout: Layout, snapshot: Snapshot, x: float) -> int:
    """The ply nearest to x, among those that were played."""
    if layout.timeline is None:
        return 0
    room = plot(layout, snapshot)
    return min(snapshot.length, max(0, round((x - room.x) / room.w * span(snapshot))))


def timeline(snapshot: Snapshot, ui: UI, layout: Layout, shown: bool) -> list[Shape]:
    """The graph with its axis, change bars, marks and playheads; without values if not `shown`."""
    if layout.timeline is None:
        return []
    room = plot(layout, snapshot)
    shapes = _axis(layout, snapshot, room, ui)
    if snapshot.scored:
        shapes += returns.curves(snapshot, room, span(snapshot))
    elif shown:
        shapes += _bars(layout, snapshot, room)
        series = opinions(snapshot)
        for one in series:
            shapes += _curve(layout, snapshot, room, one, alone=len(series) == 1)
        if not series:
            shapes += _centred("Nobody said what the game is worth.", room, layout)
    else:
        shapes += _centred("The analysis is hidden.  z shows it.", room, layout)
    if ui.bookmark is not None and ui.bookmark <= span(snapshot):
        x = x_of(layout, snapshot, ui.bookmark)
        shapes.append(
            Poly(
                ((x - 0.8, room.bottom + 3), (x + 0.8, room.bottom + 3), (x, room.bottom + 1.6)),
                "yellow",
                layer=TIMELINE,
            )
        )
    return shapes + _playheads(layout, snapshot, room, ui)


def _axis(layout: Layout, snapshot: Snapshot, room: Box, ui: UI) -> list[Shape]:
    assert layout.timeline is not None
    box, size = layout.timeline, _size(layout)
    shapes: list[Shape] = [Rect(*box, "panel", radius=CORNER, layer=TIMELINE, hit="ply:")]
    marks = returns.marks(snapshot) if snapshot.scored else [(1.0, "+1"), (0.5, "0"), (0.0, "−1")]
    for share, words in marks:
        y = room.bottom - share * room.h
        line = Box(box.x, y - size / 2, room.x - box.x - 0.8, size)
        shapes.append(Line(((room.x, y), (room.right, y)), 0.15, mix("raised", "line", 0.45), layer=TIMELINE))
        shapes.append(Text(words, line, size, "muted", "right", layer=TIMELINE))
    step = next(
        s
        for s in (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 10**6)
        if room.w * s / span(snapshot) >= 3 * size
    )
    for ply in range(0, span(snapshot) + 1, step):
        x = x_of(layout, snapshot, ply)
        shapes.append(Line(((x, room.y), (x, room.bottom)), 0.1, mix("raised", "line", 0.25), layer=TIMELINE))
        label = Box(min(x - 3, box.right - 6), room.y - size - 0.3, 6, size)
        if ply and abs(ply - ui.ply) * room.w / span(snapshot) > 2.5:
            shapes.append(Text(str(ply), label, size, "muted", "centre", layer=TIMELINE))
    return shapes


def _curve(layout: Layout, snapshot: Snapshot, room: Box, series: Series, alone: bool) -> list[Shape]:
    def at(ply: int, value: float) -> Point:
        return x_of(layout, snapshot, ply), room.cy - max(-1.0, min(1.0, value)) * room.h / 2

    colour = "text" if alone else SEATS[series.voice or 0]
    shapes: list[Shape] = []
    points = series.points
    for (k, a), (next_k, b) in pairwise(points):
        missing = next_k - k > 2  # an agent speaks at its own moves only
        if alone and not missing:
            shapes += _area(at(k, a), at(next_k, b), room.cy)
        dash = 0.8 if missing or (not alone and series.voice == 1) else 0.0
        shapes.append(Line((at(k, a), at(next_k, b)), STROKE, colour, dash=dash, layer=TIMELINE))
    if len(points) <= 70:
        for k, value in points:
            x, y = at(k, value)
            if series.voice == 1:
                shapes.append(Rect(x - 0.45, y - 0.45, 0.9, 0.9, colour, layer=TIMELINE))
            else:
                shapes.append(Disc(x, y, 0.45, colour, layer=TIMELINE))
    return shapes


def _area(a: Point, b: Point, zero: float) -> list[Shape]:
    """Between a piece of the curve and zero: sky above, orange below."""
    if (a[1] - zero) * (b[1] - zero) < 0:
        share = (zero - a[1]) / (b[1] - a[1])
        middle = (a[0] + share * (b[0] - a[0]), zero)
        return [*_area(a, middle, zero), *_area(middle, b, zero)]
    if a[1] == zero and b[1] == zero:
        return []
    colour = "sky" if a[1] + b[1] < 2 * zero else "orange"
    corners = ((a[0], zero), a, b, (b[0], zero))
    return [Poly(corners, colour, 0.35, layer=TIMELINE)]


def _bars(layout: Layout, snapshot: Snapshot, room: Box) -> list[Shape]:
    """Under the axis, by how much each ply changed the value; big ones have a diamond on the curve's edge."""
    shapes: list[Shape] = []
    wide = max(0.3, min(1.2, 0.5 * room.w / span(snapshot)))
    for k, change in changes(snapshot).items():
        if abs(change) < 0.02:
            continue
        x, tall = x_of(layout, snapshot, k + 1), 0.3 + min(1.0, abs(change)) * 2.0
        colour = "sky" if change > 0 else "orange"
        bottom = room.bottom + 2.9
        shapes.append(Rect(x - wide / 2, bottom - tall, wide, tall, colour, alpha=0.85, layer=TIMELINE))
        if abs(change) >= BIG_CHANGE:
            y = room.bottom if change > 0 else room.y
            lost = loss(snapshot, k, change) > 0
            diamond = ((x, y - 0.9), (x + 0.9, y), (x, y + 0.9), (x - 0.9, y))
            shapes.append(Poly(diamond, "purple" if lost else colour, layer=TIMELINE))
    return shapes


def _centred(words: str, room: Box, layout: Layout) -> list[Shape]:
    """Words in the middle, with nothing behind them."""
    size = max(SMALL, 2.4 * layout.text)
    wide = width(words, size) + 2 * size
    box = Box(room.cx - wide / 2, room.cy - size * 0.8, wide, size * 1.6)
    return [Rect(*box, "panel", layer=TIMELINE), Text(words, box, size, "muted", "centre", layer=TIMELINE)]


def _playheads(layout: Layout, snapshot: Snapshot, room: Box, ui: UI) -> list[Shape]:
    """Yellow: what is shown. White: the newest ply, where that is another."""
    shapes: list[Shape] = []
    if ui.ply != snapshot.length and snapshot.result is None:
        x = x_of(layout, snapshot, snapshot.length)
        shapes.append(Line(((x, room.y), (x, room.bottom)), 0.3, "text", layer=TIMELINE))
    x = x_of(layout, snapshot, ui.ply - 1 + ui.part if ui.part < 1 and ui.ply else ui.ply)
    shapes.append(Line(((x, room.y - 0.6), (x, room.bottom + 0.3)), 0.35, "yellow", layer=TIMELINE))
    shapes.append(Poly(((x - 0.9, room.y - 1.0), (x + 0.9, room.y - 1.0), (x, room.y + 0.4)), "yellow", layer=TIMELINE))
    return shapes

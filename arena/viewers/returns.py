"""What a game pays over time: the graph, the gauge and the summary of games that are shown by their returns."""

from __future__ import annotations

import numpy as np

from arena.viewers.layout import Layout
from arena.viewers.lettering import cut, width
from arena.viewers.shapes import TIMELINE, Box, Line, Rect, Shape, Text
from arena.viewers.snapshot import Snapshot, action_words, amount, biggest, changes, opinions
from arena.viewers.theme import BODY, CAPTION, CORNER, H1, SEATS, SMALL, STROKE

POINTS = 400
"""The most points a curve has; of more plies some are left out."""


def scale(snapshot: Snapshot) -> tuple[float, float]:
    """The lowest and the highest number on the graph, 0 among them."""
    told = [value for series in opinions(snapshot) for _, value in series.points]
    low = min(0.0, float(snapshot.returns.min()), *told)
    high = max(0.0, float(snapshot.returns.max()), *told)
    return (low, high) if high - low > 1e-6 else (low, low + 1.0)


def share(snapshot: Snapshot, value: float) -> float:
    """Where a number lies on the graph: 0 at its foot, 1 at its top."""
    low, high = scale(snapshot)
    return min(1.0, max(0.0, (value - low) / (high - low)))


def marks(snapshot: Snapshot) -> list[tuple[float, str]]:
    """The numbers beside the graph: its ends, and 0 where it is not too near to one."""
    low, high = scale(snapshot)
    zero = [(share(snapshot, 0.0), "0")] if 0.35 < share(snapshot, 0.0) < 0.65 else []
    return [(0.0, _short(low)), *zero, (1.0, _short(high))]


def _short(value: float) -> str:
    """A number in at most five characters."""
    for size, unit in ((1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return amount(round(value / min(size, 1e3 if unit == "k" else 1e6), 0 if abs(value) >= 1e5 else 1)) + unit
    return amount(value)


def curves(snapshot: Snapshot, room: Box, span: int) -> list[Shape]:
    """Each seat's return in its colour; dashed, what an agent expects it to be in the end."""
    shapes: list[Shape] = []
    if snapshot.length == 0:
        return shapes
    plies = np.unique(np.linspace(0, snapshot.length, min(snapshot.length + 1, POINTS)).astype(int))

    def at(ply: int, value: float) -> tuple[float, float]:
        return room.x + room.w * ply / span, room.bottom - room.h * share(snapshot, value)

    for series in opinions(snapshot):
        some = series.points[:: 1 + len(series.points) // POINTS]
        if len(some) > 1:
            line = tuple(at(k, value) for k, value in some)
            shapes.append(Line(line, 0.2, SEATS[series.voice or 0], 0.8, dash=0.8, layer=TIMELINE))
    for seat in reversed(range(snapshot.game.seats)):
        line = tuple(at(int(k), float(snapshot.returns[k, seat])) for k in plies)
        shapes.append(Line(line, STROKE, SEATS[seat], layer=TIMELINE))
    return shapes + _payments(snapshot, room, span)


def _payments(snapshot: Snapshot, room: Box, span: int) -> list[Shape]:
    """Under the axis, what seat 0 was paid beyond the usual, as bars: sky gains, orange losses."""
    found = changes(snapshot)
    most = max(map(abs, found.values()), default=0.0)
    wide = max(0.3, min(1.2, 0.5 * room.w / span))
    shapes: list[Shape] = []
    largest: dict[int, int] = {}
    for k, change in found.items():  # of bars that would cover one another the largest
        at = k if span <= POINTS else k * POINTS // span
        if at not in largest or abs(change) > abs(found[largest[at]]):
            largest[at] = k
    for k, change in ((k, found[k]) for k in largest.values()):
        tall = 0.3 + 2.0 * abs(change) / most
        x, colour = room.x + room.w * (k + 1) / span, "sky" if change > 0 else "orange"
        shapes.append(Rect(x - wide / 2, room.bottom + 2.9 - tall, wide, tall, colour, alpha=0.85, layer=TIMELINE))
    return shapes


def gauge(snapshot: Snapshot, ply: int, box: Box) -> list[Shape]:
    """The returns so far on the graph's scale: a bar from zero for one seat, a mark each for several."""
    zero = box.bottom - box.h * share(snapshot, 0.0)
    shapes: list[Shape] = []
    for seat in range(snapshot.game.seats):
        y = box.bottom - box.h * share(snapshot, float(snapshot.returns[ply, seat]))
        if snapshot.game.seats == 1 and abs(y - zero) > 0.05:
            shapes.append(Rect(box.x, min(y, zero), box.w, abs(y - zero), SEATS[seat], radius=0.3))
        else:
            y = min(box.bottom - 0.6, max(box.y, y - 0.3))
            shapes.append(Rect(box.x, y, box.w, 0.6, SEATS[seat], radius=0.2))
    return [*shapes, Line(((box.x, zero), (box.right, zero)), 0.3, "ink")]


def verdict(snapshot: Snapshot) -> str:
    """How a finished game ended, in a sentence without its full stop."""
    assert snapshot.result is not None
    result, cut_off = snapshot.result, bool(snapshot.rows[snapshot.length]["cut"])
    if snapshot.game.seats == 1:
        return f"{'Cut off' if cut_off else 'Over'} with a return of {amount(result[0])}"
    best = [seat for seat, r in enumerate(result) if r == max(result)]
    if len(best) == snapshot.game.seats:
        return f"All have {amount(result[0])}"
    one = len(set(snapshot.names)) < len(snapshot.names)
    who = " and ".join(f"Player {seat + 1}" if one else snapshot.names[seat] for seat in best)
    return f"{who} {'has' if len(best) == 1 and who != 'you' else 'have'} most: {amount(max(result))}"


def summary(snapshot: Snapshot, layout: Layout, box: Box) -> list[Shape]:
    """A finished game: its returns, and the plies that paid most beyond the usual, each a jump."""
    assert snapshot.result is not None
    size, head = max(SMALL, BODY * layout.text), min(H1, max(CAPTION, H1 * layout.text))
    row, wide, y = size * 1.75, box.w - 4, box.y + 1.2
    title = verdict(snapshot)
    head = max(SMALL, min(head, head * wide / width(title, head, "bold")))
    shapes: list[Shape] = [
        Text(cut(title, wide, head, "bold"), Box(box.x + 2, y, wide, head * 1.4), head, "text", "left", "bold")
    ]
    y, bottom = y + head * 1.5, box.bottom - row - 0.5
    if snapshot.game.seats > 1:
        for seat in sorted(range(snapshot.game.seats), key=lambda s: -snapshot.result[s]):  # pyright: ignore
            if y + row > bottom:
                break
            line, words = Box(box.x + 2, y, wide, row), amount(snapshot.result[seat])
            long = width(words, size, "bold") + 1
            name = cut(f"player {seat + 1}: {snapshot.names[seat]}", wide - long - 1, size)
            shapes.append(Text(name, line, size, SEATS[seat]))
            shapes.append(Text(words, line, size, SEATS[seat], "right", "bold"))
            y += row
    for k, _ in biggest(changes(snapshot), least=0.0):
        if y + row > bottom:
            break
        shapes += _turn(snapshot, k, Box(box.x + 2, y, wide, row - 0.4), size)
        y += row
    words = "Enter: a new game.   Esc: look at this one." if snapshot.person is not None else "Space: once more."
    shapes.append(Text(cut(words, wide, size), Box(box.x + 2, bottom, wide, row), size, "muted"))
    return shapes


def _turn(snapshot: Snapshot, k: int, line: Box, size: float) -> list[Shape]:
    """One move and what it paid seat 0."""
    ply, paid = snapshot.plies[k], float(snapshot.rows[k + 1]["reward"][0])
    value = amount(paid, plus=True)
    room = line.w - width(value, size, "bold") - 4
    words = f"{k + 1}.  {action_words(snapshot.game, ply.action, ply.seat)}"
    words += f"  by {snapshot.names[ply.seat]}" if snapshot.game.seats > 1 else ""
    return [
        Rect(*line, "raised", radius=CORNER, hit=f"move:{k + 1}"),
        Text(cut(words, room, size), Box(line.x + 1, line.y, room, line.h), size),
        Text(value, line.inset(1, 0), size, "sky" if paid > 0 else "orange" if paid < 0 else "text", "right", "bold"),
    ]

"""Goofspiel: both hands, the prize that is up, a card laid face down, and the prizes taken so far."""

from __future__ import annotations

from arena.viewers.cards.table import buttons, card, chip, felt, halves, paid, places, underline, words
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture
from arena.viewers.shapes import Box, Shape
from arena.viewers.theme import SEATS
from envs.cards.goofspiel import TIED
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """Seat 0 below; the other's cards are backs, for which of them are gone is not told."""
    cards = game.actions
    table, strip = halves(room, 1, layout)
    shapes = felt(table)
    size = max(2.4, 3.0 * layout.text)
    wide = min(0.9 * table.w / cards, 0.15 * table.h)
    high = 1.4 * wide
    ends = places(table, 2, flipped)
    for seat, (_, y) in enumerate(ends):
        known = seen_by in (None, seat) or bool(row["done"])
        laid = int(row["pending"]) if seat == 0 else -1
        left = [c for c in range(cards) if int(row["hand"][seat]) >> c & 1 and c != laid]
        start = table.cx - wide * cards / 2
        for i in range(cards):
            box = Box(start + wide * i + 0.05 * wide, y - high / 2, 0.9 * wide, high)
            if known and i in left:
                shapes += card(box, str(i + 1), seat=seat)
            elif not known and i < len(left):
                shapes += card(box, None, seat=seat)
        lines = [(f"{row['points'][seat]} points", SEATS[seat])]
        if row["done"]:
            lines.append(paid(float(row["reward"][seat])))
        toward = table.cy + 0.47 * (y - table.cy)
        shapes += words(lines, Box(table.x + 1, toward - 4, 19, 8), size)
    shapes += middle(row, table, wide, size, seen_by)
    shapes += taken(row, table, ends, size)
    more, hits, spots = buttons(game, row, strip, layout, cards, flipped=flipped, seen_by=seen_by)
    return Picture(shapes + more, hits, spots, chip, strip.h)


def middle(row: Row, table: Box, wide: float, size: float, seen_by: int | None) -> list[Shape]:
    """The prize, and beside it the card that seat 0 has laid down already."""
    w = 1.1 * wide
    box = Box(table.cx - 1.1 * w, table.cy - 0.7 * w, w, 1.4 * w)
    if row["done"]:
        return []
    shapes = card(box, str(int(row["prize"]) + 1), lit=True)
    shapes += words([("prize", "muted")], Box(box.x - 12, box.y, 11, box.h), size)
    pending = int(row["pending"])
    if pending >= 0:
        laid = Box(box.right + 2, table.cy - 0.6 * w, 0.85 * w, 1.2 * w)
        shapes += card(laid, str(pending + 1) if seen_by in (None, 0) else None, seat=0)
    return shapes


def taken(row: Row, table: Box, ends: list[tuple[float, float]], size: float) -> list[Shape]:
    """Small cards of the prizes taken, on the side of who took them; those that nobody took in the middle."""
    shapes: list[Shape] = []
    counts = [0, 0, 0]
    w = min(2.2 * size, 0.62 * table.w / len(row["took"]))
    for turn in range(int(row["turn"])):
        who = int(row["took"][turn])
        y = table.cy if who == TIED else table.cy + 0.47 * (ends[who][1] - table.cy)
        box = Box(table.right - 3 - w - 1.1 * w * counts[who], y - 0.65 * w, w, 1.3 * w)
        counts[who] += 1
        shapes += card(box, str(int(row["prizes"][turn]) + 1), alpha=0.5 if who == TIED else 1.0)
        if who != TIED:
            shapes.append(underline(box, who))
    return shapes

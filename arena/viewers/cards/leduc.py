"""Leduc poker: a card in front of each player, the one for all in the middle, chips, and what was said."""

from __future__ import annotations

from arena.viewers.cards.table import RANKS, beside, buttons, card, chip, felt, halves, places, stack, words
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture
from arena.viewers.shapes import Box, Shape
from arena.viewers.theme import SEATS
from envs.cards.leduc import words as said_in
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """Seat 0 below; a card that `seen_by` may not know shows its back until all is shown at the end."""
    seats = game.seats
    table, strip = halves(room, 1, layout)
    shapes = felt(table)
    ranks = RANKS[-(seats + 1) :]
    high = min((0.24 if seats == 2 else 0.17) * table.h, 0.3 * table.w)
    size = max(2.4, (3.3 if seats == 2 else 2.6) * layout.text)
    last = last_words(row, seats)
    for seat, (x, y) in enumerate(places(table, seats, flipped)):
        folded = bool(int(row["folded"]) >> seat & 1)
        shown = bool(row["done"]) and not folded and int(row["left"]) > 1
        box = Box(x - 0.35 * high, y - high / 2, 0.7 * high, high)
        own = int(row["cards"][seat])
        known = seen_by in (None, seat) or shown
        lit = int(row["seat"]) == seat and not row["done"]
        shapes += card(
            box, ranks[own // 2] if known else None, suit=own % 2, seat=seat, alpha=0.45 if folded else 1.0, lit=lit
        )
        said_last = (last.get(seat, "–"), "text")
        result = float(row["reward"][seat]) if row["done"] else None
        shapes += beside(box, seats, (f"player {seat + 1}", SEATS[seat]), said_last, result, size)
        shapes += stack(seat, int(row["chips"][seat]), box.right + 3.5, y + 2.0, 0.12 * high, size)
    shapes += middle(row, table, high, size, ranks)
    more, hits, spots = buttons(game, row, strip, layout, 3, flipped=flipped)
    return Picture(shapes + more, hits, spots, chip, strip.h)


def middle(row: Row, table: Box, high: float, size: float, ranks: tuple[str, ...]) -> list[Shape]:
    """The card for all, or the pack that it will come from, and the pot."""
    box = Box(table.cx - 0.35 * high, table.cy - high / 2, 0.7 * high, high)
    public = int(row["public"])
    shapes = card(box, ranks[public // 2], suit=public % 2) if public >= 0 else card(box, None, alpha=0.6)
    pot = int(row["chips"].sum())
    return [*shapes, *words([("pot", "muted"), (str(pot), "text")], Box(box.right + 1, box.y, 11, high), 1.2 * size)]


def last_words(row: Row, seats: int) -> dict[int, str]:
    """What each seat said last, of both rounds; who has folded keeps that word."""
    found: dict[int, str] = {}
    out: set[int] = set()
    for turn in range(int(row["street"]) + 1):
        seat = 0
        for word in said_in(row, turn):
            while seat in out:
                seat = (seat + 1) % seats
            found[seat] = word
            if word == "fold":
                out.add(seat)
            seat = (seat + 1) % seats
    return found

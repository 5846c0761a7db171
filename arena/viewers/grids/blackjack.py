"""Blackjack: what each hand counts on a bar to 21, the dealer's card, and an ace that may still be 1."""

from __future__ import annotations

from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot
from arena.viewers.shapes import BOARD, PIECES, Box, Disc, Line, Rect, Shape, Text
from arena.viewers.theme import SEATS, mix
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """The dealer above, the player below; two fields to stick and to hit."""
    table = room.inset(1.5)
    shapes: list[Shape] = [
        Rect(*table, mix("felt", "text", 0.05), mix("felt", "shadow", 0.35), radius=3.0, layer=BOARD),
    ]
    third = table.h * 0.4
    shapes += _hand(row, 1, Box(table.x + 3, table.y + 2, table.w - 6, third - 2), layout)
    shapes += _hand(row, 0, Box(table.x + 3, table.y + third + 1, table.w - 6, third - 2), layout)
    hits, spots = {}, {}
    wide, top = table.w / 2 - 4, table.y + 2 * third + 1
    for action, name in enumerate(game.names):
        box = Box(table.x + 3 + action * (wide + 2), top, wide, table.bottom - top - 2.5)
        if not row["done"]:
            hits[action] = box
            shapes.append(Rect(*box, mix("felt", "shadow", 0.45), radius=1.2, stroke="line", layer=BOARD))
            shapes.append(Text(name, box, 4.2 * layout.text, "text", "centre", "bold", layer=BOARD))
        spots[action] = Spot(box.cx, box.cy, min(box.w, box.h) * 0.42)
    if row["done"]:
        paid = float(row["reward"][0])
        word = "won" if paid > 0 else "lost" if paid < 0 else "drawn"
        below = Box(table.x, top, table.w, table.bottom - top - 2.5)
        text = f"{word} {paid:+g}" if paid else word
        shapes.append(Text(text, below, 6 * layout.text, "white stone", "centre", "bold", layer=BOARD))
        spots = {}
    return Picture(shapes, hits=hits, spots=spots, piece=chip, cell=10.0)


def _hand(row: Row, hand: int, box: Box, layout: Layout) -> list[Shape]:
    points, ace = int(row["points"][hand]), int(row["aces"][hand]) > 0
    soft = ace and points <= 11
    count, cards = points + (10 if soft else 0), int(row["cards"][hand])
    size = 3.0 * layout.text
    who = ("you", "dealer")[hand]
    words = f"{who}: {cards} card{'s' if cards != 1 else ''}" + (", an ace counts 11" if soft else "")
    shapes: list[Shape] = [Text(words, Box(box.x, box.y, box.w, size * 1.4), size, "text", layer=BOARD)]
    height = min(box.h - size * 1.8, 12.0)
    card = Box(box.x, box.y + size * 1.8, height * 0.75, height)
    over = count > 21
    ink = "#9E2A00" if over else "ink"
    shapes.append(Rect(*card, "white stone", mix("white stone", "shadow", 0.1), radius=0.8, layer=PIECES))
    shapes.append(Text(str(count), card, height * 0.5, ink, "centre", "bold", layer=PIECES))
    left, room = card.right + 2, box.right - card.right - 3
    middle = card.cy
    shapes.append(Rect(left, middle - 1.4, room, 2.8, mix("felt", "shadow", 0.6), radius=1.4, layer=BOARD))
    scale = room / 31
    shapes.append(Rect(left, middle - 1.4, max(2.8, count * scale), 2.8, SEATS[1] if over else SEATS[hand],
                       radius=1.4, layer=PIECES))  # fmt: skip
    for mark in (17, 21) if hand else (21,):
        x = left + mark * scale
        shapes.append(Line(((x, middle - 2.6), (x, middle + 2.6)), 0.4, "text", layer=PIECES))
        place = Box(x - 3, middle + 2.8, 6, size * 1.2)
        shapes.append(Text(str(mark), place, size * 0.85, "text", "centre", layer=PIECES))
    return shapes


def chip(seat: int, at: Spot, alpha: float) -> list[Shape]:
    """A chip in the seat's colour."""
    return [
        Disc(at.x, at.y, at.r, SEATS[seat], alpha=alpha, layer=PIECES),
        Disc(at.x, at.y, at.r * 0.6, mix(SEATS[seat], "shadow", 0.3), alpha=alpha, layer=PIECES),
    ]

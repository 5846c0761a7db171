"""Kuhn poker: a card in front of each player, the chips put in, and the last word of each."""

from __future__ import annotations

from arena.viewers.cards.table import RANKS, beside, buttons, card, chip, felt, halves, places, stack, words
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture
from arena.viewers.shapes import Box
from arena.viewers.theme import SEATS
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
    high = min((0.26 if seats == 2 else 0.18) * table.h, 0.3 * table.w)
    size = max(2.4, (3.3 if seats == 2 else 2.6) * layout.text)
    bets = int(row["bets"])
    plies = int(row["ply"])
    for seat, (x, y) in enumerate(places(table, seats, flipped)):
        said = ["bet" if bets >> ply & 1 else "pass" for ply in range(seat, plies, seats)]
        bet = "bet" in said
        folded = bool(bets) and said[-1:] == ["pass"] and (bool(row["done"]) or plies > int(row["opened"]))
        folded = folded and _after(row, seat, seats)
        known = seen_by in (None, seat) or (bool(row["done"]) and not folded)
        box = Box(x - 0.35 * high, y - high / 2, 0.7 * high, high)
        label = ranks[int(row["cards"][seat])] if known else None
        lit = int(row["seat"]) == seat and not row["done"]
        shapes += card(box, label, seat=seat, alpha=0.45 if folded else 1.0, lit=lit)
        said_last = (" ".join(said) or "–", "text")
        result = float(row["reward"][seat]) if row["done"] else None
        shapes += beside(box, seats, (f"player {seat + 1}", SEATS[seat]), said_last, result, size)
        shapes += stack(seat, 1 + bet, box.right + 4.0, y + 1.0, 0.13 * high, size)
    pot = seats + bets.bit_count()
    shapes += words([("pot", "muted"), (str(pot), "text")], Box(table.cx - 8, table.cy - 5, 16, 10), 1.3 * size)
    more, hits, spots = buttons(game, row, strip, layout, 2, flipped=flipped)
    return Picture(shapes + more, hits, spots, chip, strip.h)


def _after(row: Row, seat: int, seats: int) -> bool:
    """Whether a seat has answered the bet."""
    last = seat + seats * ((int(row["ply"]) - 1 - seat) // seats)
    return last > int(row["opened"])

"""Repeated rock, paper, scissors: the last throw of each, large, the rounds before it, and who is how far ahead."""

from __future__ import annotations

from arena.viewers.cards.table import PAPER, buttons, chip, felt, halves, places, words
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot
from arena.viewers.shapes import PIECES, Box, Disc, Line, Rect, Ring, Shape, Text
from arena.viewers.theme import SEATS, mix
from envs.game import Game, Row

BACK = 12
"""Rounds that are shown, the newest on the right."""


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """Seat 0 below; while its choice waits for the other's it is shown to who may know it."""
    table, strip = halves(room, 1, layout)
    shapes = felt(table)
    size = max(2.4, 2.8 * layout.text)
    played, waiting = int(row["ply"]) // 2, int(row["pending"])
    thrown = [[int(row["past"][seat]) >> 2 * back & 3 for back in range(min(played, BACK))] for seat in (0, 1)]
    r = min(0.13 * table.h, 0.1 * table.w)
    for seat, (_, y) in enumerate(places(table, 2, flipped)):
        at = Spot(table.x + 0.74 * table.w, y, r)
        if waiting >= 0:
            shown = waiting if seat == 0 and seen_by in (None, 0) else None
            shapes += hand(shown, at, seat) if seat == 0 else [Ring(at.x, at.y, at.r, 0.3, SEATS[1], 0.6, dashes=12)]
        elif thrown[seat]:
            shapes += hand(thrown[seat][0], at, seat)
        score = int(row["total"][seat])
        lines = [(f"player {seat + 1}", SEATS[seat]), (f"{score:+d}".replace("-", "−"), "text")]
        shapes += words(lines, Box(table.x + 0.1 * table.w, y - r, 0.44 * table.w, 2 * r), 1.3 * size)
    shapes += rounds(thrown, table, flipped)
    where = Box(table.x, table.cy - 0.26 * table.h, table.w, 2 * size)
    total = game.max_plies // 2
    shapes.append(Text(f"round {min(played + 1, total)} of {total}", where, size, "muted", "centre", layer=PIECES))
    more, hits, spots = buttons(game, row, strip, layout, 3, flipped=flipped)
    return Picture(shapes + more, hits, spots, chip, strip.h)


def rounds(thrown: list[list[int]], table: Box, flipped: bool) -> list[Shape]:
    """The last rounds from left to right, the winner's throw in its colour, a drawn one in grey."""
    shapes: list[Shape] = []
    step = 0.88 * table.w / BACK
    for back, (one, two) in enumerate(zip(*thrown, strict=True)):
        x = table.right - 0.06 * table.w - (back + 0.5) * step
        won = (one - two) % 3
        for seat, choice in ((0, one), (1, two)):
            y = table.cy + (0.07 if (seat == 0) != flipped else -0.07) * table.h
            wins = won == (1 if seat == 0 else 2)
            shapes += hand(choice, Spot(x, y, min(0.4 * step, 0.055 * table.h)), seat if wins else None)
    return shapes


def hand(choice: int | None, at: Spot, seat: int | None) -> list[Shape]:
    """A stone, a sheet or a pair of scissors on a disc in a seat's colour; a question mark where it is not known."""
    ground = SEATS[seat] if seat is not None else mix("raised", "text", 0.25)
    shapes: list[Shape] = [Disc(at.x, at.y, at.r, ground, mix(ground, "shadow", 0.25))]
    r = at.r
    if choice is None:
        return [
            *shapes,
            Text("?", Box(at.x - r, at.y - r, 2 * r, 2 * r), 1.2 * r, "ink", "centre", "bold", layer=PIECES),
        ]
    if choice == 0:
        stone = mix("muted", "shadow", 0.55)
        return [*shapes, Disc(at.x, at.y + 0.05 * r, 0.52 * r, stone, mix(stone, "shadow", 0.5))]
    if choice == 1:
        sheet = Box(at.x - 0.38 * r, at.y - 0.5 * r, 0.76 * r, r)
        lines = [
            Line(((sheet.x + 0.15 * r, y), (sheet.right - 0.15 * r, y)), 0.06 * r, "frame", layer=PIECES)
            for y in (at.y - 0.22 * r, at.y, at.y + 0.22 * r)
        ]
        return [*shapes, Rect(*sheet, PAPER, radius=0.06 * r, layer=PIECES), *lines]
    for side in (-1, 1):
        blade = ((at.x + side * 0.3 * r, at.y - 0.6 * r), (at.x - side * 0.22 * r, at.y + 0.3 * r))
        shapes.append(Line(blade, 0.13 * r, "ink", layer=PIECES))
        shapes.append(Ring(at.x - side * 0.28 * r, at.y + 0.45 * r, 0.22 * r, 0.11 * r, "ink", layer=PIECES))
    return shapes

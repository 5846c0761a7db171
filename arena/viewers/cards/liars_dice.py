"""Liar's dice: the dice of each player, open or under the cup, the bids so far and the one that stands."""

from __future__ import annotations

from arena.viewers.cards.table import buttons, chip, die, felt, halves, paid, places, words
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, bits
from arena.viewers.shapes import Box, Shape
from arena.viewers.theme import SEATS
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """Seat 0 below; dice that `seen_by` may not know lie under the cup until the call."""
    sides = int(row["faces"].shape[1])
    dice = (game.actions - 1) // (2 * sides)
    table, strip = halves(room, 2 * dice + 1, layout)
    shapes = felt(table)
    size = max(2.4, 3.2 * layout.text)
    side = min(0.2 * table.h, 0.5 * table.w / dice)
    standing = int(row["last"]) % sides + 1 if row["last"] >= 0 else 0
    for seat, (_, y) in enumerate(places(table, 2, flipped)):
        known = seen_by in (None, seat) or bool(row["done"])
        faces = [face + 1 for face in range(sides) for _ in range(int(row["faces"][seat][face]))]
        left = table.cx - (1.2 * dice - 0.2) * side / 2
        for i, face in enumerate(faces):
            box = Box(left + 1.2 * side * i, y - side / 2, side, side)
            counts = bool(row["done"]) and face in (standing, sides)
            shapes += die(box, face if known else None, wild=face == sides, lit=counts)
        lines = [(f"player {seat + 1}", SEATS[seat])]
        if int(row["seat"]) == seat and not row["done"]:
            lines.append(("to bid", "yellow"))
        if row["done"]:
            lines.append(paid(float(row["reward"][seat])))
        if left - 18 > table.x:
            shapes += words(lines, Box(left - 18, y - side / 2, 16, side), size)
        else:  # between the dice and the middle
            toward = y + (0.5 * side + 1.2 * size) * (1 if y < table.cy else -1)
            one = ("  ".join(line for line, _ in lines), lines[-1][1])
            shapes += words([one], Box(table.x, toward - size, table.w, 2 * size), size)
    shapes += bid(game, row, table, side, size, sides)
    more, hits, spots = buttons(game, row, strip, layout, sides, flipped=flipped)
    return Picture(shapes + more, hits, spots, chip, strip.h / (2 * dice + 1))


def bid(game: Game, row: Row, table: Box, side: float, size: float, sides: int) -> list[Shape]:
    """The bid that stands, large, with the earlier ones before it, each in its bidder's colour."""
    made = bits(int(row["bids"]))
    if not made:
        return words([("no bid yet", "muted")], Box(table.x, table.cy - 4, table.w, 8), size)
    small = 0.85 * side
    quantity, face = divmod(made[-1], sides)
    shapes = die(Box(table.cx + 0.2 * side, table.cy - small / 2, small, small), face + 1, wild=face + 1 == sides)
    bidder = SEATS[(len(made) - 1) % 2]
    shapes += words(
        [(f"{quantity + 1} ×", bidder)], Box(table.cx - 1.6 * side, table.cy - side, 1.6 * side, 2 * side), 2 * size
    )
    for i, earlier in enumerate(reversed(made[:-1][-5:])):
        box = Box(table.cx - 1.7 * side - 7 * (i + 1), table.cy - size, 7, 2 * size)
        if box.x < table.x + 1:
            break
        shapes += words([(game.names[earlier].replace("x", "×"), SEATS[(len(made) - 2 - i) % 2])], box, size)
    if row["done"]:
        shapes += words([("liar!", "yellow")], Box(table.cx + 1.3 * side, table.cy - side, 14, 2 * side), 1.3 * size)
    return shapes

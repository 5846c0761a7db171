"""Phantom tic-tac-toe: the board of tic-tac-toe, with a ring around each mark that the other has met."""

from __future__ import annotations

from typing import Any

from arena.viewers.boards import tic_tac_toe
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot, bits
from arena.viewers.shapes import PIECES, Box, Ring, Shape
from arena.viewers.theme import SEATS
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """Nine cells as one seat knows them, or all with what the other knows of each ringed in its colour."""
    shown = known(row, seen_by)
    plain = tic_tac_toe.picture(
        game, shown, room, layout, None if before is None else known(before, seen_by), part, flipped=flipped
    )
    rings = met_rings(row, plain.spots, seen_by)
    return Picture([*plain.shapes, *rings], plain.hits, plain.spots, plain.piece, plain.cell)


def known(row: Row, seen_by: int | None) -> dict[str, Any]:
    """The stones of both seats, of which a seat sees its own and those it has met."""
    stones = [int(row["stones"][seat]) for seat in (0, 1)]
    if seen_by is not None:
        stones[1 - seen_by] = int(row["met"][seen_by])
    return {"stones": stones, "done": bool(row["done"])}


def met_rings(row: Row, spots: Any, seen_by: int | None) -> list[Shape]:
    """A dashed ring, in the colour of who met it, around each stone that the other has met and that is shown."""
    seats = (0, 1) if seen_by is None else (seen_by,)
    return [dashed(SEATS[seat], spots[a]) for seat in seats for a in bits(row["met"][seat]) if a in spots]


def dashed(colour: str, at: Spot) -> Shape:
    """The ring that says: this one has been met."""
    return Ring(at.x, at.y, at.r * 1.08, max(0.3, at.r * 0.1), colour, dashes=12, layer=PIECES)

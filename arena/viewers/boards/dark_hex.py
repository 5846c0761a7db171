"""Dark Hex: the board of Hex, with a ring around each stone that the other has met."""

from __future__ import annotations

from typing import Any

from arena.viewers.boards import hex as open_hex
from arena.viewers.boards.phantom_tic_tac_toe import known, met_rings
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, bits
from arena.viewers.shapes import Box
from envs.game import Game, Row


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """Hexagons as one seat knows them, or all with what the other knows of each ringed in its colour."""
    earlier = None if before is None else as_hex(game, before, seen_by)
    plain = open_hex.picture(game, as_hex(game, row, seen_by), room, layout, earlier, part, flipped=flipped)
    rings = met_rings(row, plain.spots, seen_by)
    return Picture([*plain.shapes, *rings], plain.hits, plain.spots, plain.piece, plain.cell)


def as_hex(game: Game, row: Row, seen_by: int | None) -> dict[str, Any]:
    """The position in the fields of a row of Hex."""
    shown = known(row, seen_by)
    cells = [0] * game.actions
    for seat in (0, 1):
        for a in bits(shown["stones"][seat]):
            cells[a] = seat + 1
    return {"cells": cells, "ply": int(row["ply"]), "done": shown["done"]}

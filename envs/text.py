"""Positions as text, for terminals, transcripts and tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs import kernels
from envs.game import Game, Rows

MARKS = "xo#*+%@&"
"""The mark of a stone of each plane: seat 0's first, then seat 1's."""


def board_text(game: Game, rows: Rows) -> str:
    """The first of these rows in the game's own text, or as a board: seat 0's stones as x and seat 1's as o."""
    row = rows[:1].copy()
    if game.text is not None:
        return game.text(row.view(np.recarray)[0])
    row["seat"] = 0
    return planes_text(kernels.view(game, row).obs[0])


def text_seen(game: Game, rows: Rows, seat: int | None = None) -> str:
    """The first of these rows as text; where a seat looks at a game that hides something, only what it may know."""
    if seat is None or not game.hidden:
        return board_text(game, rows)
    row = rows[:1].copy()
    row["seat"] = seat
    return planes_text(kernels.view(game, row).obs[0])


def planes_text(planes: NDArray[np.float32]) -> str:
    """An observation [C, H, W] as lines of marks, columns lettered and lines numbered; other shapes as numbers."""
    if planes.ndim != 3 or len(planes) > len(MARKS):
        return np.array2string(planes, precision=2, suppress_small=True)
    _, height, width = planes.shape
    stones = planes != 0.0
    marks = np.where(stones.any(axis=0), stones.argmax(axis=0), -1)
    lines = []
    for line, cells in enumerate(marks.tolist()):
        lines.append(f"{height - line:2} " + " ".join("." if cell < 0 else MARKS[cell] for cell in cells))
    return "\n".join([*lines, "   " + " ".join(chr(ord("a") + c) for c in range(width))])

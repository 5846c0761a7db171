"""Positions as text: for terminals, for programs, for language models, for transcripts and tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs import kernels
from envs.game import Game, Rows

MARKS = "xo#*+%@&"
"""The mark of a stone of each plane: seat 0's first, then seat 1's."""
MOST_NAMED = 32
"""So many legal actions are named where another was chosen."""


def text_seen(game: Game, rows: Rows, seat: int | None = None) -> str:
    """The first of these rows as text: all of it, or of a game that hides something what one seat may know."""
    if game.text is not None:
        row = rows[:1].copy().view(np.recarray)[0]
        return game.text(row, seat) if game.hidden and seat is not None else game.text(row)
    if not game.hidden:
        return planes_text(_looked(game, rows, 0))
    if seat is not None:
        return planes_text(_looked(game, rows, seat))
    return "\n".join(f"seat {each} sees\n{planes_text(_looked(game, rows, each))}" for each in range(game.seats))


def _looked(game: Game, rows: Rows, seat: int) -> NDArray[np.float32]:
    row = rows[:1].copy()
    row["seat"] = seat
    return kernels.view(game, row).obs[0]


def named(game: Game, legal: NDArray[np.bool_], seat: int) -> str:
    """A seat's legal actions on the board that all see, so many as can be read: "a1, b3 and 5 more are legal"."""
    if game.controls:
        bounds = zip(game.names, game.controls, strict=True)
        return f"{', '.join(f'{name} from {low:g} to {high:g}' for name, (low, high) in bounds)} is legal"
    chosen = [game.told(seat)[a] for a in np.flatnonzero(legal).tolist()]
    if not chosen:
        return "nothing is legal, for the game is over"
    more = f" and {len(chosen) - MOST_NAMED} more" if len(chosen) > MOST_NAMED else ""
    return f"{', '.join(chosen[:MOST_NAMED])}{more} {'is' if len(chosen) == 1 else 'are'} legal"


def planes_text(planes: NDArray[np.float32]) -> str:
    """An observation as text.

    Planes of zeros and ones [C, H, W] are a board of marks, columns lettered and lines numbered; anything else is
    numbers, a line each of its last axis.
    """
    if planes.ndim != 3 or len(planes) > len(MARKS) or not np.isin(planes, (0.0, 1.0)).all():
        return "\n".join(" ".join(f"{x:g}" for x in line) for line in planes.reshape(-1, planes.shape[-1]).tolist())
    _, height, width = planes.shape
    stones = planes != 0.0
    marks = np.where(stones.any(axis=0), stones.argmax(axis=0), -1)
    lines = []
    for line, cells in enumerate(marks.tolist()):
        lines.append(f"{height - line:2} " + " ".join("." if cell < 0 else MARKS[cell] for cell in cells))
    return "\n".join([*lines, "   " + " ".join(chr(ord("a") + c) for c in range(width))])

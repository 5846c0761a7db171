"""What games of one seat share: moves that are never barred, a limit on plies, numbers drawn from a range."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from envs.game import Row, rule
from envs.randomness import draw, unit

MOST_PLIES = 32_000
"""What a row can count."""


@cache
def anything(actions: int) -> Callable[[Row, NDArray[np.bool_]], None]:
    """The `legal` of games in which every action may be chosen at any time; a fixed count is faster than a length."""

    @rule
    def legal(row: Row, out: NDArray[np.bool_]) -> None:
        for a in range(actions):
            out[a] = True

    return legal


@rule
def drawn_between(row: Row, low: float, high: float) -> float:
    """A float64 drawn evenly from [low, high)."""
    return low + (high - low) * unit(draw(row))


@rule
def count_ply(row: Row, limit: int) -> None:
    """Counts a ply; the last one that the limit allows cuts a game that the rules have not ended."""
    row.ply += 1
    if row.ply >= limit and not row.done:
        row.done = True
        row.cut = True

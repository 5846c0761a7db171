"""What games of one seat share: options with bounds, specs, a limit on plies, numbers drawn from a range."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from envs.game import Row, rule
from envs.kernels import draw, unit

MOST_PLIES = 32_000
"""What a row can count."""


def within(game: str, option: str, value: float, low: float, high: float, example: object) -> None:
    """Raises ValueError unless low <= value <= high; the text names the option, its bounds and an example."""
    if not isinstance(value, int | float) or not low <= value <= high:
        bounds = f"{option} of {game} is {low:g} to {high:g}, not {value}"
        raise ValueError(f"{bounds}; write for example {game}:{option}={example}.")


def spec(game: str, **options: tuple[bool | float, bool | float]) -> str:
    """The spec of a game from option -> (value, default): what is at its default is left out."""
    given = [f"{key}={str(value).lower()}" for key, (value, default) in options.items() if value != default]
    return ":".join([game, *filter(None, [",".join(given)])])


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

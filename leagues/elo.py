"""Elo as it is taught: one number each, moved after every game by how much the score surprised.

    expected = 1 / (1 + 10^((other - own) / 400)),   own += k (score - expected)

Simple, local, and dependent on the order of the games; the leaderboard uses `leagues.rating` instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from leagues.rating import Result

START = 1500.0


def expected(own: float, other: float) -> float:
    """The mean score that Elo expects of `own` against `other`."""
    return 1.0 / (1.0 + 10.0 ** ((other - own) / 400.0))


def updated(own: float, other: float, score: float, k: float = 32.0) -> tuple[float, float]:
    """Both ratings after a game in which the first scored so much; their sum stays."""
    change = k * (score - expected(own, other))
    return own + change, other - change


def elo(results: Iterable[Result], *, k: float = 32.0, start: Mapping[str, float] | None = None) -> dict[str, float]:
    """Everybody's rating after the games in their order; who is new begins at `START`."""
    if k <= 0:
        raise ValueError(f"Elo's k must be above 0, not {k}; 32 is usual.")
    ratings = dict(start or {})
    for first, second, score in results:
        if first == second:
            raise ValueError(f"{first!r} cannot be rated by games against itself; enter the twin under another name.")
        own, other = (ratings.get(name, START) for name in (first, second))
        ratings[first], ratings[second] = updated(own, other, score, k)
    return ratings

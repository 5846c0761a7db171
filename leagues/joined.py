"""Games joined by shared anchors: one scale for members of several games, each of which has a scale of its own.

An Elo point of one game is not one of another: in a game of much luck perfect play stands a little above random play,
in a game of none a mile. So the way from a low anchor to a high one that every game has (`random` and
`solver:epsilon=0.1`) counts as 1 in each: a member's place in a game is

    place = (elo - low's elo) / (high's elo - low's elo)

with an error by the delta method from the covariance of the game's ratings, and its joined place is the mean of the
games it played in, each with the same weight, whose errors are independent.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import NamedTuple

import numpy as np

from leagues.bradley_terry import Z95
from leagues.rating import RatingError, Ratings


class Place(NamedTuple):
    """Where a member stands on the way from the low anchor, 0, to the high one, 1, and the standard error of that."""

    place: float
    error: float


class Joined(NamedTuple):
    """A member's mean place, and its place in each game."""

    name: str
    mean: Place
    games: Mapping[str, Place]


def places(rated: Ratings, low: str, high: str) -> dict[str, Place]:
    """Everybody's place in one game; raises RatingError where the high anchor is not clearly above the low one."""
    way = rated.difference(high, low)
    if way.elo <= Z95 * way.error:
        raise RatingError(
            f"{high!r} is not surely stronger than {low!r} there ({way.elo:+.0f} ± {Z95 * way.error:.0f} Elo), so the "
            "two measure nothing; let them play more games."
        )
    below, above = rated.names.index(low), rated.names.index(high)
    found = {}
    for i, name in enumerate(rated.names):
        place = float(rated.elo[i] - rated.elo[below]) / way.elo
        slope = np.zeros(len(rated.names))  # of the place by each rating
        for member, by in ((i, 1.0), (below, place - 1.0), (above, -place)):
            slope[member] += by / way.elo
        found[name] = Place(place, sqrt(max(float(slope @ rated.covariance @ slope), 0.0)))
    return found


def joined(games: Mapping[str, Ratings], low: str, high: str) -> list[Joined]:
    """Everybody's joined place, best first, from the ratings of each game; both anchors must be rated in all."""
    if not games:
        raise RatingError("There is no game to be joined.")
    for game, rated in games.items():
        for anchor in (low, high):
            if anchor not in rated.names:
                raise RatingError(f"{game} cannot be joined: {anchor!r} is not rated there; let it play some games.")
    found: dict[str, dict[str, Place]] = {}
    for game, rated in games.items():
        try:
            there = places(rated, low, high)
        except RatingError as problem:
            raise RatingError(f"{game} cannot be joined: {problem}") from None
        for name, place in there.items():
            found.setdefault(name, {})[game] = place
    lines = []
    for name, by_game in found.items():
        mean = sum(one.place for one in by_game.values()) / len(by_game)
        error = sqrt(sum(one.error**2 for one in by_game.values())) / len(by_game)
        lines.append(Joined(name, Place(mean, error), by_game))
    return sorted(lines, key=lambda line: (-line.mean.place, line.name))

"""The ladder: neighbours meet round after round, and whoever beats the one above takes the place.

The entrants stand in the order in which they are named, the first on top. In odd rounds the first meets the second,
the third the fourth and so on, in even rounds the second the third; a level meeting leaves both where they are. If
the stronger always won, as many rounds as there are members would put all in order, wherever they began: it is the
odd-even transposition sort (Habermann 1972). That many are played unless another number is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from leagues.schedule import Course, Standing, check_entrants, meet


def ladder(names: Sequence[str], pairs: int, seed: int, rounds: int | None = None) -> Course:
    """The ladder as a format; a standing's points are the meetings won from below."""
    check_entrants(names, pairs)
    if rounds is not None and rounds < 1:
        raise ValueError(f"A ladder needs one round or more, not {rounds}.")
    return _climb(list(names), pairs, seed, len(names) if rounds is None else rounds)


def _climb(order: list[str], pairs: int, seed: int, rounds: int) -> Course:
    seen: dict[tuple[str, str], int] = {}
    climbed = dict.fromkeys(order, 0)
    began = {name: place for place, name in enumerate(order, 1)}
    for number in range(rounds):
        upper = range(number % 2, len(order) - 1, 2)
        points = yield from meet([(order[i + 1], order[i]) for i in upper], pairs, seed, seen)
        for i, challenger in zip(upper, points, strict=True):
            if challenger > pairs:  # of 2 * pairs games
                climbed[order[i + 1]] += 1
                order[i], order[i + 1] = order[i + 1], order[i]
    return [
        Standing(place, name, float(climbed[name]), f"began at {began[name]}") for place, name in enumerate(order, 1)
    ]

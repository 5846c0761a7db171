"""Weng-Lin: a skill and its uncertainty from one game after another, among any number of sides.

Weng and Lin 2011, "A Bayesian approximation method for online ranking", algorithm 4 (Plackett-Luce): the game's
likelihood is that of drawing the ranking from the first place down, each time in proportion to exp(skill / c), and
one step of moment matching replaces its posterior. Two sides are a game of two; sides of several add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp, sqrt
from typing import NamedTuple

from leagues.rating import Result


class Skill(NamedTuple):
    """A skill's mean and standard deviation; a new one as it is by default."""

    mean: float = 25.0
    deviation: float = 25.0 / 3.0


BETA = 25.0 / 6.0
"""Standard deviation of a performance around the skill."""

DRIFT = 25.0 / 300.0
"""How much a skill may change from game to game; keeps deviations from shrinking to nothing."""

LEAST = 1e-4
"""Of a variance at least this share is left by one game."""


def plackett_luce(
    sides: Sequence[Sequence[Skill]], ranks: Sequence[float], *, beta: float = BETA, drift: float = DRIFT
) -> list[list[Skill]]:
    """The sides' members after one game; the lowest rank is the best, equal ranks are a draw."""
    if len(sides) != len(ranks) or len(sides) < 2 or not all(sides):
        raise ValueError(f"{len(sides)} sides with {len(ranks)} ranks are no game; give two sides or more a rank each.")
    moved = [[Skill(one.mean, sqrt(one.deviation**2 + drift**2)) for one in side] for side in sides]
    mean = [sum(one.mean for one in side) for side in moved]
    variance = [sum(one.deviation**2 for one in side) for side in moved]
    c = sqrt(sum(variance) + len(sides) * beta**2)
    top = max(mean)
    weight = [exp((m - top) / c) for m in mean]
    everybody = range(len(sides))
    below = [sum(weight[s] for s in everybody if ranks[s] >= ranks[q]) for q in everybody]  # still to be drawn
    level = [sum(ranks[s] == ranks[q] for s in everybody) for q in everybody]
    after = []
    for i in everybody:
        pull, bend = 0.0, 0.0
        for q in everybody:
            if ranks[q] <= ranks[i]:
                p = weight[i] / below[q]
                pull += ((i == q) - p) / level[q]
                bend += p * (1.0 - p) / level[q]
        bend *= sqrt(variance[i]) / c  # the paper's gamma
        after.append(
            [
                Skill(
                    one.mean + one.deviation**2 / c * pull,
                    one.deviation * sqrt(max(1.0 - one.deviation**2 / c**2 * bend, LEAST)),
                )
                for one in moved[i]
            ]
        )
    return after


def weng_lin(results: Iterable[Result], *, beta: float = BETA, drift: float = DRIFT) -> dict[str, Skill]:
    """Everybody's skill after the games of two in their order."""
    skills: dict[str, Skill] = {}
    for first, second, score in results:
        if first == second:
            raise ValueError(f"{first!r} cannot be rated by games against itself; enter the twin under another name.")
        sides = [[skills.get(first, Skill())], [skills.get(second, Skill())]]
        ((skills[first],), (skills[second],)) = plackett_luce(sides, (1.0 - score, score), beta=beta, drift=drift)
    return skills

"""Meta-solvers: from the payoff table of a league's members to how often each one should be met (PSRO).

A solver takes an antisymmetric table, [n, n], as `leagues.meta_games` has them, and gives one probability for each
member; the two that are yardsticks as well, Nash averaging and alpha-rank, are there.
"""

from __future__ import annotations

import numpy as np

from leagues.bradley_terry import Floats
from leagues.meta_games import antisymmetric


def uniform(payoff: Floats) -> Floats:
    """All alike: PSRO is fictitious self-play then."""
    n = len(antisymmetric(payoff))
    return np.full(n, 1 / n)


def onto_simplex(point: Floats, floor: float = 0.0) -> Floats:
    """The nearest distribution, in Euclid's sense, of which no part is below `floor` (at most 1/n)."""
    n = point.size
    falling = np.sort(point - floor)[::-1]
    excess = (np.cumsum(falling) - (1 - n * floor)) / np.arange(1, n + 1)
    above = max(1, np.count_nonzero(falling > excess))  # how many stay above the floor; the largest always does
    return np.maximum(point - floor - excess[above - 1], 0.0) + floor


def projected_replicator(payoff: Floats, steps: int = 20_000, rate: float = 0.02, explore: float = 1e-6) -> Floats:
    """Replicator dynamics in which nobody dies out, averaged over time (Lanctot et al. 2017, appendix).

    Every step is projected onto the distributions that give each of n members explore / n or more. In a zero-sum game
    the average approaches an equilibrium, with an error of the order of 1 / (steps * rate).
    """
    payoff = antisymmetric(payoff)
    n = len(payoff)
    floor = explore / n
    x = np.full(n, 1 / n)
    total = np.zeros(n)
    for _ in range(steps):
        gain = payoff @ x
        x = x + rate * x * (gain - x @ gain)
        if x.min() < floor:  # a step within the simplex leaves the sum as it is
            x = onto_simplex(x, floor)
        total += x
    return total / total.sum()

"""Meta-solvers: from how a league's members do against each other to how often each one should be met (PSRO).

A solver takes the win rates [n, n] of a game that is the same from both sides, 0.5 on the diagonal, and gives one
probability for each member. What it solves is the zero-sum game with the payoffs 2 w - 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SOLVERS: dict[str, str] = {
    "uniform": "leagues.meta_solvers:uniform",
    "projected_replicator": "leagues.meta_solvers:projected_replicator",
}
"""name -> "module:function" of the win rates."""


def payoffs(winrates: ArrayLike) -> Floats:
    """The zero-sum game of win rates: 1 for a win, -1 for a loss; exactly antisymmetric."""
    w = np.asarray(winrates, np.float64)
    if w.ndim != 2 or w.shape[0] != w.shape[1] or w.size == 0:
        raise ValueError(f"A meta-game is a square table of one member or more, not one of shape {w.shape}.")
    if not np.all((w >= 0) & (w <= 1)):
        raise ValueError("A meta-game's win rates are between 0 and 1.")
    return w - w.T


def uniform(winrates: ArrayLike) -> Floats:
    """All alike: PSRO is fictitious self-play then."""
    n = len(payoffs(winrates))
    return np.full(n, 1 / n)


def onto_simplex(point: Floats, floor: float = 0.0) -> Floats:
    """The nearest distribution, in Euclid's sense, of which no part is below `floor` (at most 1/n)."""
    n = point.size
    falling = np.sort(point - floor)[::-1]
    excess = (np.cumsum(falling) - (1 - n * floor)) / np.arange(1, n + 1)
    return np.maximum(point - floor - excess[np.flatnonzero(falling > excess)[-1]], 0.0) + floor


def projected_replicator(winrates: ArrayLike, steps: int = 20_000, rate: float = 0.02, explore: float = 1e-6) -> Floats:
    """Replicator dynamics in which nobody dies out, averaged over time (Lanctot et al. 2017, appendix).

    Every step is projected onto the distributions that give each of n members explore / n or more. In zero-sum games
    the average approaches an equilibrium, with an error of the order of 1 / (steps * rate).
    """
    a = payoffs(winrates)
    n = len(a)
    floor = explore / n
    x = np.full(n, 1 / n)
    total = np.zeros(n)
    for _ in range(steps):
        gain = a @ x
        x = x + rate * x * (gain - x @ gain)
        if x.min() < floor:
            x = onto_simplex(x, floor)
        total += x
    return total / total.sum()

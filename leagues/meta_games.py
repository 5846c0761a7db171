"""The game of choosing a member: Nash averaging, alpha-rank, its diversity, and its circles.

A payoff table here is antisymmetric, [n, n]: 2 * (mean score) - 1 of the row's member against the column's. Who beats
only the weak, or has been entered many times under many names, gains nothing by it here, as it does in a mean score.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog, minimize

from leagues.bradley_terry import Floats


def antisymmetric(payoff: Floats) -> Floats:
    """The table as given; raises ValueError unless a member's gain is always the other's loss."""
    payoff = np.asarray(payoff, np.float64)
    square = payoff.ndim == 2 and payoff.shape[0] == payoff.shape[1] and len(payoff) > 0
    if not square or not np.allclose(payoff, -payoff.T, rtol=0, atol=1e-9):
        raise ValueError("A payoff table must be square and antisymmetric: 2 * score - 1 of each against each.")
    return payoff


# --- Nash averaging -------------------------------------------------------------------------------------------------


def nash(payoff: Floats) -> Floats:
    """The equilibrium of greatest entropy, [n] (Balduzzi et al. 2018): against it nobody gains anything.

    It is the only one that treats copies alike: twins share what one of them alone would have.
    """
    payoff = antisymmetric(payoff)
    scale = np.abs(payoff).max()
    if scale == 0.0:
        return np.full(len(payoff), 1.0 / len(payoff))
    payoff = payoff / scale
    support = _support(payoff)
    weight = np.zeros(len(payoff))
    weight[support] = _spread(payoff[np.ix_(support, support)], payoff[np.ix_(support, ~support)])
    return weight


def _support(payoff: Floats) -> np.ndarray:
    """Who has weight in some equilibrium, [n] bools, by one linear programme.

    Equilibria are the weights p >= 0 with p @ payoff >= 0. As sums of them are such too, one has all the weight that
    any has: the largest sum of t with t <= 1 and t <= p finds it.
    """
    n = len(payoff)
    gain = np.hstack([-payoff.T, np.zeros((n, n))])
    least = np.hstack([-np.eye(n), np.eye(n)])
    bounds = [(0, None)] * n + [(0, 1)] * n
    goal = np.concatenate([np.zeros(n), -np.ones(n)])
    found = linprog(goal, np.vstack([gain, least]), np.zeros(2 * n), bounds=bounds, method="highs")
    if found.x is None:
        raise ValueError(f"The payoff table's equilibrium was not found: {found.message}")
    return found.x[n:] > 0.5


def _spread(inside: Floats, outside: Floats) -> Floats:
    """The weights p of greatest entropy with p @ inside = 0 and p @ outside >= 0, by the dual: p ~ exp(table @ y)."""
    weight = _level(inside)
    if (weight @ outside).min(initial=0.0) >= -1e-9:  # seldom does an outsider bind
        return weight
    table = np.hstack([inside, outside])

    def dual(y: Floats) -> tuple[float, Floats]:
        value, weight = _softmax(table @ y)
        return value, weight @ table

    bounds = [(None, None)] * inside.shape[1] + [(0, None)] * outside.shape[1]
    options = {"maxiter": 5000, "maxfun": 100_000, "ftol": 1e-16, "gtol": 1e-11}
    y = minimize(dual, np.zeros(table.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return _softmax(table @ y)[1]


def _level(table: Floats) -> Floats:
    """The weights p of greatest entropy with p @ table = 0, by Newton's method on the dual."""
    y = np.zeros(table.shape[1])
    value, weight = _softmax(table @ y)
    for _ in range(100):
        slope = weight @ table
        if np.abs(slope).max(initial=0.0) < 1e-13:
            break
        bend = (table.T * weight) @ table - np.outer(slope, slope)
        step = np.linalg.lstsq(bend, -slope, rcond=1e-12)[0]
        share = 1.0
        while _softmax(table @ (y + share * step))[0] > value and share > 1e-6:
            share /= 2
        y = y + share * step
        value, weight = _softmax(table @ y)
    return weight


def _softmax(score: Floats) -> tuple[float, Floats]:
    """The log of the sum of exponentials, and each one's part of the sum."""
    top = score.max()
    weight = np.exp(score - top)
    return float(top + np.log(weight.sum())), weight / weight.sum()


def nash_average(payoff: Floats, weight: Floats) -> Floats:
    """Each member's payoff against the equilibrium (`nash`), [n]: 0 for who is in it, and below for the others."""
    return antisymmetric(payoff) @ weight


# --- evolution ------------------------------------------------------------------------------------------------------


def alpha_rank(payoff: Floats, *, alpha: float = 100.0, population: int = 50) -> Floats:
    """The share of time that evolution spends at each member, [n] (Omidshafiei et al. 2019).

    A population of one kind is now and then entered by one mutant, which takes it over or dies out; `alpha` is how
    much payoff decides that. The shares are the chain's stationary distribution.
    """
    payoff = antisymmetric(payoff)
    if alpha <= 0 or population < 2:
        raise ValueError("Alpha-rank needs an alpha above 0 and a population of two or more.")
    edge = 2.0 * alpha * payoff.T  # [resident, mutant]: the mutant's payoff against the resident less the other's
    with np.errstate(over="ignore", invalid="ignore"):
        taken = np.where(edge == 0.0, 1.0 / population, np.expm1(-edge) / np.expm1(-population * edge))
    taken = np.maximum(np.nan_to_num(taken, nan=0.0), 1e-60)  # so rare a change is still a change
    return stationary(taken)


def stationary(rates: Floats) -> Floats:
    """The stationary distribution of a chain with these rates (the diagonal is ignored), [n].

    Grassmann, Taksar and Heyman's elimination (1985), which subtracts nothing and so keeps the smallest shares.
    """
    rates = np.array(rates, np.float64)
    n = len(rates)
    for last in range(n - 1, 0, -1):
        rates[:last, last] /= rates[last, :last].sum()
        rates[:last, :last] += np.outer(rates[:last, last], rates[last, :last])
    share = np.ones(n)
    for state in range(1, n):
        share[state] = share[:state] @ rates[:state, state]
    return share / share.sum()


# --- diversity ------------------------------------------------------------------------------------------------------


def effective_diversity(payoff: Floats) -> float:
    """How much the members worth playing beat each other: the sum of p_i p_j max(payoff_ij, 0), p the equilibrium.

    It is 0 where one member beats all others, 1/3 for rock, paper and scissors, and never above 1/2; copies and members
    that the equilibrium leaves out add nothing (Balduzzi et al. 2019, arXiv:1901.08106, definition 4).
    """
    payoff = antisymmetric(payoff)
    weight = nash(payoff)
    return float(weight @ np.maximum(payoff, 0.0) @ weight)


# --- circles --------------------------------------------------------------------------------------------------------


def cycle_share(score: Floats, expected: Floats, games: Floats | None = None) -> float:
    """How much of the members' beating each other no ranking explains: 0 for a pure ranking, 1 for rock-paper-scissors.

    The sum over all meetings of (score - expected)^2, over that of (score - 1/2)^2, both weighted by games and less
    what chance alone would add; a game's variance is taken to be a win's or a loss's, so draws make it err downwards.

    Args:
        score, expected: mean scores of rows against columns, [n, n]; what was seen, and what the ratings expect.
        games: how many each cell has, [n, n]; None takes the scores as exact, and cells as equal.
    """
    upper = np.triu_indices(len(score), 1)
    seen, thought = np.asarray(score)[upper], np.asarray(expected)[upper]
    number = np.ones(len(seen)) if games is None else np.asarray(games, np.float64)[upper]
    left = (number * (seen - thought) ** 2).sum()
    whole = (number * (seen - 0.5) ** 2).sum()
    if games is not None:
        cells = np.count_nonzero(number)
        noise = np.where(number > 0, thought * (1 - thought), 0.0).sum()
        left -= noise * max(0.0, 1.0 - (len(score) - 1) / max(cells, 1))  # the ratings have fitted some of it
        whole -= noise
    return float(np.clip(left / whole, 0.0, 1.0)) if whole > 1e-12 and left > 0 else 0.0

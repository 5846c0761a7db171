"""Where the next rating games tell most.

A pair of games (seats swapped) between a and b carries the Fisher information I = v(d + h) + v(d - h) about their
difference d, v being the variance of a game's score and h the worth of the first move. Played, it takes from the
covariance C of the ratings the matrix

    I c c' / (1 + s I),     c = C (e_a - e_b),  s = c_a - c_b the variance of d,

so the variances of all differences that are asked about fall together by I c'Pc / (1 + s I), where x'Px is the sum of
(x_i - x_j)^2 over those. The pair that makes that largest is chosen (greedy A-optimal design), C is updated as if it
had been played, which does not depend on how it ends, and so on: a batch does not ask the same question many times.
Choosing by the information about d alone, log(1 + s I) / 2 (boardlaw's `activelo`, Jones 2021, is that for small s),
left intervals up to a sixth wider. Where all are equals no schedule betters a round robin; see `arena bench ratings`.
"""

from __future__ import annotations

from collections.abc import Collection
from math import inf, log

import numpy as np

from leagues.bradley_terry import ELO, Floats, score_variance
from leagues.rating import Ratings


def pair_information(ratings: Ratings) -> Floats:
    """Fisher information of one colour-swapped pair about each difference, [n, n], in natural units (Elo / 173.7)."""
    d = (ratings.elo[:, None] - ratings.elo[None, :]) / ELO
    h = ratings.first_move.elo / ELO
    log_nu = log(ratings.draw) if ratings.draw > 0 else -inf
    return score_variance(d + h, log_nu) + score_variance(d - h, log_nu)


def gain(covariance: Floats, asked: Floats, information: Floats) -> Floats:
    """By how much a pair of games between each two lessens the sum of the variances asked about, in all [n, n].

    asked is C P C: x' P x the sum of (x_i - x_j)^2 over the differences that are asked about.
    """
    return information * _apart(asked) / (1 + _apart(covariance) * information)


def _apart(form: Floats) -> Floats:
    """(e_a - e_b)' form (e_a - e_b) of each two, [n, n]."""
    own = np.diag(form)
    return np.maximum(own[:, None] - 2 * form + own[None, :], 0.0)


def most_telling(
    ratings: Ratings,
    count: int,
    *,
    seed: int = 0,
    focus: Collection[str] | None = None,
    among: Collection[str] | None = None,
    share: float = 0.25,
) -> list[tuple[str, str]]:
    """The next `count` meetings, two games each, best first; the same for the same ratings and seed.

    Args:
        seed: settles ties, and who is named first.
        focus: only meetings with one of these, and only their differences are asked about; default all.
        among: only meetings of two of these, the others being rated but absent; default all.
        share: who (of the focus) has played less than this share of the mean number of games goes first. Below 1.
    """
    n = len(ratings.names)
    if n < 2:
        raise ValueError(f"A meeting needs two members, and {n} is rated.")
    if not 0.0 <= share < 1.0:
        raise ValueError(f"The share of games that nobody falls under must be from 0 to below 1, not {share}.")
    unknown = sorted({*(focus or ()), *(among or ())} - set(ratings.names))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not among the rated members.")
    here = np.array([among is None or name in among for name in ratings.names])
    wanted = here & np.array([focus is None or name in focus for name in ratings.names])
    if not wanted.any() or here.sum() < 2:
        raise ValueError("No two members are there to meet; name more, or leave the focus out.")
    rng = np.random.default_rng(seed)
    covariance = ratings.covariance / ELO**2
    information = pair_information(ratings)
    mutual = (wanted[:, None] | wanted[None, :]) & here[:, None] & here[None, :]
    differences = np.where(np.eye(n, dtype=bool), 0.0, mutual)
    differences = np.diag(differences.sum(axis=1)) - differences
    asked = covariance @ differences @ covariance
    games = ratings.games.copy()
    chosen: list[tuple[str, str]] = []
    for _ in range(count):
        value = gain(covariance, asked, information) * (1 + 1e-9 * rng.random((n, n)))  # the noise settles ties only
        allowed = np.triu(mutual, 1)
        hungry = wanted & ((games < share * games[wanted].mean()) | (games == 0))
        if hungry.any():
            least = hungry & (games == games[hungry].min())
            allowed &= least[:, None] | least[None, :]
        i, j = np.unravel_index(np.argmax(np.where(allowed, value, -1.0)), (n, n))
        step, pull = covariance[:, i] - covariance[:, j], asked[:, i] - asked[:, j]
        weight = information[i, j] / (1 + information[i, j] * (step[i] - step[j]))
        covariance = covariance - weight * np.outer(step, step)
        both = np.outer(pull, step)
        asked = asked - weight * (both + both.T) + weight**2 * (pull[i] - pull[j]) * np.outer(step, step)
        games[[i, j]] += 2
        a, b = (i, j) if rng.random() < 0.5 else (j, i)
        chosen.append((ratings.names[a], ratings.names[b]))
    return chosen

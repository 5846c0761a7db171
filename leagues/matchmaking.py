"""Where the next rating games tell most.

A pair of games (seats swapped) between a and b carries the Fisher information I = v(d + h) + v(d - h) about their
difference d, v being the variance of a game's score and h the worth of the first move. What is known of d has
variance s, so the pair is expected to bring log(1 + s I) / 2 nats: most between members that are near in strength and
ill known (boardlaw's `activelo`, Jones 2021, takes s p(1 - p), which is the same order for small s). After each choice
the covariance is updated as if the games had been played, by a rank-one step that does not depend on how they end,
so a batch does not ask the same question many times.
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


def gain(covariance: Floats, information: Floats) -> Floats:
    """Expected information of a pair of games between each two, in nats, [n, n]; covariance in natural units."""
    own = np.diag(covariance)
    spread = np.maximum(own[:, None] - 2 * covariance + own[None, :], 0.0)
    return np.log1p(spread * information) / 2


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
        focus: only meetings with one of these; default all.
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
    games = ratings.games.copy()
    chosen: list[tuple[str, str]] = []
    for _ in range(count):
        value = gain(covariance, information) * (1 + 1e-9 * rng.random((n, n)))  # the noise settles ties only
        allowed = np.triu((wanted[:, None] | wanted[None, :]) & here[:, None] & here[None, :], 1)
        hungry = wanted & ((games < share * games[wanted].mean()) | (games == 0))
        if hungry.any():
            least = hungry & (games == games[hungry].min())
            allowed &= least[:, None] | least[None, :]
        i, j = np.unravel_index(np.argmax(np.where(allowed, value, -1.0)), (n, n))
        step = covariance[:, i] - covariance[:, j]
        covariance = covariance - np.outer(step, step) * information[i, j] / (
            1 + information[i, j] * (step[i] - step[j])
        )
        games[[i, j]] += 2
        a, b = (i, j) if rng.random() < 0.5 else (j, i)
        chosen.append((ratings.names[a], ratings.names[b]))
    return chosen

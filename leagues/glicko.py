"""Glicko-2: a rating, how sure it is, and how much it jumps, brought up to date once a rating period.

Glickman 2013, "Example of the Glicko-2 system"; the steps are named after those of the paper. Inside, ratings are in
natural units around 0, as there: 173.7178 points each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp, inf, log, pi, sqrt
from typing import NamedTuple

from leagues.rating import Result

SCALE = 400.0 / log(10.0)  # 173.7178
START = 1500.0


class Glicko(NamedTuple):
    """What Glicko-2 knows of a member; a new one as it is by default."""

    rating: float = START
    deviation: float = 350.0  # standard error of the rating
    volatility: float = 0.06  # standard deviation of the strength's steps, in natural units a period


def after_period(own: Glicko, games: Sequence[tuple[Glicko, float]], tau: float = 0.5) -> Glicko:
    """A member after a period, given what each opponent was before it and the score against it.

    `tau` is how much volatilities may change; 0.3 to 1.2 are usual. Without games the deviation alone grows.
    """
    mu, phi = (own.rating - START) / SCALE, own.deviation / SCALE  # step 2
    if not games:
        return own._replace(deviation=SCALE * sqrt(phi**2 + own.volatility**2))
    information, surprise = 0.0, 0.0
    for other, score in games:
        g = 1.0 / sqrt(1.0 + 3.0 * (other.deviation / SCALE) ** 2 / pi**2)
        e = 1.0 / (1.0 + exp(-g * (mu - (other.rating - START) / SCALE)))
        information += g**2 * e * (1.0 - e)
        surprise += g * (score - e)
    v = 1.0 / information  # step 3
    volatility = _volatility(v * surprise, phi, v, own.volatility, tau)  # steps 4 and 5
    before = phi**2 + volatility**2  # step 6
    phi = 1.0 / sqrt(1.0 / before + 1.0 / v)  # step 7
    return Glicko(START + SCALE * (mu + phi**2 * surprise), SCALE * phi, volatility)  # step 8


def _volatility(delta: float, phi: float, v: float, sigma: float, tau: float) -> float:
    """Step 5: the root of f by the Illinois variant of false position."""
    a = log(sigma**2)

    def f(x: float) -> float:
        spread = phi**2 + v + exp(x)
        return exp(x) * (delta**2 - spread) / (2.0 * spread**2) - (x - a) / tau**2

    low = a
    if delta**2 > phi**2 + v:
        high = log(delta**2 - phi**2 - v)
    else:
        k = 1
        while f(a - k * tau) < 0:
            k += 1
        high = a - k * tau
    f_low, f_high = f(low), f(high)
    while abs(high - low) > 1e-12 * max(1.0, abs(a)):
        middle = low + (low - high) * f_low / (f_high - f_low)
        f_middle = f(middle)
        if f_middle * f_high <= 0:
            low, f_low = high, f_high
        else:
            f_low /= 2.0
        high, f_high = middle, f_middle
        if f_middle == 0.0:
            return exp(middle / 2.0)
    return exp(low / 2.0)


def glicko(
    periods: Iterable[Iterable[Result]], *, tau: float = 0.5, start: Mapping[str, Glicko] | None = None
) -> dict[str, Glicko]:
    """Everybody after the periods, each a collection of games whose order does not matter."""
    if not 0.0 < tau < inf:
        raise ValueError(f"Glicko-2's tau must be above 0, not {tau}; 0.5 is usual.")
    known = dict(start or {})
    for period in periods:
        met: dict[str, list[tuple[Glicko, float]]] = {name: [] for name in known}
        for first, second, score in period:
            if first == second:
                raise ValueError(f"{first!r} cannot be rated by games against itself; enter the twin under a name.")
            for name, other, part in ((first, second, score), (second, first, 1.0 - score)):
                met.setdefault(name, []).append((known.get(other, Glicko()), part))
        known = {name: after_period(known.get(name, Glicko()), games, tau) for name, games in met.items()}
    return known

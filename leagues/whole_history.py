"""Whole-history rating: the strength of members that learn, at every time at which they played.

Coulom 2008, "Whole-History Rating: A Bayesian rating system for players of time-varying strength". A member's
strength is a Wiener process, games are Bradley-Terry (a draw is half a win), and all strengths at all times are those
of the highest posterior. Coulom climbs member by member; here one Newton step moves everybody, with the sparse
Hessian, so a handful of steps reaches the top. Who does not move (a frozen snapshot) has one strength for all times.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leagues.bradley_terry import ELO, Floats, Ints


class Dated(NamedTuple):
    """A game at a time: in days, updates, or whatever `drift` is counted in."""

    time: float
    first: str
    second: str
    score: float  # of the first: from 0 to 1


@dataclass(frozen=True)
class Track:
    """A member's strength over the times at which it played, in Elo; one entry, if it does not move."""

    times: Floats
    elo: Floats
    error: Floats  # standard error, given what the others' strengths may be

    def at(self, time: float) -> float:
        """The likeliest strength at any time: a straight line between two known ones, level outside them."""
        return float(np.interp(time, self.times, self.elo))


class _Rows(NamedTuple):
    """All terms of the log-posterior, as indices into the vector of strengths; its last entry is 0 and stays."""

    plus: Ints
    minus: Ints
    games: Floats  # games, and virtual ones
    points: Floats  # of plus
    later: Ints
    earlier: Ints
    stiff: Floats  # 1 / variance of each step


def whole_history(
    games: Iterable[Dated],
    *,
    drift: float = 14.0,
    still: Collection[str] = (),
    anchor: str | None = None,
    prior: float = 2.0,
) -> Mapping[str, Track]:
    """Everybody's track; the order of the games does not matter.

    The errors take the inverse of a matrix as large as there are strengths (a member's at each time at which it
    played), so some thousands of them are the limit.

    Args:
        drift: the variance that a strength gains in a unit of time, in Elo squared; 0 makes everybody still.
        still: members whose strength does not move.
        anchor: a still member that stands at exactly 0.
        prior: virtual games of each member, half won, against a strength of 0, when it first plays.
    """
    played = list(games)
    for game in played:
        if game.first == game.second:
            raise ValueError(f"{game.first!r} cannot be rated by games against itself; enter the twin under a name.")
        if not 0.0 <= game.score <= 1.0:
            raise ValueError(f"The score {game.score!r} of {game.first!r} is not between 0 and 1.")
    if drift < 0 or prior < 0:
        raise ValueError("A drift and a prior must be 0 or more.")
    fixed = {*still, *([] if anchor is None else [anchor])}
    times: dict[str, set[float]] = {}
    for game in played:
        for name in (game.first, game.second):
            frozen = name in fixed or drift == 0
            times.setdefault(name, set()).add(0.0 if frozen else game.time)
    if anchor is not None and anchor not in times:
        raise ValueError(f"The anchor {anchor!r} played no game; name another.")
    slots: dict[tuple[str, float], int] = {}
    for name in sorted(times):
        for time in sorted(times[name]) if name != anchor else ():
            slots[name, time] = len(slots)
    rows = _rows(played, times, slots, drift / ELO**2, prior)
    x, hessian = _climb(rows, len(slots))
    error = np.append(np.sqrt(np.diag(np.linalg.inv(hessian.toarray()))) if len(slots) else np.zeros(0), 0.0)
    return {
        name: _track(np.array(sorted(when)), [slots.get((name, time), len(slots)) for time in sorted(when)], x, error)
        for name, when in sorted(times.items())
    }


def _track(times: Floats, where: list[int], x: Floats, error: Floats) -> Track:
    return Track(times, ELO * x[where], ELO * error[where])


def _rows(
    played: list[Dated],
    times: Mapping[str, set[float]],
    slots: Mapping[tuple[str, float], int],
    drift: float,
    prior: float,
) -> _Rows:
    nil = len(slots)

    def slot(name: str, time: float) -> int:
        return slots.get((name, time if time in times[name] else 0.0), nil)

    firsts = [slots[name, min(when)] for name, when in times.items() if (name, min(when)) in slots]
    steps = [
        (slots[name, late], slots[name, early], 1.0 / (drift * (late - early)))
        for name, when in times.items()
        for early, late in zip(sorted(when), sorted(when)[1:], strict=False)
    ]
    later, earlier, stiff = zip(*steps, strict=True) if steps else ((), (), ())
    return _Rows(
        np.array([slot(game.first, game.time) for game in played] + firsts, np.int64),
        np.array([slot(game.second, game.time) for game in played] + [nil] * len(firsts), np.int64),
        np.array([1.0] * len(played) + [prior] * len(firsts)),
        np.array([game.score for game in played] + [prior / 2] * len(firsts)),
        np.array(later, np.int64),
        np.array(earlier, np.int64),
        np.array(stiff),
    )


def _log_posterior(rows: _Rows, x: Floats) -> float:
    d = x[rows.plus] - x[rows.minus]
    step = x[rows.later] - x[rows.earlier]
    return float((rows.points * d - rows.games * np.logaddexp(0.0, d)).sum() - (rows.stiff * step**2).sum() / 2)


def _climb(rows: _Rows, free: int):
    """The top, with a 0 at its end, and minus the Hessian there."""
    from scipy.sparse import csc_array
    from scipy.sparse.linalg import splu

    x = np.zeros(free + 1)
    one, other = np.append(rows.plus, rows.later), np.append(rows.minus, rows.earlier)
    hessian = csc_array((free, free))
    for _ in range(100):
        chance = 1.0 / (1.0 + np.exp(x[rows.minus] - x[rows.plus]))
        slope = np.append(rows.points - rows.games * chance, -rows.stiff * (x[rows.later] - x[rows.earlier]))
        gradient = (np.bincount(one, slope, free + 1) - np.bincount(other, slope, free + 1))[:free]
        bend = np.append(rows.games * chance * (1 - chance), rows.stiff)
        hessian = _second(one, other, bend, free)
        if not free:
            break
        try:
            step = splu(hessian).solve(gradient)
        except RuntimeError:
            raise ValueError("The games alone do not fix the strengths; rate with a prior.") from None
        if np.abs(step).max() < 1e-9:
            break
        share, now = min(1.0, 8.0 / np.abs(step).max()), _log_posterior(rows, x)
        while _log_posterior(rows, there := np.append(x[:free] + share * step, 0.0)) < now - 1e-12 * (1 + abs(now)):
            share /= 2
        x = there
        if np.abs(x).max() > 1e3:
            raise ValueError("The games alone do not fix the strengths; rate with a prior.")
    return x, hessian


def _second(one: Ints, other: Ints, bend: Floats, free: int):
    from scipy.sparse import coo_array

    row = np.concatenate([one, other, one, other])
    column = np.concatenate([one, other, other, one])
    value: NDArray[np.float64] = np.concatenate([bend, bend, -bend, -bend])
    full = coo_array((value, (row, column)), shape=(free + 1, free + 1)).tocsc()
    return full[:free, :free]

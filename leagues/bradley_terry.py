"""Maximum a posteriori Bradley-Terry on arrays: one concave function, climbed by Newton's method.

Everything is a row: a tally of games whose log-odds of a win against a loss is the difference

    d = x[plus] - x[minus] + x[extra]

of entries of one parameter vector x (natural units: 1 = odds of e to 1). Games between members, and what is
believed beforehand of a member, of the first move and of draws, are all such rows, so priors are virtual results
and nothing else (the idea of KataGo's `elo.py`). With a tie parameter nu the outcomes of a row weigh

    win : draw : loss  =  exp(d/2) : nu : exp(-d/2)                     (Davidson 1970, eq. 2.3)

which is Bradley-Terry exactly when nu = 0. The log-likelihood is concave in (x, log nu), so there is one top.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ELO = 400.0 / np.log(10.0)  # Elo points in one natural unit
Z95 = 1.959963984540054  # the normal distribution's 97.5 % point


DENSE = 2000
"""Parameters up to which the Newton step is solved by a matrix; beyond, by conjugate gradients, which need none."""


class NoMaximum(ValueError):
    """The likelihood has no finite, single top."""


class Rows(NamedTuple):
    """Tallies of games, one row for each distinct meeting; `plus`, `minus` and `extra` index the parameter vector."""

    plus: Ints
    minus: Ints
    extra: Ints
    won: Floats
    drawn: Floats
    lost: Floats
    ties: NDArray[np.bool_]  # whether a draw was possible at all in this row


class Slots(NamedTuple):
    """Where things lie in the parameter vector: the members first, then these."""

    centre: int  # the member nobody sees, whom everybody has virtually met
    first: int  # the first move's worth
    tie: int  # log nu
    nil: int  # always 0

    @staticmethod
    def after(members: int) -> Slots:
        return Slots(members, members + 1, members + 2, members + 3)


class Curve(NamedTuple):
    """The log-likelihood at a point, with what its first two derivatives are made of."""

    value: float
    slope: Floats  # of each row's log-likelihood in its d
    bend: Floats  # minus its second derivative in d: the Fisher information of the row
    tie_slope: Floats
    tie_bend: Floats
    cross: Floats


def outcomes(d: Floats, log_nu: Floats | float) -> tuple[Floats, Floats, Floats]:
    """Probabilities of win, draw and loss at log-odds d; log_nu = -inf means that nothing is ever drawn."""
    top = np.maximum(np.abs(d) / 2, log_nu)
    win, draw, loss = np.exp(d / 2 - top), np.exp(log_nu - top), np.exp(-d / 2 - top)
    total = win + draw + loss
    return win / total, draw / total, loss / total


def score_variance(d: Floats, log_nu: Floats | float) -> Floats:
    """The Fisher information that one game carries about d, which is the variance of its score."""
    win, _, loss = outcomes(d, log_nu)
    return (win + loss - (win - loss) ** 2) / 4


def curve(rows: Rows, x: Floats, slots: Slots) -> Curve:
    """The log-likelihood (without the binomial coefficients) of all rows at x."""
    d = x[rows.plus] - x[rows.minus] + x[rows.extra]
    half = np.abs(d) / 2
    small = np.exp(-half)  # weights over the larger one's: 1 for it, small**2 for the other, nu * small for a draw
    draw = np.where(rows.ties, np.exp(x[slots.tie]), 0.0) * small
    other = small * small
    total = 1.0 + other + draw
    draw /= total
    lead = np.copysign(1.0 - other, d) / total  # probability of a win less that of a loss
    games = rows.won + rows.drawn + rows.lost
    ahead = (rows.won - rows.lost) / 2
    value = ahead * d - games * (half + np.log(total)) + np.where(rows.ties, rows.drawn * x[slots.tie], 0.0)
    return Curve(
        value=float(value.sum()),  # not a dot product, which threads and adds up in another order each time
        slope=ahead - games * lead / 2,
        bend=games * ((1.0 + other) / total - lead**2) / 4,
        tie_slope=np.where(rows.ties, rows.drawn - games * draw, 0.0),
        tie_bend=games * draw * (1 - draw),
        cross=games * draw * lead / -2,
    )


def gradient(rows: Rows, at: Curve, slots: Slots) -> Floats:
    """The slope of the log-likelihood, [slots]."""
    size = slots.nil + 1
    result = np.zeros(size)
    for sign, index in ((1.0, rows.plus), (-1.0, rows.minus), (1.0, rows.extra)):
        result += sign * np.bincount(index, at.slope, size)
    result[slots.tie] += at.tie_slope.sum()
    return result


def information(rows: Rows, at: Curve, slots: Slots) -> Floats:
    """Minus the Hessian, [slots, slots]."""
    size = slots.nil + 1
    parts = ((1.0, rows.plus), (-1.0, rows.minus), (1.0, rows.extra))
    flat = np.zeros(size * size)
    for sign, i in parts:
        for other, j in parts:
            flat += sign * other * np.bincount(i * size + j, at.bend, size * size)
    matrix = flat.reshape(size, size)
    across = sum(sign * np.bincount(i, at.cross, size) for sign, i in parts)
    matrix[slots.tie, :] += across
    matrix[:, slots.tie] += across
    matrix[slots.tie, slots.tie] += at.tie_bend.sum()
    return matrix


def curved(rows: Rows, at: Curve, slots: Slots, v: Floats) -> Floats:
    """`information` times a vector [slots], without the matrix."""
    size = slots.nil + 1
    d = v[rows.plus] - v[rows.minus] + v[rows.extra]
    pull = at.bend * d + at.cross * v[slots.tie]
    result = np.zeros(size)
    for sign, index in ((1.0, rows.plus), (-1.0, rows.minus), (1.0, rows.extra)):
        result += sign * np.bincount(index, pull, size)
    result[slots.tie] += float((at.cross * d).sum()) + float(at.tie_bend.sum()) * v[slots.tie]
    return result


def _conjugate(rows: Rows, at: Curve, slots: Slots, free: Ints, slope: Floats) -> Floats:
    """The Newton step over the free entries by conjugate gradients, each entry scaled by its own curvature.

    Where everybody has met many others that takes a few rounds; it stops at a millionth of the slope.
    """
    size = slots.nil + 1
    own = np.zeros(size)
    for index in (rows.plus, rows.minus, rows.extra):
        own += np.bincount(index, at.bend, size)
    own[slots.tie] += at.tie_bend.sum()
    scale = 1.0 / np.maximum(own[free], 1e-12)
    step, left, v = np.zeros(len(free)), slope.copy(), np.zeros(size)
    way = scale * left
    old, goal = float(left @ way), 1e-12 * float(slope @ (scale * slope))
    for _ in range(10 * len(free)):
        if old <= goal:
            break
        v[free] = way
        bent = curved(rows, at, slots, v)[free]
        share = old / float(way @ bent)
        step += share * way
        left -= share * bent
        new = float(left @ (scale * left))
        way = scale * left + new / old * way
        old = new
    return step


def climb(rows: Rows, x: Floats, free: Ints, slots: Slots, held: Floats | None = None) -> Floats:
    """The top over the free entries, from x; with `held`, among the points where held @ x is what it is now.

    Raises NoMaximum where the top is at infinity or is a ridge.
    """
    at = curve(rows, x, slots)
    for _ in range(200):
        slope = gradient(rows, at, slots)[free]
        if held is None and len(free) > DENSE:
            step = _conjugate(rows, at, slots, free, slope)
        else:
            try:
                factor = cho_factor(information(rows, at, slots)[np.ix_(free, free)])
            except LinAlgError:
                break
            step = cho_solve(factor, slope)
            if held is not None:
                along = cho_solve(factor, held[free])
                step -= along * (held[free] @ step) / (held[free] @ along)
        size = np.abs(step).max(initial=0.0)
        if not np.isfinite(size) or np.abs(x).max() > 1e3:
            break
        share = min(1.0, 8.0 / size) if size > 0 else 1.0
        while True:
            there = x.copy()
            there[free] += share * step
            new = curve(rows, there, slots)
            if new.value >= at.value - 1e-12 * (1 + abs(at.value)) or share < 1e-10:
                break
            share /= 2
        x, at = there, new
        if step @ slope < 1e-14:  # in likelihood; what is left after this step is its square
            if size > 0.5:  # a step that long for nothing gained: a slope without end
                break
            return x
    raise NoMaximum("The results alone do not fix the ratings; rate with a prior.")


def covariance(rows: Rows, x: Floats, free: Ints, slots: Slots) -> Floats:
    """The inverse of the information over the free entries, zero elsewhere, [slots, slots]."""
    result = np.zeros((slots.nil + 1, slots.nil + 1))
    if len(free):
        inverse = np.linalg.inv(information(rows, curve(rows, x, slots), slots)[np.ix_(free, free)])
        result[np.ix_(free, free)] = (inverse + inverse.T) / 2
    return result


def profile_bounds(rows: Rows, top: Floats, free: Ints, slots: Slots, view: Floats, spread: Floats) -> Floats:
    """Where each `of @ x`, `of` being a row of `view`, ends on both sides of its 95 % interval, [len(view), 2]: the
    best log-posterior there is Z95**2/2 under the top.

    `spread` is the covariance at the top. The normal bound is returned if the log-posterior there is within 10 %
    of what a normal distribution's would be, which spares all but the skewed (perfect scores, few games) the climb.
    """
    directions = spread @ view.T
    variance = np.maximum((view.T * directions).sum(0), 0.0)
    certain = variance == 0.0
    directions = directions / np.where(certain, 1.0, variance)
    far = Z95 * np.sqrt(variance)
    bounds = (view @ top)[:, None] + np.outer(far, [-1.0, 1.0])
    at_once = max(1, 2_000_000 // max(len(rows.plus), 1))
    for start in range(0, len(view), at_once):
        part = slice(start, start + at_once)
        for column, side in enumerate((-1.0, 1.0)):
            drop = _drops(rows, top, slots, side * far[part] * directions[:, part])
            for i in start + np.flatnonzero((np.abs(drop / (Z95**2 / 2) - 1) >= 0.1) & ~certain[part]):
                bounds[i, column] = _climbed(rows, top, free, slots, view[i], directions[:, i], float(far[i]), side)
    return bounds


def _drops(rows: Rows, top: Floats, slots: Slots, steps: Floats) -> Floats:
    """How far the log-likelihood at each top + step, steps being [slots + 1, m], is under that of the top, [m]."""
    steps = np.hstack([np.zeros((len(top), 1)), steps])
    d = (top[rows.plus] - top[rows.minus] + top[rows.extra])[:, None] + steps[rows.plus] - steps[rows.minus]
    d += steps[rows.extra]
    log_nu = top[slots.tie] + steps[slots.tie]
    small = np.exp(-np.abs(d) / 2)
    log = np.log1p(small * small + np.where(rows.ties[:, None], np.exp(log_nu), 0.0) * small)
    games = rows.won + rows.drawn + rows.lost
    value = ((rows.won - rows.lost) / 2) @ d - games @ (np.abs(d) / 2 + log) + rows.drawn[rows.ties].sum() * log_nu
    return value[0] - value[1:]


def _climbed(
    rows: Rows, top: Floats, free: Ints, slots: Slots, of: Floats, direction: Floats, far: float, side: float
) -> float:
    """One bound by climbs along which `of @ x` is held, from the normal bound on."""
    centre, best = float(of @ top), curve(rows, top, slots).value
    x = top + side * far * direction
    for _ in range(30):
        try:
            x = climb(rows, x, free, slots, held=of)
        except NoMaximum:  # so far out that the curvature is lost to rounding
            break
        at = curve(rows, x, slots)
        root = np.sqrt(max(2 * (best - at.value), 1e-12))
        slope = gradient(rows, at, slots)
        pull = abs(float(slope[free] @ direction[free]))  # how fast the log-posterior falls in `of @ x`
        step = (Z95 - root) * root / max(pull, 1e-12)
        step = float(np.clip(step, -far / 2, far))
        if abs(step) < 1e-4 * far:
            break
        far += step
        x = x + side * step * direction
    return centre + side * far

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
from scipy.linalg import LinAlgError, cho_factor, cho_solve, get_lapack_funcs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ELO = 400.0 / np.log(10.0)  # Elo points in one natural unit
Z95 = 1.959963984540054  # the normal distribution's 97.5 % point


DENSE = 2000
"""Parameters up to which the Newton step is solved by a matrix; beyond, by conjugate gradients, which need none."""

PIECE = 512
"""Rows of a matrix that are turned over at once."""


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

    def some(self, which: Ints | NDArray[np.bool_]) -> Rows:
        """Some of the rows, in that order."""
        return Rows(
            self.plus[which], self.minus[which], self.extra[which], self.won[which], self.drawn[which],
            self.lost[which], self.ties[which],
        )  # fmt: skip


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
    cells = np.concatenate([i * size + j for _, i in parts for _, j in parts])
    bends = np.concatenate([sign * other * at.bend for sign, _ in parts for other, _ in parts])
    flat = np.bincount(cells, bends, size * size).astype(np.float64, copy=False)
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
    """The inverse of the information over the free entries, zero elsewhere, [slots, slots].

    It is worked out in place: of 10,000 members it takes 0.8 GB, and 10^12 multiplications.
    """
    matrix = information(rows, curve(rows, x, slots), slots)
    held = np.setdiff1d(np.arange(len(matrix)), free)
    matrix[held, :], matrix[:, held] = 0.0, 0.0
    matrix[held, held] = 1.0
    potrf, potri = get_lapack_funcs(("potrf", "potri"), (matrix,))
    factor, flat = potrf(matrix.T, lower=1, overwrite_a=1)
    inverse, wrong = potri(factor, lower=1, overwrite_c=1)
    if flat or wrong:
        raise NoMaximum("The results alone do not fix the ratings; rate with a prior.")
    for start in range(0, len(inverse), PIECE):  # LAPACK leaves the upper triangle as it was
        here = slice(start, start + PIECE)
        inverse[here, here] = np.tril(inverse[here, here]) + np.tril(inverse[here, here], -1).T
        inverse[:start, here] = inverse[here, :start].T
    inverse[held, held] = 0.0
    return inverse

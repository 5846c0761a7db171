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


CLIMBED = 300
"""Members up to which a skewed bound is climbed to, all others answering; of more, no other answers by much."""


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
    """The inverse of the information over the free entries, zero elsewhere, [slots, slots]."""
    result = np.zeros((slots.nil + 1, slots.nil + 1))
    if len(free):
        matrix = information(rows, curve(rows, x, slots), slots)[np.ix_(free, free)]
        potrf, potri = get_lapack_funcs(("potrf", "potri"), (matrix,))
        factor, flat = potrf(matrix, lower=1)
        inverse, wrong = potri(factor, lower=1)
        if flat or wrong:
            raise NoMaximum("The results alone do not fix the ratings; rate with a prior.")
        result[np.ix_(free, free)] = np.tril(inverse) + np.tril(inverse, -1).T
    return result


def profile_bounds(rows: Rows, top: Floats, free: Ints, slots: Slots, zero: int | None, spread: Floats) -> Floats:
    """Where each member's rating ends on both sides of its 95 % interval, [members, 2]: the best log-posterior there
    is Z95**2/2 under the top. Ratings are those over member `zero`, or over the mean of all members.

    `spread` is the covariance at the top. The normal bound is returned if the log-posterior there is within 10 %
    of what a normal distribution's would be, which spares all but the skewed (perfect scores, few games) the climb.
    Of more than `CLIMBED` members nobody climbs: the bound is where the line to the normal bound is as low.
    """
    n = slots.centre
    if not n:
        return np.zeros((0, 2))
    directions = spread[:, :n] - (0.0 if zero is not None else spread[:, :n].mean(axis=1, keepdims=True))
    variance = np.diagonal(directions).copy() - (0.0 if zero is not None else directions[:n].mean(axis=0))
    variance = np.maximum(variance, 0.0)
    directions /= np.where(variance == 0.0, 1.0, variance)
    far = Z95 * np.sqrt(variance)
    bounds = (top[:n] - (top[zero] if zero is not None else top[:n].mean()))[:, None] + np.outer(far, [-1.0, 1.0])
    own = _own(rows, slots)
    at_once = max(1, 2_000_000 // max(len(rows.plus), 1))
    for column, side in enumerate((-1.0, 1.0)):
        normal, skewed = _judged(own, top, slots, directions, side * far)
        open_ = np.flatnonzero(~normal & ~skewed)
        if n > CLIMBED:
            some = np.flatnonzero(~normal & (variance > 0.0))
            bounds[some, column] += side * far[some] * (_along(own, top, slots, directions, side * far)[some] - 1.0)
            continue
        for start in range(0, len(open_), at_once):
            part = open_[start : start + at_once]
            drop = _drops(rows, top, slots, side * far[part] * directions[:, part])
            skewed[part] = np.abs(drop / (Z95**2 / 2) - 1) >= 0.1
        for i in np.flatnonzero(skewed & (variance > 0.0)):
            of = np.zeros(slots.nil + 1)
            of[:n] -= 1.0 / n if zero is None else 0.0
            of[i] += 1.0
            bounds[i, column] = _climbed(rows, top, free, slots, of, directions[:, i], float(far[i]), side)
    return bounds


def _own(rows: Rows, slots: Slots) -> tuple[Rows, Ints]:
    """Each member's own rows, and whose they are: a row of two members comes twice."""
    line, who = np.concatenate([np.arange(len(rows.plus))] * 2), np.concatenate([rows.plus, rows.minus])
    line, who = line[who < slots.centre], who[who < slots.centre]
    own = Rows(
        rows.plus[line], rows.minus[line], rows.extra[line], rows.won[line], rows.drawn[line], rows.lost[line],
        rows.ties[line],
    )  # fmt: skip
    return own, who


def _rest(own: tuple[Rows, Ints], top: Floats, slots: Slots, directions: Floats, far: Floats) -> tuple[Floats, Floats]:
    """([n] by how much more than quadratically the log-likelihood of each member's own games falls from the top to
    top + far * direction, [n] the quadratic part)."""
    rows, who = own
    step = far[who] * (directions[rows.plus, who] - directions[rows.minus, who] + directions[rows.extra, who])
    tie = far[who] * directions[slots.tie, who]
    at = curve(rows, top, slots)
    smooth = (at.bend * step**2 + 2 * at.cross * step * tie + at.tie_bend * tie**2) / 2
    fall = _parts(rows, top, slots) - _parts(rows, top, slots, step, tie) + at.slope * step + at.tie_slope * tie
    n = slots.centre
    return np.zeros(n) + np.bincount(who, fall - smooth, n), np.zeros(n) + np.bincount(who, smooth, n)


def _judged(
    own: tuple[Rows, Ints], top: Floats, slots: Slots, directions: Floats, far: Floats
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """[n] whether the log-posterior at top + far * direction surely is within 10 % of a normal one's, surely is not.

    Each member's own games are asked; of all others only how far the step moves them apart is. A log-likelihood's
    third derivative is no more than its second times how far the step can move an outcome's weight, so along a step
    u it falls by phi(-u) to phi(u) of its quadratic part, phi(u) = 2 (e^u - u - 1) / u^2 (Bach 2010, arXiv:0810.4869,
    proposition 1).
    """
    n = slots.centre
    rest, smooth = _rest(own, top, slots, directions, far)
    others = np.maximum(Z95**2 / 2 - smooth, 0.0)
    apart = directions[: n + 1].copy()
    np.fill_diagonal(apart[:n], apart[n])
    u = np.abs(far) * (np.ptp(apart, axis=0) + np.abs(directions[slots.first]) + np.abs(directions[slots.tie]))
    least, most = (1 + (rest + others * (_phi(sign * u) - 1)) / (Z95**2 / 2) for sign in (-1.0, 1.0))
    return (least > 0.9) & (most < 1.1), (most <= 0.9) | (least >= 1.1)


def _along(own: tuple[Rows, Ints], top: Floats, slots: Slots, directions: Floats, far: Floats) -> Floats:
    """[n] where the log-posterior is Z95**2/2 under the top along each direction, in parts of the normal bound.

    For thousands of members, of whom none changes much with another: the others' games are taken to be quadratic.
    """
    low, high = np.zeros(slots.centre), np.full(slots.centre, 64.0)
    for _ in range(40):
        middle = (low + high) / 2
        above = _rest(own, top, slots, directions, far * middle)[0] + (middle**2 - 1) * Z95**2 / 2 < 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return high


def _phi(u: Floats) -> Floats:
    u = np.minimum(u, 50.0)
    return np.where(np.abs(u) < 1e-4, 1.0 + u / 3, 2.0 * (np.expm1(u) - u) / np.where(u == 0.0, 1.0, u) ** 2)


def _parts(rows: Rows, top: Floats, slots: Slots, step: Floats | float = 0.0, tie: Floats | float = 0.0) -> Floats:
    """Each row's log-likelihood where its difference and log nu are so much more than at the top, [rows]."""
    d = top[rows.plus] - top[rows.minus] + top[rows.extra] + step
    log_nu = top[slots.tie] + tie
    small = np.exp(-np.abs(d) / 2)
    log = np.log1p(small * small + np.where(rows.ties, np.exp(log_nu), 0.0) * small)
    games = rows.won + rows.drawn + rows.lost
    return (
        (rows.won - rows.lost) / 2 * d - games * (np.abs(d) / 2 + log) + np.where(rows.ties, rows.drawn * log_nu, 0.0)
    )


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

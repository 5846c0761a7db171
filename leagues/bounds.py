"""95 % intervals of ratings by profile likelihood: where each side of one ends, skewed as the results are.

A member's rating is held ever further from the top while all else answers as it likes; the bound is where the best
log-posterior there is has fallen by Z95**2/2, as a normal distribution's has at its 95 % bound. Most are so near a
normal one that it can be told without trying. Members come in blocks, so that thousands need little memory.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leagues.bradley_terry import Z95, Floats, Ints, NoMaximum, Rows, Slots, climb, curve, gradient

CLIMBED = 300
"""Members up to which a skewed bound is climbed to, all others answering; of more, no other answers by much."""

BLOCK = 1000
"""Members whose bounds are found at once."""

FALL = Z95**2 / 2
"""How far the log-posterior falls from the top to a 95 % bound."""


class _Own(NamedTuple):
    """Games with the members of a block: a row of two of them comes twice, once for each."""

    rows: Rows
    who: Ints
    """Whose row it is, counted within the block."""

    def of(self, some: Ints) -> _Own:
        """The rows of some of these members."""
        place = np.full(int(max(self.who.max(initial=0), some.max(initial=0))) + 1, -1)
        place[some] = np.arange(len(some))
        mine = place[self.who] >= 0
        return _Own(self.rows.some(mine), place[self.who[mine]])


def profile_bounds(rows: Rows, top: Floats, free: Ints, slots: Slots, spread: Floats, centred: bool) -> Floats:
    """Where each member's rating ends on both sides of its 95 % interval, [members, 2].

    Ratings are those over what is not free, which stands at 0, or, `centred`, over the mean of all members. `spread`
    is the covariance at the top. The normal bound is returned if the log-posterior there is within 10 % of what a
    normal distribution's would be, which spares all but the skewed (perfect scores, few games) the climb. Of more than
    `CLIMBED` members nobody climbs: the bound is where the line to the normal bound is as low.
    """
    n = slots.centre
    line, who = np.concatenate([np.arange(len(rows.plus))] * 2), np.concatenate([rows.plus, rows.minus])
    order = np.argsort(who, kind="stable")
    line, who = line[order], who[order]
    mean = spread[:, :n].mean(axis=1) if centred and n else np.zeros(len(spread))
    bounds = np.zeros((n, 2))
    for start in range(0, n, BLOCK):
        members = np.arange(start, min(start + BLOCK, n))
        some = slice(*np.searchsorted(who, [start, start + len(members)]))
        own = _Own(rows.some(line[some]), who[some] - start)
        directions = spread[:, members] - mean[:, None]
        bounds[members] = _bounds_of(members, own, rows, top, free, slots, directions, centred)
    return bounds


def _bounds_of(
    members: Ints, own: _Own, rows: Rows, top: Floats, free: Ints, slots: Slots, directions: Floats, centred: bool
) -> Floats:
    """The bounds of a block of members, [m, 2]; `directions` [slots, m] is their covariance with all there is."""
    n, columns = slots.centre, np.arange(len(members))
    variance = directions[members, columns] - (directions[:n].mean(axis=0) if centred else 0.0)
    variance = np.maximum(variance, 0.0)
    directions /= np.where(variance == 0.0, 1.0, variance)
    far = Z95 * np.sqrt(variance)
    bounds = (top[members] - (top[:n].mean() if centred else 0.0))[:, None] + np.outer(far, [-1.0, 1.0])
    at_once = max(1, 2_000_000 // max(len(rows.plus), 1))
    for column, side in enumerate((-1.0, 1.0)):
        normal, skewed = _judged(members, own, top, slots, directions, side * far)
        if n > CLIMBED:
            some = np.flatnonzero(~normal & (variance > 0.0))
            reach = _along(own.of(some), top, slots, directions[:, some], side * far[some])
            bounds[some, column] += side * far[some] * (reach - 1.0)
            continue
        open_ = np.flatnonzero(~normal & ~skewed)
        for start in range(0, len(open_), at_once):
            part = open_[start : start + at_once]
            drop = _drops(rows, top, slots, side * far[part] * directions[:, part])
            skewed[part] = np.abs(drop / FALL - 1) >= 0.1
        for i in np.flatnonzero(skewed & (variance > 0.0)):
            of = np.zeros(slots.nil + 1)
            of[:n] -= 1.0 / n if centred else 0.0
            of[members[i]] += 1.0
            bounds[i, column] = _climbed(rows, top, free, slots, of, directions[:, i], float(far[i]), side)
    return bounds


def _rest(own: _Own, top: Floats, slots: Slots, directions: Floats, far: Floats) -> tuple[Floats, Floats]:
    """([m] by how much more than quadratically the log-likelihood of each member's own games falls from the top to
    top + far * direction, [m] the quadratic part)."""
    rows, who = own
    step = far[who] * (directions[rows.plus, who] - directions[rows.minus, who] + directions[rows.extra, who])
    tie = far[who] * directions[slots.tie, who]
    at = curve(rows, top, slots)
    smooth = (at.bend * step**2 + 2 * at.cross * step * tie + at.tie_bend * tie**2) / 2
    fall = _parts(rows, top, slots) - _parts(rows, top, slots, step, tie) + at.slope * step + at.tie_slope * tie
    m = len(far)
    return np.zeros(m) + np.bincount(who, fall - smooth, m), np.zeros(m) + np.bincount(who, smooth, m)


def _judged(
    members: Ints, own: _Own, top: Floats, slots: Slots, directions: Floats, far: Floats
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """[m] whether the log-posterior at top + far * direction surely is within 10 % of a normal one's, surely is not.

    Each member's own games are asked; of all others only how far the step moves them apart is. A log-likelihood's
    third derivative is no more than its second times how far the step can move an outcome's weight, so along a step
    u it falls by phi(-u) to phi(u) of its quadratic part, phi(u) = 2 (e^u - u - 1) / u^2 (Bach 2010, arXiv:0810.4869,
    proposition 1).
    """
    rest, smooth = _rest(own, top, slots, directions, far)
    others = np.maximum(FALL - smooth, 0.0)
    apart = directions[: slots.centre + 1].copy()
    apart[members, np.arange(len(members))] = apart[slots.centre]
    u = np.abs(far) * (np.ptp(apart, axis=0) + np.abs(directions[slots.first]) + np.abs(directions[slots.tie]))
    least, most = (1 + (rest + others * (_phi(sign * u) - 1)) / FALL for sign in (-1.0, 1.0))
    return (least > 0.9) & (most < 1.1), (most <= 0.9) | (least >= 1.1)


def _along(own: _Own, top: Floats, slots: Slots, directions: Floats, far: Floats) -> Floats:
    """[m] where the log-posterior is FALL under the top along each direction, in parts of the normal bound.

    For thousands of members, of whom none changes much with another: the others' games are taken to be quadratic.
    """
    low, high = np.zeros(len(far)), np.full(len(far), 64.0)
    for _ in range(40 if len(far) else 0):
        middle = (low + high) / 2
        above = _rest(own, top, slots, directions, far * middle)[0] + (middle**2 - 1) * FALL < 0
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

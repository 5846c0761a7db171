"""How few games hold the leader up: the least that, left out of a rating, would let another member lead.

What is asked is Huang et al. 2025's question ("Dropping just a handful of preferences can change top large language
model rankings"), in the way of Broderick et al. 2020 (arXiv:2011.14999): to first order the ratings move by

    x - x'  =  H^-1 g        (eq. 2.5, H minus the Hessian of the log-posterior, g the slope of a game's log-likelihood)

when a game is left out. That says which games hold most; everything is then rated anew without them, so that what is
found does change the leader, and nothing rests on the first order but how few they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from leagues.bradley_terry import Floats, Ints, Rows, Slots, curve, information, outcomes
from leagues.rating import Result, fit, tally

EQUAL = 1e-6
"""Ratings, in natural units, that are no further apart are the same."""
NEAREST, RIVALS, MANY = 10, 3, 100
"""Of the next so many in the table so many are tried as the next leader, those who seem to need the fewest games left
out; one alone where there are more members than the last number."""
TRIED = 300
"""Ways to leave out fewer games that are all tried, if there are no more, so that the number is known to be least."""


@dataclass(frozen=True)
class LeftOut:
    """Games of one kind that are left out: so many that `first`, moving first, ended with this score."""

    first: str
    second: str
    score: float
    games: int


@dataclass(frozen=True)
class Lead:
    """What a leader's place hangs on."""

    leader: str
    rival: str | None
    """Who would lead; None if nobody else was found to."""
    games: int | None
    """How many games have to be left out for that; 0 if the two stand equal as it is."""
    exact: bool
    """Whether fewer are known not to do; if not, fewer may do."""
    left_out: Sequence[LeftOut]


class _Games:
    """The games of a rating by kind, and who leads without some of them."""

    def __init__(self, results: Iterable[Result] | Mapping[Result, float], members: Iterable[str]) -> None:
        met = tally(results)
        self.names = sorted({name for pair in met for name in pair}.union(members))
        index = {name: i for i, name in enumerate(self.names)}
        pairs = sorted((index[a], index[b]) for a, b in met)
        self.first = np.array([a for a, _ in pairs], np.int64)
        self.second = np.array([b for _, b in pairs], np.int64)
        counts = [met[self.names[a], self.names[b]] for a, b in pairs]
        self.counts = np.array(counts, np.float64).reshape(-1, 3).astype(np.int64)
        self.start: Floats | None = None

    def strengths(self, counts: Ints) -> Floats:
        """[n] ratings by some of the games."""
        return self._fitted(counts)[0][: len(self.names)]

    def _fitted(self, counts: Ints) -> tuple[Floats, Slots, Rows, Ints, bool]:
        found = fit(self.first, self.second, counts.astype(np.float64), self.names, None, start=self.start)
        self.start = found[0]
        return found

    def pulls(self, counts: Ints, leader: int, others: Ints) -> tuple[Floats, Floats]:
        """([m, pairs, 3] by how much each other nears the leader, to first order, when a game of a kind is left out of
        these; [m] how far each is away)."""
        x, slots, rows, free, tied = self._fitted(counts)
        apart = np.zeros((slots.nil + 1, len(others)))
        apart[leader] = 1.0
        apart[others, np.arange(len(others))] = -1.0
        less = np.zeros_like(apart)
        less[free] = np.linalg.solve(information(rows, curve(rows, x, slots), slots)[np.ix_(free, free)], apart[free])
        d = x[self.first] - x[self.second] + x[slots.first]
        win, draw, loss = outcomes(d, x[slots.tie] if tied else -np.inf)
        slope = np.array([0.5, 0.0, -0.5]) - (win - loss)[:, None] / 2
        of_tie = np.array([0.0, 1.0, 0.0]) - draw[:, None]
        along = (less[self.first] - less[self.second] + less[slots.first]).T
        return along[:, :, None] * slope + less[slots.tie][:, None, None] * of_tie, x[leader] - x[others]


def overturn(results: Iterable[Result] | Mapping[Result, float], members: Iterable[str] = ()) -> Lead | None:
    """The fewest games without which another would lead, as `leagues.rating.rate` rates; None below two members.

    Of members who stand equal none leads another. Where fewer games might do, `exact` is False.
    """
    games = _Games(results, members)
    if len(games.names) < 2:
        return None
    leader, *others = np.argsort(-games.strengths(games.counts), kind="stable")[: NEAREST + 1].tolist()
    pulls, gaps = games.pulls(games.counts, leader, np.array(others))
    if gaps[0] <= EQUAL:
        return Lead(games.names[leader], games.names[others[0]], 0, True, ())
    needed = [_needed(pull, games.counts, float(gap)) for pull, gap in zip(pulls, gaps, strict=True)]
    likely = sorted(range(len(others)), key=lambda i: (needed[i], i))[: RIVALS if len(games.names) <= MANY else 1]
    found = [left for left in (_toward(games, leader, others[i]) for i in likely) if left is not None]
    best = min(found, key=lambda left: int((games.counts - left).sum()), default=None)
    return _least(games, leader, best)


def _needed(pull: Floats, counts: Ints, gap: float) -> float:
    """How many games it seems to take, to first order, to make up for a gap; infinitely many if all are too few."""
    order = np.argsort(-pull, axis=None)
    gain, number = pull.ravel()[order], counts.ravel()[order]
    gain = np.where(gain > 0, gain, 0.0)
    made_up = np.cumsum(gain * number)
    if not len(made_up) or made_up[-1] <= gap:
        return np.inf
    last = int(np.argmax(made_up > gap))
    before = made_up[last - 1] if last else 0.0
    return float(number[:last].sum() + (gap - before) / gain[last])


def _overturned(games: _Games, leader: int, left: Ints) -> bool:
    x = games.strengths(left)
    return bool(np.delete(x, leader).max() > x[leader] + EQUAL)


def _toward(games: _Games, leader: int, rival: int) -> Ints | None:
    """[pairs, 3] the games left when those that keep a rival down most are left out until another leads."""
    left = games.counts.copy()
    while not _overturned(games, leader, left):
        (pull,), (gap,) = games.pulls(left, leader, np.array([rival]))
        pull = np.where(left > 0, pull, -np.inf)
        kind = np.unravel_index(int(np.argmax(pull)), pull.shape) if pull.size else None
        if kind is None or pull[kind] <= 0.0:
            return None
        steps = gap / pull[kind] / 3  # the closer, the more carefully
        left[kind] -= int(np.clip(steps, 1, left[kind]))
    for kind in map(tuple, np.argwhere(left < games.counts)):  # what turns out not to be needed counts again
        while left[kind] < games.counts[kind]:
            left[kind] += 1
            if not _overturned(games, leader, left):
                left[kind] -= 1
                break
    return left


def _least(games: _Games, leader: int, left: Ints | None) -> Lead:
    """What was found, or what is found by trying everything smaller where that is little."""
    kinds = int((games.counts > 0).sum())
    most = int((games.counts if left is None else games.counts - left).sum()) - (left is not None)
    exact = sum(comb(kinds + size - 1, size) for size in range(1, min(most, TRIED) + 1)) <= TRIED and most <= TRIED
    if exact:
        tried = (one for size in range(1, most + 1) for one in _ways(games.counts, size))
        left = next((one for one in tried if _overturned(games, leader, one)), left)
    if left is None:
        return Lead(games.names[leader], None, None, exact, ())
    x, out = games.strengths(left), games.counts - left
    x[leader] = -np.inf
    kept = [
        LeftOut(games.names[games.first[i]], games.names[games.second[i]], float(1.0 - column / 2), int(out[i, column]))
        for i, column in np.argwhere(out)
    ]
    return Lead(games.names[leader], games.names[int(np.argmax(x))], int(out.sum()), exact, kept)


def _ways(counts: Ints, size: int) -> Iterator[Ints]:
    """All that can be left when `size` games are left out."""
    kinds = np.flatnonzero(counts)

    def without(left: Ints, kind: int, size: int) -> Iterator[Ints]:
        if size == 0:
            yield left
        elif kind < len(kinds):
            for number in range(min(size, int(left.flat[kinds[kind]])) + 1):
                less = left.copy()
                less.flat[kinds[kind]] -= number
                yield from without(less, kind + 1, size - number)

    yield from without(counts, 0, size)

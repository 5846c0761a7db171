"""Ratings: every member on one Elo scale, with a first-move term, draws, a covariance matrix, honest intervals.

The model is Bradley-Terry with Davidson's tie parameter nu: a member 400 Elo above another wins ten times as often
as it loses, and the share of draws is fitted. Davidson was chosen among the models of draws because the score (wins
and half the draws) stays the sufficient statistic, as in plain Elo, while the variance of a game is what draws
really leave of it; counting a draw as half a win (`draws="half"`) gives intervals that are the wider the more is
drawn. A game that was never drawn has nu = 0, which is plain Bradley-Terry.

What is believed beforehand is written as virtual results (see bradley_terry.py): every member has played
`Prior.games` games, half of them won, against a centre whose own rating is fitted along with the rest. So perfect
scores stay finite, and a member with no games, or in a group that never met the anchor's, stands at the centre with
an interval that says how little is known. The pull is towards the other members, not towards the anchor: a hundred
strong members do not drag each other down to a weak anchor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import erfc, exp, inf, isfinite, log, sqrt
from typing import Literal, NamedTuple

import numpy as np

from leagues.bounds import profile_bounds
from leagues.bradley_terry import ELO, Floats, Ints, NoMaximum, Rows, Slots, climb, covariance, outcomes

MANY = 20_000
"""Members who are rated with intervals at most: their covariance takes 3.2 GB."""


class Result(NamedTuple):
    """One game: who moved first, who second, and the first one's score (1, 0.5 or 0)."""

    first: str
    second: str
    score: float


class Estimate(NamedTuple):
    """A number and its standard error, both in Elo."""

    elo: float
    error: float


class RatingError(ValueError):
    """What was to be rated cannot be."""


@dataclass(frozen=True)
class Prior:
    """What is believed before any game, in virtual games."""

    games: float = 0.5  # each member against the centre, half won; puts 95 % of members within 2,100 Elo of it
    first_move: float = 2.0  # between equals, half won by whoever moved first
    draws: float = 1.0  # between equals, half drawn; used only once a real game was drawn


@dataclass(frozen=True)
class Ratings:
    """Everybody's rating. Arrays run over `names`, which are sorted; Elo everywhere unless said otherwise."""

    names: tuple[str, ...]
    anchor: str | None  # stands at exactly 0; without one the mean of all members does
    elo: Floats
    covariance: Floats  # [n, n], Elo squared; the anchor's row is 0
    low: Floats  # 95 % interval; not symmetric where the results are one-sided
    high: Floats
    games: Floats
    score: Floats  # mean score, 0.5 for who has not played
    first_move: Estimate  # what moving first is worth
    draw: float  # Davidson's nu: nu / (2 + nu) of the games between equals are drawn

    def _index(self, name: str) -> int:
        try:
            return self.names.index(name)
        except ValueError:
            raise RatingError(f"{name!r} is not among the rated members.") from None

    def interval(self, name: str) -> tuple[float, float]:
        """The 95 % interval of a member's Elo."""
        i = self._index(name)
        return float(self.low[i]), float(self.high[i])

    def difference(self, a: str, b: str) -> Estimate:
        """How far a stands above b, with the standard error of that difference (not of either rating)."""
        i, j = self._index(a), self._index(b)
        variance = self.covariance[i, i] - 2 * self.covariance[i, j] + self.covariance[j, j]
        return Estimate(float(self.elo[i] - self.elo[j]), sqrt(max(float(variance), 0.0)))

    def superiority(self, a: str, b: str) -> float:
        """The probability that a is truly stronger than b, given all results."""
        gap, error = self.difference(a, b)
        if error == 0.0:
            return 0.5 if gap == 0 else float(gap > 0)
        return erfc(-gap / error / sqrt(2.0)) / 2

    def probabilities(self, first: str, second: str) -> tuple[float, float, float]:
        """The chances that `first`, moving first, wins, draws and loses against `second`."""
        d = (self.elo[self._index(first)] - self.elo[self._index(second)] + self.first_move.elo) / ELO
        win, draw, loss = outcomes(np.asarray(d), log(self.draw) if self.draw > 0 else -inf)
        return float(win), float(draw), float(loss)

    def expected(self, a: str, b: str) -> float:
        """The mean score that a is to expect against b, over both seats."""
        win, draw, _ = self.probabilities(a, b)
        _, other_draw, loss = self.probabilities(b, a)
        return (win + draw / 2 + loss + other_draw / 2) / 2

    def expectations(self) -> Floats:
        """What everybody is to expect against everybody, over both seats, [n, n]."""
        d, log_nu = (self.elo[:, None] - self.elo[None, :]) / ELO, log(self.draw) if self.draw > 0 else -inf
        worth = self.first_move.elo / ELO
        games = [outcomes(d + worth, log_nu), outcomes(d - worth, log_nu)]
        return sum((win + draw / 2 for win, draw, _ in games), np.zeros_like(d)) / 2

    def rows(self) -> list[dict[str, str | float]]:
        """The leaderboard: best first, equals by name."""
        order = sorted(range(len(self.names)), key=lambda i: (-self.elo[i], self.names[i]))
        return [
            {
                "name": self.names[i],
                "elo": float(self.elo[i]),
                "low": float(self.low[i]),
                "high": float(self.high[i]),
                "games": float(self.games[i]),
                "score": float(self.score[i]),
            }
            for i in order
        ]


def rate(
    results: Iterable[Result] | Mapping[Result, float],
    *,
    members: Iterable[str] = (),
    anchor: str | None = "random",
    draws: Literal["davidson", "half"] = "davidson",
    first_move: bool = True,
    prior: Prior | None = Prior(),
    intervals: bool = True,
) -> Ratings:
    """Rates all who played and all `members`; the order of the results does not matter.

    Args:
        results: the games, or how often each result occurred (as a database can count them).
        anchor: who stands at 0; None puts the mean of all members there.
        draws: fit a tie parameter, or count each draw as half a win and half a loss.
        first_move: whether to fit what moving first is worth (else it is 0).
        prior: None is the pure likelihood, which fails where somebody won or lost everything.
        intervals: whether `low` and `high` are worked out; NaN otherwise.
    """
    met = tally(results)
    names = tuple(sorted({name for pair in met for name in pair}.union(members)))
    if anchor is not None and anchor not in names:
        raise RatingError(f"The anchor {anchor!r} is no member and played no game; enter it or name another anchor.")
    if len(names) > MANY:
        raise RatingError(
            f"Intervals are worked out for {MANY:,} members at most, and there are {len(names):,}; `strengths` gives "
            "ratings alone."
        )
    index = {name: i for i, name in enumerate(names)}
    pairs = sorted((index[a], index[b]) for a, b in met)
    first = np.array([a for a, _ in pairs], np.int64)
    second = np.array([b for _, b in pairs], np.int64)
    counts = np.array([met[names[a], names[b]] for a, b in pairs], np.float64).reshape(-1, 3)

    zero = index[anchor] if anchor is not None else None
    x, slots, rows, free, tied = fit(first, second, counts, names, zero, draws, first_move, prior)
    return _ratings(names, anchor, rows, x, free, slots, tied, (first, second, counts), intervals)


def strengths(
    first: Ints,
    second: Ints,
    score: Floats,
    members: int,
    *,
    draws: Literal["davidson", "half"] = "davidson",
    first_move: bool = True,
    prior: Prior | None = Prior(),
) -> Floats:
    """[members] what `rate` gives for `elo` with the mean at 0, and no more: for thousands of members at once.

    Args:
        first, second: [G] the numbers, from 0, of the members of each game; who moved first, and who second.
        score: [G] the first one's score, 1, 0.5 or 0.
    """
    first, second, score = np.asarray(first, np.int64), np.asarray(second, np.int64), np.asarray(score, np.float64)
    column = (2.0 - 2.0 * score).astype(np.int64)
    if (column + 2.0 * score != 2.0).any() or column.min(initial=0) < 0 or column.max(initial=0) > 2:
        raise RatingError("A game has a score that is not 0, 0.5 or 1.")
    if len(first) and not 0 <= min(first.min(), second.min()) <= max(first.max(), second.max()) < members:
        raise RatingError(f"The {members:,} members are numbered from 0 to {members - 1:,}, and a game has another.")
    if (first == second).any():
        raise RatingError("A member cannot be rated by games against itself; enter the twin under another number.")
    pairs, counts = _counted(first * members + second, column, members)
    if not first_move:  # who moved first does not matter: half as many rows
        turned = pairs // members > pairs % members
        cells = np.where(turned, pairs % members * members + pairs // members, pairs)
        pairs, place = np.unique(cells, return_inverse=True)
        straight = np.where(turned[:, None], counts[:, ::-1], counts)
        counts = np.zeros((len(pairs), 3))
        np.add.at(counts, place, straight)
    left, right = pairs // members, pairs % members
    x, slots, *_ = fit(left, right, counts, range(members), None, draws, first_move, prior)
    return ELO * (x[: slots.centre] - x[: slots.centre].mean())


def _counted(meetings: Ints, column: Ints, members: int) -> tuple[Ints, Floats]:
    """(the meetings that occur, in order; [meetings, 3] how often the first won, drew and lost in each)."""
    cells = meetings * 3 + column
    if 3 * members**2 <= 4 * len(cells):  # a cell for each is less work than sorting
        table = np.bincount(cells, minlength=3 * members**2).reshape(-1, 3)
        met = np.flatnonzero(table.any(axis=1))
        return met, table[met].astype(np.float64)
    found, number = np.unique(cells, return_counts=True)
    met, place = np.unique(found // 3, return_inverse=True)
    counts = np.zeros((len(met), 3))
    counts[place, found % 3] = number
    return met, counts


def fit(
    first: Ints,
    second: Ints,
    counts: Floats,
    names: Sequence[object],
    anchor: int | None,
    draws: str = "davidson",
    first_move: bool = True,
    prior: Prior | None = Prior(),
    start: Floats | None = None,
) -> tuple[Floats, Slots, Rows, Ints, bool]:
    """(the parameters at the top, where they lie, the rows, which are free, whether draws are fitted).

    counts [pairs, 3] is how often the first member won, drew and lost; `start` a point near the top, if one is known.
    """
    slots = Slots.after(len(names))
    tied = draws == "davidson" and counts[:, 1].sum() > 0
    rows = _rows(first, second, counts, slots, tied, first_move, prior)
    free = _free(slots, tied, first_move, prior, anchor)
    if prior is None:
        _check_connected(first, second, counts, names)
    try:
        begun = (
            np.zeros(slots.nil + 1) if start is None else np.where(np.isin(np.arange(slots.nil + 1), free), start, 0.0)
        )
        return climb(rows, begun, free, slots), slots, rows, free, tied
    except NoMaximum as problem:
        raise RatingError(str(problem)) from None


def tally(results: Iterable[Result] | Mapping[Result, float]) -> dict[tuple[str, str], list[float]]:
    """How often each ordered pair's first member won, drew and lost."""
    column = {1.0: 0, 0.5: 1, 0.0: 2}
    met: dict[tuple[str, str], list[float]] = {}
    for (first, second, score), count in Counter(results).items():
        if score not in column:
            raise RatingError(f"The score {score!r} of {first!r} against {second!r} is not 0, 0.5 or 1.")
        if first == second:
            raise RatingError(f"{first!r} cannot be rated by games against itself; enter the twin under another name.")
        if not (isfinite(count) and count >= 0):
            raise RatingError(f"{first!r} cannot have played {second!r} {count!r} times.")
        met.setdefault((first, second), [0.0, 0.0, 0.0])[column[score]] += count
    return met


def _rows(
    first: Ints, second: Ints, counts: Floats, slots: Slots, tied: bool, moves: bool, prior: Prior | None
) -> Rows:
    """The real games and then the virtual ones, as rows of one likelihood."""
    won, drawn, lost = counts.T
    if not tied:
        won, drawn, lost = won + drawn / 2, np.zeros_like(drawn), lost + drawn / 2
    extra = np.full(len(first), slots.first if moves else slots.nil)
    rows = Rows(first, second, extra, won, drawn, lost, np.full(len(first), tied))
    if prior is None:
        return rows
    n = slots.centre  # a row for each member, one for the first move, one for draws
    half = np.array([prior.games / 2] * n + [prior.first_move / 2, prior.draws / 4 * tied])
    return Rows(
        plus=np.concatenate([rows.plus, np.arange(n), [slots.first, slots.nil]]),
        minus=np.concatenate([rows.minus, np.full(n, slots.centre), [slots.nil, slots.nil]]),
        extra=np.concatenate([rows.extra, np.full(n + 2, slots.nil)]),
        won=np.concatenate([rows.won, half]),
        drawn=np.concatenate([rows.drawn, np.zeros(n + 1), [prior.draws / 2 * tied]]),
        lost=np.concatenate([rows.lost, half]),
        ties=np.concatenate([rows.ties, np.zeros(n + 1, bool), [tied]]),
    )


def _free(slots: Slots, tied: bool, moves: bool, prior: Prior | None, anchor: int | None) -> Ints:
    """Which parameters are fitted; zero is held by the anchor or, until the mean is known, by a stand-in."""
    free = set(range(slots.centre)) | ({slots.centre} if prior else set())
    if anchor is None:
        anchor = slots.centre if prior else 0
    free.discard(anchor)
    free |= ({slots.first} if moves else set()) | ({slots.tie} if tied else set())
    return np.array(sorted(free), np.int64)


def _check_connected(first: Ints, second: Ints, counts: Floats, names: Sequence[object]) -> None:
    """Ford's condition (1957): every two groups must have taken points from each other."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    won = counts[:, 0] + counts[:, 1] / 2 > 0
    lost = counts[:, 2] + counts[:, 1] / 2 > 0
    winner = np.concatenate([first[won], second[lost]])
    loser = np.concatenate([second[won], first[lost]])
    graph = coo_array((np.ones(len(winner)), (winner, loser)), shape=(len(names), len(names)))
    groups, label = connected_components(graph, directed=True, connection="strong")
    if groups > 1:
        alone = names[int(np.argmax(label == np.argmin(np.bincount(label))))]
        raise RatingError(
            f"Without a prior {alone!r} has no finite rating: it, or its group, never met, never beat "
            "or never lost to the others; rate with a prior."
        )


def _ratings(
    names: tuple[str, ...],
    anchor: str | None,
    rows: Rows,
    x: Floats,
    free: Ints,
    slots: Slots,
    tied: bool,
    played: tuple[Ints, Ints, Floats],
    intervals: bool,
) -> Ratings:
    n, centred = len(names), anchor is None
    spread = covariance(rows, x, free, slots)
    bounds = profile_bounds(rows, x, free, slots, spread, centred) if intervals else np.full((n, 2), np.nan)
    error = float(ELO * sqrt(max(spread[slots.first, slots.first], 0.0)))
    kept = spread[:n, :n]  # changed in place: of thousands it is large
    if centred and n:
        mean = kept.mean(axis=0)
        kept -= mean
        kept -= mean[:, None]
        kept += mean.mean()
    kept *= ELO**2
    first, second, (won, drawn, lost) = played[0], played[1], played[2].T
    number = won + drawn + lost
    games = (np.bincount(first, number, n) + np.bincount(second, number, n)).astype(np.float64)
    score = np.bincount(first, won + drawn / 2, n) + np.bincount(second, lost + drawn / 2, n)
    return Ratings(
        names=names,
        anchor=anchor,
        elo=ELO * (x[:n] - (x[:n].mean() if centred and n else 0.0)),
        covariance=kept,
        low=ELO * bounds[:, 0],
        high=ELO * bounds[:, 1],
        games=games,
        score=np.where(games > 0, score / np.maximum(games, 1e-300), 0.5),
        first_move=Estimate(float(ELO * x[slots.first]), error),
        draw=exp(x[slots.tie]) if tied else 0.0,
    )

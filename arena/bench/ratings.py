"""Ratings: how fast a fit is beside choix and openskill, and how often 95 % intervals hold the truth.

One core. The fit is the same likelihood on both sides (Bradley-Terry without draws, first move or prior), of members'
numbers, and must agree to 1e-6 before it is timed; with intervals it takes names, as a leaderboard does. Coverage is
counted over simulated tournaments whose strengths are known, with draws and a first move that is worth something.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from arena.bench import BenchFailed, Row
from arena.bench.measure import Contest, Measure, Side, core_rate
from leagues.bradley_terry import ELO, Floats, Ints, outcomes
from leagues.payoff import wilson
from leagues.rating import Result, rate, strengths

UNIT = "% of intervals hold the truth"
SPREAD = 200.0
"""Standard deviation of simulated strengths, in Elo."""

FIRST_MOVE, TIES = 35.0, 0.8
"""What moving first is worth in Elo, and Davidson's nu, in simulated tournaments."""


def contests(members: str = "58", games: str = "10000", tournaments: str = "200") -> Iterator[Contest | Row]:
    """Fits of `games` games of `members` beside two peers; coverage over so many `tournaments` of 8 and of 20."""
    n, number = int(members), int(games)
    if n < 2 or number < 20 * n or int(tournaments) < 1:
        raise BenchFailed(f"{number} games of {n} members fix no ratings; 2 members or more, 20 games each or more.")
    subject = f"{number:,} games of {n}"
    yield Contest(
        f"fit, {subject}", "games/s", Side("arena", lambda: fit(n, number)), Side("choix", lambda: ilsr(n, number))
    )
    yield Contest(
        f"fit with intervals, {subject}",
        "games/s",
        Side("arena", lambda: whole(n, number)),
        Side("choix", lambda: ilsr(n, number)),
    )
    ours = Side("arena", lambda: one_by_one(n, number))
    yield Contest(f"Weng-Lin, {subject}", "games/s", ours, Side("openskill", lambda: openskill(n, number)))
    for size, pairs in ((8, 10), (20, 4)):
        yield coverage(size, pairs, int(tournaments))


@cache
def drawn(members: int, games: int) -> tuple[Ints, Ints, Floats]:
    """Games between members drawn at random, won as their strengths have it; no draws."""
    rng = np.random.default_rng(0)
    strength = rng.normal(0, SPREAD / ELO, members)
    one = rng.integers(0, members, games)
    other = (one + rng.integers(1, members, games)) % members
    won = rng.random(games) < 1 / (1 + np.exp(strength[other] - strength[one]))
    return one, other, won.astype(np.float64)


@cache
def played(members: int, games: int) -> list[Result]:
    """The same games with names."""
    return [
        Result(f"{a:04}", f"{b:04}", w) for a, b, w in zip(*map(np.ndarray.tolist, drawn(members, games)), strict=True)
    ]


def numbers(members: int, games: int) -> Floats:
    return strengths(*drawn(members, games), members, first_move=False, prior=None) / ELO


def fit(members: int, games: int) -> Measure:
    drawn(members, games)

    def work() -> float:
        numbers(members, games)
        return games

    return core_rate(work)


def whole(members: int, games: int) -> Measure:
    results = played(members, games)

    def work() -> float:
        rate(results, anchor=None, first_move=False, prior=None)
        return games

    return core_rate(work)


def ilsr(members: int, games: int) -> Measure:
    """choix's iterative Luce spectral ranking, to the tolerance that it has by default."""
    choix: Any = importlib.import_module("choix")
    won = [(int(a), int(b)) if score == 1.0 else (int(b), int(a)) for a, b, score in played(members, games)]
    theirs, ours = choix.ilsr_pairwise(members, won), numbers(members, games)
    if np.abs(ours - (theirs - theirs.mean())).max() > 1e-6:
        raise BenchFailed("The fits of the two differ; they do not do the same.")

    def work() -> float:
        choix.ilsr_pairwise(members, won)
        return games

    return core_rate(work)


def one_by_one(members: int, games: int) -> Measure:
    from leagues.weng_lin import weng_lin

    results = played(members, games)

    def work() -> float:
        weng_lin(results)
        return games

    return core_rate(work)


def openskill(members: int, games: int) -> Measure:
    """openskill's Plackett-Luce, game after game."""
    from leagues.weng_lin import weng_lin

    models: Any = importlib.import_module("openskill.models")
    model, results = models.PlackettLuce(), played(members, games)

    def through() -> dict[str, Any]:
        skills: dict[str, Any] = {}
        for first, second, score in results:
            sides = [[skills.get(first) or model.rating()], [skills.get(second) or model.rating()]]
            ((skills[first],), (skills[second],)) = model.rate(sides, ranks=[1.0 - score, score])
        return skills

    ours = weng_lin(results)
    if any(abs(ours[name].mean - skill.mu) > 1e-6 for name, skill in through().items()):
        raise BenchFailed("The skills of the two differ; they do not do the same.")

    def work() -> float:
        through()
        return games

    return core_rate(work)


def coverage(members: int, pairs: int, tournaments: int, seed: int = 0) -> Row:
    """How many of the ratings' 95 % intervals hold the truth, over round robins that are simulated anew each time."""
    rng = np.random.default_rng(seed)
    names = [f"{i:03}" for i in range(members)]
    first, second = np.array([(i, j) for i in range(members) for j in range(members) if i != j]).T
    inside = 0
    for _ in range(tournaments):
        truth = rng.normal(0, SPREAD, members)
        win, draw, loss = outcomes((truth[first] - truth[second] + FIRST_MOVE) / ELO, np.log(TIES))
        counts = rng.multinomial(pairs, np.stack([win, draw, loss], 1))
        results = {
            Result(names[i], names[j], score): float(count)
            for i, j, some in zip(first, second, counts, strict=True)
            for score, count in zip((1.0, 0.5, 0.0), some, strict=True)
            if count
        }
        rated = rate(results, members=names, anchor=None)
        true = truth - truth.mean()
        inside += int(((rated.low <= true) & (true <= rated.high)).sum())
    number = members * tournaments
    low, high = (100 * float(bound) for bound in wilson(inside / number, number))
    return Row(
        bench="ratings",
        subject=f"coverage, round robin of {members}, {pairs} pairs each",
        ours=100.0 * inside / number,
        peer=None,
        theirs=None,
        unit=UNIT,
        ratio=None,
        runs=1,
        note=f"{inside} of {number} 95 % intervals hold the true rating, that is {low:.1f} to {high:.1f} %",
    )

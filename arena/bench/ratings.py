"""Ratings: how fast a fit is beside choix and openskill, and how often 95 % intervals hold the truth.

One core. The fit is the same likelihood on both sides (Bradley-Terry without draws, first move or prior), of members'
numbers, and must agree to 1e-6 before it is timed; with intervals it takes names, as a leaderboard does. Coverage is
counted over simulated tournaments whose strengths are known, with draws and a first move that is worth something.
What cannot be done better is said beside two figures: the Cramer-Rao bound of the first move's worth, and the schedule
that would leave the narrowest intervals if all strengths were known beforehand.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from math import erf, sqrt
from typing import Any

import numpy as np

from arena.bench import BenchFailed, Row
from arena.bench.measure import Contest, Measure, Side, core_rate
from leagues.bradley_terry import ELO, Floats, Ints, outcomes
from leagues.matchmaking import most_telling
from leagues.payoff import wilson
from leagues.rating import Result, fit, rate, strengths

UNIT = "% of intervals hold the truth"
SPREAD = 200.0
"""Standard deviation of simulated strengths, in Elo."""

FIRST_MOVE, TIES = 35.0, 0.8
"""What moving first is worth in Elo, and Davidson's nu, in simulated tournaments."""


def contests(members: str = "58", games: str = "10000", tournaments: str = "200") -> Iterator[Contest | Row]:
    """Fits of `games` games of `members` beside two peers; coverage over so many `tournaments` of 8 and of 20."""
    n, number = int(members), int(games)
    if n < 2 or number < 20 * n:
        raise BenchFailed(f"{number} games of {n} members fix no ratings; 2 members or more, 20 games each or more.")
    subject = f"{number:,} games of {n}"
    yield Contest(
        f"fit, {subject}", "games/s", Side("arena", lambda: fitted(n, number)), Side("choix", lambda: ilsr(n, number))
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
    for size, spread in ((2, 0.0), (20, SPREAD)):
        yield first_move(size, spread, int(tournaments))
    for size, gap in ((9, 0.0), (9, 250.0), (20, 100.0), (20, 200.0)):
        yield scheduling(size, gap)


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


def fitted(members: int, games: int) -> Measure:
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
    return _row(
        f"coverage, round robin of {members}, {pairs} pairs each",
        100.0 * inside / number,
        UNIT,
        f"{inside} of {number} 95 % intervals hold the true rating, that is {low:.1f} to {high:.1f} %",
    )


def first_move(members: int, spread: float, worlds: int, games: int = 10_000, seed: int = 0) -> Row:
    """How far the first move's fitted worth is from the true one, beside the least that any unbiased fit can reach."""
    rng = np.random.default_rng(seed)
    first, second = np.array([(i, j) for i in range(members) for j in range(members) if i != j]).T
    played = np.full(len(first), games // len(first)) + (np.arange(len(first)) < games % len(first))
    errors, bounds = np.zeros(worlds), np.zeros(worlds)
    for world in range(worlds):
        truth, worth = rng.normal(0, spread, members), rng.uniform(-80, 80)
        chance = 1 / (1 + np.exp(-(truth[first] - truth[second] + worth) / ELO))
        won = rng.binomial(played, chance)
        counts = np.stack([won, 0 * won, played - won], 1).astype(np.float64)
        x, slots, *_ = fit(first, second, counts, range(members), None)
        errors[world] = ELO * x[slots.first] - worth
        bounds[world] = _bound(members, first, second, played * chance * (1 - chance))
    inside, limit = np.mean(np.abs(errors) <= 5), np.mean([erf(5 / bound / sqrt(2)) for bound in bounds])
    return _row(
        f"first move of {members} members, {spread:g} Elo apart, {games:,} games",
        float(np.sqrt((errors**2).mean())),
        "Elo, root mean squared error",
        f"the Cramer-Rao bound is {np.sqrt((bounds**2).mean()):.2f}; {inside:.0%} of {worlds} are within 5 Elo, "
        f"and the bound allows {limit:.0%}",
    )


def _bound(members: int, first: Ints, second: Ints, information: Floats) -> float:
    """The least standard deviation, in Elo, of the first move's worth where the strengths have to be found too."""
    design = np.zeros((len(first), members))
    design[np.arange(len(first)), first] = 1.0
    design[np.arange(len(first)), second] -= 1.0
    design[:, 0] = 1.0  # the first member stands at 0; its column is the first move's
    return float(ELO * sqrt(np.linalg.inv(design.T @ (information[:, None] * design))[0, 0]))


def scheduling(members: int, gap: float, worlds: int = 3, pairs: int = 10) -> Row:
    """Errors of differences after games chosen by `most_telling`, in those after a round robin of as many."""
    truth: Floats = gap * np.arange(members, dtype=np.float64)
    names = [f"{i:03}" for i in range(members)]
    everybody = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    upper, ratios = np.triu_indices(members, 1), []
    for world in range(worlds):
        rng = np.random.default_rng(world)

        def play(meetings: Sequence[tuple[str, str]], results: Counter[Result], rng=rng) -> None:
            for a, b in meetings:
                for x, y in ((a, b), (b, a)):
                    won = rng.random() < 1 / (1 + np.exp((truth[int(y)] - truth[int(x)]) / ELO))
                    results[Result(x, y, float(won))] += 1

        told: Counter[Result] = Counter()
        even: Counter[Result] = Counter()
        play(everybody * pairs, even)
        left = len(everybody) * pairs
        while left:
            some = min(left, max(1, len(everybody) // 3))
            play(most_telling(rate(told, members=names, anchor=None), some, seed=left), told)
            left -= some
        ours, theirs = (
            np.sqrt(_differences(rate(some, members=names, anchor=None).covariance)[upper]).mean()
            for some in (told, even)
        )
        ratios.append(ours / theirs)
    return _row(
        f"scheduling, {members} members {gap:g} Elo apart, {pairs * len(everybody):,} pairs",
        float(np.mean(ratios)),
        "of a round robin's errors",
        f"the design that suits the true strengths best leaves {_best(truth):.2f}",
    )


def _differences(covariance: Floats) -> Floats:
    """The variance of the difference of each two, [n, n]."""
    own = np.diag(covariance)
    return np.maximum(own[:, None] + own[None, :] - 2 * covariance, 0.0)


def _best(truth: Floats, steps: int = 1000) -> float:
    """The errors of the A-optimal design in those of a round robin, by the multiplicative algorithm.

    It has the least mean variance of all differences that any shares of games can have.
    """
    n = len(truth)
    left, right = np.triu_indices(n, 1)
    design = np.zeros((len(left), n))
    design[np.arange(len(left)), left], design[np.arange(len(left)), right] = 1.0, -1.0
    design = design[:, 1:]
    informed = 2.0 / (2.0 + 2.0 * np.cosh((truth[left] - truth[right]) / ELO))
    share = np.full(len(left), 1 / len(left))

    def inverse(share: Floats) -> Floats:
        return np.linalg.inv(design.T @ ((share * informed)[:, None] * design))

    def error(share: Floats) -> float:
        return float(np.sqrt(np.einsum("pi,ij,pj->p", design, inverse(share), design)).mean())

    even = error(share)
    for _ in range(steps):
        spread = inverse(share)
        slope = informed * np.einsum("pi,ij,pj->p", design, spread @ (design.T @ design) @ spread, design)
        share = share * np.sqrt(slope)
        share /= share.sum()
    return error(share) / even


def _row(subject: str, ours: float, unit: str, note: str) -> Row:
    nothing: dict[str, Any] = {"peer": None, "theirs": None, "ratio": None}
    return Row(bench="ratings", subject=subject, ours=ours, unit=unit, runs=1, note=note, **nothing)

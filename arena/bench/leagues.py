"""A league of several roles against plain self-play, at equal compute: how the best of each fares at its worst.

    arena bench leagues --option seeds=3 --option decisions=2000000

Both learn with the same algorithm, network and settings, from as many decisions, all learners of a league together.
Then the last snapshot of each one's first learner meets everybody whom the other froze. Whoever it did worst against
in `LOOK` pairs of games is met again in `TELL` others, so that the worst is not chosen by the luck it is told by.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from arena.bench import Row
from arena.population.composing import compose, plan_of
from arena.population.season import Season
from arena.population.trainers import scored
from arena.store import Store
from arena.summary import mean_interval
from arena.worker import Meeting, play_pairings
from leagues.payoff import wilson
from leagues.schedule import pair

UNIT = "% of points at its worst"
LOOK, TELL = 10, 100
"""Pairs of games with everybody, to find who is worst to meet; and with that one, to tell how bad it is."""
OPENING = 4
"""Random plies that a pair of games begins with, at most."""


class Learned(NamedTuple):
    """What a league or self-play left."""

    best: str
    frozen: tuple[str, ...]
    """Folders of agents, the first learner's last one among them."""
    decisions: int
    seconds: float
    """That the core worked."""


class Worst(NamedTuple):
    """How one agent fares against whoever of a population does best against it."""

    score: float
    low: float
    high: float


class Given(Season):
    """A season that ends after so many decisions of all its learners together."""

    decisions = 1

    def progress(self) -> float:
        return min(1.0, self.taken() / self.decisions)

    def taken(self) -> int:
        return sum(pupil.steps for pupil in self.trainers.pupils.values())


def contests(
    league: str = "alphastar",
    game: str = "connect_four",
    decisions: str = "1000000",
    seeds: str = "3",
    backbone: str = "mlp:layers=2,width=128",
) -> Iterator[Row]:
    """One row: the mean over seeds of what the league's main learner, and self-play's, score at their worst.

    league     a preset, or a league's file
    decisions  that all learners of a side learn from together
    seeds      how often each side is trained
    backbone   of all learners
    """
    count, number = int(decisions), int(seeds)
    ours, theirs, told = [], [], []
    for seed in range(number):
        with tempfile.TemporaryDirectory() as folder:
            words = [f"run.seed={seed}", f"run.out={folder}", f"network.backbone={backbone}"]
            one, other = (learned(kind, game, count, words, Path(folder)) for kind in (league, "self-play"))
            ours.append(worst(game, one.best, other.frozen, seed))
            theirs.append(worst(game, other.best, one.frozen, seed))
        told.append(f"seed {seed}: {said(ours[-1], one)} against {said(theirs[-1], other)}")
    mean = 100 * float(np.mean([one.score for one in ours]))
    peer = 100 * float(np.mean([one.score for one in theirs]))
    apart = np.array([100 * (one.score - other.score) for one, other in zip(ours, theirs, strict=True)])
    _, low, high = mean_interval(apart)
    between = f"; apart by {apart.mean():+.0f} points of 100 ({low:+.0f} to {high:+.0f})" if number > 1 else ""
    yield Row(
        bench="leagues",
        subject=f"{game}, {league}, {count:,} decisions",
        ours=mean,
        peer="self-play",
        theirs=peer,
        unit=UNIT,
        ratio=mean / peer if peer else None,
        runs=number,
        note="; ".join(told) + between,
    )


def said(one: Worst, of: Learned) -> str:
    """A side's figure of one seed, in words."""
    return (
        f"{100 * one.score:.0f} % ({100 * one.low:.0f} to {100 * one.high:.0f}; {len(of.frozen)} frozen, "
        f"{of.decisions:,} decisions, {of.seconds:.0f} s of a core)"
    )


def learned(league: str, game: str, decisions: int, words: list[str], folder: Path) -> Learned:
    """Trains a league in this process until its learners have had so many decisions, the last round whole."""
    words = [*words, "workers.count=0", "matches.rated_pairs=0", "matches.stored=0"]
    composed = compose(league, game, None, words)
    run = composed.config.run.name
    place = folder / run
    begun = time.process_time()
    with Store(folder / f"{run}.db") as store:
        season = Given(place, plan_of(composed, None), store, keep_minutes=60.0)
        season.decisions = decisions
        season.play()
    first = next(iter(composed.learners))
    frozen = {str(one["name"]): str(place / "agents" / str(one["name"])) for one in season.frozen}
    best = [str(one["name"]) for one in season.frozen if one["parent"] == first][-1]
    return Learned(frozen[best], tuple(frozen.values()), season.taken(), time.process_time() - begun)


def worst(game: str, one: str, others: tuple[str, ...], seed: int) -> Worst:
    """The score of one against whoever of the others it fares worst with, with a 95 % interval."""
    found = {other: score(game, one, other, seed, 0, LOOK) for other in others}
    other = min(found, key=lambda name: found[name])
    told = score(game, one, other, seed, LOOK, TELL)
    low, high = wilson(told, 2 * TELL)
    return Worst(told, float(low), float(high))


def score(game: str, one: str, other: str, seed: int, first: int, count: int) -> float:
    """Points of one against another in so many pairs of games, of 1."""
    pairings = tuple(p for k in range(first, first + count) for p in pair("one", "other", seed, k))
    finished = play_pairings(game, Meeting(pairings, {"one": one, "other": other}, OPENING))
    return float(np.mean([scored(f.reward, 0 if p.first == "one" else 1, 0.0) for p, f in finished]))

"""What a league's matchmaking costs as it grows: AlphaStar's roles for 12 learners, among ever more frozen members.

    arena bench matchmaking --option frozen=10,100,500,1000

A simulation: results are drawn, nobody learns. Each game's opponent is drawn by the learner's role from what the payoff
table says at that instant, which no round does: there a role is asked once for all games of a learner. Frozen members'
weights lie on disk; the memory is what Python and numpy hold more of after all of them have been asked for in turn.
"""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np

from agents.networks import Network, weights
from agents.storage import agent_digest, read_agent, save_agent
from arena.bench import BenchFailed
from arena.bench.measure import Contest, Measure, Side, core_rate
from envs.registry import game
from leagues.census import Member
from leagues.payoff import Payoff
from leagues.population import Population
from leagues.preset import Matches
from leagues.quality import Quality
from leagues.rating import Result
from leagues.roles import feed

ROLES = {"main": 3, "main_exploiter": 3, "league_exploiter": 6}
"""Role -> learners of it, as in AlphaStar (Vinyals et al. 2019)."""
GAMES = 20
"""That a learner has played against each frozen member, in the mean."""
RULES, BACKBONE, HEADS = "connect_four", "mlp:layers=2,width=64", ("policy", "returns")


def contests(frozen: str = "10,100,500,1000") -> Iterator[Contest]:
    """Games matched a second of one core, and memory, for each number of frozen members."""
    counts = [int(word) for word in frozen.split(",")]
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            try:
                population = grown(count, Path(folder))
            except OSError as error:
                why = error.strerror or error
                raise BenchFailed(
                    f"{folder} cannot hold {count:,} frozen members ({why}); set TMPDIR to a folder that can."
                ) from None
            held, stored = (size / 2**20 for size in memory(population))
            yield Contest(
                f"{sum(ROLES.values())} learners, {count:,} frozen",
                "games matched/s",
                Side("arena", partial(matched, population)),
                note=f"{held:.1f} MiB more are held after the weights of all were asked for, {stored:.1f} MiB on disk",
            )


def matched(population: Population) -> Measure:
    """Draws an opponent and counts the game, for the learners in turn."""
    payoff = met(population)
    rng, turn = np.random.default_rng(0), cycle([name for name in payoff.names if population[name].live])

    def match() -> int:
        name = next(turn)
        other = feed(population[name], population.census(payoff, Quality())).draw(rng, 1)[0]
        if other != name:
            payoff.add(Result(name, other, float(rng.random() < 0.5)))
        return 1

    return core_rate(match)


def grown(count: int, folder: Path) -> Population:
    """A league of 12 learners, of whom in turn `count` snapshots lie in folders of their own."""
    rules = game(RULES)
    population = Population(agent_digest, lambda place: weights(read_agent(place)[1]), Matches().cached)
    learners = [Member(f"{role}_{i}", role, live=True) for role, number in ROLES.items() for i in range(number)]
    for member in learners:
        population.enter(member)
    for i, parent in zip(range(count), cycle(learners), strict=False):
        member, place = Member(f"{parent.name}-{i:07d}", parent.role, parent=parent.name), folder / str(i)
        arrays = weights(Network(rules, BACKBONE, HEADS, seed=i))
        save_agent(place, rules, arrays, backbone=BACKBONE, heads=HEADS, step=i, parent=parent.name)
        population.enter(member, place)
    return population


def met(population: Population) -> Payoff:
    """A payoff table in which all learners have met everybody, as often as strengths and chance would have it."""
    rng, payoff = np.random.default_rng(1), Payoff(decay=Matches().decay)
    members = population.census(payoff, Quality()).members
    strength = dict(zip((member.name for member in members), rng.normal(size=len(members)), strict=True))
    for me in (member.name for member in members if member.live):
        for other in (member.name for member in members):
            for _ in range(rng.poisson(GAMES) if other != me else 0):
                won = rng.random() < 1.0 / (1.0 + np.exp(strength[other] - strength[me]))
                payoff.add(Result(me, other, float(won)))
    return payoff


def memory(population: Population) -> tuple[int, int]:
    """Bytes held more after every frozen member's weights were asked for, and bytes of all their weights."""
    population.weights(next(iter(population.digests())))  # imports are no member's
    tracemalloc.start()
    before, stored = tracemalloc.get_traced_memory()[0], 0
    for name in population.digests():
        stored += sum(array.nbytes for array in population.weights(name).values())
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return held, stored

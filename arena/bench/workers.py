"""What Ray costs and brings: one worker, many, one that is killed now and then; and several learners.

PPO learns from long fragments of many lanes. Everything goes by the clock, and wants a machine with nothing else to do
and a core for each worker and each learner. A round before each measure is not counted: on Ray the next one is under
way when a measure ends.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from hashlib import blake2b
from threading import Timer
from typing import Any, NamedTuple

import torch

from arena.bench import BenchFailed, Row
from arena.bench.measure import Contest, Measure, Side, rate
from arena.cluster import Pool, start_ray
from arena.config import load
from arena.run import plan_of
from arena.text import counted
from arena.train import Plan, Round, Trainer

UNIT = "transitions/s"
HUNDRED_THOUSAND = 100_000
PROGRESS = 0.5
"""How much of the training is always said to be over: settings that follow a schedule stay where they are."""
INTERVALS = 4
"""Between two kills, that a run lasts in which workers are killed."""


def contests(
    game: str = "cart_pole",
    backbone: str = "mlp:layers=2,width=64",
    lanes: str = "2048",
    steps: str = "128",
    workers: str = "2",
    learners: str = "2",
    kill: str = "0",
) -> Iterator[Contest | Row]:
    """Training and playing alone on Ray, beside the same without it, and what several learners bring.

    lanes     games at once of each worker
    steps     decisions of a seat in a fragment
    workers   at most; 0 leaves Ray out
    learners  at most; 1 leaves them out
    kill      seconds between two workers' deaths; 0 leaves that out
    """
    torch.set_num_threads(1)
    plan = planned(game, backbone, int(lanes), int(steps))
    name, most = f"{game}, {backbone}, {lanes} lanes of {steps} steps", int(workers)
    if most:
        start_ray(most + 1, None)  # before any pool, which would start it for itself alone
        one = on_ray(plan, 1)
        yield from against(f"{name}: training", one, plan, learning=True)
        yield from against(f"{name}: play alone", one, plan, learning=False)
        yield calls(name, one)
        for count in doubled(most):
            yield from against(f"{name}: play alone", on_ray(plan, count), one, learning=False)
    if most and float(kill):
        yield killed(name, on_ray(plan, most), float(kill))
    for count in doubled(int(learners)):
        yield from several(name, plan, count)


def planned(game: str, backbone: str, lanes: int, steps: int) -> Plan:
    """PPO in this process, with a thirty-second part of a fragment in a batch."""
    words = [
        "learner.algorithm=ppo", f"game.name={game}", f"network.backbone={backbone}", "workers.count=0",
        "run.positions=1", f"rollouts.lanes={lanes}", f"rollouts.steps={steps}", "rollouts.hands=0",
        f"learner.batch={max(1, lanes * steps // 32)}", "workers.learner_device=cpu",
    ]  # fmt: skip
    return plan_of(load(None, words))


def on_ray(plan: Plan, workers: int) -> Plan:
    return replace(plan, ray=True, workers=workers)


def doubled(most: int) -> Iterator[int]:
    """2, 4, 8 ... and `most` itself."""
    count = 2
    while count < most:
        yield count
        count *= 2
    if most > 1:
        yield most


@contextmanager
def training(plan: Plan, learning: bool = True) -> Iterator[Trainer]:
    """A trainer at work; without `learning` its learner leaves its weights as they are."""
    trainer = Trainer(plan)
    if not learning:
        trainer.learner.update = lambda experience, progress: {}  # type: ignore[method-assign]
    try:
        trainer.begin()
        yield trainer
    finally:
        trainer.close()


def played(done: Round) -> int:
    """Transitions that a round brought."""
    return sum(int(chunk.columns["valid"].sum()) for chunk in done.chunks)


# --- what Ray costs, and what many workers bring --------------------------------------------------------------------


def against(subject: str, ours: Plan, theirs: Plan, learning: bool) -> Iterator[Contest]:
    """Two ways of playing the same, with or without learning from it."""
    with ExitStack() as opened:

        def side(plan: Plan) -> Side:
            name = counted(plan.workers, "Ray worker") if plan.ray else "in process, without Ray"
            return Side(name, lambda: by_rounds(opened.enter_context(training(plan, learning))))

        first, second = side(ours), side(theirs)
        yield Contest(f"{subject}, {first.name}", UNIT, first, second)


def by_rounds(trainer: Trainer) -> Measure:
    """A trainer's transitions a second, over whole rounds."""

    def work() -> float:
        return played(trainer.round(PROGRESS))

    timed = rate(work)

    def measure(seconds: float) -> float:
        work()
        return timed(seconds)

    work()  # compiles
    return measure


class Counted:
    """A pool on Ray that counts what is asked of Ray: values put there, calls made, results fetched."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.calls = pool, 0
        self.size, self.restarts = pool.size, pool.restarts
        self.remember, self.close = pool.remember, pool.close

    def share(self, value: Any) -> Any:
        self.calls += 1
        return self.pool.share(value)

    def start(self, worker: int, method: str, *args: Any) -> Any:
        self.calls += 1
        return self.pool.start(worker, method, *args)

    def finish(self, ticket: Any) -> Any:
        self.calls += 1
        return self.pool.finish(ticket)


def calls(name: str, plan: Plan, rounds: int = 2) -> Row:
    """How often Ray is asked for something while so many transitions are played."""
    with training(plan, learning=False) as trainer:
        trainer.pool = pool = Counted(trainer.pool)
        transitions = sum(played(trainer.round(PROGRESS)) for _ in range(rounds))
    return row(
        f"{name}: calls of Ray",
        HUNDRED_THOUSAND * pool.calls / transitions,
        unit=f"calls/{HUNDRED_THOUSAND:,} transitions",
        note=f"{pool.calls} calls (put, call and get) for {transitions:,} transitions; fewer are better.",
    )


# --- workers that are killed ----------------------------------------------------------------------------------------


class Ran(NamedTuple):
    """What a run of so many rounds came to."""

    rounds: int
    transitions: int
    games: int
    weights: str
    """A digest of the learner's."""


def killed(name: str, plan: Plan, every: float) -> Row:
    """A worker is killed every so many seconds; refused if that changes what is learned or counted."""
    calm, seconds, _ = through(plan, lambda rounds, spent: spent < INTERVALS * every)
    shaken, longer, deaths = through(plan, lambda rounds, spent: rounds < calm.rounds, every)
    if not deaths:
        raise BenchFailed(f"No worker died in {longer:.1f} s; kill is the seconds between two deaths, so set fewer.")
    if shaken != calm:
        raise BenchFailed(f"Killed workers changed what came out: {shaken}, and undisturbed {calm}.")
    return row(
        f"{name}: training, {counted(plan.workers, 'Ray worker')}, one killed every {every:g} s",
        shaken.transitions / longer,
        "the same undisturbed",
        calm.transitions / seconds,
        note=f"{counted(deaths, 'death')} in {longer:.1f} s; {calm.transitions:,} transitions, {calm.games:,} games "
        "and the weights at the end are those of the undisturbed run.",
    )


def through(plan: Plan, goes_on: Callable[[int, float], bool], every: float = 0.0) -> tuple[Ran, float, int]:
    """Trains while `goes_on(rounds, seconds)`; what came out, its seconds, and how many workers were made again."""
    with training(plan) as trainer:
        trainer.round(PROGRESS)  # compiles
        killer = Killer(trainer.pool, every)
        rounds = transitions = games = 0
        begun, spent = time.perf_counter(), 0.0
        while goes_on(rounds, spent):
            done = trainer.round(PROGRESS, killer.aim if every else None)
            rounds, transitions, games = rounds + 1, transitions + played(done), games + done.games
            spent = time.perf_counter() - begun
        killer.rest()
        learned = b"".join(value.tobytes() for value in trainer.learner.weights().values())
        return Ran(rounds, transitions, games, blake2b(learned).hexdigest()), spent, trainer.pool.restarts


class Killer:
    """Kills one worker of a pool after the other, every so many seconds, in the middle of a round."""

    def __init__(self, pool: Pool, every: float) -> None:
        self.pool, self.every = pool, every
        self.last = time.perf_counter()
        self.due = self.last + every
        self.kills = 0
        self.timer: Timer | None = None

    def aim(self) -> None:
        """To be called between rounds, while nothing is under way."""
        now = time.perf_counter()
        lasts, self.last = now - self.last, now
        if now < self.due:
            return
        self.rest()
        self.due += self.every
        ticket = self.pool.start(self.kills % self.pool.size, "__ray_call__", lambda worker: os.getpid())
        self.timer = Timer(lasts / 2, os.kill, (self.pool.finish(ticket), signal.SIGKILL))
        self.timer.start()
        self.kills += 1

    def rest(self) -> None:
        """Waits for a blow that is under way."""
        if self.timer is not None:
            self.timer.join()


# --- several learners -----------------------------------------------------------------------------------------------


def several(name: str, plan: Plan, learners: int) -> Iterator[Contest]:
    """So many learners against one, which learn from the same fragment again and again."""
    with ExitStack() as opened:

        def side(count: int) -> Side:
            made = replace(plan, learners=count)
            return Side(counted(count, "learner"), lambda: by_updates(opened.enter_context(training(made))))

        yield Contest(f"{name}: {counted(learners, 'learner')}", "updates/s", side(learners), side(1))


def by_updates(trainer: Trainer) -> Measure:
    """How often a second all learners learn from the first round."""
    experience, companions = trainer.round(PROGRESS).chunks[0].columns, trainer.companions

    def work() -> float:
        if companions is None:
            trainer.learner.update(experience, PROGRESS)
        else:
            companions.update(trainer.learner, experience, PROGRESS)
        return 1.0

    return rate(work)


def row(
    subject: str, ours: float, peer: str | None = None, theirs: float | None = None, *, unit: str = UNIT, note: str
) -> Row:
    """One figure, or two that were measured one after the other."""
    ratio = None if theirs is None else ours / theirs
    return Row(
        bench="workers", subject=subject, ours=ours, peer=peer, theirs=theirs, unit=unit, ratio=ratio, runs=1, note=note
    )

"""Tasks of words: how many held-out prompts GRPO answers rightly, from random weights, after so long on one core.

    arena bench tasks --option tasks=reverse,parity --option seeds=1 --option core_seconds=120

Training is that of `arena train grpo TASK --workers 0`, with the settings that suit the task. A row is a task: the mean
over seeds of the share of `JUDGED` held-out prompts of the last level that the likeliest tokens answer rightly, beside
chance. The note has every seed: its last share, and when `GOAL` was first seen. What counts is the time that the core
worked on learning, imports and trials left out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

from agents.language.sampling import Sampler
from agents.networks import Network
from arena.bench import Row
from arena.config import load
from arena.evaluation import held_out, twin
from arena.run import plan_of
from arena.text import listed
from arena.train import Trainer
from envs.language import task
from envs.registry import game

GOAL, JUDGED, LOOKS = 0.99, 1000, 20
"""What is to be reached; prompts of a trial; trials on the way."""


class Learned(NamedTuple):
    """How one seed went.

    reached  seconds after which a trial first showed `GOAL`; None if none did
    """

    share: float
    answers: int
    reached: float | None


def contests(
    tasks: str = "reverse,sort,addition,parity", seeds: str = "3", core_seconds: str = "240.0"
) -> Iterator[Row]:
    """One row a task.

    tasks         specs with commas between them
    core_seconds  for each seed
    """
    torch.set_num_threads(1)
    for spec in listed(tasks):
        yield row(spec, [learned(spec, seed, float(core_seconds)) for seed in range(int(seeds))], float(core_seconds))


def row(spec: str, found: list[Learned], seconds: float) -> Row:
    """One task."""
    told = [f"{one.share:.1%} ({one.answers / 1e6:.2g} M answers; {_when(one.reached)})" for one in found]
    share, chance = float(np.mean([one.share for one in found])), task.language(game(spec)).chance
    return Row(
        bench="tasks",
        subject=f"{spec} by grpo, {seconds:g} s of one core",
        ours=share,
        peer="chance",
        theirs=chance,
        unit="of held-out prompts right",
        ratio=share / chance if chance else None,
        runs=len(found),
        note=f"seed by seed: {', '.join(told)}",
    )


def _when(reached: float | None) -> str:
    return f"{GOAL:.0%} not reached" if reached is None else f"{GOAL:.0%} after {reached:.0f} s"


def learned(spec: str, seed: int, seconds: float) -> Learned:
    """Trains for so many seconds of one core."""
    words = ["learner.algorithm=grpo", f"game.name={spec}", "workers.count=0", f"run.seed={seed}"]
    trainer = Trainer(plan_of(load(None, words)))
    trainer.begin()
    learner: Any = trainer.learner
    spent, looked, share, reached = 0.0, 0, 0.0, None
    while spent < seconds:
        begun = time.process_time()
        trainer.round(spent / seconds)
        spent += time.process_time() - begun
        if spent >= seconds * (looked + 1) / LOOKS:
            looked = int(spent / seconds * LOOKS)
            share = right(spec, learner.network)
            reached = spent if reached is None and share >= GOAL else reached
    trainer.close()
    sys.stderr.write(f"{spec}, seed {seed}: {share:.1%}, {_when(reached)}\n")
    return Learned(share, learner.steps, reached)


def right(spec: str, network: Network) -> float:
    """The share of held-out prompts, always the same ones, whose likeliest answer is right."""
    rules = game(twin(spec))
    asked = task.language(rules)
    rows = task.posed(rules, held_out(0, JUDGED), np.full(JUDGED, asked.levels))
    written = Sampler(network, JUDGED, narrow=False).sample(
        rows["text"][:, : asked.prompt], rows["prompted"], asked.answer, held_out(1, JUDGED), greedy=True
    )
    task.write(rules, rows, written.tokens, written.length)
    return float(task.judged(rules, rows)[1].mean())

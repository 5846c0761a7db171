"""Training: workers play, the learner learns, weights go round. One round overlaps both, in a fixed order.

While the workers play round r + 1 with the weights they were given, the learner learns from round r; so the weights
that play are one round old, never more, and every run of the same settings and seed does the same, with Ray or
without.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agents.learn.alphazero import AlphaZero, AlphaZeroSettings
from agents.networks import Network
from agents.self_play import SelfPlay
from arena.cluster import Pool, make_pool
from arena.worker import Chunk, Order
from envs.registry import game


@dataclass(frozen=True)
class Plan:
    """What is trained and how; all that a run's results follow from, but for time.

    positions  to learn from that each round gathers, over all workers
    """

    game: str
    backbone: str
    heads: tuple[str, ...] = ("policy", "value", "left")
    self_play: SelfPlay = field(default_factory=SelfPlay)
    learner: AlphaZeroSettings = field(default_factory=AlphaZeroSettings)
    seed: int = 0
    workers: int = 1
    ray: bool = True
    positions: int = 6000
    backend: str = "auto"
    address: str | None = None

    def orders(self) -> list[Order]:
        """One order a worker; without Ray as many play in turn as would play side by side."""
        return [
            Order(i, self.seed, self.game, self.backbone, self.heads, self.self_play, self.backend)
            for i in range(max(1, self.workers))
        ]


@dataclass
class Round:
    """What one round brought."""

    number: int
    chunks: list[Chunk]
    metrics: dict[str, float]
    seconds: float

    @property
    def games(self) -> int:
        return sum(len(chunk.games) for chunk in self.chunks)

    @property
    def plies(self) -> int:
        return sum(len(finished.moves) for chunk in self.chunks for finished in chunk.games)

    @property
    def evaluations(self) -> int:
        return sum(chunk.evaluations for chunk in self.chunks)


class Trainer:
    """Runs rounds; between two of them its whole state can be taken and gone on from, byte for byte."""

    def __init__(self, plan: Plan, state: Mapping[str, Any] | None = None) -> None:
        self.plan = plan
        rules = game(plan.game)
        network = Network(rules, plan.backbone, plan.heads, seed=plan.seed)
        self.learner = AlphaZero(rules, network, plan.learner, plan.seed)
        self.number = 0
        self.progress = 0.0
        self.arrived: list[Chunk] = []
        workers: list[Any] = [None] * max(1, plan.workers)
        if state is not None:
            self.learner.restore(state["learner"])
            self.number, self.progress = int(state["number"]), float(state["progress"])
            workers = list(state["workers"])
            self.arrived = [
                Chunk(columns, [], worker, self.number, 0, 0.0)
                for columns, worker in zip(state["columns"], workers, strict=True)
            ]
        self.pool: Pool = make_pool(plan.orders(), workers, local=not plan.ray, address=plan.address)
        self.tickets: list[Any] = []

    def begin(self) -> None:
        """Sets the workers to play; the learner catches up with what a resumed run had gathered."""
        self._send()
        if self.arrived:
            self._learn()

    def _send(self) -> None:
        weights = self.pool.share(self.learner.weights())
        each = -(-self.plan.positions // self.pool.size)
        self.tickets = [self.pool.start(i, "collect", weights, self.number, each) for i in range(self.pool.size)]

    def round(self, progress: float, between: Callable[[], None] | None = None) -> Round:
        """Gathers what the workers played, sets them to play again, and learns from it.

        `between` is called when this round's experience has arrived and nothing is under way: the moment for
        `state()`, for taking the learner's weights, and for giving the workers other calls.
        """
        begun = time.monotonic()
        self.progress = progress
        self.arrived = [self.pool.finish(ticket) for ticket in self.tickets]
        for i, chunk in enumerate(self.arrived):
            self.pool.remember(i, chunk.state)
        self.number += 1
        if between is not None:
            between()
        self._send()
        metrics = self._learn()
        return Round(self.number, self.arrived, metrics, time.monotonic() - begun)

    def _learn(self) -> dict[str, float]:
        columns = [chunk.columns for chunk in self.arrived]
        joined = {name: np.concatenate([part[name] for part in columns]) for name in columns[0]}
        return self.learner.update(joined, self.progress)

    def state(self) -> dict[str, Any]:
        """Everything the rest of the run follows from; to be taken in `between`."""
        return {
            "number": self.number,
            "progress": self.progress,
            "learner": self.learner.state(),
            "workers": [chunk.state for chunk in self.arrived],
            "columns": [chunk.columns for chunk in self.arrived],
        }

    def close(self) -> None:
        """Lets the workers go."""
        self.pool.close()

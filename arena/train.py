"""Training: workers play, the learner learns, weights go round, in a fixed order.

For learners that allow it (`Learner.ahead`) one round overlaps both: while the workers play round r + 1 with the
weights they were given, the learner learns from round r; so the weights that play are one round old, never more. Once
it has learned, round r + 2 is given out: a worker that is done with r + 1 goes on at once, and waits for no other. For
the other learners the workers wait for the new weights. Either way every run of the same settings and seed does the
same, with Ray or without.
"""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from agents.learn.descent import require_numbers
from agents.learn.learner import Learner, Metrics, given
from arena.checkpoint import Damaged
from arena.cluster import Pool, make_pool
from arena.learners import Companions, learner_of
from arena.worker import Chunk, Order

if TYPE_CHECKING:
    from agents.play import Finished

TOLD_WHOLE = ("self_play", "groups", "pairs")
"""Players whose learners' steps are no decisions, and that tell of every game or answer once it is whole."""


@dataclass(frozen=True)
class Plan:
    """What is trained and how; all that a run's results follow from, but for time.

    learner    settings of the algorithm
    playing    settings of the algorithm's player; None if it plays by itself
    workers    how many there are; without Ray they play in turn in this process
    positions  to learn from that each round gathers, over all workers
    threads    cores that the learner keeps busy
    learners   processes that learn together, each from its part of every batch
    start      folder of an agent whose weights its network begins with; "": random ones
    device     of the learner's network: cpu or cuda
    half       whether that computes in bfloat16, but for its last layers
    playing_device  of the workers' networks, where they play rollouts or write answers
    playing_half    whether those that play rollouts compute in bfloat16, too
    """

    game: str
    algorithm: str
    backbone: str
    heads: tuple[str, ...]
    learner: Any
    playing: Any
    seed: int
    workers: int
    ray: bool
    positions: int
    backend: str
    threads: int = 1
    address: str | None = None
    learners: int = 1
    device: str = "cpu"
    half: bool = False
    playing_device: str = "cpu"
    playing_half: bool = False
    start: str = ""

    def order(self, stream: int) -> Order:
        """What a worker is made from."""
        return Order(
            stream, self.seed, self.game, self.algorithm, self.backbone, self.heads, self.playing, self.backend,
            self.playing_device, self.playing_half,
        )  # fmt: skip


@dataclass
class Round:
    """What one round brought."""

    number: int
    chunks: list[Chunk]
    metrics: dict[str, float]
    seconds: float
    staleness: int
    """How many rounds the oldest weights that played were behind those that learned from it."""
    decisions: int
    """That it brought: the learner's steps; where those are of the optimiser, or answers (`TOLD_WHOLE`), the moves of
    the games that ended, random openings aside."""

    @property
    def games(self) -> int:
        return sum(len(chunk.games) for chunk in self.chunks)

    @property
    def rewards(self) -> list[float]:
        """What the learner was paid in each of its games (`earned`)."""
        return [earned(finished) for chunk in self.chunks for finished in chunk.games]

    @property
    def evaluations(self) -> int:
        return sum(chunk.evaluations for chunk in self.chunks)


def earned(finished: Finished) -> float:
    """What the learner was paid in a game: at its own seat; where all the seats are its own, at the first."""
    return finished.reward[finished.players.index(0)]


class Trainer:
    """Runs rounds; between two of them its whole state can be taken and gone on from, byte for byte.

    A state may be gone on from with another number of workers: those there are no more leave their games unfinished,
    new ones play games that no worker played before.
    """

    def __init__(self, plan: Plan, state: Mapping[str, Any] | None = None) -> None:
        self.plan = plan
        if state is not None:
            plan = replace(plan, start="")  # where it began is in the state
        torch.set_num_threads(plan.threads)  # for in this process, too, sums depend on how many there are
        self.companions = Companions(plan) if plan.learners > 1 else None
        self.learner: Learner = learner_of(plan, self.companions.group if self.companions else None)
        self.number = 0
        self.progress = 0.0
        self.arrived: list[Chunk] = []
        self.streams = 0
        if state is not None:
            try:
                self._restore(state)
            except (LookupError, TypeError, ValueError, RuntimeError) as error:
                raise Damaged(f"The run's state is not one of this run ({error}); remove it to begin again.") from error
        count = max(1, plan.workers)
        going_on = self.arrived[:count]
        fresh = range(self.streams, self.streams + count - len(going_on))
        self.streams += len(fresh)
        orders = [plan.order(stream) for stream in (*(chunk.stream for chunk in going_on), *fresh)]
        states = [*(chunk.state for chunk in going_on), *(None for _ in fresh)]
        self.pool: Pool = make_pool(orders, states, local=not plan.ray, address=plan.address)
        self.tickets: deque[list[Any]] = deque()
        """Of the rounds that were given out and have not arrived; of each round one a worker."""

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.learner.restore(state["learner"])
        if self.companions is not None:
            self.companions.restore(state["learner"])
        self.number, self.progress = int(state["number"]), float(state["progress"])
        self.streams = int(state["streams"])
        self.arrived = [
            Chunk(worker["columns"], [], worker["state"], self.number, int(worker["stream"]), 0, 0.0)
            for worker in state["workers"]
        ]

    def ready(self) -> str:
        """Waits until every worker can play; returns which inference backends they took."""
        if not self.learner.player:
            return "none"
        tickets = [self.pool.start(i, "ready") for i in range(self.pool.size)]
        backends = [self.pool.finish(ticket) for ticket in tickets]
        return ", ".join(sorted(set(backends)))

    def begin(self) -> Metrics:
        """Sets the workers to play; the learner catches up with what a resumed run had gathered.

        What lives by now is no garbage until `close`: looking through all of it whenever some thousand games have
        arrived would take longer than to unpack them.
        """
        gc.freeze()
        if self.learner.ahead:
            self._send(self.number)
        metrics = self._learn() if self.arrived else {}
        self._send(self.number + self.learner.ahead)
        return metrics

    def _send(self, version: int) -> None:
        """Gives out the next round, to be played with the learner's weights as they are now."""
        if not self.learner.player:
            self.tickets.append([])
            return
        weights = self.learner.weights()
        require_numbers(weights, self.learner.steps)
        weights = self.pool.share(weights)
        each = -(-self.plan.positions // self.pool.size)
        self.tickets.append([self.pool.start(i, "collect", weights, version, each) for i in range(self.pool.size)])

    def round(self, progress: float, between: Callable[[], None] | None = None) -> Round:
        """Gathers what the workers played, learns from it, and gives out one more round.

        `between` is called when this round's experience has arrived and nothing was learned from it: the moment for
        `state()`, for taking the learner's weights, and for giving the workers other calls, which they do after the
        round that they play.
        """
        begun = time.monotonic()
        self.gather(progress)
        if between is not None:
            between()
        before = self.learner.steps
        metrics = self._learn()
        self._send(self.number + self.learner.ahead)
        oldest = min((chunk.version for chunk in self.arrived), default=self.number - 1)
        stale = self.number - oldest - (not self.learner.ahead)
        return Round(self.number, self.arrived, metrics, time.monotonic() - begun, stale, self._decisions(before))

    def _decisions(self, before: int) -> int:
        """How many decisions came with this round, before which the learner had made so many steps."""
        if self.learner.player not in TOLD_WHOLE:
            return self.learner.steps - before
        return sum(len(one.moves) - one.opening for chunk in self.arrived for one in chunk.games)

    def gather(self, progress: float) -> None:
        """Waits for what the workers have played of the oldest round that was given out."""
        self.progress = progress
        self.arrived = [self.pool.finish(ticket) for ticket in self.tickets.popleft()]
        for i, chunk in enumerate(self.arrived):
            self.pool.remember(i, chunk.state)
        self.number += 1

    def _learn(self) -> Metrics:
        columns = [chunk.columns for chunk in self.arrived]
        joined = {name: np.concatenate([part[name] for part in columns]) for name in columns[0]} if columns else {}
        if self.companions is not None:
            return self.companions.update(self.learner, given(self.learner, joined), self.progress)
        return self.learner.update(given(self.learner, joined), self.progress)

    def state(self) -> dict[str, Any]:
        """Everything the rest of the run follows from; to be taken in `between`, or after `gather`."""
        return {
            "number": self.number,
            "progress": self.progress,
            "learner": self.learner.state(),
            "streams": self.streams,
            "workers": [
                {"stream": chunk.stream, "state": chunk.state, "columns": chunk.columns} for chunk in self.arrived
            ],
        }

    def close(self) -> None:
        """Lets the workers go, and the other learners."""
        gc.unfreeze()
        self.pool.close()
        if self.companions is not None:
            self.companions.close()

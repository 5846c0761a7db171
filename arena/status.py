"""What a run shows of itself while it goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.learn.learner import Watchful

if TYPE_CHECKING:
    from arena.run import Run
    from arena.train import Round
    from leagues.rating import Ratings


STARTING = "compiling the rules and starting the workers"
"""What every run does first."""


@dataclass
class Status:
    """The numbers of a league, or of one learner's training, as they are now."""

    game: str
    run: str
    elapsed: float = 0.0
    left: float | None = None
    """Seconds; None if it goes on until it is stopped."""
    rounds: int = 0
    games: int = 0
    """Of self-play."""
    rated: int = 0
    broken: int = 0
    """Rating games of this start that failed, and count for nobody."""
    decisions_per_second: float = 0.0
    evaluations_per_second: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)
    ratings: Ratings | None = None
    newest: str | None = None
    """Name of the newest snapshot."""
    steps: int = 0
    restarts: int = 0
    backend: str = ""
    doing: str = STARTING
    warnings: tuple[str, ...] = ()
    """What the learner sees going wrong."""

    def follow(self, run: Run) -> None:
        """Takes over how far a run is."""
        self.elapsed = run.elapsed()
        self.left = None if run.limit is None else max(0.0, run.limit - self.elapsed)
        self.steps = run.trainer.learner.steps
        self.restarts = run.trainer.pool.restarts
        learner = run.trainer.learner
        self.warnings = learner.warnings() if isinstance(learner, Watchful) else ()

    def take(self, done: Round) -> None:
        """Takes over what a round brought."""
        shown = "rollout/ep_rew_mean"
        rewards = done.rewards
        last = {name: value for name, value in self.metrics.items() if name == shown or name.startswith("eval/")}
        if rewards:
            last[shown] = sum(rewards) / len(rewards)
        self.rounds, self.metrics = done.number, {**last, **done.metrics}
        self.decisions_per_second = done.decisions / done.seconds
        self.evaluations_per_second = done.evaluations / done.seconds

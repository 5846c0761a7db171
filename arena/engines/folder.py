"""The folder of a run by another project's loop: config.toml, agents/ and events/ as every run's, without a state."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from agents.networks import Weights
from agents.storage import save_agent
from arena.curves import Curves
from arena.display import Display
from arena.engines import OURS
from arena.evaluation import Trial, in_earnest, tidy
from arena.lock import occupy
from arena.run import told, write_config
from arena.status import Status
from envs.registry import game

if TYPE_CHECKING:
    from arena.config import Config

SHOWN_EVERY = 0.25
"""Seconds between two pictures on the terminal."""

DONE = {
    "workers.device": ("cpu",),
    "workers.learner_device": ("auto", "cpu"),
    "workers.precision": ("auto", "float32"),
    "network.backend": ("auto", "torch"),
}
"""setting of how networks are computed -> the values that say what engines do."""


def refuse_our_own(config: Config) -> None:
    """Raises ValueError where a run is asked for what only our own training loop does."""
    for name, nothing in OURS.get(config.algorithm, {}).items():
        if getattr(config.learner, name) != nothing:
            raise ValueError(f"learner.{name} is for our own training loop; leave it out, or --engine.")
    for path, done in DONE.items():
        section, name = path.split(".")
        if (asked := getattr(getattr(config, section), name)) not in done:
            raise ValueError(f"{path} = {asked} is for our own training loop: others compute by PyTorch, on the CPU "
                             "and in float32; leave it out, or --engine.")  # fmt: skip


class EngineRun:
    """What is written and shown of a run that a foreign loop drives; a context, left when the run is over.

    It lasts for as many decisions or minutes as the configuration says. The network is tried on held-out seeds as in a
    run of ours, and `best/` holds the best agent so far.
    """

    def __init__(self, config: Config) -> None:
        self.config, self.goal, self.steps = config, config.run.steps, 0
        self.folder, tries = config.folder, config.evaluation
        self.trial = Trial.of(tries, config.game.name, config.run.seed) if tries.every else None
        self.tried = -1
        self.best: float | None = None
        try:
            self.lock = occupy(self.folder)
        except OSError as error:
            raise ValueError(f"{self.folder} cannot be written ({error.strerror or error}); name another.") from error
        self.status = Status(config.game.name, config.run.name, doing=f"training by {config.run.engine}")
        self.display = Display()
        self.latest: dict[str, float] = {}
        self.began = self.shown = time.monotonic()

    def __enter__(self) -> Self:
        try:
            write_config(self.config, self.folder)
            tidy(self.folder)
            self.curves = Curves(self.folder)
            self.display.__enter__()
        except BaseException:
            self.lock.release()
            raise
        self.show()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.display.__exit__(kind, error, at)
        self.curves.close()
        self.lock.release()

    def begin(self) -> None:
        """Starts the clock: all that training needs is there."""
        self.began = time.monotonic()

    def elapsed(self) -> float:
        """Seconds of training."""
        return time.monotonic() - self.began

    def progress(self) -> float:
        """How much of the training is over, 0 to 1."""
        if self.goal:
            return min(1.0, self.steps / self.goal)
        return min(1.0, self.elapsed() / (60.0 * self.config.run.minutes))

    def advance(self, steps: int, games: int = 0) -> bool:
        """Says how many decisions there were so far, and how many games have just ended; whether to go on."""
        self.steps = steps
        self.status.games += games
        if time.monotonic() - self.shown >= SHOWN_EVERY:
            self.show()
        return self.progress() < 1.0

    def show(self) -> None:
        """Puts the present state on the terminal, if there is one."""
        self.shown = time.monotonic()
        status, elapsed = self.status, self.elapsed()
        status.elapsed, status.steps = elapsed, self.steps
        limit = 60.0 * self.config.run.minutes
        status.left = None if self.goal else max(0.0, limit - elapsed)
        status.decisions_per_second = status.evaluations_per_second = self.steps / max(elapsed, 1e-9)
        status.metrics = self.latest
        self.display.show(status)

    def record(self, values: Mapping[str, Any], step: int) -> None:
        """Numbers for the curves and for the terminal; what is no number is left out."""
        for name, value in values.items():
            try:
                number = float(value)
            except (TypeError, ValueError):
                continue
            self.latest[name] = number
            self.curves.add(name, number, step)

    def try_when_due(self, known: Callable[[], Weights]) -> None:
        """Tries what the network knows by now, if so many decisions were learned from since it was tried last."""
        if self.config.evaluation.due(self.tried, self.steps):
            self._try(known())

    def _try(self, weights: Weights) -> None:
        """Tries weights that have learned from all decisions so far, unless they were tried already."""
        if self.trial is None or self.steps == self.tried:
            return
        self.tried = self.steps
        found = self.trial.hold(self.folder, self._name, lambda to: self._write(to, weights), in_earnest, self.best)
        self.best = found["eval/best_mean_reward"]
        self.record(found, self.steps)

    @property
    def _name(self) -> str:
        """Of the agent as it is now."""
        return f"{self.folder.name}-{self.steps:06d}"

    def _write(self, folder: Path, weights: Weights) -> None:
        save_agent(
            folder,
            game(self.config.game.name),
            weights,
            backbone=self.config.network.backbone,
            heads=self.config.network.heads,
            step=self.steps,
            parent=self.folder.name,
        )

    def freeze(self, weights: Weights) -> Path:
        """Writes the agent; returns its folder."""
        folder = self.folder / "agents" / self._name
        self._write(folder, weights)
        return folder

    def finish(self, weights: Weights) -> dict[str, Any]:
        """Once the training is over: tries what came of it and writes the agent; what is to be said of the run."""
        self._try(weights)
        agent = self.freeze(weights)
        if self.trial is not None:
            self.record(self.trial.judge(self.folder, in_earnest), self.steps)
        self.display.__exit__(None, None, None)
        return told(self.config, agent, self.steps, self.elapsed(), self.latest)

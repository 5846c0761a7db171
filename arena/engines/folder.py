"""The folder of a run by another project's loop: config.toml, agents/ and events/ as every run's, without a state."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from agents.learn.ppo import PPOSettings
from agents.networks import Weights
from agents.storage import save_agent
from arena.curves import Curves
from arena.display import Display
from arena.engines import OURS
from arena.lock import occupy
from arena.run import told, write_config
from arena.status import Status
from envs.registry import game

if TYPE_CHECKING:
    from arena.config import Config

SHOWN_EVERY = 0.25
"""Seconds between two pictures on the terminal."""


def refuse_our_own(config: Config) -> None:
    """Raises ValueError where a learner is asked for what only our own training loop does."""
    if not isinstance(config.learner, PPOSettings):
        return
    for name, nothing in OURS.items():
        if getattr(config.learner, name) != nothing:
            raise ValueError(f"learner.{name} is for our own training loop; leave it out, or --engine.")


class EngineRun:
    """What is written and shown of a run that a foreign loop drives; a context, left when the run is over.

    It lasts for as many decisions or minutes as the configuration says.
    """

    def __init__(self, config: Config) -> None:
        self.config, self.goal, self.steps = config, config.run.steps, 0
        self.folder = config.folder
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

    def freeze(self, weights: Weights) -> dict[str, Any]:
        """Writes the agent; returns what is to be said of the run."""
        name = f"{self.folder.name}-{self.steps:06d}"
        folder = self.folder / "agents" / name
        rules = game(self.config.game.name)
        save_agent(
            folder,
            rules,
            weights,
            backbone=self.config.network.backbone,
            heads=self.config.network.heads,
            step=self.steps,
            parent=self.folder.name,
        )
        self.display.__exit__(None, None, None)
        return told(self.config, folder, self.steps, self.elapsed(), self.latest)

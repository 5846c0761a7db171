"""The numbers of a run over its steps: for TensorBoard, and where `run.track` asks for Weights & Biases or trackio."""

from __future__ import annotations

import importlib
import importlib.util
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from agents.files import write_text

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

Tracking = Literal["", "wandb", "trackio"]
"""The package that `run.track` names, or none."""
PROJECT = "arena"
"""Under which runs are found at a tracker."""
STEP = "steps"
"""The tracker's axis: a run that goes on from a state writes some steps again, which its own counter would refuse."""


class Curves:
    """Where a run writes its numbers; nothing is opened before the first of them.

    A step is written as a whole once the next one begins: of two numbers of one name and step the latter counts. Those
    of the last step belong into the run's state, for what follows that may have more to say of the same step.

    Raises ValueError where the tracker that the run's config.toml names is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.first = folder, 0
        self.step, self.values = 0, dict[str, float]()
        self.tracker = Tracker.of(folder)
        self._events: SummaryWriter | None = None

    def go_on(self, state: Mapping[str, Any]) -> None:
        """The run goes on from where `state` was taken: what was written later is taken out of TensorBoard's curves.

        Raises LookupError, TypeError or ValueError for what is no such state.
        """
        self.first = self.step = int(state["step"])
        self.values = {str(name): float(value) for name, value in dict(state["values"]).items()}

    def state(self) -> dict[str, Any]:
        """What to go on from: the last step with its numbers; those of all before are on disk then."""
        if self._events is not None:
            self._events.flush()
        return {"step": self.step, "values": dict(self.values)}

    @staticmethod
    def after(step: int) -> dict[str, Any]:
        """What `state` gives once all numbers of a step are on disk; a run's state of an earlier version lacks it."""
        return {"step": step + 1, "values": {}}

    def add(self, name: str, value: float, step: int) -> None:
        """One number at one step."""
        if step != self.step:
            self._write()
            self.step = step
        self.values[name] = float(value)

    def _write(self) -> None:
        """Writes out the last step."""
        if not self.values:
            return
        from torch.utils.tensorboard.summary import scalar

        if self._events is None:
            from torch.utils.tensorboard import SummaryWriter

            self._events = SummaryWriter(str(self.folder / "events"), purge_step=self.first)
        first, *others = self.values.items()
        together = scalar(*first)
        for name, value in others:
            together.MergeFrom(scalar(name, value))
        writer: Any = self._events.file_writer
        writer.add_summary(together, self.step)  # one event; add_scalar's, one a number, cost five times as much
        if self.tracker is not None:
            self.tracker.send(self.values, self.step)
        self.values = {}

    def close(self) -> None:
        """Writes out what is left."""
        self._write()
        if self._events is not None:
            self._events.close()
        if self.tracker is not None:
            self.tracker.close()


class Tracker:
    """A run at Weights & Biases or trackio, which share these calls; a run that goes on there is the same one.

    At Weights & Biases it is known by a word that is drawn once and kept beside config.toml, wherever the folder goes.

    Nothing but config.toml and the numbers is sent; the packages' own settings say where to (WANDB_MODE=offline).
    """

    def __init__(self, package: str, folder: Path, config: dict[str, Any]) -> None:
        self.package, self.folder, self.config = importlib.import_module(package), folder, config
        self._run: Any = None

    @staticmethod
    def of(folder: Path) -> Tracker | None:
        """What the run's config.toml asks for; None if it asks for nothing."""
        path = folder / "config.toml"
        config = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        package = config.get("run", {}).get("track", "")
        if not package:
            return None
        known = [name for name in get_args(Tracking) if name]
        if package not in known:
            raise ValueError(f'run.track = "{package}" is no tracker; it is {" or ".join(known)}, or left empty.')
        if importlib.util.find_spec(package) is None:
            raise ValueError(f'run.track = "{package}" wants that package: pip install {package}, or leave it empty.')
        return Tracker(package, folder, config)

    def send(self, values: Mapping[str, float], step: int) -> None:
        """Sends a step as a whole."""
        if self._run is None:
            self._run = self._begin()
        self._run.log({**values, STEP: step})

    def close(self) -> None:
        """Ends the run there."""
        if self._run is not None:
            self._run.finish()

    def _begin(self) -> Any:
        where = {"project": PROJECT, "name": self.folder.name, "config": self.config, "resume": "allow"}
        if self.package.__name__ != "wandb":
            return self.package.init(**where)
        quiet = self.package.Settings(console="off", disable_git=True, disable_code=True, silent=True)
        kept = self.folder / "wandb.id"
        if not kept.exists():
            write_text(kept, secrets.token_hex(8))
        own = kept.read_text(encoding="utf-8").strip()
        run = self.package.init(**where, id=own, dir=str(self.folder), settings=quiet)
        run.define_metric("*", step_metric=STEP)
        return run

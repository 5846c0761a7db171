"""Curves: steps that are written again replace what was there; a tracker that is not there is refused in time."""

import sys
import types
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from arena.curves import Curves, Tracker


def test_what_was_written_after_the_kept_state_is_taken_out(tmp_path: Path):
    """And what was written of its step is there once, though a killed start wrote it, and this one writes it again."""
    first, states = Curves(tmp_path), {}
    for step in (1, 2, 3, 4):
        first.add("train/loss", float(step), step)
        first.add("train/loss", -float(step), step)
        states[step] = first.state()
    first.close()
    second = Curves(tmp_path)
    second.go_on(states[2])
    second.add("elo", 20.0, 2)
    second.add("train/loss", 30.0, 3)
    second.close()
    assert shown(tmp_path) == {"train/loss": [(1, -1.0), (2, -2.0), (3, 30.0)], "elo": [(2, 20.0)]}


def shown(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Every point of every curve as TensorBoard shows it."""
    read = EventAccumulator(str(folder / "events"), size_guidance={"scalars": 0})
    read.Reload()
    return {tag: [(point.step, point.value) for point in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


@pytest.mark.parametrize(("track", "mend"), [("wandb", "pip install wandb"), ("os", "no tracker; it is wandb or")])
def test_a_tracker_that_is_not_installed_or_not_known_is_refused(
    track: str, mend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "wandb" else object())
    (tmp_path / "config.toml").write_text(f'[run]\ntrack = "{track}"\n')
    with pytest.raises(ValueError, match=mend):
        Curves(tmp_path)


def test_a_step_is_sent_as_a_whole_when_the_next_begins(tmp_path: Path):
    sent: list[dict[str, float]] = []

    class Run:
        def log(self, values: dict[str, float]) -> None:
            sent.append(dict(values))

        def finish(self) -> None:
            sent.append({})

    curves = Curves(tmp_path)
    curves.tracker = Tracker("json", tmp_path, {})
    curves.tracker._run = Run()
    for name, value, step in (("a", 1.0, 5), ("b", 2.0, 5), ("a", 3.0, 6)):
        curves.add(name, value, step)
    curves.close()
    assert sent == [{"a": 1.0, "b": 2.0, "steps": 5}, {"a": 3.0, "steps": 6}, {}]


def test_weights_and_biases_know_a_run_wherever_its_folder_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    package = types.ModuleType("wandb")
    package.Settings = dict  # pyright: ignore[reportAttributeAccessIssue]
    begun: list[str] = []

    class Run:
        def define_metric(self, *_: str, **__: str) -> None: ...

    package.init = lambda **given: begun.append(given["id"]) or Run()  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "wandb", package)
    for name in ("here", "other"):
        (tmp_path / name).mkdir()
        Tracker("wandb", tmp_path / name, {})._begin()
    (tmp_path / "here").rename(tmp_path / "there")
    Tracker("wandb", tmp_path / "there", {})._begin()
    assert begun[2] == begun[0] != begun[1]


def test_weights_and_biases_keep_a_run_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    (tmp_path / "config.toml").write_text('[run]\ntrack = "wandb"\nname = "a"\n')
    tracker = Tracker.of(tmp_path)
    assert tracker is not None
    for step in (1, 2):
        tracker.send({"train/loss": 1.0 / step}, step)
    tracker.close()
    (kept,) = (tmp_path / "wandb").glob("offline-run-*/run-*.wandb")
    assert b"train/loss" in kept.read_bytes()

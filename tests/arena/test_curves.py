"""Curves: steps that are written again replace what was there; a tracker that is not there is refused in time."""

import sys
import types
from pathlib import Path

import pytest

from arena.curves import Curves, Tracker
from arena.viewers.run_curves import Events


def test_what_was_written_after_the_kept_state_is_taken_out(tmp_path: Path):
    first = Curves(tmp_path)
    for step in (1, 2, 3):
        first.add("train/loss", float(step), step)
    first.close()
    second = Curves(tmp_path)
    second.go_on(1)
    second.add("train/loss", 20.0, 2)
    second.close()
    steps, values = Events(tmp_path).curves()["train/loss"]
    assert steps.tolist() == [1.0, 2.0] and values.tolist() == [1.0, 20.0]


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

    tracker = Tracker("json", tmp_path, {})
    tracker._run = Run()
    for name, value, step in (("a", 1.0, 5), ("b", 2.0, 5), ("a", 3.0, 6)):
        tracker.add(name, value, step)
    tracker.close()
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
        tracker.add("train/loss", 1.0 / step, step)
    tracker.close()
    (kept,) = (tmp_path / "wandb").glob("offline-run-*/run-*.wandb")
    assert b"train/loss" in kept.read_bytes()

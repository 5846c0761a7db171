"""The bench of time to a goal: the same trials for both sides, and no time but that of learning."""

from __future__ import annotations

import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

from agents.agent import Decision
from arena.bench import goal
from arena.cluster import stop_ray
from arena.recipes import RECIPES, Recipe

ROOT = Path(__file__).resolve().parents[2]


class Falling:
    """Always pushes to the left: ten plies or so."""

    name = "falling"

    def begin(self, game, seeds):
        return {}

    def act(self, view, memory):
        return Decision(np.zeros(len(view.obs), np.int64), memory)


def test_trials_are_made_when_they_are_due_and_their_time_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [10.0]
    monkeypatch.setattr(time, "process_time", lambda: clock[0])
    monkeypatch.setattr(goal, "GAMES", 3)
    watch = goal.Watch(0, 5000, begun=8.0)

    def slow() -> Falling:
        clock[0] += 100.0
        return Falling()

    assert watch.goes_on(goal.EVERY - 1, slow) and watch.reached.steps == 0
    assert watch.goes_on(goal.EVERY + 5, slow) and watch.reached[:2] == (2.0, goal.EVERY + 5)
    assert 8 <= watch.reached.mean <= 11 and not watch.reached.there
    clock[0] += 1.0
    assert watch.goes_on(2 * goal.EVERY - 1, slow) and watch.reached.seconds == 2.0
    watch.reached = watch.reached._replace(mean=0.0)
    monkeypatch.setattr(goal, "GOAL", 5.0)
    assert not watch.goes_on(2 * goal.EVERY, slow)
    assert watch.reached.seconds == 3.0 and watch.reached.there
    assert not watch.goes_on(3 * goal.EVERY, slow) and watch.reached.steps == 2 * goal.EVERY


def test_a_seed_that_does_not_get_there_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goal, "GAMES", 2)
    monkeypatch.setattr(goal, "EVERY", 64)
    small = {"learner.algorithm": "ppo", "game.name": "cart_pole", "run.steps": 128, "rollouts.lanes": 4,
             "rollouts.steps": 16, "network.backbone": "mlp:width=8", "learner.batch": 64}  # fmt: skip
    monkeypatch.setitem(RECIPES, "ppo cart_pole", Recipe(small, 475.0, "nobody"))
    (row,) = goal.contests("1", "ppo", "")
    assert row["peer"] is None and row["ratio"] is None and row["runs"] == 1
    assert row["note"].endswith("(128, not reached)") and "ours 0 of 1: " in row["note"] and row["ours"] == 0.0
    monkeypatch.setattr(goal, "GOAL", 1.0)
    (row,) = goal.contests("1", "ppo", "")
    assert row["note"].endswith("(64)") and "ours 1 of 1: " in row["note"] and row["ours"] > 0


def test_a_seed_that_does_not_get_there_is_the_slowest(monkeypatch: pytest.MonkeyPatch) -> None:
    there, lost = goal.Reached(4.0, 10, goal.GOAL), goal.Reached(1.0, 10, 9.0)
    assert goal.hourly([there, there, lost]) == 900.0 and goal.hourly([there, lost]) == 0.0
    monkeypatch.setattr(goal, "absent", lambda peer: "")
    monkeypatch.setattr(goal, "native", lambda name, seed, most=0: there)
    monkeypatch.setattr(goal, "foreign", lambda peer, seed, most: there if seed == 2 else lost)
    (row,) = goal.rows("ppo", ["sb3:ppo"], 3)
    assert (row["ours"], row["peer"], row["theirs"], row["ratio"]) == (900.0, goal.CALLED["sb3:ppo"], 0.0, None)
    assert "ours 3 of 3: 4.00 (10), " in row["note"] and "theirs 1 of 3: 1.00 (10, not reached), " in row["note"]


def test_who_is_compared_is_installed_with_the_peers() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert "arena[sb3]" in extras["peers"] and any("stable-baselines3" in one for one in extras["sb3"])
    assert any(one.startswith("ray[rllib]") for one in project["dependencies"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"only": "ppp"}, "only: there is no 'ppp'; did you mean 'ppo'"),
        ({"peers": "sb3,rlib"}, "peers: there is no 'rlib'; did you mean 'rllib'"),
    ],
)
def test_who_is_not_there_is_named_before_anybody_learns(options: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        next(goal.contests(**options))


def test_every_peer_has_a_name_and_an_end() -> None:
    peers = {peer for those in goal.PEERS.values() for peer in those}
    assert peers == set(goal.CALLED) == set(goal.MOST)
    assert {peer.partition(":")[0] for peer in peers} == set(goal.PACKAGES)


def test_ray_is_not_imported_to_see_whether_it_is_there() -> None:
    """It reads on import that it must ask for a token, which `start_ray` says."""
    code = "import sys; from arena.bench import goal; print(goal.absent('rllib:ppo'), 'ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == " False\n"


def test_both_sides_are_tried_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("stable_baselines3")
    monkeypatch.setattr(goal, "GAMES", 2)
    monkeypatch.setattr(goal, "EVERY", 256)
    reached = goal.foreign("sb3:ppo", 0, 256)
    assert reached.steps == 256 and 5 <= reached.mean <= 500 and reached.seconds > 0
    assert goal.foreign("sb3:dqn", 0, 300).steps == 300


@pytest.mark.ray
def test_rllibs_learner_is_tried_after_each_of_its_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray.rllib")
    monkeypatch.setattr(goal, "GAMES", 2)
    for name, value in (("train_batch_size_per_learner", 128), ("minibatch_size", 64), ("num_epochs", 1)):
        monkeypatch.setitem(goal.EXAMPLE_PPO[0], name, value)
    try:
        reached = goal.foreign("rllib:ppo", 0, 1)
    finally:
        stop_ray()
    assert reached.steps == 128 and 5 <= reached.mean <= 500 and reached.seconds > 0

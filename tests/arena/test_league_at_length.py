"""A league at length: what is frozen stays what it was wherever it lies, and workers need not wait for learners."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.learn.ppo import PPO, PPOSettings
from agents.rollouts import RolloutSettings
from arena.population.season import Season
from arena.population.sparring import Bout, Recipe
from arena.population.trainers import LeaguePlan
from arena.store import Store
from envs.registry import game
from leagues.population import Weights
from leagues.preset import composition
from leagues.snapshots import Verdict


def plan(settings: PPOSettings, **roles: str) -> LeaguePlan:
    """Learners of Kuhn poker with these roles, in this process."""
    made = composition(
        {
            "learners": {name: {"role": role} for name, role in roles.items()},
            "snapshots": {"least": 1e9, "most": 1e9},
            "matches": {"rated_pairs": 0, "stored": 0},
            "anchors": [],
        }
    )
    playing, heads = RolloutSettings(lanes=8, steps=6), PPO.parts(game("kuhn"), settings)[1]
    recipes = {name: Recipe("ppo", "mlp:layers=1,width=8", heads, playing) for name in roles}
    of = dict.fromkeys(roles, settings)
    return LeaguePlan("kuhn", made, recipes, of, 0, 1, ray=False, positions=1, backend="torch")


def digest(weights: Any) -> str:
    """Of a network's arrays, or of its tensors."""
    return sha256(b"".join(name.encode() + np.asarray(weights[name]).tobytes() for name in sorted(weights))).hexdigest()


def everywhere(season: Season, name: str) -> dict[str, str]:
    """A frozen member's weights where they lie: on disk, in the population's memory, and in the worker's agent."""
    (worker,) = season.trainers.pool.workers  # type: ignore[attr-defined]
    return {
        "file": sha256((season.folder / "agents" / name / "weights.safetensors").read_bytes()).hexdigest(),
        "population": digest(season.population.weights(name)),
        "shared": digest(season.trainers._handles[name]),
        "worker": digest(worker._ready[name].agent.actor.network.state_dict()),
    }


@pytest.mark.parametrize("updates", [100, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_frozen_member_is_the_same_after_many_updates_of_its_parent(tmp_path: Path, updates: int) -> None:
    with Store(tmp_path / "arena.db") as store:
        one = Season(tmp_path / "runs" / "x", plan(PPOSettings(batch=2), main="uniform_past"), store, rounds=1)
        pupil = one.trainers.pupils["main"]
        learner: Any = pupil.learner
        one.trainers.round(0.0)
        one.freeze([("main", Verdict(True, "now", 0.0))])
        (turn,) = one.trainers.round(0.0)
        name = one.frozen[0]["name"]
        assert pupil.fed is not None and pupil.fed.odds == {name: 1.0}  # so it was played
        before, then, begun = everywhere(one, name), digest(pupil.weights), learner.updates
        while learner.updates < begun + updates:
            learner.update(turn.parts[0].columns, 0.0)
        pupil.weights = learner.weights()
        one.trainers.round(0.0)
        assert learner.updates >= begun + updates
        assert everywhere(one, name) == before
        assert digest(pupil.weights) != then and before["population"] == before["shared"] == before["worker"]
        one.close()


def test_the_last_learner_learns_while_the_others_games_are_played(tmp_path: Path) -> None:
    """And then plays by what it has learned, as all do."""
    told: list[tuple[str, str]] = []
    with Store(tmp_path / "arena.db") as store:
        one = Season(tmp_path / "runs" / "x", plan(PPOSettings(batch=64), a="main", b="main"), store, rounds=1)
        pool, pupils = one.trainers.pool, one.trainers.pupils
        start, given = pool.start, {}

        def sent(worker: int, method: str, bout: Bout, own: Weights, *weights: Weights) -> Any:
            told.append(("plays", bout.learner))
            given[bout.learner] = digest(own)
            return start(worker, method, bout, own, *weights)

        def heard(name: str, update: Any) -> Any:
            def learn(*arguments: Any) -> Any:
                told.append(("learns", name))
                return update(*arguments)

            return learn

        pool.start = sent  # type: ignore[method-assign]
        for name, pupil in pupils.items():
            pupil.learner.update = heard(name, pupil.learner.update)  # type: ignore[method-assign]
        one.trainers.round(0.0)
        assert told == [("plays", "a"), ("plays", "b"), ("learns", "a")] and pupils["b"].learner.steps == 0
        told.clear()
        one.trainers.round(0.0)
        assert told == [("plays", "a"), ("learns", "b"), ("plays", "b"), ("learns", "a")]
        assert given["b"] == digest(pupils["b"].weights) and pupils["b"].learner.steps > 0
        one.close()

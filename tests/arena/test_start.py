"""Training that begins from a stored agent's weights: what it takes, when it reads them, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from agents.networks import Network, weights
from agents.storage import BadAgent, save_agent
from arena.config import load
from arena.population import composing
from arena.sections import ConfigError
from arena.train import Plan, Trainer
from envs.registry import game

BODY = "mlp:layers=1,width=8"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "agents" / "a"
    network = Network(game("kuhn"), BODY, ("policy",), seed=7)
    save_agent(path, network.game, weights(network), backbone=BODY, heads=("policy",))
    return tmp_path / "run"


def plan(start: str) -> Plan:
    config = load(None, ["learner.algorithm=ppo", "game.name=kuhn"])
    return Plan(
        game="kuhn", algorithm="ppo", backbone=BODY, heads=("policy", "returns"), learner=config.learner,
        playing=config.playing, seed=0, workers=1, ray=False, positions=8, backend="torch", start=start,
    )  # fmt: skip


def test_the_learner_begins_with_the_agents_weights_and_a_resumed_one_does_not_read_them(folder: Path):
    given = weights(Network(game("kuhn"), BODY, ("policy",), seed=7))
    begun, plain = Trainer(plan(str(folder))), Trainer(plan(""))
    taken, random = begun.learner.weights(), plain.learner.weights()
    for name, array in taken.items():
        assert np.array_equal(array, given.get(name, random[name]))
    assert not np.array_equal(taken["heads.policy.score.weight"], random["heads.policy.score.weight"])
    state = begun.state()
    shutil.rmtree(folder)
    resumed = Trainer(plan(str(folder)), state)
    assert all(np.array_equal(array, taken[name]) for name, array in resumed.learner.weights().items())
    with pytest.raises(BadAgent, match="is no agent"):
        Trainer(plan(str(folder)))


def test_the_backbone_is_the_agents_unless_another_is_named(folder: Path):
    named = ["learner.algorithm=ppo", "game.name=kuhn", f"network.start={folder}"]
    assert load(None, named).network.backbone == BODY
    assert load(None, [*named, "network.backbone=mlp"]).network.backbone == "mlp"
    assert load(None, named[:2]).network.backbone != BODY
    from arena.run import plan_of

    assert plan_of(load(None, named)).start == str(folder)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"network.start": "nowhere"}, r"\[network\] start: nowhere is no agent"),
        (
            {"learner.algorithm": "q_learning", "game.name": "four_rooms"},
            "q_learning keeps a table, which begins from nothing",
        ),
        ({"run.engine": "sb3"}, "network.start is for our own training loop"),
    ],
)
def test_what_cannot_begin_there_is_refused(folder: Path, changes: dict[str, str], sentence: str):
    named = {"learner.algorithm": "ppo", "game.name": "kuhn", "network.start": str(folder)} | changes
    with pytest.raises(ConfigError, match=sentence):
        load(None, [f"{key}={value}" for key, value in named.items()])


def test_the_learners_of_a_league_begin_from_nothing(folder: Path):
    overrides = ["learner.algorithm=ppo", f"network.start={folder}"]
    composed = composing.compose("self-play", "kuhn", None, overrides)
    with pytest.raises(ConfigError, match="begin from random weights; leave network"):
        composing.plan_of(composed, None)

"""Deep CFR's regrets are the exact tree's, its mean strategy nears an equilibrium, and a run of it goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from agents.actor import Actor, ActorAgent
from agents.agent import Unable
from agents.exact.best_response import exploitability
from agents.exact.cfr import Regrets
from agents.exact.policy import policy_of
from agents.exact.tree import flatten
from agents.learn.deep_cfr import DeepCFR, DeepCFRSettings, matched
from agents.networks import Network, Weights
from arena import cli
from arena.checkpoint import load_state, save_state
from envs.registry import game

KUHN = game("kuhn")
TREE = flatten(KUHN)
SMALL = DeepCFRSettings(hands=1000, batch=64, learning_rate=1e-2)


def network(backbone: str = "mlp:layers=2,width=32") -> Network:
    return Network(KUHN, backbone, ("policy", "returns"), seed=0).eval()


def table(arrays: Weights) -> np.ndarray:
    played = network()
    played.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return policy_of(ActorAgent(Actor(played), "it", 1.0), TREE)


def test_regrets_are_the_counterfactual_ones_of_the_policy_that_played():
    """After one round, against an exact iteration from the same policy, of the seat that moves first in it."""
    played = network()
    with torch.no_grad():
        for weight in played.parameters():
            weight.mul_(2.5)
    hands = 200_000
    learner = DeepCFR(KUHN, played, replace(SMALL, hands=hands, explore=0.0, even=1e-9), 0)
    exact = Regrets(TREE)
    exact.policy = TREE.flat(table(learner.weights()))
    exact.run(1)
    learner.update({}, 0.0)
    place = {int(key): i for i, key in enumerate(TREE.keys.view(np.int64))}
    at = np.array([place[key] for key in learner.sets.keys.tolist()])
    own = at < TREE.bounds[1]
    wanted = TREE.table(exact.regrets)[at[own]]
    assert own.sum() == 6 and wanted.max() > 0.05
    assert np.abs(learner.regrets[own] / hands - wanted).max() < 0.01


def test_play_goes_in_proportion_to_positive_regrets():
    regrets, legal = np.array([[3.0, 1.0, 9.0], [-1.0, 0.0, 5.0]]), np.array([[1, 1, 0], [1, 1, 0]], np.bool_)
    assert matched(regrets, legal).tolist() == [[0.75, 0.25, 0.0], [0.5, 0.5, 0.0]]


def test_what_is_kept_nears_an_equilibrium_of_kuhn_poker():
    learner = DeepCFR(KUHN, network(), SMALL, 0)
    assert exploitability(TREE, table(learner.kept())) > 0.3
    for i in range(150):
        learner.update({}, i / 150)
    assert exploitability(TREE, table(learner.kept())) < 0.1


def test_a_run_goes_on_from_its_state_to_the_last_bit(tmp_path: Path):
    settings = replace(SMALL, hands=200)
    straight, resumed = (DeepCFR(KUHN, network(), settings, 0) for _ in range(2))
    for _ in range(2):
        straight.update({}, 0.5)
    save_state(tmp_path / "state", straight.state())
    state = load_state(tmp_path / "state")
    assert state is not None
    resumed.restore(state)
    for learner in (straight, resumed):
        for _ in range(2):
            learner.update({}, 0.6)
    assert resumed.steps == straight.steps > 0
    for one, two in ((straight.weights(), resumed.weights()), (straight.kept(), resumed.kept())):
        assert all(one[name].tobytes() == two[name].tobytes() for name in one)
    assert np.array_equal(straight.regrets, resumed.regrets)


def test_games_that_it_cannot_learn_are_refused(capsys: pytest.CaptureFixture[str]):
    for name in ("connect_four", "goofspiel", "cart_pole"):
        with pytest.raises(Unable, match=f"{name} is none. Train it with ppo"):
            DeepCFR.parts(game(name), SMALL)
    with pytest.raises(Unable, match="gru:width=8 remembers more than a seat knows"):
        DeepCFR(KUHN, network("gru:width=8"), SMALL, 0)
    assert cli.run(["train", "deep_cfr", "kuhn", "--learners", "2", "--steps", "10", "--workers", "0"]) == 2
    assert "deep_cfr plays by itself and learns alone; leave --learners out." in capsys.readouterr().err

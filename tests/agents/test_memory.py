"""Memory through rollouts, learning and play: the same states in all three, and what cannot be solved without."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.actor import Actor, ActorAgent
from agents.learn.ppo import PPO, PPOSettings
from agents.learn.worlds import WORLDS
from agents.networks import Network
from agents.play import play_games
from agents.rollouts import Rollouts, RolloutSettings
from arena.checkpoint import load_state, save_state
from envs import kernels
from envs.registry import game


def made(rules, backbone: str, lanes: int = 8, steps: int = 16, loud: float = 1.0, **settings):
    """A learner and its rollouts; a `loud` policy makes more of what it is given than an untrained one does."""
    network = Network(rules, backbone, PPO.parts(rules, PPOSettings())[1], seed=0)
    with torch.no_grad():
        network.get_parameter("heads.policy.score.weight").mul_(loud)
    learner = PPO(rules, network, PPOSettings(**settings), 0)
    return learner, Rollouts(network, RolloutSettings(lanes=lanes, steps=steps), 0)


@pytest.mark.parametrize("name", ["cart_pole", "tic_tac_toe"])
@pytest.mark.parametrize("backbone", ["elman:width=16", "gru:width=16", "lstm:width=16", "transformer:window=4"])
def test_what_was_remembered_while_playing_is_remembered_while_learning(name, backbone):
    """In the second fragment, too, whose games began in the first: every ratio is 1, and values are those recorded."""
    learner, rollouts = made(game(name), backbone, loud=300.0, epochs=1, batch=10_000)
    rollouts.collect(0)
    columns, _ = rollouts.collect(0)
    key = next(key for key in columns if key.startswith("memory."))
    assert np.abs(columns[key]).max() > 0
    wrong, _ = made(game(name), backbone, loud=300.0, epochs=1, batch=10_000)
    assert learner.update(columns, 0.0)["train/approx_kl"] < 1e-8
    forgotten = {**columns, **{key: np.zeros_like(columns[key]) for key in columns if key.startswith("memory.")}}
    assert wrong.update(forgotten, 0.0)["train/approx_kl"] > 1e-7


def recall(backbone: str) -> float:
    """Mean return in the world `recalled`, of 1 and -1, after learning."""
    learner, rollouts = made(WORLDS["recalled"], backbone, 32, 12, learning_rate=5e-3, final_rate=1.0, discount=0.9)
    games = []
    for _ in range(20):
        rollouts.load(learner.weights())
        columns, games = rollouts.collect(0)
        learner.update(columns, 0.0)
    return float(np.mean([one.reward[0] for one in games]))


@pytest.mark.learns
def test_a_sign_seen_before_is_recalled_by_those_that_remember_and_by_nobody_else():
    assert recall("gru:width=16") > 0.8
    assert abs(recall("mlp:width=16")) < 0.4


def test_goes_on_exactly_with_what_it_remembers(tmp_path):
    straight, other = (made(game("connect_four"), "lstm:width=8")[1] for _ in range(2))
    straight.collect(0)
    save_state(tmp_path / "state", straight.state())
    other.restore(load_state(tmp_path / "state"))
    expected, got = straight.collect(0)[0], other.collect(0)[0]
    assert all(expected[key].tobytes() == got[key].tobytes() for key in expected)


def test_an_agent_remembers_its_own_games_and_no_others():
    """A game of many goes as it does alone, and not as it does with the memory wiped at every move."""
    rules = WORLDS["recalled"]
    agent = ActorAgent(Actor(Network(rules, "elman:width=8", ("policy", "returns"), seed=3)), "x", 1.0)
    seating, seeds = np.zeros((6, 1), np.int64), np.arange(6, dtype=np.uint64)
    together = play_games(rules, [agent], seating, seeds)
    for i in range(6):
        (alone,) = play_games(rules, [agent], seating[:1], seeds[i : i + 1])
        assert alone.moves == together[i].moves
    rows = kernels.new_rows(rules, seeds)
    memory = agent.begin(rules, seeds)
    kept = agent.act(kernels.view(rules, rows), memory).memory
    assert np.abs(kept["net.h"]).max() > 0 and np.abs(memory["net.h"]).max() == 0

"""The mean strategy is the exact tree's of the same policies, a network learns to play it, and a run of it goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from agents.actor import Actor, ActorAgent
from agents.agent import Unable
from agents.exact.best_response import exploitability
from agents.exact.policy import mixture, policy_of, reached
from agents.exact.tree import flatten
from agents.experience import Columns
from agents.hands import Hands
from agents.learn import mean_strategy as module
from agents.learn.mean_strategy import MeanStrategy
from agents.learn.ppo import HANDS, PPO, PPOSettings
from agents.networks import Network
from arena.checkpoint import load_state, save_state
from envs.registry import game

KUHN = game("kuhn")
TREE = flatten(KUHN)
LEARNING = replace(HANDS, learning_rate=3e-3, strategies=True)


def network(seed: int = 0) -> Network:
    """One whose policy is far from even."""
    made = Network(KUHN, "mlp:layers=2,width=32", ("policy", "returns"), seed=seed)
    with torch.no_grad():
        for weight in made.parameters():
            weight.mul_(2.5)
    return made.eval()


def told(games: int = 500, explore: float = 0.2) -> Columns:
    return Hands(network(), games, 0, explore).collect(0)[0]


def table(net: Network) -> np.ndarray:
    return policy_of(ActorAgent(Actor(net), "it", 1.0), TREE)


def mean(rounds: int = 3) -> tuple[MeanStrategy, list[Network]]:
    strategy, played = MeanStrategy(network(9), 0.01), [network(seed) for seed in range(rounds)]
    for i, one in enumerate(played):
        strategy.follow(told(), one, 1.0 / (i + 1), 0.01, 64, np.random.default_rng(0))
    return strategy, played


def test_hands_say_what_their_seats_decided_before():
    hands = told()
    place = {int(key): i for i, key in enumerate(TREE.keys.view(np.int64))}
    sets, above, by = (hands[name][:, 0].tolist() for name in ("set", "above", "by"))
    assert len(set(sets)) == 12 and sum(action >= 0 for action in by) == 6  # three sets, two actions in each
    for key, parent, action in zip(sets, above, by, strict=True):
        sequence = TREE.above[place[key]]
        before = TREE.sets[sequence]
        assert action == (TREE.actions[sequence] if before >= 0 else -1)
        assert parent == (TREE.keys.view(np.int64)[before] if before >= 0 else -1)


def test_the_mean_is_that_of_strategies():
    strategy, played = mean()
    tables = np.array([table(one) for one in played])
    exact = mixture(TREE, np.array([reached(TREE, one) for one in tables]), np.ones(3))
    order = np.searchsorted(np.sort(TREE.keys.view(np.int64)), strategy.keys)
    at = np.argsort(TREE.keys.view(np.int64))[order]
    own = strategy.sums / strategy.sums.sum(1, keepdims=True)
    assert np.allclose(own, exact[at], atol=1e-5)
    assert np.abs(exact - tables.mean(0)).max() > 0.01  # the mean of policies is another


def test_a_network_learns_the_mean_and_the_values_of_who_played_last():
    strategy, played = mean()
    hands, rng = told(), np.random.default_rng(0)
    for i in range(300):
        strategy.follow(hands, played[-1], 0.0, 0.01 * (1 - i / 300), 64, rng)
    at = np.argsort(strategy.keys)
    wanted = strategy.sums / strategy.sums.sum(1, keepdims=True)
    with torch.no_grad():
        said, value = strategy.network(torch.from_numpy(strategy.obs)), played[-1](torch.from_numpy(strategy.obs))
    assert np.abs(said["policy"].softmax(1).numpy() - wanted)[at].max() < 0.02
    assert (said["returns"] - value["returns"]).abs().max() < 0.1


def test_a_run_goes_on_from_its_state_to_the_last_bit(tmp_path):
    def made() -> tuple[PPO, Hands]:
        return PPO(KUHN, network(), LEARNING, 0), Hands(network(), 200, 0, explore=0.1)

    def played(learner: PPO, player: Hands, rounds: int) -> None:
        for _ in range(rounds):
            player.load(learner.weights())
            learner.update(player.collect(0)[0], 0.5)

    learner, player = made()
    played(learner, player, 2)
    save_state(tmp_path / "state", learner.state())
    begun = dict(player.state())
    played(learner, player, 2)
    resumed, other = made()
    state = load_state(tmp_path / "state")
    assert state is not None
    resumed.restore(state)
    other.restore(begun)
    played(resumed, other, 2)
    one, two = learner.kept(), resumed.kept()
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert learner.strategy and resumed.strategy and np.array_equal(learner.strategy.sums, resumed.strategy.sums)
    assert any(not np.array_equal(one[name], array) for name, array in learner.weights().items())


def test_what_is_kept_nears_an_equilibrium():
    learner, player = PPO(KUHN, network(), LEARNING, 0), Hands(network(), 2000, 0, explore=0.1)
    rounds = 100
    for i in range(rounds):
        player.load(learner.weights())
        learner.update(player.collect(0)[0], i / rounds)
    keeps = network()
    keeps.load_state_dict({name: torch.from_numpy(array) for name, array in learner.kept().items()})
    assert exploitability(TREE, table(keeps)) < 0.15 < exploitability(TREE, table(network()))


def test_what_cannot_be_averaged_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="set average above 0, or strategies to false"):
        PPOSettings(strategies=True)
    hands = told()
    plain = {name: column for name, column in hands.items() if name not in ("set", "above", "by")}
    with pytest.raises(Unable, match=r"set rollouts\.hands, or learner\.strategies to false"):
        MeanStrategy(network(), 0.01).follow(plain, network(), 1.0, 0.01, 64, np.random.default_rng(0))
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    with pytest.raises(
        Unable, match=r"Seats knew 12 different things in this run, .* set learner\.strategies to false"
    ):
        MeanStrategy(network(), 0.01).follow(hands, network(), 1.0, 0.01, 64, np.random.default_rng(0))

"""The mean strategy is the exact tree's of the same policies, and a network learns to play it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.actor import Actor, ActorAgent
from agents.agent import Unable
from agents.exact.policy import mixture, policy_of, reached
from agents.exact.tree import flatten
from agents.experience import Columns
from agents.hands import Hands
from agents.learn import information as module
from agents.learn.information import Information
from agents.learn.mean_strategy import MeanStrategy
from agents.networks import Network
from envs.registry import game

KUHN = game("kuhn")
TREE = flatten(KUHN)


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
    strategy, played = MeanStrategy(network(9), Information(KUHN), 0.01), [network(seed) for seed in range(rounds)]
    strategy.sets.meet(told())
    for i, one in enumerate(played):
        strategy.follow(one, 1.0 / (i + 1), 0.01, 64, np.random.default_rng(0))
    return strategy, played


def test_hands_say_what_their_seats_decided_before():
    hands = told(explore=0.2)
    place = {int(key): i for i, key in enumerate(TREE.keys.view(np.int64))}
    sets, above, by, reach = (hands[name][:, 0].tolist() for name in ("set", "above", "by", "reach"))
    drawn = reached(TREE, 0.8 * table(network()) + 0.2 * TREE.uniform())
    assert len(set(sets)) == 12 and sum(action >= 0 for action in by) == 6  # three sets, two actions in each
    for key, parent, action, likely in zip(sets, above, by, reach, strict=True):
        sequence = TREE.above[place[key]]
        assert likely == pytest.approx(drawn[sequence], abs=1e-5)
        before = TREE.sets[sequence]
        assert action == (TREE.actions[sequence] if before >= 0 else -1)
        assert parent == (TREE.keys.view(np.int64)[before] if before >= 0 else -1)


def test_the_mean_is_that_of_strategies():
    strategy, played = mean()
    tables = np.array([table(one) for one in played])
    exact = mixture(TREE, np.array([reached(TREE, one) for one in tables]), np.ones(3))
    order = np.searchsorted(np.sort(TREE.keys.view(np.int64)), strategy.sets.keys)
    at = np.argsort(TREE.keys.view(np.int64))[order]
    own = strategy.sums / strategy.sums.sum(1, keepdims=True)
    assert np.allclose(own, exact[at], atol=1e-5)
    assert np.abs(exact - tables.mean(0)).max() > 0.01  # the mean of policies is another


def test_a_network_learns_the_mean_and_the_values_of_who_played_last():
    strategy, played = mean()
    rng, sets = np.random.default_rng(0), strategy.sets
    for i in range(300):
        strategy.follow(played[-1], 0.0, 0.01 * (1 - i / 300), 64, rng)
    wanted = strategy.sums / strategy.sums.sum(1, keepdims=True)
    with torch.no_grad():
        said, value = (one(torch.from_numpy(sets.obs)) for one in (strategy.network, played[-1]))
    assert np.abs(said["policy"].softmax(1).numpy() - wanted).max() < 0.02
    assert (said["returns"] - value["returns"]).abs().max() < 0.1


def test_no_more_sets_are_taken_in_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 12 * (4 * 11 + 17 * 2 + 24) - 1)
    with pytest.raises(Unable, match=r"Seats knew 12 different things in this run, .* train it with ppo"):
        Information(KUHN).meet(told())
    monkeypatch.setattr(module, "MOST_BYTES", 12 * (4 * 11 + 17 * 2 + 24))
    assert len(np.unique(Information(KUHN).meet(told()))) == 12

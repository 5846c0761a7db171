"""Small perceptrons, compiled: they say what PyTorch says, PPO's steps on them are PyTorch's, others are left to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numba
import numpy as np
import pytest
import torch

from agents.actor import Actor
from agents.learn.policy_gradient import heads
from agents.learn.ppo import PPO, PPOSettings
from agents.networks import Network, load_weights, weights
from agents.perceptron import LARGEST, Perceptron
from agents.placed import Placed
from agents.rollouts import Rollouts, RolloutSettings
from envs.registry import game
from tests.agents.test_placed import groups

compiled = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="uncompiled, PyTorch is the faster")  # pyright: ignore


def network(name: str = "tic_tac_toe", backbone: str = "mlp:layers=2,width=19", seed: int = 1) -> Network:
    rules = game(name)
    made = Network(rules, backbone, heads(rules), seed=seed)
    if "returns" in made.heads:
        made.heads["returns"].mean.fill_(3.0)  # pyright: ignore
        made.heads["returns"].spread.fill_(7.0)  # pyright: ignore
    return made


@compiled
@pytest.mark.parametrize("count", [1, 128, 300])
def test_what_it_says_is_what_pytorch_says(count: int) -> None:
    plain = network()
    other = plain.twin()
    own = Perceptron.of(plain)
    assert own is not None
    obs = np.random.default_rng(0).normal(size=(count, *plain.game.shape)).astype(np.float32)
    for seed in (1, 2):
        load_weights(other, weights(network(seed=seed)))
        load_weights(plain, weights(network(seed=seed)))  # what it says moves with the network's weights
        logits, value = own.say(obs)
        with torch.inference_mode():
            said, still = (one(torch.from_numpy(obs)) for one in (other, plain))
        np.testing.assert_allclose(logits, said["policy"].numpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(value, said["returns"].numpy(), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(still["policy"], said["policy"], rtol=1e-5, atol=1e-6)


@compiled
def test_other_networks_are_left_to_pytorch() -> None:
    assert Actor(network()).perceptron is not None
    rules = game("tic_tac_toe")
    large = network(backbone="mlp:layers=2,width=128")
    assert large.size() > LARGEST
    others = [
        large,
        network(backbone="mlp:layers=1,width=8,norm=true"),
        network(backbone="mlp:layers=1,width=8,tanh=true"),
        network(backbone="gru:width=8"),
        network(backbone="conv"),
        network("pendulum", "mlp:width=8"),
        network().double(),
        Network(rules, "mlp:width=8", ("policy", "value")),
        Network(rules, "mlp:width=8", ("q",)),
        Placed(rules, "mlp:width=8", ("policy", "returns"), half=True),
    ]
    assert not any(map(Perceptron.of, others))


def learners(name: str, settings: PPOSettings) -> tuple[PPO, PPO, Rollouts]:
    """One whose steps are compiled, the same with PyTorch's, and who plays for them."""
    swift, plain = (PPO(game(name), network(name), settings, 0) for _ in range(2))
    assert swift.swift is not None
    plain.swift = None
    return swift, plain, Rollouts(plain.network, RolloutSettings(lanes=16, steps=16), 0)


@compiled
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("tic_tac_toe", PPOSettings(batch=50, learning_rate=0.01)),
        ("tic_tac_toe", PPOSettings(batch=150, most_kl=1e-3, learning_rate=0.01, entropy=0.3, value_weight=2.0)),
        ("cart_pole", PPOSettings(batch=10_000, normalise=False, gradient=0.01, clip=0.02, learning_rate=0.01)),
    ],
)
def test_its_steps_are_pytorchs(name: str, settings: PPOSettings) -> None:
    swift, plain, rollouts = learners(name, settings)
    for progress in (0.0, 0.5, 0.6):
        rollouts.load(plain.weights())
        columns, _ = rollouts.collect(0)
        told, wanted = swift.update(columns, progress), plain.update(columns, progress)
        assert told.keys() == wanted.keys() and swift.updates == plain.updates
        for key, number in wanted.items():
            assert told[key] == pytest.approx(number, rel=1e-4, abs=1e-6), key
        assert wanted["train/clip_fraction"] > 0 or settings.most_kl
        assert apart(swift.weights(), plain.weights()) < 3e-6
    assert not settings.most_kl or swift.updates < 3 * settings.epochs * round(len(columns["valid"]) * 16 / 150)
    swift.restore(plain.state())
    columns, _ = rollouts.collect(0)
    swift.update(columns, 0.7)
    plain.update(columns, 0.7)
    assert apart(swift.weights(), plain.weights()) < 3e-6  # each goes on from where the other stood
    kept = swift.state()["optimiser"], plain.state()["optimiser"]
    for mine, theirs in zip(*(one.values() for one in kept), strict=True):
        assert apart(mine, theirs) < 3e-6 and mine.keys() == theirs.keys()


def apart(one: dict[str, Any], other: dict[str, Any]) -> float:
    return max(float(np.abs(np.asarray(one[key]) - np.asarray(other[key])).max()) for key in other)


@compiled
def test_what_its_steps_do_not_know_is_left_to_pytorch() -> None:
    settings = PPOSettings()
    for more in ({"value_clip": 0.2}, {"magnet": 0.1}):
        assert PPO(game("tic_tac_toe"), network(), replace(settings, **more), 0).swift is None

    class Changed(PPO):
        """Somebody's own, perhaps with another step."""

    assert Changed(game("tic_tac_toe"), network(), settings, 0).swift is None


@compiled
def test_learners_of_a_group_take_compiled_steps_too() -> None:
    (group,) = groups(1)
    placed = Placed(game("tic_tac_toe"), "mlp:width=8", ("policy", "returns"), group=group)
    learner = PPO(placed.game, placed, PPOSettings(), 0)
    assert learner.swift is not None and learner.swift.group is group

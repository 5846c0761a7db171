"""Observations by their running mean and spread: by hand, for every learner, resumed, frozen, begun from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents.experience import Columns
from agents.networks import Network, standardises, weights
from agents.registry import ALGORITHMS
from agents.rollouts import Rollouts
from agents.stem import Moments, Stem, merged, moments
from agents.storage import BadAgent, begin_from, read_agent, save_agent
from arena.checkpoint import load_state, save_state
from arena.config import LEARNERS, ConfigError, build
from envs.registry import game, resolve

BODY = "mlp:width=8,standardise=true"
NAMES = [name for name in ALGORITHMS if resolve(ALGORITHMS, name, "algorithm").player == "rollouts"]
VECTORS = ("sac", "td3", "ddpg")
CHANGES: dict[str, dict[str, Any]] = {"ppo": {"average": 0.5}}
CHANGES |= {key: {"learn_from": 32, "reuse": 1.0} for key in ("dqn", "nfsp")}
CHANGES |= {key: {"learn_from": 32, "reuse": 1.0, "batch": 16} for key in VECTORS}


def made(name: str, seed: int = 0, vectors: bool = False) -> tuple[Any, Rollouts]:
    """A learner whose observations are standardised, and its player."""
    kind = resolve(ALGORITHMS, name, "algorithm")
    rules = game("pendulum" if vectors or name in VECTORS else "tic_tac_toe")
    settings = replace(resolve(LEARNERS, name, "settings")(), **CHANGES.get(name, {}))
    network = Network(rules, BODY, kind.parts(rules, settings)[1], seed=seed)
    return kind(rules, network, settings, seed), Rollouts(network, replace(kind.playing, lanes=8, steps=8), seed)


def stems(learner: Any) -> list[Stem]:
    """Of all networks that a learner holds."""
    networks = [part for part in vars(learner).values() if isinstance(part, torch.nn.Module)]
    return [part for network in networks for part in network.modules() if isinstance(part, Stem)]


def seen(stem: Stem) -> Moments:
    return Moments(int(stem.count), stem.mean.numpy(), stem.variance.numpy())


def close(one: Moments, other: Moments) -> bool:
    alike = [np.allclose(a, b, rtol=1e-9, atol=1e-12) for a, b in zip(one[1:], other[1:], strict=True)]
    return one.seen == other.seen and all(alike)


def test_moments_are_merged_by_hand() -> None:
    """3 and 5 (mean 4, variance 1) with 10: the mean is 6, the variance (9 + 1 + 16) / 3."""
    both = merged(moments(np.array([[3.0], [5.0]])), moments(np.array([[10.0]])))
    assert both.seen == 3
    assert both.mean[0] == pytest.approx(6.0, abs=1e-12)
    assert both.variance[0] == pytest.approx(26 / 3, abs=1e-12)
    assert abs((2 * 1.0 + 1 * 0.0) / 3 - both.variance[0]) > 5  # what lies between the two means is most of it


def test_many_merges_far_from_zero_lose_nothing() -> None:
    x = 1e6 + np.random.default_rng(0).normal(size=(5000, 2)).astype(np.float32).astype(np.float64)
    parts = [moments(part) for part in np.array_split(x, 83)]
    whole = parts[0]
    for part in parts[1:]:
        whole = merged(whole, part)
    assert whole.seen == 5000
    np.testing.assert_allclose(whole.variance, x.var(0), rtol=1e-9)
    single = x.astype(np.float32)  # the textbook's sum of squares, in float32, is far off
    assert np.abs((single**2).mean(0) - single.mean(0) ** 2 - x.var(0)).max() > 0.1


def test_what_is_told_is_by_hand_and_clipped() -> None:
    stem, plain = Stem((2,), "vector", True), Stem((2,), "vector")
    obs = torch.tensor([[4.0, 1.0], [4.0, 500.0]])
    assert torch.equal(plain(obs), obs) and not plain.state_dict()
    stem.see(np.array([[1.0, 0.0], [3.0, 2.0]], np.float32))  # means 2 and 1, spreads 1 and 1
    assert stem(obs).dtype == torch.float32
    torch.testing.assert_close(stem(obs), torch.tensor([[2.0, 0.0], [2.0, 10.0]]))
    constant = Stem((1,), "vector", True)
    constant.see(np.full((4, 1), 7.0, np.float32))  # never varied: nothing is divided by 0
    assert constant(torch.tensor([[7.0]])).item() == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_every_learner_counts_what_it_learned_from_once_in_all_its_networks(name: str, tmp_path: Path) -> None:
    learner, rollouts = made(name)
    batches: list[Columns] = [rollouts.collect(0)[0] for _ in range(3)]
    shown = [columns["obs"][columns["valid"]] for columns in batches]
    for columns in batches[:2]:
        learner.update(columns, 0.3)
    save_state(tmp_path / "state", learner.state())
    resumed = made(name, seed=1)[0]
    resumed.restore(load_state(tmp_path / "state"))
    for one in (learner, resumed):
        one.update(batches[2], 0.6)
        found = stems(one)
        assert len(found) > (name not in ("a2c", "impala", "pqn", "reinforce"))
        assert all(close(seen(stem), moments(np.concatenate(shown))) for stem in found)
    assert all((learner.weights()[key] == array).all() for key, array in resumed.weights().items())
    assert set(learner.reads) >= {"obs", "valid"}
    rollouts.load(learner.weights())
    assert close(seen(rollouts.actor.network.stem), seen(learner.network.stem))  # who plays has them, too


def test_ratios_begin_at_1_for_what_is_known_changes_after_learning() -> None:
    found = []
    for moved in (0.0, 5.0):
        learner, rollouts = made("ppo", vectors=True)  # of one seat: no decision waits for another's
        learner.settings = replace(learner.settings, epochs=1, batch=1024)
        learner.update(rollouts.collect(0)[0], 0.0)
        rollouts.load(learner.weights())
        columns = rollouts.collect(0)[0]
        if moved:
            learner.network.stem.see(columns["obs"][columns["valid"]] + moved)
        found.append(abs(learner.update(columns, 0.0)["train/approx_kl"]))
    assert found[0] < 1e-6 < 1e-5 < found[1]


def test_an_agent_has_them_with_its_weights_and_another_may_begin_from_it_alike(tmp_path: Path) -> None:
    learner, rollouts = made("a2c")
    learner.update(rollouts.collect(0)[0], 0.0)
    heads = learner.network.head_specs
    save_agent(tmp_path / "it", learner.game, learner.weights(), backbone=BODY, heads=heads)
    stored, network = read_agent(tmp_path / "it")
    obs = torch.rand(5, *learner.game.shape)
    assert stored.backbone == BODY and int(network.stem.count) > 0
    assert torch.equal(network(obs)["policy"], learner.network(obs)["policy"])
    begun = Network(learner.game, BODY, heads, seed=5)
    begin_from(begun, tmp_path / "it")
    assert all((weights(begun)[key] == array).all() for key, array in learner.weights().items())
    with pytest.raises(BadAgent, match="standardise"):
        begin_from(Network(learner.game, "mlp:width=8", heads), tmp_path / "it")


def test_it_is_asked_for_in_one_key_and_refused_where_nothing_would_count() -> None:
    asked = {"game": {"name": "mountain_car"}, "network": {"standardise": True}}
    config = build({**asked, "learner": {"algorithm": "ppo"}})
    assert config.network.backbone == "mlp:layers=2,width=64,standardise=true"
    own = build({**asked, "learner": {"algorithm": "dqn"}, "network": {"backbone": "gru", "standardise": True}})
    assert own.network.backbone == "gru:standardise=true" and standardises(own.network.backbone)
    again = build({**asked, "learner": {"algorithm": "ppo"}, "network": {"backbone": config.network.backbone}})
    assert again.network.backbone == config.network.backbone
    for tree, why in (
        ({"learner": {"algorithm": "q_learning"}, "game": {"name": "taxi"}}, "keeps a table"),
        ({"learner": {"algorithm": "alphazero"}, "game": {"name": "tic_tac_toe"}}, "learners of rollouts"),
        ({"learner": {"algorithm": "ppo"}, "run": {"engine": "sb3"}}, "our own training loop"),
    ):
        with pytest.raises(ConfigError, match=why):
            build({**asked, **tree})
    with pytest.raises(ValueError, match="standardise is true or false, not 3"):
        Network(game("mountain_car"), "mlp:standardise=3")

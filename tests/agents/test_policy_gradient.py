"""Learners of policies: PPO's first pass, its early stop and schedules; REINFORCE's baselines; batches; refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from agents.agent import Unable
from agents.learn import descent
from agents.learn import policy_gradient as shared
from agents.learn.a2c import A2C, A2CSettings
from agents.learn.impala import Impala, ImpalaSettings
from agents.learn.learner import kept_weights
from agents.learn.ppo import PPO, PPOSettings
from agents.learn.reinforce import Reinforce, ReinforceSettings
from agents.learn.worlds import WORLDS
from agents.losses import divergence
from agents.networks import Network
from agents.rollouts import Rollouts, RolloutSettings
from envs.registry import game


def made(kind, settings, name="cart_pole", backbone="mlp:width=16", **playing):
    rules = WORLDS[name] if name in WORLDS else game(name)
    network = Network(rules, backbone, kind.parts(rules, settings)[1])
    learner = kind(rules, network, settings, 0)
    return learner, Rollouts(network, replace(RolloutSettings(lanes=8, steps=16), **playing), 0)


@pytest.mark.parametrize(
    ("name", "backbone"),
    [
        ("cart_pole", "mlp:width=16"),
        ("connect_four", "mlp:width=16"),
        ("pendulum", "mlp:width=16"),
        ("connect_four", "resnet:blocks=1,width=8"),  # which normalises batches while it is in training mode
    ],
)
def test_in_the_first_step_every_ratio_is_1(name, backbone):
    learner, rollouts = made(PPO, PPOSettings(epochs=1, batch=10_000), name, backbone)
    columns, _ = rollouts.collect(0)
    first = learner.update(columns, 0.0)
    assert first["train/approx_kl"] < 1e-5 and first["train/clip_fraction"] == 0.0
    again = learner.update(columns, 0.0)  # the control: the policy has moved
    assert again["train/approx_kl"] > 1e-7


def test_what_is_kept_is_the_mean_of_the_weights_after_each_update_and_what_plays_is_not():
    """With average=1 of all of them: every fragment has as many decisions."""
    learner, rollouts = made(PPO, PPOSettings(average=1.0, learning_rate=0.01), "matched")
    plain, _ = made(PPO, PPOSettings(learning_rate=0.01), "matched")
    after = []
    for _ in range(3):
        columns, _ = rollouts.collect(0)
        learner.update(columns, 0.0)
        plain.update(columns, 0.0)
        after.append(learner.weights())
    kept, now = kept_weights(learner), learner.weights()
    for name, array in now.items():
        np.testing.assert_allclose(kept[name], np.mean([one[name] for one in after], axis=0), rtol=1e-4, atol=1e-6)
        assert np.array_equal(array, plain.weights()[name])
        assert np.array_equal(kept_weights(plain)[name], array)
    assert any(not np.allclose(kept[name], now[name], atol=1e-4) for name in now)
    other, _ = made(PPO, PPOSettings(average=1.0), "matched")
    other.restore(learner.state())
    assert all(np.array_equal(array, kept[name]) for name, array in kept_weights(other).items())


def moved(settings, fragments=3):
    """How far a policy has gone from what it was at first, and the learner."""
    learner, rollouts = made(PPO, settings, "kuhn")
    first = learner.network.twin()
    for _ in range(fragments):
        columns = rollouts.collect(0)[0]
        learner.update(columns, 0.0)
    obs, legal = (torch.from_numpy(columns[name]).flatten(0, 1) for name in ("obs", "legal"))
    with torch.no_grad():
        return divergence(learner.network(obs)["policy"], first(obs)["policy"], legal).mean().item(), learner


def test_a_magnet_holds_the_policy_near_and_follows_it():
    free = PPOSettings(learning_rate=0.01, entropy=0.0)
    far, _ = moved(free)
    near, held = moved(replace(free, magnet=100.0, magnet_share=0.0))
    assert near < 0.2 * far
    start = made(PPO, free, "kuhn")[0].weights()
    still, gone = held.magnet.state_dict(), moved(replace(free, magnet=1.0, magnet_share=1.0))[1]
    assert all(np.array_equal(still[name].numpy(), array) for name, array in start.items())
    assert all(np.array_equal(gone.magnet.state_dict()[name].numpy(), a) for name, a in gone.weights().items())
    other, _ = made(PPO, replace(free, magnet=1.0), "kuhn")
    other.restore(held.state())
    assert all(torch.equal(other.magnet.state_dict()[name], array) for name, array in still.items())
    with pytest.raises(Unable, match="set magnet to 0"):
        made(PPO, replace(free, magnet=1.0), "pendulum")


@pytest.mark.parametrize(
    ("name", "backbone"),
    [("cart_pole", "mlp:width=16"), ("connect_four", "resnet:blocks=1,width=8")],  # in compiled steps, and in PyTorch's
)
def test_a_divergence_too_large_ends_the_passes(name, backbone):
    settings = PPOSettings(epochs=10, batch=32, learning_rate=0.05, final_rate=1.0)
    free, rollouts = made(PPO, settings, name, backbone)
    columns, _ = rollouts.collect(0)
    free.update(columns, 0.0)
    held, _ = made(PPO, replace(settings, most_kl=0.01), name, backbone)
    held.update(columns, 0.0)
    assert held.updates < free.updates == 10 * round(columns["valid"].sum() / 32)


def test_schedules_are_straight_lines():
    learner, rollouts = made(PPO, PPOSettings(learning_rate=1e-3, final_rate=0.0, clip=0.2, final_clip=0.5))
    columns, _ = rollouts.collect(0)
    metrics = learner.update(columns, 0.5)
    assert metrics["train/learning_rate"] == pytest.approx(5e-4)
    assert metrics["train/clip_range"] == pytest.approx(0.15)


def test_batches_hold_every_decision_once_and_nothing_else():
    learner, rollouts = made(PPO, PPOSettings(), "connect_four")
    columns, _ = rollouts.collect(0)
    fragment = shared.Fragment(columns, {"mark": np.arange(columns["valid"].size).reshape(columns["valid"].shape)})
    marks = torch.cat([b["mark"] for b in fragment.batches(learner.network, 20, np.random.default_rng(0))])
    assert sorted(marks.tolist()) == np.flatnonzero(columns["valid"]).tolist()


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (PPO, PPOSettings(normalise=False)),
        (PPO, PPOSettings(normalise=False, value_clip=9.0)),
        (A2C, A2CSettings()),
        (Reinforce, ReinforceSettings()),
        (Impala, ImpalaSettings()),
    ],
)
def test_a_loss_that_is_no_number_stops_the_run_and_says_which_of_its_terms(kind, settings):
    """The policy's gradient is bounded by nothing here, the entropy is as it was; PPO takes its steps in two ways."""
    learner, rollouts = made(kind, settings)
    columns, _ = rollouts.collect(0)
    columns["reward"][0, 0] = np.nan
    with pytest.raises(descent.Diverged, match=r"loss is nan at step 0, as .*value_loss is nan") as stopped:
        learner.update(columns, 0.0)
    assert "policy" in str(stopped.value) and "entropy" not in str(stopped.value)


def sampled(baseline: str, count: int = 300) -> np.ndarray:
    """[count] gradients of one logit in the world `chosen`, whose arms pay 0 and 1, from games of one lane each."""
    settings = ReinforceSettings(baseline=baseline, learning_rate=1e-12, gradient=1e9)  # pyright: ignore
    learner, rollouts = made(Reinforce, settings, "chosen", lanes=1, steps=1, whole=True)
    found = []
    for _ in range(count):
        learner.update(rollouts.collect(0)[0], 0.0)
        gradient = learner.network.get_parameter("heads.policy.score.bias").grad
        assert gradient is not None
        found.append(-gradient[1].item() * learner.unit)
    return np.array(found)


def test_the_mean_of_sampled_gradients_is_the_gradient_and_a_baseline_makes_for_less_noise():
    """d/d logit of the expected pay of two arms is p (1 - p) (r1 - r0), with p = 1/2: 1/4, whatever the baseline."""
    plain, mean = sampled("none"), sampled("mean")
    assert plain.mean() == pytest.approx(0.25, abs=4 * 0.25 / np.sqrt(len(plain)))
    assert mean[20:].mean() == pytest.approx(0.25, abs=0.05)
    assert mean[20:].std() < 0.5 * plain.std()


@pytest.mark.parametrize("baseline", ["none", "mean", "learned"])
def test_whatever_the_baseline_returns_count_in_their_own_spread(baseline):
    """Games of two decisions, worth 1/2 and 1, or a hundred times as much; the network expects 0."""
    settings, losses = ReinforceSettings(discount=0.5, baseline=baseline, learning_rate=1e-12), []
    for paid in (1.0, 100.0):
        learner, rollouts = made(Reinforce, settings, "later", lanes=4, steps=2, whole=True)
        columns, _ = rollouts.collect(0)
        columns["reward"] *= paid
        columns["value"][:] = 0.0
        losses.append([learner.update(columns, 0.0)["train/policy_loss"] for _ in range(2)])
        assert learner.unit == pytest.approx(0.25 * paid, rel=1e-4)
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_impala_counts_in_the_spread_of_all_returns_and_not_of_one_fragments():
    """In a fragment without reward of which nothing is to follow all targets are 0: they have no spread at all."""
    learner, rollouts = made(Impala, ImpalaSettings(discount=0.0))
    columns, _ = rollouts.collect(0)
    columns["reward"][:] = 0.0
    error = np.square(columns["value"][columns["valid"]]).mean()
    assert learner.update(columns, 0.0)["train/value_loss"] == pytest.approx(error, rel=1e-3)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [(PPO, PPOSettings(batch=64)), (A2C, A2CSettings()), (Impala, ImpalaSettings()), (Reinforce, ReinforceSettings())],
)
def test_the_spread_of_vectors_is_told_and_of_moves_there_is_none(kind, settings):
    learner, rollouts = made(kind, settings, "pendulum")
    told = learner.update(rollouts.collect(0)[0], 0.0)["train/std"]
    assert told == pytest.approx(learner.network.get_parameter("heads.gaussian.log_spread").exp().item())
    learner, rollouts = made(kind, settings)
    assert "train/std" not in learner.update(rollouts.collect(0)[0], 0.0)


@pytest.mark.parametrize("whole", [True, False])
def test_without_reward_to_go_every_decision_answers_for_the_whole_game(whole):
    """Games of two decisions, the second of which pays 1, or 3 in the second of two games of a fragment."""
    settings = ReinforceSettings(discount=0.5, baseline="none", to_go=False)
    learner, rollouts = made(Reinforce, settings, "later", lanes=2, steps=4, whole=whole)
    columns, _ = rollouts.collect(0)
    columns["reward"][:, 2:] *= 3.0
    seen = []
    learner._baseline = lambda fragment: (
        seen.append(fragment.flat("returns"))
        or fragment.add(  # type: ignore[assignment]
            "baseline", torch.zeros(len(fragment))
        )
    )
    learner.update(columns, 0.0)
    assert seen[0].tolist() == ([0.5] * 2 if whole else [0.5, 0.5, 1.5, 1.5]) * 2
    learner.settings = replace(settings, to_go=True)
    learner.update(columns, 0.0)
    assert seen[1].tolist() == ([0.5, 1.0] if whole else [0.5, 1.0, 1.5, 3.0]) * 2


def test_heads_fit_the_actions():
    assert shared.heads(game("pendulum"))[0] == "gaussian"
    assert shared.heads(game("cart_pole"))[0] == "policy"
    with pytest.raises(ValueError, match="does not fit the actions of pendulum"):
        Rollouts(Network(game("pendulum"), "mlp", ("q", "returns")), RolloutSettings(), 0)
    with pytest.raises(Unable):
        from agents.learn.pqn import PQN, PQNSettings

        PQN.parts(game("pendulum"), PQNSettings())

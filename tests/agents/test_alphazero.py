"""The AlphaZero learner: its losses by hand, its window, its schedules, an exact resume, and that it learns."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from agents import losses
from agents.experience import Window
from agents.learn.alphazero import AlphaZero, AlphaZeroSettings
from agents.networks import Network
from agents.search.search import Search
from agents.self_play import SelfPlay, SelfPlayer
from envs.registry import game

THREE = game("tic_tac_toe")
SMALL = AlphaZeroSettings(batch=32, window=4000, window_start=500, warm_steps=4, precision="float32")


def learner(**changes):
    network = Network(THREE, "mlp", ("policy", "value", "left"), seed=0)
    return AlphaZero(THREE, network, replace(SMALL, **changes), seed=0)


@pytest.fixture(scope="module")
def experience():
    settings = SelfPlay(lanes=32, search=Search(simulations=32, noise_share=0.25), fast_simulations=8)

    def flat(obs):
        return np.zeros((len(obs), 9), np.float32), np.zeros(len(obs), np.float32)

    return SelfPlayer(THREE, flat, settings, seed=0).collect(400)[0]


def test_policy_cross_entropy_by_hand():
    logits = torch.tensor([[0.0, math.log(3.0), 50.0]])
    legal = torch.tensor([[True, True, False]])
    target = torch.tensor([[0.5, 0.5, 0.0]])
    # p = 1/4, 3/4 once the illegal move is left out
    expected = -(0.5 * math.log(0.25) + 0.5 * math.log(0.75))
    assert losses.policy_cross_entropy(logits, legal, target).item() == pytest.approx(expected)
    everything = torch.ones_like(legal)
    assert losses.policy_cross_entropy(logits, everything, target).item() > 10  # without the mask


def test_value_cross_entropy_by_hand():
    # target 1/2 means an expected score of 3/4; logit ln 3 is a probability of 3/4
    loss = losses.value_cross_entropy(torch.tensor([math.log(3.0)]), torch.tensor([0.5]))
    assert loss.item() == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    x = torch.tensor([math.log(3.0)], requires_grad=True)
    losses.value_cross_entropy(x, torch.tensor([0.5])).backward()
    assert x.grad is not None
    assert x.grad.item() == pytest.approx(0.0, abs=1e-6)


def test_entropy_is_the_least_cross_entropy():
    target = torch.tensor([[0.25, 0.75]])
    least = losses.policy_cross_entropy(target.log(), torch.ones(1, 2, dtype=torch.bool), target)
    assert losses.entropy(target).item() == pytest.approx(least.item())


def test_window_keeps_the_newest():
    window = Window(5)
    for start in (0, 3, 6):
        window.add({"x": np.arange(start, start + 3)})
    assert sorted(window.columns["x"].tolist()) == [4, 5, 6, 7, 8]
    at = window.sample(200, 2, np.random.default_rng(0))
    assert set(window.columns["x"][at].tolist()) == {7, 8}
    window.add({"x": np.arange(100, 120)})
    assert sorted(window.columns["x"].tolist()) == [115, 116, 117, 118, 119]


@pytest.mark.parametrize("capacity", [3, 5, 7, 12, 40])
def test_a_window_of_another_size_takes_over_the_newest(capacity):
    """12 positions came in, 7 were held when the state was taken."""
    window = Window(7)
    for start in (0, 4, 8):
        window.add({"x": np.arange(start, start + 4)})
    assert window.state()["columns"]["x"].tolist() == [5, 6, 7, 8, 9, 10, 11]
    other = Window(capacity)
    other.restore(window.state())
    held = min(7, capacity)
    assert (len(other), other.added) == (held, 12)
    at = other.sample(400, 100, np.random.default_rng(0))
    assert set(other.columns["x"][at].tolist()) == set(range(12 - held, 12))
    other.add({"x": np.arange(12, 15)})
    assert other.added == 15
    at = other.sample(400, 4, np.random.default_rng(0))
    assert set(other.columns["x"][at].tolist()) == set(range(15 - min(4, capacity), 15))


def test_learns_as_often_as_it_is_asked_to(experience):
    one = learner(reuse=3.0)
    count = len(experience["policy"])
    one.update(experience, 0.0)
    assert one.steps == int(count * 3 / 32)
    one.update(experience, 0.0)
    assert one.steps == int(2 * count * 3 / 32)


def test_rate_rises_stays_and_falls():
    one = learner(learning_rate=1.0, warm_steps=10, fall_from=0.5, final_share=0.1)
    assert one.rate(0.0) == pytest.approx(0.1)
    one.steps = 100
    assert one.rate(0.3) == pytest.approx(1.0)
    assert one.rate(0.75) == pytest.approx(0.55)
    assert one.rate(1.0) == pytest.approx(0.1)


def test_batches_are_turned_by_symmetries_that_keep_the_game(experience):
    one = learner(batch=256)
    one.window.add(experience)
    batch = one.batch()
    taken = batch["obs"].sum(1).reshape(256, 9) > 0
    assert (taken != batch["legal"]).all()  # a cell may be played exactly if it is empty, also after turning
    assert (batch["policy"][~batch["legal"]] == 0).all()
    assert batch["policy"].sum(1).numpy() == pytest.approx(np.ones(256), abs=1e-5)


def test_overfits_what_it_sees(experience):
    one = learner(reuse=400.0, weight_decay=0.0, learning_rate=5e-3, fall_from=1.0)
    one.window.add({name: value[:16] for name, value in experience.items()})
    first = one.step(0.0)["policy_divergence"]
    last = [one.step(0.0)["policy_divergence"] for _ in range(400)][-1]
    assert last < 0.1 * first


def test_averaged_weights_follow_the_trained(experience):
    one = learner(average=0.9)
    before = one.weights()
    one.update(experience, 0.0)
    after, trained = one.weights(), dict(one.network.state_dict())
    moved = [name for name in before if before[name].dtype.kind == "f" and (before[name] != after[name]).any()]
    assert moved
    assert any((after[name] != trained[name].numpy()).any() for name in moved)


def test_resumes_exactly(experience):
    straight = learner()
    straight.update(experience, 0.2)
    state = straight.state()
    other = learner()
    other.restore(_copied(state))
    for one in (straight, other):
        one.update(experience, 0.6)
    for name, value in straight.weights().items():
        assert value.tobytes() == other.weights()[name].tobytes()


def test_goes_on_under_the_settings_of_now(experience):
    before = learner(weight_decay=0.5, learning_rate=1.0)
    before.update(experience, 0.0)
    after = learner(weight_decay=0.25, learning_rate=1e-3, warm_steps=1, fall_from=1.0)
    after.restore(_copied(before.state()))
    assert [group["weight_decay"] for group in after.optimiser.param_groups] == [0.25, 0.0]
    after.window.add({name: experience[name] for name in after.reads})
    after.step(0.0)
    assert {group["lr"] for group in after.optimiser.param_groups} == {1e-3}
    assert all(state["step"] == before.steps + 1 for state in after.optimiser.state.values())


def _copied(value):
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value.clone() if isinstance(value, torch.Tensor) else value

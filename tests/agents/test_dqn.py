"""DQN's parts by hand: targets, double, distributions, transitions; each switch learns a planted world."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.agent import Unable
from agents.learn.dqn import DQN, DQNSettings
from agents.learn.worlds import WORLDS
from agents.losses import beyond, huber, projected, q_of
from agents.networks import Network
from agents.replay import transitions
from agents.rollouts import Rollouts, RolloutSettings
from arena.checkpoint import load_state, save_state
from envs.registry import game


def made(world: str = "chosen", **changes) -> DQN:
    small = {"learn_from": 8, "batch": 16, "reuse": 8.0, "steps": 1}
    settings = DQNSettings(**{**small, "discount": 0.5, "explore": 0.0, "epsilon": 0.5, **changes})
    _, heads = DQN.parts(WORLDS[world], settings)
    return DQN(WORLDS[world], Network(WORLDS[world], "mlp:width=16", heads), settings, 0)


def test_huber_by_hand():
    assert huber(torch.tensor([0.5, -1.0, 3.0])).tolist() == [0.125, 0.5, 2.5]


def test_a_projection_by_hand():
    # support -1, 0, 1; Z is 1 with 3/4 and 0 with 1/4; reward 1/4, half of Z is left: 3/4 at 0.75, 1/4 at 0.25
    support = torch.tensor([-1.0, 0.0, 1.0])
    out = projected(torch.tensor([[0.0, 0.25, 0.75]]), torch.tensor([0.25]), torch.tensor([0.5]), support)
    np.testing.assert_allclose(out[0], [0.0, 0.25 * 0.75 + 0.75 * 0.25, 0.25 * 0.25 + 0.75 * 0.75], atol=1e-6)
    far = projected(torch.tensor([[0.0, 0.25, 0.75]]), torch.tensor([9.0]), torch.tensor([1.0]), support)
    assert far[0].tolist() == [0.0, 0.0, 1.0]
    over = projected(torch.tensor([[0.0, 0.25, 0.75]]), torch.tensor([-0.5]), torch.tensor([0.0]), support)
    assert over[0].tolist() == [0.5, 0.5, 0.0]  # an end: nothing of Z is left


@pytest.mark.parametrize(
    ("reward", "left", "share"), [(9.0, 1.0, 1.0), (0.5, 1.0, 0.75), (0.25, 0.5, 0.0), (0.01, 1.0, 0.0)]
)
def test_what_is_beyond_the_ends_by_hand(reward: float, left: float, share: float):
    support = torch.tensor([-1.0, 0.0, 1.0])
    after = torch.tensor([[0.0, 0.25, 0.75]])
    assert beyond(after, torch.tensor([reward]), torch.tensor([left]), support).tolist() == [share]


def test_returns_beyond_what_a_distribution_knows_are_told():
    """Every game pays 1 at once."""
    for high in (0.5, 2.0):
        one = made("constant", atoms=11, low=-2.0, high=high)
        one.update(Rollouts(one.network, RolloutSettings(lanes=8, steps=8), 0).collect(0)[0], 0.0)
        assert one.updates > 0
        told = "100% of the returns that are learned lie beyond learner.low = -2 or learner.high = 0.5"
        assert [warning.partition(" and")[0] for warning in one.warnings()] == ([told] if high < 1.0 else [])


def says(network: Network, values: list[float]) -> None:
    """Makes a network say that actions are worth these, everywhere."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.get_parameter("heads.q.action.bias").copy_(torch.tensor(values))


@pytest.mark.parametrize(("double", "worth"), [(True, 1.0), (False, 5.0)])
def test_double_asks_the_online_network_which_and_the_target_how_much(double: bool, worth: float):
    one = made(double=double)
    says(one.network, [3.0, 2.0])
    says(one.target, [1.0, 5.0])
    legal = torch.ones(1, 2, dtype=torch.bool)
    assert one._after(torch.zeros(1, 2), legal).tolist() == [worth]


@pytest.mark.parametrize("double", [True, False])
def test_what_is_barred_is_not_counted_on(double: bool):
    one = made(double=double)
    says(one.network, [3.0, 9.0])
    says(one.target, [1.0, 5.0])
    assert one._after(torch.zeros(1, 2), torch.tensor([[True, False]])).tolist() == [1.0]


def test_the_target_stays_still_between_its_renewals():
    one = made(target_every=3)
    before = {name: value.clone() for name, value in one.target.state_dict().items()}
    rollouts = Rollouts(one.network, RolloutSettings(lanes=8, steps=8), 0)
    one.replay.add(transitions(rollouts.collect(0)[0], 0.5, 1))
    for step in range(1, 4):
        one.step(0.0)
        same = all(torch.equal(before[name], value) for name, value in one.target.state_dict().items())
        assert same == (step < 3)


def test_transitions_by_hand():
    obs = np.arange(5, dtype=np.float32)[None, :, None]
    legal = np.array([[[1, 1], [1, 0], [0, 1], [1, 1], [0, 0]]], bool)
    valid, done = np.array([[1, 1, 0, 1, 0]], bool), np.array([[0, 0, 0, 1, 0]], bool)
    columns = {
        "obs": obs, "legal": legal, "action": np.array([[0, 0, 0, 1, 0]]), "reward": np.array([[1, 2, 0, 4, 0]], "f4"),
        "done": done, "valid": valid,
    }  # fmt: skip
    one = transitions(columns, 0.5, 1)
    assert one["next_obs"][:2, 0].tolist() == [1.0, 2.0]  # the second is the position at which the game was cut
    assert one["reward"].tolist() == [1.0, 2.0, 4.0]
    assert one["left"].tolist() == [0.5, 0.5, 0.0]
    assert one["next_legal"][:2].tolist() == [[True, False], [False, True]]
    two = transitions(columns, 0.5, 2)
    assert two["reward"].tolist() == [2.0, 2.0, 4.0]
    assert two["left"].tolist() == [0.25, 0.5, 0.0]
    assert two["next_obs"][:2, 0].tolist() == [2.0, 2.0]


SWITCHES = (
    {"double": False}, {"dueling": True}, {"steps": 3}, {"prioritised": 0.6},
    {"atoms": 21, "low": -2.0, "high": 2.0},
)  # fmt: skip


@pytest.mark.learns
@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: next(iter(switch)))
def test_every_switch_learns_what_comes_later_and_goes_on_exactly(switch, tmp_path):
    """With a discount of 1/2 the first of two decisions is worth 1/2, the second 1."""
    one, other = (made("later", learning_rate=3e-3, target_every=20, **switch) for _ in range(2))
    rollouts = Rollouts(one.network, RolloutSettings(lanes=8, steps=8), 0)
    while one.steps < 800:
        rollouts.load(one.weights())
        columns = rollouts.collect(0)[0]
        one.update(columns, 0.0)
    with torch.no_grad():
        worth = one.head.expected(one.network(torch.tensor([[1.0, 0.0], [1.0, 1.0]]))["q"]).max(1).values
    assert worth.tolist() == pytest.approx([0.5, 1.0], abs=0.1)
    save_state(tmp_path / "state", one.state())
    other.restore(load_state(tmp_path / "state"))
    for learner in (one, other):
        learner.update(columns, 0.5)
    first, second = one.weights(), other.weights()
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_vectors_and_small_replays_are_refused():
    with pytest.raises(Unable, match="pendulum are vectors; train it with ppo"):
        DQN.parts(game("pendulum"), DQNSettings())
    with pytest.raises(ValueError, match="fewer than one batch"):
        DQNSettings(replay=10)


def test_values_of_chosen_actions():
    q = torch.arange(6.0).view(2, 3)
    assert q_of(q, torch.tensor([2, 0])).tolist() == [2.0, 3.0]

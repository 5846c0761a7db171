"""TD3's parts by hand: the lowest critic, softened targets, the delay; DDPG is it without them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.actor import Actor, bounded
from agents.agent import Unable
from agents.learn.ddpg import DDPG, DDPGSettings
from agents.learn.td3 import TD3, TD3Settings
from agents.learn.worlds import WORLDS
from agents.networks import Network
from envs.registry import game

SMALL = {"batch": 16, "learn_from": 16, "discount": 0.5}


def made(kind: type[TD3] = TD3, settings: TD3Settings | None = None) -> TD3:
    rules = WORLDS["aimed"]
    settings = settings or TD3Settings(**SMALL)  # pyright: ignore[reportArgumentType]
    return kind(rules, Network(rules, "mlp:layers=1,width=16", kind.parts(rules, settings)[1]), settings, 0)


def says(critic: torch.nn.Module, value: float, of_action: float = 0.0) -> None:
    """Makes a critic say `value + of_action * action`, the action being above -1."""
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.zero_()
        critic.get_parameter("hidden.weight")[0, -1] = 1.0
        critic.get_parameter("hidden.bias")[0] = 1.0
        critic.get_parameter("score.weight")[0, 0] = of_action
        critic.get_parameter("score.bias").fill_(value - of_action)


def batch(left: float = 0.5) -> dict[str, torch.Tensor]:
    return {"next_obs": torch.zeros(64, 2), "reward": torch.ones(64), "left": torch.full((64,), left)}


@pytest.mark.parametrize("left", [0.5, 0.0])
def test_targets_believe_the_lower_critic(left: float):
    one = made()
    says(one.targets[0], 3.0)
    says(one.targets[1], 2.0)
    np.testing.assert_allclose(one._wanted(batch(left)), 1.0 + left * 2.0, rtol=1e-6)
    alone = made(DDPG, DDPGSettings(**SMALL))  # pyright: ignore[reportArgumentType]
    assert len(alone.targets) == 1
    says(alone.targets[0], 3.0)
    np.testing.assert_allclose(alone._wanted(batch(left)), 1.0 + left * 3.0, rtol=1e-6)


def test_targets_are_softened_within_their_clip_and_ddpgs_are_not():
    """A critic that says the action itself shows what was asked of it; the actor says 0 at first, nearly."""
    soft = made(settings=TD3Settings(**SMALL, smoothing=1.0, smoothing_clip=0.3))  # pyright: ignore[reportArgumentType]
    hard = made(DDPG, DDPGSettings(**SMALL))  # pyright: ignore[reportArgumentType]
    for one in (soft, hard):
        for critic in one.targets:
            says(critic, 0.0, of_action=1.0)
        with torch.no_grad():
            one.target.get_parameter("heads.bounded.action.bias").fill_(float(np.arctanh(0.25)))
            one.target.get_parameter("heads.bounded.action.weight").zero_()
    asked = (soft._wanted(batch()) - 1.0) / 0.5
    assert asked.min() == pytest.approx(-0.05, abs=1e-6) and asked.max() == pytest.approx(0.55, abs=1e-6)
    assert len(asked.unique()) > 10
    np.testing.assert_allclose((hard._wanted(batch()) - 1.0) / 0.5, 0.25, atol=1e-6)


def test_the_actor_waits_for_the_critics():
    one = made()
    rng = np.random.default_rng(0)
    one.replay.add({
        "obs": np.ones((32, 2), np.float32), "action": rng.uniform(-1, 1, (32, 1)).astype(np.float32),
        "reward": np.ones(32, np.float32), "left": np.zeros(32, np.float32), "next_obs": np.ones((32, 2), np.float32),
    })  # fmt: skip
    was = one.weights()
    before = [critic.detach().clone() for critic in one.critics.parameters()]
    one.step()
    assert all((was[name] == now).all() for name, now in one.weights().items())
    assert any((a != b).any() for a, b in zip(before, one.critics.parameters(), strict=True))
    assert all((a == b).all() for a, b in zip(before, one.targets.parameters(), strict=True))
    one.step()
    assert any((was[name] != now).any() for name, now in one.weights().items())
    assert any((a != b).any() for a, b in zip(before, one.targets.parameters(), strict=True))


def test_the_mover_strays_by_its_noise_and_plays_within_the_bounds():
    rules = game("pendulum")
    actor = Actor(Network(rules, "mlp:layers=1,width=8", ("bounded:noise=0.5",)))
    obs, legal = np.zeros((4000, 3), np.float32), np.zeros((4000, 0), bool)
    drawn = actor.act(obs, legal, {}, np.arange(4000, dtype=np.uint64)).action
    plain = actor.act(obs, legal, {}, np.arange(4000, dtype=np.uint64), temperature=0.0).action
    assert drawn.std() == pytest.approx(0.5, rel=0.05) and plain.std() == 0.0
    assert np.abs(drawn).max() > 1 and np.abs(bounded(rules, drawn)).max() == pytest.approx(rules.controls[0][1])
    with pytest.raises(ValueError, match="strays by between"):
        Network(rules, "mlp", ("bounded:noise=-1",))


def test_what_is_learned_from_is_what_was_played():
    one = made()
    shape = (1, 2)
    columns = {
        "obs": np.zeros((*shape, 2), np.float32), "legal": np.zeros((*shape, 0), bool),
        "action": np.array([[[1.7], [-0.2]]], np.float32), "reward": np.ones(shape, np.float32),
        "done": np.ones(shape, bool), "valid": np.ones(shape, bool),
    }  # fmt: skip
    one.update(columns, 0.0)
    assert one.replay.window.columns["action"][:2].ravel().tolist() == [1.0, pytest.approx(-0.2)]
    with pytest.raises(Unable, match="cart_pole has moves to choose among"):
        TD3.parts(game("cart_pole"), TD3Settings())
    with pytest.raises(ValueError, match="fewer than one batch"):
        DDPGSettings(replay=10)

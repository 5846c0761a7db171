"""SAC's parts by hand: squashed densities, soft targets, targets that follow; what is drawn stays within its bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from agents.actor import Actor, log_squeeze
from agents.agent import Unable
from agents.learn.sac import SAC, SACSettings
from agents.learn.worlds import WORLDS
from agents.losses import gaussian_log_density, squashed_log_density
from agents.networks import Network, follow
from envs.registry import game


def made(**changes) -> SAC:
    rules = WORLDS["aimed"]
    settings = SACSettings(**{"batch": 16, "learn_from": 16, "discount": 0.5, **changes})
    return SAC(rules, Network(rules, "mlp:layers=1,width=16", ("squashed",)), settings, 0)


def test_a_squashed_density_by_hand():
    mean, log_spread, drawn = torch.tensor([[0.5]]), torch.tensor([[math.log(2.0)]]), torch.tensor([[1.5]])
    plain = -0.125 - math.log(2.0) - 0.5 * math.log(2 * math.pi)
    wanted = plain - math.log(1.0 - math.tanh(1.5) ** 2)
    assert squashed_log_density(mean, log_spread, drawn).item() == pytest.approx(wanted, abs=1e-6)
    assert gaussian_log_density(mean, log_spread, drawn).item() == pytest.approx(plain, abs=1e-6)
    assert log_squeeze(np.array([[1.5]], np.float32))[0] == pytest.approx(plain - wanted, abs=1e-6)


def test_a_squashed_density_adds_up_to_one_and_is_finite_far_out():
    action = torch.linspace(-0.99999, 0.99999, 200_001)
    drawn = action.atanh()[:, None]
    mean, log_spread = torch.full_like(drawn, 0.3), torch.full_like(drawn, -0.5)
    total = lambda density: float(density.exp().mean() * 2)  # noqa: E731
    assert total(squashed_log_density(mean, log_spread, drawn)) == pytest.approx(1.0, abs=1e-3)
    assert abs(total(gaussian_log_density(mean, log_spread, drawn)) - 1.0) > 0.1
    far = squashed_log_density(torch.zeros(2, 1), torch.zeros(2, 1), torch.tensor([[40.0], [-40.0]]))
    assert torch.isfinite(far).all() and far[0] == far[1]


def says(critic: torch.nn.Module, value: float) -> None:
    """Makes a critic say this of everything."""
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.zero_()
        critic.get_parameter("score.bias").fill_(value)


@pytest.mark.parametrize(("temperature", "left"), [(0.25, 0.5), (0.25, 0.0), (1e-9, 0.5)])
def test_targets_believe_the_lower_critic_and_add_what_entropy_is_worth(temperature: float, left: float):
    """With mean 0 and spread 1 everywhere, the entropy of what is drawn is known from the draw itself."""
    one = made()
    says(one.targets[0], 3.0)
    says(one.targets[1], 2.0)
    batch = {"next_obs": torch.zeros(4, 2), "reward": torch.full((4,), 1.0), "left": torch.full((4,), left)}
    before = one.generator.bit_generator.state
    _, log_p = one._draw(batch["next_obs"])
    one.generator.bit_generator.state = before
    target = one._target(batch, torch.tensor(temperature))
    np.testing.assert_allclose(target, 1.0 + left * (2.0 - temperature * log_p.detach().numpy()), rtol=1e-5)


def test_targets_follow_by_their_share():
    source, target = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    with torch.no_grad():
        source.weight.fill_(1.0)
        target.weight.fill_(0.0)
    for expected in (0.25, 0.4375):
        follow(target, source, 0.25)
        assert target.weight.flatten().tolist() == [expected] * 2
    assert source.weight.flatten().tolist() == [1.0] * 2


@pytest.mark.parametrize("wanted", [-3.0, 1.0])
def test_the_temperature_moves_the_entropy_towards_what_is_wanted(wanted: float):
    """A fresh actor's entropy is about 0.6 nats: above -3, so randomness gets cheaper; below 1, so it gets dearer."""
    one = made(entropy=wanted, learning_rate=1e-2)
    rng = np.random.default_rng(0)
    fresh = {
        "obs": np.ones((32, 2), np.float32), "action": rng.uniform(-1, 1, (32, 1)).astype(np.float32),
        "reward": np.zeros(32, np.float32), "left": np.zeros(32, np.float32), "next_obs": np.ones((32, 2), np.float32),
    }  # fmt: skip
    one.replay.add(fresh)
    for _ in range(5):
        one.step()
    assert (one.log_temperature.item() < 0) == (wanted < 0)


def test_what_is_drawn_lies_within_the_bounds_and_says_its_density():
    rules = game("pendulum")
    actor = Actor(Network(rules, "mlp:layers=1,width=8", ("squashed",)))
    obs = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
    legal, rng = np.zeros((64, 0), bool), np.arange(64, dtype=np.uint64)
    drawn = actor.act(obs, legal, {}, rng)
    assert (np.abs(drawn.action) < 1).all() and len(np.unique(drawn.action)) > 32
    spread = torch.from_numpy(drawn.policy)
    wanted = squashed_log_density(spread[:, 0], spread[:, 1], torch.from_numpy(drawn.action).atanh())
    np.testing.assert_allclose(drawn.log_p, wanted, atol=1e-3)
    plain = actor.act(obs, legal, {}, rng, temperature=0.0)
    np.testing.assert_allclose(plain.action[:, 0], np.tanh(drawn.policy[:, 0, 0]), atol=1e-6)  # its mean, squashed


def test_moves_to_choose_among_and_small_replays_are_refused():
    with pytest.raises(Unable, match="cart_pole has moves to choose among; train it with ppo"):
        SAC.parts(game("cart_pole"), SACSettings())
    with pytest.raises(ValueError, match="fewer than one batch"):
        SACSettings(replay=10)

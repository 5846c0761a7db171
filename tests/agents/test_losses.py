"""Losses of policies and values: by hand, and what they would be with a detail left out."""

from __future__ import annotations

import math

import pytest
import torch

from agents import losses

LEGAL = torch.tensor([[True, True, False]])
LOGITS = torch.tensor([[0.0, math.log(3.0), 50.0]])


def test_what_is_illegal_has_no_share():
    log_p, entropy = losses.chosen_and_entropy({"policy": LOGITS}, LEGAL, torch.tensor([1]))
    assert log_p.item() == pytest.approx(math.log(0.75))
    assert entropy.item() == pytest.approx(-(0.25 * math.log(0.25) + 0.75 * math.log(0.75)))
    free, _ = losses.chosen_and_entropy({"policy": LOGITS}, torch.ones_like(LEGAL), torch.tensor([1]))
    assert free.item() < -40
    nothing = torch.zeros_like(LEGAL)  # a position that was only looked at
    assert torch.isfinite(losses.chosen_and_entropy({"policy": LOGITS}, nothing, torch.tensor([0]))[1]).all()


def test_a_gaussian_by_hand():
    # mean 1, spread 2, drawn 5: z = 2, density exp(-2) / (2 sqrt(2 pi)); the second number sits at its mean of 0
    out = {"gaussian": torch.tensor([[[1.0, 0.0], [math.log(2.0), 0.0]]])}
    log_p, entropy = losses.chosen_and_entropy(out, LEGAL, torch.tensor([[5.0, 0.0]]))
    assert log_p.item() == pytest.approx(-2 - math.log(2) - math.log(2 * math.pi))
    assert entropy.item() == pytest.approx(math.log(2) + math.log(2 * math.pi * math.e))
    normal = torch.distributions.Normal(torch.tensor([1.0, 0.0]), torch.tensor([2.0, 1.0]))
    assert log_p.item() == pytest.approx(normal.log_prob(torch.tensor([5.0, 0.0])).sum().item())


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "moves"),
    [
        (1.5, 2.0, -2.4, False),  # beyond 1 + clip and good: held at 1.2
        (0.5, 2.0, -1.0, True),  # fallen, and good: it may come back
        (1.5, -2.0, 3.0, True),  # risen, and bad: it may come back
        (0.5, -2.0, 1.6, False),  # below 1 - clip and bad: held at 0.8
        (1.1, 2.0, -2.2, True),
    ],
)
def test_the_clipped_surrogate_by_hand(ratio, advantage, loss, moves):
    x = torch.tensor([ratio], requires_grad=True)
    got = losses.clipped_surrogate(x, torch.tensor([advantage]), 0.2)
    got.backward()
    assert got.item() == pytest.approx(loss)
    assert x.grad is not None and (x.grad.item() != 0) == moves


def test_at_a_ratio_of_1_the_gradient_is_the_plain_policy_gradient():
    logits = torch.tensor([[0.3, -0.2, 0.9], [0.1, 0.0, -1.0]], requires_grad=True)
    legal, action = torch.ones(2, 3, dtype=torch.bool), torch.tensor([2, 0])
    advantage = torch.tensor([1.5, -0.5])
    log_p, _ = losses.chosen_and_entropy({"policy": logits}, legal, action)
    (plain,) = torch.autograd.grad(-(log_p * advantage).mean(), logits, retain_graph=True)
    ratio = (log_p - log_p.detach()).exp()
    (clipped,) = torch.autograd.grad(losses.clipped_surrogate(ratio, advantage, 0.2), logits)
    torch.testing.assert_close(plain, clipped)


def test_clipped_values_by_hand():
    # before 1, now 3, held at 1.5; target 2: the larger of 1 and 0.25; target 4: the larger of 1 and 6.25
    value, before = torch.tensor([3.0]), torch.tensor([1.0])
    assert losses.clipped_value_error(value, torch.tensor([2.0]), before, 0.5).item() == 1.0
    assert losses.clipped_value_error(value, torch.tensor([4.0]), before, 0.5).item() == 6.25
    assert losses.value_error(value, torch.tensor([4.0])).item() == 1.0


def test_the_estimate_of_divergence_is_right_on_average_and_never_negative():
    old, new = torch.tensor([0.7, 0.3]), torch.tensor([0.5, 0.5])
    exact = (old * (old / new).log()).sum().item()
    each = torch.stack([losses.kl_estimate((new / old).log()[i : i + 1]) for i in (0, 1)])
    assert (old * each).sum().item() == pytest.approx(exact, abs=1e-6)
    assert losses.kl_estimate((new / old).log(), 10 * old).item() == pytest.approx(exact, abs=1e-6)
    assert (each >= 0).all()


def test_divergence_by_hand():
    p, q = torch.tensor([[0.7, 0.3, 0.0]]), torch.tensor([[0.5, 0.5, 0.9]])
    legal = torch.tensor([[True, True, False]])
    found = losses.divergence(p.clamp_min(1e-9).log(), q.log(), legal)
    assert found.item() == pytest.approx(0.7 * math.log(1.4) + 0.3 * math.log(0.6), abs=1e-6)
    assert losses.divergence(p.clamp_min(1e-9).log(), q.log(), torch.ones(1, 3).bool()).item() > 0.5  # the control
    assert losses.divergence(q.log(), q.log() + 3.0, legal).item() == pytest.approx(0.0, abs=1e-6)


def test_explained_variance_by_hand():
    target = torch.tensor([0.0, 2.0, 4.0])
    assert losses.explained_variance(target, target) == 1.0
    assert losses.explained_variance(torch.full((3,), 2.0), target) == 0.0
    assert losses.explained_variance(torch.tensor([1.0, 2.0, 3.0]), target) == pytest.approx(0.75)
    assert losses.explained_variance(target, torch.ones(3)) == 0.0

"""Losses of preferences: numbers by hand, signs, padding that changes nothing, and a reward that is recovered."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.language.judges import ranks
from agents.language.preferences import agreement, bradley_terry, dpo, implicit_reward, penalised, preferred

NAN = float("nan")
MASK = torch.tensor([[True, True, False], [True, False, False]])


def test_all_pairs_of_a_prompt_by_hand():
    score, order = torch.tensor([[2.0, 0.0, 1.0]]), torch.tensor([[0, 2, 1]])
    # pairs 2-0, 2-1 and 1-0: (log(1 + e^-2) + 2 log(1 + e^-1)) / 3
    assert sorted(preferred(score, order)[0].tolist()) == [1.0, 1.0, 2.0]
    assert bradley_terry(score, order).item() == pytest.approx(0.2511508, abs=1e-6)
    assert agreement(score, order) == 1.0
    assert bradley_terry(score, 2 - order).item() == pytest.approx(1.5844841, abs=1e-6)
    assert agreement(score, 2 - order) == 0.0
    assert bradley_terry(score + 7.0, order).item() == pytest.approx(0.2511508, abs=1e-6)  # a prompt's own is free
    two = torch.cat((score, torch.zeros(1, 3))), torch.cat((order, order))
    assert bradley_terry(*two).item() == pytest.approx((0.2511508 + 0.6931472) / 2, abs=1e-6)


def test_scores_that_fit_a_judges_choices_are_its_worths():
    """Differences of scores are differences of worth over the temperature, and the order of ranks is what says so."""
    worth, groups = np.array([0.0, 0.3, 0.1]), 4000
    placed = torch.from_numpy(ranks(np.tile(worth, groups), 3, 0.1, np.random.default_rng(0))).view(-1, 3)

    def fitted(order: torch.Tensor) -> list[float]:
        score = torch.zeros(3, requires_grad=True)
        optimiser = torch.optim.LBFGS([score], max_iter=20)

        def loss() -> float:
            optimiser.zero_grad()
            value = bradley_terry(score.expand(len(order), 3), order)
            value.backward()
            return value.item()

        optimiser.step(loss)
        return (score - score[0]).tolist()

    assert fitted(placed) == pytest.approx([0.0, 3.0, 1.0], abs=0.15)
    assert fitted(2 - placed) == pytest.approx([0.0, -3.0, -1.0], abs=0.15)
    assert fitted(placed[:, torch.randperm(3, generator=torch.Generator().manual_seed(1))])[1] < 2.5


def test_the_penalised_reward_by_hand():
    log_p = torch.tensor([[-1.0, -2.0, NAN], [-0.5, 9.0, 9.0]])
    reference = torch.tensor([[-1.5, -1.0, 3.0], [-0.5, NAN, -9.0]])
    paid = penalised(torch.tensor([3.0, -1.0]), log_p, reference, MASK, 0.1)
    assert paid.flatten().tolist() == pytest.approx([-0.05, 3.1, 0.0, -1.0, 0.0, 0.0])
    assert paid[0].sum().item() == pytest.approx(3.0 - 0.1 * ((-1.0 - 2.0) - (-1.5 - 1.0)))
    free = penalised(torch.tensor([3.0, -1.0]), log_p, reference, MASK, 0.0)
    assert free.flatten().tolist() == [0.0, 3.0, 0.0, -1.0, 0.0, 0.0]


def best(beta: float) -> torch.Tensor:
    """The policy of one token out of three whose penalised reward is the largest, by gradient ascent."""
    score, reference = torch.tensor([1.0, 0.0, -0.5]), torch.tensor([0.2, 0.5, 0.3]).log()
    logits = torch.zeros(3, requires_grad=True)
    optimiser = torch.optim.LBFGS([logits], max_iter=60, line_search_fn="strong_wolfe")

    def loss() -> float:
        optimiser.zero_grad()
        log_p = logits.log_softmax(0)
        one = torch.ones(3, 1, dtype=torch.bool)
        value = -(log_p.exp() * penalised(score, log_p[:, None], reference[:, None], one, beta)[:, 0]).sum()
        value.backward()
        return value.item()

    optimiser.step(loss)
    return logits.detach().softmax(0)


def test_a_penalised_policy_is_the_references_tilted_by_the_score():
    # pi(o) ~ pi_SFT(o) e^(r / beta): 0.2 e^2, 0.5, 0.3 e^-1 at beta 0.5
    parts = torch.tensor([0.2 * 7.389056, 0.5, 0.3 * 0.3678794])
    assert best(0.5).tolist() == pytest.approx((parts / parts.sum()).tolist(), abs=1e-3)
    assert best(1e6).tolist() == pytest.approx([0.2, 0.5, 0.3], abs=1e-3)  # dear enough, and nothing moves
    assert best(1e-3)[0].item() > 0.99  # for nothing, the score is all that counts


def pair(order: tuple[int, int], padding: float = 0.0) -> tuple[float, torch.Tensor, float]:
    """DPO of one pair: log pi and log pi_ref are -1, -2 of the first answer, -3, -2 of the second."""
    log_p = torch.tensor([[-0.5, -0.5, padding], [-3.0, padding, padding]], requires_grad=True)
    reference = torch.tensor([[-1.5, -0.5, -padding], [-2.0, -padding, -padding]])
    found = dpo(log_p, reference, MASK, torch.tensor([order]), 0.1)
    found.loss.backward()
    assert log_p.grad is not None
    return found.loss.item(), log_p.grad, found.margin


def test_dpo_by_hand_and_the_sign_of_its_gradient():
    loss, gradient, margin = pair((0, 1))
    # 0.1 (1 + 1) = 0.2: log(1 + e^-0.2); the weight is 0.1 sigmoid(-0.2)
    assert (loss, margin) == pytest.approx((0.5981389, 0.2), abs=1e-6)
    up, down = -0.0450166, 0.0450166
    assert gradient.flatten().tolist() == pytest.approx([up, up, 0.0, down, 0.0, 0.0], abs=1e-6)
    loss, gradient, margin = pair((1, 0))
    assert (loss, margin) == pytest.approx((0.7981389, -0.2), abs=1e-6)
    assert gradient[0, 0].item() == pytest.approx(0.0549834, abs=1e-6)  # less likely, and more so, being wrong


def test_padding_changes_nothing():
    expected = pair((0, 1))
    for padding in (5.0, NAN, float("inf")):
        loss, gradient, margin = pair((0, 1), padding)
        assert (loss, margin) == (expected[0], expected[2]) and torch.equal(gradient, expected[1])


def test_the_implicit_reward_of_the_reference_is_nothing():
    log_p = torch.tensor([[-1.0, -2.0, 4.0], [-3.0, 2.0, 1.0]])
    assert implicit_reward(log_p, log_p, MASK, 0.3).tolist() == [0.0, 0.0]
    assert dpo(log_p, log_p, MASK, torch.tensor([[0, 1]]), 0.3).loss.item() == pytest.approx(0.6931472)
    assert implicit_reward(log_p, log_p - 1.0, MASK, 0.3).tolist() == pytest.approx([0.6, 0.3])

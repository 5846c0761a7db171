"""Losses for language: by hand, with a detail left out, and what must not change anything."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from agents.language import losses

ONE_OF_FOUR = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
EQUAL = torch.tensor([[0.1, 0.1, 0.1], [1.0, 1.0, 1.0]])


def batch(seed: int = 0, groups: int = 2, size: int = 4, length: int = 5) -> dict[str, Tensor]:
    """Rewards and log-probabilities of some answers, of lengths 1 to `length`."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    many = groups * size
    old = -drawn(many, length).abs()
    lengths = torch.randint(1, length + 1, (many,), generator=generator)
    return {
        "reward": drawn(groups, size).round(decimals=1),
        "log_p": (old + 0.3 * drawn(many, length)).requires_grad_(),
        "old": old,
        "reference": old + 0.3 * drawn(many, length),
        "mask": torch.arange(length) < lengths[:, None],
    }


def whole(name: str, reward, log_p, old, reference, mask) -> Tensor:
    """One paper's loss, with its own numbers."""
    return {
        "grpo": lambda: losses.grpo(reward, log_p, old, reference, mask),
        "dr_grpo": lambda: losses.dr_grpo(reward, log_p, old, mask, most=8),
        "dapo": lambda: losses.dapo(reward, log_p, old, mask),
        "rloo": lambda: losses.rloo(reward, log_p, old, mask),
        "reinforce++": lambda: losses.reinforce_pp(reward, log_p, old, reference, mask),
    }[name]()


# --- advantages -----------------------------------------------------------------------------------------------------


def test_advantages_of_one_right_answer_in_four_by_hand():
    # mean 1/4; the sample's spread is sqrt((9/16 + 3/16) / 3) = 1/2
    assert losses.grpo_advantages(ONE_OF_FOUR).tolist() == pytest.approx([1.5, -0.5, -0.5, -0.5])
    assert losses.dr_grpo_advantages(ONE_OF_FOUR).tolist() == pytest.approx([0.75, -0.25, -0.25, -0.25])
    assert losses.rloo_advantages(ONE_OF_FOUR).tolist() == pytest.approx([1.0, -1 / 3, -1 / 3, -1 / 3])
    # over the whole batch, answers of 1, 1, 1 and 5 tokens: mean 1/8, spread sqrt(7) / 8
    mask = torch.arange(5) < torch.tensor([1, 1, 1, 5])[:, None]
    got = losses.reinforce_pp_advantages(ONE_OF_FOUR, mask)
    assert got[0, 0].item() == pytest.approx(7 / math.sqrt(7)) and got[3, 4].item() == pytest.approx(-1 / math.sqrt(7))
    assert (got[~mask] == 0).all() and got[mask].sum().item() == pytest.approx(0, abs=1e-6)


def test_places_are_compared_among_the_answers_that_reach_them_by_hand():
    paid = torch.tensor([[[1.0, 0.0, 1.0], [1.0, 1.0, 5.0], [1.0, 1.0, 0.0]]])
    mask = torch.tensor([[True, True, True], [True, True, False], [True, False, False]])
    # the first place is paid alike; two reach the second, one the third, whatever stands beyond
    got = losses.place_advantages(paid, mask)
    assert got.tolist() == [[0, -0.5, 0], [0, 0.5, 0], [0, 0, 0]]
    both = losses.place_advantages(torch.cat([paid, paid.flip(1)]), torch.cat([mask, mask.flip(0)]))
    assert torch.equal(both, torch.cat([got, got.flip(0)]))


def test_a_cost_of_straying_is_summed_to_the_end():
    mask = torch.tensor([[True, True, False]])
    old, reference = torch.tensor([[-1.0, -2.0, 9.0]]), torch.tensor([[-2.0, -4.0, -9.0]])
    # rewards to go: 1 - 0.1 (1 + 2) = 0.7 and 1 - 0.1 * 2 = 0.8: 1 spread below their mean, and 1 above
    got = losses.reinforce_pp_advantages(torch.tensor([[1.0]]), mask, old, reference, 0.1)
    assert got.tolist() == [pytest.approx([-1, 1, 0], abs=1e-5)]
    assert (losses.reinforce_pp_advantages(torch.tensor([[1.0]]), mask, old, reference, 0.0) == 0).all()


def test_groups_do_not_touch_each_other():
    other = torch.cat([ONE_OF_FOUR, 100 * ONE_OF_FOUR + 7])
    for name, advantages in losses.GROUP_ADVANTAGES.items():
        alone, beside = advantages(ONE_OF_FOUR), advantages(other)
        assert beside[:4].tolist() == alone.tolist()
        assert beside.view(2, 4).sum(1).tolist() == pytest.approx([0, 0], abs=1e-4)
        assert (beside[4:].tolist() == pytest.approx(alone.tolist())) == (name == "group_std")


# --- what all of them share -----------------------------------------------------------------------------------------


def test_the_estimate_of_a_divergence_by_hand():
    mask = torch.ones(1, 3, dtype=torch.bool)
    reference = torch.log(torch.tensor([[0.5, 0.2, 0.1]]))
    got = losses.k3(torch.log(torch.tensor([[0.5, 0.1, 0.2]])), reference, mask)
    assert got.tolist() == [pytest.approx([0.0, 2 - math.log(2) - 1, 0.5 + math.log(2) - 1], abs=1e-6)]
    p, q = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.2, 0.3, 0.5])  # its mean under p is KL(p | q)
    drawn = losses.k3(p.log()[None], q.log()[None], mask)[0]
    assert (p * drawn).sum().item() == pytest.approx((p * (p / q).log()).sum().item())


def test_two_ends_of_the_clip():
    ratio = torch.tensor([[1.25, 1.4, 0.7, 0.7, 1.4]], requires_grad=True)
    advantage = torch.tensor([[1.0, 1.0, 1.0, -1.0, -1.0]])
    got = losses.surrogate(ratio, advantage, 0.2, 0.28)
    assert got.tolist() == [pytest.approx([1.25, 1.28, 0.7, -0.8, -1.4])]
    got.sum().backward()
    assert ratio.grad is not None and ratio.grad.tolist() == [[1, 0, 1, 0, -1]]
    assert losses.surrogate(ratio, advantage, 0.2, 0.2)[0, 0].item() == pytest.approx(1.2)  # a lower ceiling


def test_weights_by_hand():
    mask = torch.tensor([[True, False, False, False], [True, True, True, False]])
    assert losses.answer_weights(mask).sum(1).tolist() == [0.5, 0.5]
    assert losses.token_weights(mask).sum(1).tolist() == [0.25, 0.75]
    assert losses.budget_weights(mask, 5).sum(1).tolist() == pytest.approx([0.1, 0.3])
    assert losses.weights_of("budget", mask, 5)[1].tolist() == pytest.approx([0.1, 0.1, 0.1, 0])


def test_the_penalty_of_length_by_hand():
    length = torch.tensor([10, 16, 18, 20])
    assert losses.overlong(length, 20, 4).tolist() == [0, 0, 0.5, 1]
    assert losses.overlong(length, 20, 0).tolist() == [0, 0, 0, 0]


def test_an_answers_ratio_is_the_product_of_its_tokens():
    mask = torch.tensor([[True, True, False]])
    old, log_p = torch.zeros(1, 3), torch.tensor([[math.log(2), math.log(3), math.log(50)]])
    assert losses.token_ratios(log_p, old, mask).tolist() == [pytest.approx([2, 3, 1])]
    assert losses.answer_ratios(log_p, old, mask).tolist() == [pytest.approx([6, 6, 6])]


# --- whole losses ---------------------------------------------------------------------------------------------------


def test_grpo_by_hand():
    """Two answers of 1 and 2 tokens, the first right: advantages +-sqrt(1/2)."""
    a = math.sqrt(0.5)
    mask = torch.tensor([[True, False], [True, True]])
    old = torch.zeros(2, 2)
    log_p = torch.tensor([[1.5, 9.0], [1.0, 0.5]]).log()
    reward = torch.tensor([[1.0, 0.0]])
    got = losses.grpo(reward, log_p, old, log_p, mask, clip=0.2, beta=0.04)
    # the first answer's ratio of 1.5 is held at 1.2; of the second, 1 and 0.5, the latter is held at 0.8
    assert got.item() == pytest.approx(-(1.2 * a - (1.0 + 0.8) / 2 * a) / 2)
    strayed = losses.grpo(reward, log_p, old, log_p + math.log(2), mask, clip=0.2, beta=0.04)
    assert strayed.item() - got.item() == pytest.approx(0.04 * (2 - math.log(2) - 1), abs=1e-6)
    # Dr. GRPO: advantages +-1/2, over a budget of 4; DAPO: a ceiling of 1.28, over 3 tokens
    assert losses.dr_grpo(reward, log_p, old, mask, most=4).item() == pytest.approx(-(0.6 - 0.5 - 0.4) / 8)
    assert losses.dapo(reward, log_p, old, mask).item() == pytest.approx(-(1.28 * a - 1.8 * a) / 3)
    # RLOO: advantages +-1, ratios of whole answers 1.5 and 0.5, held at 1.2 and 0.8
    assert losses.rloo(reward, log_p, old, mask).item() == pytest.approx(-(1.2 - 0.8) / 2)


@pytest.mark.parametrize("name", losses.VARIANTS)
def test_equal_rewards_teach_exactly_nothing(name):
    tensors = batch(groups=2, size=3)
    log_p, old, mask = tensors["log_p"], tensors["old"], tensors["mask"]
    reward = torch.full((2, 3), 0.1) if name == "reinforce++" else EQUAL  # there the batch is the group
    reference = old if name == "reinforce++" else log_p.detach()  # what strays from a reference is not taught by reward
    (gradient,) = torch.autograd.grad(whole(name, reward, log_p, old, reference, mask), log_p)
    assert (gradient == 0).all()
    (gradient,) = torch.autograd.grad(whole(name, tensors["reward"], log_p, old, reference, mask), log_p)
    assert (gradient[mask] != 0).any()


@pytest.mark.parametrize("name", losses.VARIANTS)
def test_padding_never_changes_a_loss(name):
    tensors = batch()
    loss = whole(name, **tensors)
    loss.backward()
    assert tensors["log_p"].grad is not None and (tensors["log_p"].grad[~tensors["mask"]] == 0).all()
    wild = {k: torch.full((8, 3), v) for k, v in {"log_p": float("nan"), "old": 7.0, "reference": -1e9}.items()}
    padded = {
        **{k: torch.cat([tensors[k].detach(), more], 1) for k, more in wild.items()},
        "reward": tensors["reward"],
        "mask": torch.cat([tensors["mask"], torch.zeros(8, 3, dtype=torch.bool)], 1),
    }
    assert whole(name, **padded).item() == pytest.approx(loss.item(), abs=1e-6)
    counted = {**padded, "log_p": padded["log_p"].nan_to_num(0.0), "mask": torch.ones(8, 8, dtype=torch.bool)}
    assert whole(name, **counted).item() != pytest.approx(loss.item(), abs=1e-3)


@pytest.mark.parametrize("name", losses.VARIANTS)
def test_switches_give_the_papers_losses_and_parts_add_up_to_the_whole(name):
    tensors = batch()
    v = losses.VARIANTS[name]
    log_p, old, reference, mask = (tensors[k] for k in ("log_p", "old", "reference", "mask"))
    paper = whole(name, **tensors)
    (expected,) = torch.autograd.grad(paper, log_p)
    if v.advantage == "batch":
        advantage = losses.reinforce_pp_advantages(tensors["reward"], mask, old, reference, v.kl)
    else:
        advantage = losses.per_answer(losses.GROUP_ADVANTAGES[v.advantage](tensors["reward"]))
    weights = losses.weights_of(v.average, mask, 8)
    total, gradients = 0.0, torch.zeros_like(log_p)
    for part in (slice(0, 3), slice(3, 8)):
        ratios = losses.token_ratios if v.ratio == "token" else losses.answer_ratios
        loss = -losses.surrogate(ratios(log_p[part], old[part], mask[part]), advantage[part], v.low, v.high)
        if v.kl and v.advantage != "batch":
            loss = loss + v.kl * losses.k3(log_p[part], reference[part], mask[part])
        loss = losses.weighted(loss, weights[part])
        (gradient,) = torch.autograd.grad(loss, log_p)
        total, gradients = total + loss.item(), gradients + gradient
    assert total == pytest.approx(paper.item(), abs=1e-6)
    assert torch.allclose(gradients, expected, atol=1e-7)
    alone = losses.weights_of(v.average, mask[:3], 8)  # weights of a part alone do not add up
    assert not torch.allclose(alone, weights[:3])

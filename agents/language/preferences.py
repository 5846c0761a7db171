"""Losses of learning from preferences: the reward model's, PPO's penalised reward and DPO's, beside their equations.

To a prompt q K answers are drawn, and somebody puts them in order: rank 0 is the best. Ranks and scores are
[groups, K]. What belongs to answers is [N], N = groups K, one group after the other; what belongs to tokens is [N, T],
with a mask [N, T] that is True on the tokens of the answer. What lies outside of it changes nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

# --- the reward model: Ouyang et al. 2022, "InstructGPT", arXiv:2203.02155, section 3.5, eq. 1 -----------------------


def preferred(score: Tensor, rank: Tensor) -> Tensor:
    """[groups, C(K, 2)] x_w - x_l of every pair of answers to a prompt, w being the better one by rank."""
    first, second = torch.triu_indices(score.shape[1], score.shape[1], offset=1)
    gap = score[:, first] - score[:, second]
    return torch.where(rank[:, first] < rank[:, second], gap, -gap)


def bradley_terry(score: Tensor, rank: Tensor) -> Tensor:
    """- 1 / C(K, 2) sum over pairs of log sigmoid(r(q, o_w) - r(q, o_l)), in the mean over prompts (eq. 1).

    All pairs of a prompt are in one batch, each answer scored once; ranks of which no two are equal.
    """
    return -logsigmoid(preferred(score, rank)).mean()


def agreement(score: Tensor, rank: Tensor) -> float:
    """Share of the pairs whose better answer is scored higher; equal scores, as of equal answers, count half."""
    return (0.5 + 0.5 * preferred(score, rank).sign()).mean().item()


# --- PPO on its score: InstructGPT, eq. 2, without the share of pretraining; Stiennon et al. 2020, arXiv:2009.01325 --


def penalised(score: Tensor, log_p: Tensor, reference: Tensor, mask: Tensor, beta: float) -> Tensor:
    """[N, T] what each token is paid: - beta log(pi(o_t) / pi_SFT(o_t)), and at the last one the score [N] beside it.

    Summed over an answer this is r(q, o) - beta log(pi(o | q) / pi_SFT(o | q)), the objective of eq. 2.
    """
    paid = torch.where(mask, -beta * (log_p - reference), 0.0)
    last = mask.sum(1, keepdim=True) - 1
    return paid.scatter_add(1, last.clamp_min(0), torch.where(last >= 0, score.to(paid.dtype)[:, None], 0.0))


# --- DPO: Rafailov et al. 2023, "Direct preference optimization", arXiv:2305.18290 -----------------------------------


class Direct(NamedTuple):
    """DPO's loss, and what there is to see of it."""

    loss: Tensor
    agreement: float
    """Share of the pairs whose better answer has the higher implicit reward; equal ones count half."""
    margin: float
    """The mean of how much higher it is."""


def implicit_reward(log_p: Tensor, reference: Tensor, mask: Tensor, beta: float) -> Tensor:
    """[N] beta log(pi(o | q) / pi_ref(o | q)): the reward for which pi is the best policy, but for q's own (eq. 5)."""
    return beta * torch.where(mask, log_p - reference, 0.0).sum(1)


def dpo(log_p: Tensor, reference: Tensor, mask: Tensor, rank: Tensor, beta: float) -> Direct:
    """- log sigmoid(beta log pi(o_w)/pi_ref(o_w) - beta log pi(o_l)/pi_ref(o_l)), in the mean over pairs (eq. 7).

    The reward model's loss with the implicit reward in place of a score. Of more than two answers all pairs count.
    """
    reward = implicit_reward(log_p, reference, mask, beta).view_as(rank)
    loss = bradley_terry(reward, rank)
    return Direct(loss, agreement(reward.detach(), rank), preferred(reward.detach(), rank).mean().item())

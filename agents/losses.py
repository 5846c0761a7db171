"""Losses as pure functions of tensors; means over the batch."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional


def policy_cross_entropy(logits: Tensor, legal: Tensor, target: Tensor) -> Tensor:
    """- sum_a target(a) log p(a), p the softmax over legal moves (Silver et al. 2017, eq. 1); all [B, A]."""
    log_p = torch.log_softmax(logits.masked_fill(~legal, -1e9), dim=1)
    return -(target * log_p).sum(1).mean()


def value_cross_entropy(logit: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of the expected score (1 + v) / 2, v = tanh(logit / 2); target [B] in [-1, 1].

    Differs from AlphaGo Zero's squared error: its gradient does not vanish where tanh saturates.
    """
    return functional.binary_cross_entropy_with_logits(logit, 0.5 * (1.0 + target))


def entropy(probabilities: Tensor) -> Tensor:
    """Mean entropy of distributions [B, A], in nats: the least a cross-entropy against them can be."""
    return -(probabilities * probabilities.clamp_min(1e-12).log()).sum(1).mean()


def log_softmax_legal(logits: Tensor, legal: Tensor) -> Tensor:
    """[B, A] log-probabilities of the softmax over legal actions; -1e9 or so where illegal, never infinite."""
    return torch.log_softmax(torch.where(legal, logits, -1e9), dim=1)


def chosen_and_entropy(out: Mapping[str, Tensor], legal: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
    """([B] log-probability or log-density of what was chosen, [B] entropy of what it was chosen from).

    By the head `policy` [B, A] over the legal actions, action [B]; or by the head `gaussian` [B, 2, controls].
    """
    if "gaussian" in out:
        mean, log_spread = out["gaussian"].unbind(1)
        return gaussian_log_density(mean, log_spread, action), gaussian_entropy(log_spread)
    log_p = log_softmax_legal(out["policy"], legal)
    return log_p.gather(1, action[:, None]).squeeze(1), -(log_p.exp() * log_p).sum(1)


def gaussian_log_density(mean: Tensor, log_spread: Tensor, action: Tensor) -> Tensor:
    """[B] sum_c of -(a - mean)^2 / (2 spread^2) - log spread - log(2 pi) / 2; all [B, controls]."""
    z = (action - mean) * torch.exp(-log_spread)
    return -(0.5 * z * z + log_spread + 0.5 * math.log(2 * math.pi)).sum(1)


def squashed_log_density(mean: Tensor, log_spread: Tensor, drawn: Tensor) -> Tensor:
    """[B] log-density of tanh(drawn): that of drawn, less sum_c log(1 - tanh(drawn)^2) (arXiv:1801.01290, eq. 21)."""
    squeeze = 2.0 * (math.log(2.0) - drawn - functional.softplus(-2.0 * drawn))
    return gaussian_log_density(mean, log_spread, drawn) - squeeze.sum(1)


def gaussian_entropy(log_spread: Tensor) -> Tensor:
    """[B] sum_c of log spread + log(2 pi e) / 2, in nats."""
    return (log_spread + 0.5 * math.log(2 * math.pi * math.e)).sum(1)


def clipped_surrogate(ratio: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """- E min(ratio A, clip(ratio, 1 - clip, 1 + clip) A) (Schulman et al. 2017, arXiv:1707.06347, eq. 7)."""
    free, held = ratio * advantage, ratio.detach().clamp(1 - clip, 1 + clip) * advantage
    return -torch.where(held < free, held, free).mean()  # what is held has no gradient: none is asked for


def value_error(value: Tensor, target: Tensor) -> Tensor:
    """E (V - target)^2."""
    return functional.mse_loss(value, target)


def clipped_value_error(value: Tensor, target: Tensor, before: Tensor, clip: float) -> Tensor:
    """E max((V - target)^2, (V' - target)^2), V' = V held within `clip` of what it was before.

    Of OpenAI's baselines, not of the paper; Andrychowicz et al. 2021 (arXiv:2006.05990) found it to hurt.
    """
    held = before + (value - before).clamp(-clip, clip)
    return torch.maximum((value - target).square(), (held - target).square()).mean()


def weighed_mean(each: Tensor, weight: Tensor | None = None) -> Tensor:
    """sum weight each / sum weight, of [B] both; the plain mean without weights."""
    return each.mean() if weight is None else (weight * each).sum() / weight.sum()


def kl_estimate(log_ratio: Tensor, weight: Tensor | None = None) -> Tensor:
    """E (ratio - 1 - log ratio), an estimate of KL(old | new) from the old one's actions [B]; never below 0."""
    return weighed_mean(log_ratio.exp() - 1 - log_ratio, weight)


def divergence(logits: Tensor, other: Tensor, legal: Tensor) -> Tensor:
    """[B] KL(p | q) = sum_a p(a) log(p(a) / q(a)), p and q the softmax of two logits over legal actions; all [B, A]."""
    log_p, log_q = log_softmax_legal(logits, legal), log_softmax_legal(other, legal)
    return (log_p.exp() * (log_p - log_q)).sum(1)


def explained_variance(value: Tensor, target: Tensor) -> float:
    """1 - Var(target - V) / Var(target): 1 is perfect, 0 no better than a constant; 0 if the targets are all equal."""
    spread = target.var(correction=0).item()
    return 0.0 if spread < 1e-12 else 1.0 - (target - value).var(correction=0).item() / spread


def huber(difference: Tensor, bend: float = 1.0) -> Tensor:
    """d^2 / 2 up to `bend`, from there a straight line with the slope it has there; elementwise (Huber 1964)."""
    size = difference.abs()
    inner = size.clamp_max(bend)
    return inner * (size - 0.5 * inner)


def q_of(q: Tensor, action: Tensor) -> Tensor:
    """What a head of [B, A] or [B, A, atoms] says of action [B]: [B] or [B, atoms]."""
    return q[torch.arange(len(action)), action]


def projected(after: Tensor, reward: Tensor, left: Tensor, support: Tensor) -> Tensor:
    """[B, atoms] the distribution of reward + left Z, brought back to the atoms (Bellemare et al. 2017, eq. 7).

    after [B, atoms] are the probabilities of Z's values `support`, evenly spaced; what falls between two atoms is
    shared by nearness, what falls beyond the ends stays there.
    """
    low, high, atoms = support[0], support[-1], len(support)
    moved = (reward[:, None] + left[:, None] * support).clamp(low, high)
    place = (moved - low) / (high - low) * (atoms - 1)
    below = place.floor().clamp(0, atoms - 1)
    above = (below + 1).clamp_max(atoms - 1)
    share = place - below
    out = torch.zeros_like(after)
    out.scatter_add_(1, below.long(), after * (1 - share))
    return out.scatter_add_(1, above.long(), after * share)


def beyond(after: Tensor, reward: Tensor, left: Tensor, support: Tensor) -> Tensor:
    """[B] how much of a distribution `projected` brings back from over a hundredth of the range beyond its ends."""
    moved = reward[:, None] + left[:, None] * support
    margin = 0.01 * (support[-1] - support[0])
    return (after * ((moved < support[0] - margin) | (moved > support[-1] + margin))).sum(1)

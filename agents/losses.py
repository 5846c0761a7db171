"""Losses as pure functions of tensors; means over the batch."""

from __future__ import annotations

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

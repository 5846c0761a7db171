"""Where a language model looks: the weights of every head of attention over a text."""

from __future__ import annotations

import torch
from torch import Tensor

from agents.backbones.gpt import Block
from agents.language.model import parts
from agents.networks import Network


@torch.no_grad()
def attention(network: Network, tokens: Tensor) -> Tensor:
    """tokens [B, T] -> [B, layers, heads, T, T] the weight that each token, in a row, gives to every token.

    softmax(Q K^T / sqrt(d)), 0 for tokens after one's own (Vaswani et al. 2017, arXiv:1706.03762, eq. 1).
    """
    body, _ = parts(network)
    count = tokens.shape[1]
    x = body.table[tokens.long()]
    if body.place is not None:
        x = x + body.place[:count]
    turn = None if body.turns is None else body.turns[:count]
    later = torch.ones(count, count, dtype=torch.bool).triu(1)
    weights: list[Tensor] = []
    for block in body.blocks:
        assert isinstance(block, Block)
        query, key, value = block.asked(x, turn)
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        weights.append(scores.masked_fill(later, -torch.inf).softmax(-1))
        x = block.added(x, weights[-1] @ value)
    return torch.stack(weights, dim=1)

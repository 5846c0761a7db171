"""A language model is a network whose body is a `gpt` and whose head `token` scores the next token.

Here is what learners ask of one: the same weights, a whole text at once, with gradients.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from agents.backbones.gpt import GPT
from agents.heads import Token
from agents.networks import Network


class Spoken(NamedTuple):
    """What a model makes of given answers; 0 where an answer is over."""

    log_p: Tensor
    """[N, T] the logarithm of each token's probability after all before it."""
    entropy: Tensor
    """[N, T] of the distribution that the token stands in, in nats."""


def parts(network: Network) -> tuple[GPT, Token]:
    """Body and head of a language model; raises ValueError for a network that is none."""
    body = network.get_submodule("backbone")
    head = dict(network.heads.items()).get("token")
    if not isinstance(body, GPT) or not isinstance(head, Token) or head.own is not None:
        raise ValueError(
            f"A language model is a gpt with the head token, for a game whose observation is its text; this network is "
            f"{network.describe()}. Write --backbone gpt:layers=4,width=128."
        )
    return body, head


def logits(network: Network, tokens: Tensor) -> Tensor:
    """tokens [B, T] -> [B, T, V] scores of the token after each."""
    body, head = parts(network)
    return head.scores(body.hidden(tokens.long()))


def token_log_p(
    network: Network, text: Tensor, prompted: Tensor, length: Tensor, most: int, temperature: float = 1.0
) -> Spoken:
    """What a model makes of answers that stand in texts [N, L] after `prompted` [N] tokens and are `length` [N] long.

    most  T of what is given; answers are no longer. Scores are computed of the answers' own places alone.
    """
    body, head = parts(network)
    reach = int((prompted + length).max())
    place = torch.arange(most, device=text.device)
    valid = place < length[:, None]
    row, nth = valid.nonzero(as_tuple=True)
    at = prompted.long()[row] + nth
    features = body.hidden(text[:, : max(reach - 1, 1)].long())[row, at - 1]
    log_p = (head.scores(features) / temperature).log_softmax(1)
    said = log_p.gather(1, text[row, at].long()[:, None]).squeeze(1)
    entropy = -(log_p.exp() * log_p).sum(1)
    empty = log_p.new_zeros(valid.shape)
    return Spoken(empty.index_put((row, nth), said), empty.index_put((row, nth), entropy))

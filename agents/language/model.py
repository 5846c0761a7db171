"""A language model is a network whose body is a `gpt` and whose head `token` scores the next token.

Here is what learners ask of one: the same weights, a whole text at once, with gradients.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from agents.backbones.gpt import GPT
from agents.heads import Returns, Token
from agents.networks import Network
from agents.placed import in_parts

SHARED = 0.7
"""Prompts for each answer up to which each is read by itself, once for all answers that follow it."""


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


@in_parts
def logits(network: Network, tokens: Tensor) -> Tensor:
    """tokens [B, T] -> [B, T, V] scores of the token after each."""
    body, head = parts(network)
    return head.scores(body.hidden(tokens.long()))


@in_parts
def token_log_p(
    network: Network, text: Tensor, prompted: Tensor, length: Tensor, most: int, temperature: float = 1.0
) -> Spoken:
    """What a model makes of answers that stand in texts [N, L] after `prompted` [N] tokens and are `length` [N] long.

    most  T of what is given; answers are no longer. Scores are computed of the answers' own places alone.
    """
    return _spoken(network, _places(network, text, prompted, length, most), temperature)


@in_parts
def token_values(
    network: Network, text: Tensor, prompted: Tensor, length: Tensor, most: int, temperature: float = 1.0
) -> tuple[Spoken, Tensor]:
    """`token_log_p`, and [N, T] what the head `returns` expects of each answer before each of its tokens."""
    places = _places(network, text, prompted, length, most)
    value = places.spread(_returns(network)(places.features[:, None]))
    return _spoken(network, places, temperature), value


@in_parts
def scores(network: Network, text: Tensor, prompted: Tensor, length: Tensor) -> Tensor:
    """[N] what the head `returns` makes of whole answers, by the features of their last tokens: a reward model."""
    body, _ = parts(network)
    last = (prompted + length).long() - 1
    reach = int(last.max()) + 1 if len(text) else 1
    features = body.hidden(text[:, :reach].long())
    return _returns(network)(features[torch.arange(len(text), device=text.device), last][:, None])


class _Places(NamedTuple):
    """The places of some answers at which a token was chosen: M of them, `row` and `nth` [M] say whose and which."""

    features: Tensor
    """[M, width] of all that stands before the token."""
    token: Tensor
    """[M] the token that was chosen."""
    row: Tensor
    nth: Tensor
    shape: tuple[int, int]

    def spread(self, values: Tensor) -> Tensor:
        """[N, T] values [M] at their places, 0 elsewhere."""
        return values.new_zeros(self.shape).index_put((self.row, self.nth), values)


def _places(network: Network, text: Tensor, prompted: Tensor, length: Tensor, most: int) -> _Places:
    row, nth = (torch.arange(most, device=text.device) < length[:, None]).nonzero(as_tuple=True)
    at = prompted.long()[row] + nth
    return _Places(
        _features(network, text, prompted.long(), length, row, nth), text[row, at].long(), row, nth, (len(text), most)
    )


def _features(network: Network, text: Tensor, prompted: Tensor, length: Tensor, row: Tensor, nth: Tensor) -> Tensor:
    """[M, width] features before token `nth` [M] of answer `row` [M]; what many answers follow is read once."""
    body, _ = parts(network)
    if not len(row):
        return body.table.new_zeros(0, body.features)
    longest, reach = int(length.max()), int(prompted.max())
    place = torch.arange(reach, device=text.device)
    given = torch.where(place < prompted[:, None], text[:, :reach].long(), -1)
    prompts, which = given.unique(dim=0, return_inverse=True)
    if longest < 2 or len(prompts) > SHARED * len(text):
        last = int((prompted + length).max())
        return body.hidden(text[:, : max(last - 1, 1)].long())[row, prompted[row] + nth - 1]
    count = (prompts >= 0).sum(1)
    follows = (prompted[:, None] + torch.arange(longest - 1, device=text.device)).clamp_max(text.shape[1] - 1)
    read, written = body.following(prompts.clamp_min(0), count, which, text.long().gather(1, follows))
    first = read[which[row], prompted[row] - 1]
    return torch.where((nth == 0)[:, None], first, written[row, (nth - 1).clamp_min(0)])


def _spoken(network: Network, places: _Places, temperature: float) -> Spoken:
    log_p = (parts(network)[1].scores(places.features) / temperature).log_softmax(1)
    said = log_p.gather(1, places.token[:, None]).squeeze(1)
    return Spoken(places.spread(said), places.spread(-(log_p.exp() * log_p).sum(1)))


def _returns(network: Network) -> Returns:
    head = dict(network.heads.items()).get("returns")
    if not isinstance(head, Returns):
        raise ValueError(f"What is asked for worth has a head returns; this network is {network.describe()}.")
    return head

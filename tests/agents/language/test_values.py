"""What a language model's head `returns` says of answers: place by place, and of the whole; padding changes nothing."""

from __future__ import annotations

import pytest
import torch

from agents.language.model import scores, token_log_p, token_values
from agents.networks import Network
from envs.registry import game

REVERSE = game("reverse:length=3,letters=2")
BODY = "gpt:layers=1,width=8,heads=1"
TEXT = torch.randint(0, 64, (3, 8), generator=torch.Generator().manual_seed(0))
PROMPTED, LENGTH = torch.tensor([4, 2, 3]), torch.tensor([3, 4, 1])


def network(*heads: str) -> Network:
    return Network(REVERSE, BODY, heads or ("token", "returns"), seed=1).eval().requires_grad_(False)


def worth_of(text: torch.Tensor) -> float:
    """What the head says at the end of one text, as any network says it of an observation."""
    obs = torch.zeros(1, 64, 1, 8)
    obs[0, text, 0, torch.arange(len(text))] = 1.0
    return network()(obs)["returns"].item()


def test_values_stand_before_each_token_and_scores_behind_the_last():
    spoken, value = token_values(network(), TEXT, PROMPTED, LENGTH, 5, 0.7)
    plain = token_log_p(network(), TEXT, PROMPTED, LENGTH, 5, 0.7)
    assert torch.equal(spoken.log_p, plain.log_p) and torch.equal(spoken.entropy, plain.entropy)
    whole = scores(network(), TEXT, PROMPTED, LENGTH)
    for i in range(3):
        first, count = int(PROMPTED[i]), int(LENGTH[i])
        expected = [worth_of(TEXT[i, : first + t]) for t in range(count)] + [0.0] * (5 - count)
        assert value[i].tolist() == pytest.approx(expected, abs=1e-5)
        assert whole[i].item() == pytest.approx(worth_of(TEXT[i, : first + count]), abs=1e-5)


def test_what_stands_behind_an_answer_changes_nothing():
    other = torch.where(torch.arange(8) < (PROMPTED + LENGTH)[:, None], TEXT, 63 - TEXT)
    assert not torch.equal(other, TEXT)
    of = PROMPTED, LENGTH
    assert torch.allclose(scores(network(), other, *of), scores(network(), TEXT, *of))
    assert torch.allclose(token_values(network(), other, *of, 5)[1], token_values(network(), TEXT, *of, 5)[1])


def test_a_network_without_the_head_is_refused():
    with pytest.raises(ValueError, match="has a head returns; this network is gpt"):
        scores(network("token"), TEXT, PROMPTED, LENGTH)

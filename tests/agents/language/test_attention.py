"""Where heads look, by hand and against the model's own pass."""

from __future__ import annotations

import torch

from agents.backbones.gpt import looked
from agents.language.attention import attention
from agents.language.model import parts
from agents.networks import Network
from envs.registry import game

REVERSE = game("reverse:length=3,letters=2")
TEXT = torch.tensor([[11, 12, 12, 43, 12, 11]])


def network(spec: str = "gpt:layers=2,width=8,heads=2") -> Network:
    return Network(REVERSE, spec, ("token",), seed=3)


def test_each_token_shares_itself_out_among_those_up_to_its_own() -> None:
    for positions in ("learned", "rotary"):
        weights = attention(network(f"gpt:layers=2,width=8,heads=2,positions={positions}"), TEXT)
        assert weights.shape == (1, 2, 2, 6, 6)
        assert torch.allclose(weights.sum(-1), torch.ones(1, 2, 2, 6))
        assert not weights.triu(1).any()


def test_where_nothing_is_asked_all_are_seen_alike() -> None:
    """Queries of zero give 1 / (i + 1) each; with queries of their own they do not."""
    model = network()
    even = torch.ones(6, 6).tril() / torch.arange(1, 7)[:, None]
    assert not torch.allclose(attention(model, TEXT)[0, 0, 0], even, atol=1e-5)
    body, _ = parts(model)
    for block in body.blocks:
        torch.nn.init.zeros_(block.get_parameter("ask.weight"))
    assert torch.allclose(attention(model, TEXT), even.expand(1, 2, 2, 6, 6))


def test_values_weighed_so_are_what_the_model_reads() -> None:
    """One layer: the stream with what the heads see, by these weights, is the model's own."""
    model = network("gpt:layers=1,width=8,heads=2")
    body, _ = parts(model)
    with torch.no_grad():
        assert body.place is not None
        x = body.table[TEXT] + body.place[:6]
        (block,) = body.blocks
        _, _, value = block.asked(x, None)  # pyright: ignore
        seen = attention(model, TEXT)[:, 0] @ value
        assert torch.allclose(body.exit(block.added(x, seen)), body.hidden(TEXT), atol=1e-6)  # pyright: ignore


def test_attention_to_numbers_of_bfloat16_is_computed_in_float32() -> None:
    """Of the same rounded numbers it is what float32 makes of them, and not what bfloat16 does."""
    query, key, value = wide = (
        torch.randn(3, 1, 2, 5, 8, generator=torch.Generator().manual_seed(0)).bfloat16().unbind(0)
    )
    want = looked(*(part.float() for part in wide), is_causal=True)
    with torch.autocast("cpu", torch.bfloat16):
        said = looked(*wide, is_causal=True)
        assert torch.nn.functional.scaled_dot_product_attention(query, key, value).dtype == torch.bfloat16
    assert said.dtype == torch.bfloat16 and torch.equal(said, want.bfloat16())

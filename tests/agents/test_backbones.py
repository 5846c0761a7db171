"""Every backbone of the table, on every layout of observation, keeps the contract."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.backbones import fit, fitted
from agents.networks import Network
from agents.registry import BACKBONES
from envs.registry import game, resolve

VARIANTS = [*BACKBONES, "resnet:pre=true", "resnet:pool=2,blocks=2", "resnet:pre=true,pool=1,blocks=1"]
SHAPES = [(2, 6, 7), (3, 4, 4), (9,), (5, 4)]

# Counted by hand. MLP of 84 inputs: 84*128 + 128 + 128*128 + 128. ResNet: an entry of 2*32*9 weights and 2*32 numbers
# of its norm, then three blocks of two convolutions (32*32*9 + 2*32) each.
PARAMETERS = {
    "mlp": 84 * 128 + 128 + 128 * 128 + 128,
    "resnet": 2 * 32 * 9 + 2 * 32 + 3 * 2 * (32 * 32 * 9 + 2 * 32),
    "resnet:pre=true": 2 * 32 * 9 + 2 * 32 + 3 * (2 * 32 * 32 * 9 + 2 * 2 * 32) + 2 * 32,
    "conv": 2 * 32 * 9 + 32 + 32 * 32 * 9 + 32,
    "elman": 84 * 64 + 64 + 2 * (64 * 64 + 64),
    "gru": 84 * 64 + 64 + 3 * 2 * (64 * 64 + 64),
    "lstm": 84 * 64 + 64 + 4 * 2 * (64 * 64 + 64),
    "resnet:pool=2,blocks=2": 2 * 32 * 9 + 2 * 32 + 2 * 2 * (32 * 32 * 9 + 2 * 32) + (64 * 32 + 32),
}


def build(spec: str, shape: tuple[int, ...]) -> torch.nn.Module:
    name, _, rest = spec.partition(":")
    options = dict(item.split("=") for item in rest.split(",") if item)
    kind = resolve(BACKBONES, name, "backbone")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return kind(fitted(shape, kind.kind), **{k: v == "true" if k == "pre" else int(v) for k, v in options.items()})


def alongside(backbone, x: torch.Tensor, fresh: torch.Tensor | None = None) -> torch.Tensor:
    """What a recurrent backbone gives along sequences x [B, T, ...] of games that begin with them."""
    carried = {name: torch.zeros(len(x), *shape) for name, shape in backbone.memory.items()}
    return backbone.unroll(x, carried, torch.zeros(x.shape[:2], dtype=torch.bool) if fresh is None else fresh)[0]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spec", VARIANTS)
def test_gives_the_shape_it_promises_and_every_parameter_learns(spec: str, shape: tuple[int, ...]) -> None:
    backbone = build(spec, shape)
    x = fit(torch.rand(4, *shape), shape, backbone.kind)
    assert tuple(x.shape[1:]) == fitted(shape, backbone.kind)
    out = backbone(x)
    assert tuple(out.shape) == (4, *backbone.out)
    assert backbone.features in backbone.out
    if backbone.memory:  # what it carries is learned from the second position on
        out = alongside(backbone, torch.stack((x, x), dim=1))
    (out * torch.rand_like(out)).sum().backward()
    for name, parameter in backbone.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("spec", VARIANTS)
def test_a_row_does_not_depend_on_its_batch(spec: str) -> None:
    backbone = build(spec, (2, 6, 7)).eval()
    x = fit(torch.rand(8, 2, 6, 7), (2, 6, 7), backbone.kind)
    with torch.no_grad():
        whole = backbone(x)
        torch.testing.assert_close(whole[3:5], backbone(x[3:5]), rtol=1e-5, atol=1e-6)
        assert torch.equal(whole, backbone(x))
        # The control: while it trains, batch normalisation does mix rows.
        if any(isinstance(module, torch.nn.BatchNorm2d) for module in backbone.modules()):
            backbone.train()
            assert not torch.allclose(backbone(x)[3:5], backbone(x[3:5]), atol=1e-3)


@pytest.mark.parametrize("spec", PARAMETERS)
def test_parameters_are_as_many_as_counted_by_hand(spec: str) -> None:
    assert sum(p.numel() for p in build(spec, (2, 6, 7)).parameters()) == PARAMETERS[spec]


def test_every_name_of_the_table_has_its_parameters_counted() -> None:
    assert set(BACKBONES) <= set(PARAMETERS)


def test_fit_keeps_every_number_in_its_place() -> None:
    x = torch.arange(2 * 2 * 3 * 4.0).reshape(2, 2, 3, 4)
    assert torch.equal(fit(x, (2, 3, 4), "vector"), x.reshape(2, 24))
    tokens = fit(x, (2, 3, 4), "tokens")
    assert tokens.shape == (2, 12, 2)
    assert tokens[1, 5].tolist() == [x[1, 0, 1, 1].item(), x[1, 1, 1, 1].item()]
    assert fit(torch.ones(2, 9), (9,), "image").shape == (2, 9, 1, 1)


def test_a_pooling_block_sees_the_far_corner_and_a_plain_one_does_not() -> None:
    for spec, sees in (("resnet:blocks=1,pool=1", True), ("resnet:blocks=1", False)):
        backbone = build(spec, (1, 9, 9)).eval()
        x = torch.zeros(1, 1, 9, 9)
        near = backbone(x)[0, :, 0, 0]
        x[0, 0, 8, 8] = 5.0
        assert (not torch.equal(near, backbone(x)[0, :, 0, 0])) == sees


@pytest.mark.parametrize("bad", ["resnet:blocks=0", "resnet:width=-1", "mlp:layers=0"])
def test_sizes_below_one_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="from 1 to 4096"):
        Network(game("connect_four"), bad)


def test_pooling_by_hand() -> None:
    from agents.backbones.resnet import PoolBias

    pool = PoolBias(1)
    with torch.no_grad():
        pool.mix.weight.copy_(torch.tensor([[2.0, 10.0]]))
        pool.mix.bias.fill_(0.5)
        out = pool(torch.tensor([[[[0.0, 1.0], [2.0, 5.0]]]]))
    # mean 2, maximum 5: 2*2 + 10*5 + 0.5 = 54.5 is added to every cell
    np.testing.assert_allclose(out.numpy(), [[[[54.5, 55.5], [56.5, 59.5]]]])


def test_step_by_step_is_the_same_as_along_a_sequence_and_a_fresh_game_forgets() -> None:
    for spec in ("elman", "gru", "lstm"):
        backbone = build(spec, (6,))
        x = torch.rand(3, 5, 6)
        fresh = torch.zeros(3, 5, dtype=torch.bool)
        fresh[1, 2] = True
        whole = alongside(backbone, x, fresh)
        carried = {name: torch.zeros(3, *shape) for name, shape in backbone.memory.items()}
        for t in range(5):
            out, carried = backbone.unroll(x[:, t : t + 1], carried, fresh[:, t : t + 1])
            torch.testing.assert_close(out[:, 0], whole[:, t])
        torch.testing.assert_close(whole[1, 2:], alongside(backbone, x[1:2, 2:])[0])
        assert not torch.allclose(whole[1, 2:], alongside(backbone, x)[1, 2:], atol=1e-4)  # without the beginning
        torch.testing.assert_close(backbone(x[:, 0]), whole[:, 0])


def test_an_elman_step_by_hand() -> None:
    backbone = build("elman:width=1", (1,))
    with torch.no_grad():
        for parameter, value in zip(backbone.parameters(), (2.0, 0.0, 0.5, -1.0, 0.25, 0.0), strict=True):
            parameter.fill_(value)
    out = alongside(backbone, torch.tensor([[[1.0], [3.0]]]))
    # the layer sees 2, then 6; h = tanh(0.5 * 2 + 0.25), then tanh(0.5 * 6 - h + 0.25)
    first = np.tanh(1.25)
    np.testing.assert_allclose(out[0].detach(), [[2.0, first], [6.0, np.tanh(3.25 - first)]], rtol=1e-5)

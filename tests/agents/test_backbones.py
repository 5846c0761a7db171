"""Every backbone of the table, on every layout of observation, keeps the contract."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.backbones import fit, fitted
from agents.backbones.transformer import Gate, out_of_sight
from agents.networks import Network
from agents.registry import BACKBONES
from envs.registry import game, parse, resolve

MEMORY = "transformer:window=3,width=16,heads=2"
TEXT = "gpt:layers=1,width=16,heads=2,positions=rotary"
VARIANTS = [*BACKBONES, "resnet:pre=true", "resnet:pool=2,blocks=2", "resnet:pre=true,pool=1,blocks=1", MEMORY, TEXT]
SHAPES = [(2, 6, 7), (3, 4, 4), (9,), (5, 4)]

# Counted by hand. MLP of 84 inputs: 84*128 + 128 + 128*128 + 128. ResNet: an entry of 2*32*9 weights and 2*32 numbers
# of its norm, then three blocks of two convolutions (32*32*9 + 2*32) each.
PARAMETERS = {
    "mlp": 84 * 128 + 128 + 128 * 128 + 128,
    "resnet": 2 * 32 * 9 + 2 * 32 + 3 * 2 * (32 * 32 * 9 + 2 * 32),
    "resnet:pre=true": 2 * 32 * 9 + 2 * 32 + 3 * (2 * 32 * 32 * 9 + 2 * 2 * 32) + 2 * 32,
    "conv": 2 * 32 * 9 + 32 + 32 * 32 * 9 + 32,
    # 64 windows of 2 planes of 6 x 6, each with a bias for each of 3 x 4 places, then two layers.
    "windows": 64 * 2 * 36 + 64 * 12 + (768 * 256 + 256) + (256 * 256 + 256),
    "elman": 84 * 64 + 64 + 2 * (64 * 64 + 64),
    "gru": 84 * 64 + 64 + 3 * 2 * (64 * 64 + 64),
    "lstm": 84 * 64 + 64 + 4 * 2 * (64 * 64 + 64),
    # A layer: two norms, query, key and value, the way back, and 64 -> 256 -> 64.
    "transformer": 3 * 64 + 42 * 64 + 2 * (4 * 64 + 65 * 192 + 65 * 64 + 65 * 256 + 257 * 64) + 2 * 64,
    # And two gates of 6 matrices and 3 biases, and a number for each head and distance.
    MEMORY: 3 * 16
    + 42 * 16
    + 2 * (4 * 16 + 17 * 48 + 17 * 16 + 17 * 64 + 65 * 16 + 2 * (6 * 256 + 48) + 2 * 3)
    + 2 * 16,
    # The table, the places, and four layers as those of the transformer at twice the width.
    "gpt": 2 * 128 + 42 * 128 + 4 * (4 * 128 + 129 * 384 + 129 * 128 + 129 * 512 + 513 * 128) + 2 * 128,
    TEXT: 2 * 16 + (4 * 16 + 17 * 48 + 17 * 16 + 17 * 64 + 65 * 16) + 2 * 16,
    "resnet:pool=2,blocks=2": 2 * 32 * 9 + 2 * 32 + 2 * 2 * (32 * 32 * 9 + 2 * 32) + (64 * 32 + 32),
}


def build(spec: str, shape: tuple[int, ...]) -> torch.nn.Module:
    name, options = parse(spec)
    kind = resolve(BACKBONES, name, "backbone")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return kind(fitted(shape, kind.kind), **options)


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
        out = alongside(backbone, torch.stack((x, x.flip(0)), dim=1))
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
    assert set(BACKBONES) <= set(PARAMETERS), "Count the numbers of a new one by hand, and write them into PARAMETERS."


@pytest.mark.parametrize("spec", ["windows", "windows:size=3,rim=0", "windows:size=2,rim=2,channels=5"])
def test_windows_are_a_convolution_with_a_bias_for_each_place(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one = build(spec, (2, 6, 7))
    monkeypatch.setattr("agents.backbones.windows.LARGEST", 0)
    other = build(spec, (2, 6, 7))
    assert one.dense and not other.dense
    with torch.no_grad():
        one.bias.normal_()
        other.load_state_dict(one.state_dict())
        x = torch.rand(3, 2, 6, 7)
        torch.testing.assert_close(one(x), other(x), rtol=1e-4, atol=1e-5)


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
    for spec in (
        "elman",
        "gru",
        "lstm",
        "lstm:span=9",
        "gru:span=9",
        "transformer:window=2",
        MEMORY,
        "transformer:window=9",
    ):
        backbone = build(spec, (6,))
        x = fit(torch.rand(15, 6), (6,), backbone.kind).unflatten(0, (3, 5))
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


def test_what_is_out_of_a_transformers_sight_by_hand() -> None:
    fresh = torch.tensor([[False, False, False], [False, True, False]])
    barred, since = out_of_sight(torch.tensor([1.0, 2.0]), fresh, 2)
    # Two slots, of which the first game holds one, then the three positions; a row a position.
    assert (~barred[0]).int().tolist() == [[0, 1, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 1, 1, 0]]
    # The second game holds two, and ends before the second position, which remembers nothing.
    assert (~barred[1]).int().tolist() == [[1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 1, 0]]
    assert since.tolist() == [2.0, 2.0]
    assert out_of_sight(torch.tensor([0.0]), torch.tensor([[False, False, True]]), 2)[1].tolist() == [1.0]


def test_a_layer_looks_as_far_back_as_its_window_and_no_farther() -> None:
    backbone = build("transformer:layers=1,window=3", (2,)).double()
    x = torch.rand(1, 6, 1, 2, dtype=torch.float64)
    fresh = torch.zeros(1, 6, dtype=torch.bool)
    carried = {name: torch.zeros(1, *shape, dtype=torch.float64) for name, shape in backbone.memory.items()}
    before = backbone.unroll(x, carried, fresh)[0]
    x[0, 1] += 1.0
    changed = (backbone.unroll(x, carried, fresh)[0] - before).abs().amax((0, 2, 3)) > 1e-9
    assert changed.tolist() == [False, True, True, True, True, False]


def test_a_gate_by_hand() -> None:
    gate = Gate(1)
    with torch.no_grad():
        for parameter, numbers in zip(
            gate.parameters(), ([[1.0], [0.0], [0.5]], [-2.0, 0.0, 0.0], [[0.0], [0.0]], [[1.0]]), strict=True
        ):
            parameter.copy_(torch.tensor(numbers))
        got = gate(torch.tensor([[3.0]]), torch.tensor([[2.0]])).item()
    # z = sigmoid(2 - 2) = 1/2, r = sigmoid(0) = 1/2, h = tanh(0.5 * 2 + 3 / 2)
    assert got == pytest.approx(0.5 * 3.0 + 0.5 * np.tanh(2.5))


@pytest.mark.parametrize("spec", ["lstm:span=100,width=256", "gru:span=100,width=256"])
def test_a_span_keeps_for_as_long_as_it_says_and_no_span_does_not(spec: str) -> None:
    """With nothing to see, a unit that keeps for k positions has lost 1 / k of its state after one."""
    for given, long in ((spec, True), (spec.replace("span=100,", ""), False)):
        backbone = build(given, (2,))
        carried = {name: torch.ones(1, *shape) for name, shape in backbone.memory.items()}
        with torch.no_grad():
            for parameter in backbone.enter.parameters():
                parameter.zero_()
            backbone.cell.weight_hh.zero_()
            after = backbone.unroll(torch.zeros(1, 1, 2), carried, torch.zeros(1, 1, dtype=torch.bool))[1]
        kept = after["c" if "lstm" in spec else "h"]
        assert (kept.median() > 0.9) == long
        if long:  # evenly over 1 ... 99: a tenth of the units keeps for less than 10 positions
            assert 0.04 < (kept < 0.9).float().mean() < 0.2

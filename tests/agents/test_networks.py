"""Networks: any backbone with any heads, from a seed, with weights that travel as arrays."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from agents.actor import VECTORS
from agents.backbones.layers import ConvNorm
from agents.heads import HEADS
from agents.networks import Misfit, Network, Playing, load_weights, remembers, weights
from agents.registry import BACKBONES
from envs.registry import Unknown, game

C4 = game("connect_four")
ALL = tuple(head for head in HEADS if head not in VECTORS)


def stirred(network: Network, seed: int = 1) -> Network:
    """With running averages that are not those of a fresh network."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.named_buffers():
        if name.endswith("running_mean"):
            tensor.normal_(0, 0.3, generator=generator)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 2, generator=generator)
    return network.eval()


@pytest.mark.parametrize("backbone", [*BACKBONES, "transformer:window=4"])
def test_whether_a_backbone_remembers_is_known_without_a_game(backbone: str) -> None:
    assert remembers(backbone) == bool(Network(C4, backbone).memory)
    assert remembers(backbone) == (backbone in ("elman", "gru", "lstm", "transformer:window=4"))


@pytest.mark.parametrize("name", ["connect_four", "tic_tac_toe", "othello:size=6"])
@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_head_on_every_backbone(name: str, backbone: str) -> None:
    rules = game(name)
    network = Network(rules, backbone, ALL)
    out = network(torch.rand(3, *rules.shape))
    assert list(out) == list(ALL)
    assert out["policy"].shape == (3, rules.actions)
    assert out["value"].shape == out["left"].shape == out["returns"].shape == (3,)
    assert out["q"].shape == (3, rules.actions)
    if network.memory:  # what is carried is learned from the second position on
        obs, fresh = torch.rand(3, 2, *rules.shape), torch.zeros(3, 2, dtype=torch.bool)
        out, _ = network.unroll(obs, network.begin(3), fresh)
    sum((tensor**2).sum() for tensor in out.values()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_an_untrained_network_prefers_little() -> None:
    out = Network(C4).eval()(torch.rand(64, *C4.shape))
    assert torch.softmax(out["policy"], 1).max() < 0.3
    assert torch.tanh(out["value"] / 2).abs().max() < 0.3


def test_the_policy_sees_where_a_stone_lies() -> None:
    """A head that averaged over the board could not tell a position from a shifted one."""
    network = Network(C4).eval()
    x = torch.zeros(2, 2, 6, 7)
    x[0, 0, 3, 2] = x[1, 0, 3, 4] = 1
    out = network(x)["policy"]
    assert (out[0] - out[1]).abs().max() > 1e-4


def test_a_seed_gives_the_same_weights_and_leaves_torch_alone() -> None:
    torch.manual_seed(7)
    want = torch.rand(3)
    torch.manual_seed(7)
    first = weights(Network(C4, seed=5))
    Playing(Network(C4).eval())
    assert torch.equal(torch.rand(3), want)
    again, other = weights(Network(C4, seed=5)), weights(Network(C4, seed=6))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)


def test_weights_travel_whole() -> None:
    source, target = stirred(Network(C4, heads=ALL)), Network(C4, heads=ALL, seed=9).eval()
    x = torch.rand(4, *C4.shape)
    assert not torch.equal(source(x)["policy"], target(x)["policy"])
    arrays = weights(source)
    load_weights(target, arrays)
    assert all(torch.equal(source(x)[name], target(x)[name]) for name in ALL)
    arrays["heads.policy.score.bias"] += 1  # a copy: neither network may notice
    assert torch.equal(source(x)["policy"], target(x)["policy"])


@pytest.mark.parametrize("damage", ["missing", "unknown", "shape", "nan"])
def test_weights_that_do_not_fit_are_named_and_change_nothing(damage: str) -> None:
    network = Network(C4)
    before = weights(network)
    arrays = weights(Network(C4, seed=3))
    name = "backbone.entry.conv.weight"
    if damage == "missing":
        del arrays[name]
    elif damage == "unknown":
        arrays[name + ".more"] = arrays[name]
    elif damage == "shape":
        arrays[name] = arrays[name][:-1]
    else:
        arrays[name][0, 0, 0, 0] = np.nan
    with pytest.raises(Misfit, match=name):
        load_weights(network, arrays)
    after = weights(network)
    assert all(np.array_equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("backbone", [*BACKBONES, "resnet:pre=true,pool=1"])
def test_folding_changes_nothing_but_the_count_of_layers(backbone: str) -> None:
    network = stirred(Network(C4, backbone))
    x = torch.rand(16, *C4.shape)
    logits, odds = Playing(network)(x)
    out = network(x)
    torch.testing.assert_close(logits, out["policy"], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(odds, out["value"], rtol=1e-4, atol=1e-5)
    assert not any(isinstance(module, ConvNorm) for module in Playing(network).modules())
    assert all(p.requires_grad for p in network.parameters())


def test_folding_by_hand() -> None:
    layer = ConvNorm(1, 1, 1).eval()
    with torch.no_grad():
        layer.conv.weight.fill_(3)
        layer.norm.weight.fill_(2)
        layer.norm.bias.fill_(0.5)
        layer.norm.running_mean.fill_(1)
        layer.norm.running_var.fill_(4)
    layer.norm.eps = 0.0
    folded = layer.folded()
    # 2 * (3x - 1) / 2 + 0.5 = 3x - 0.5
    assert folded.weight.item() == pytest.approx(3.0)
    assert folded.bias.item() == pytest.approx(-0.5)


def test_a_network_without_a_value_cannot_play() -> None:
    with pytest.raises(ValueError, match="head 'value'"):
        Playing(Network(C4, heads=("policy",)))


@pytest.mark.parametrize(
    ("backbone", "heads", "text"),
    [
        ("resnett", ("policy",), "did you mean 'resnet'"),
        ("resnet:widht=8", ("policy",), "did you mean 'width'"),
        ("resnet", ("polcy",), "did you mean 'policy'"),
        ("resnet", ("policy:plane=4",), "did you mean 'planes'"),
        ("resnet:shape=3", ("policy",), "no option 'shape'"),
    ],
)
def test_a_misspelt_part_gets_the_nearest_right_one(backbone: str, heads: tuple[str, ...], text: str) -> None:
    with pytest.raises(Unknown, match=text):
        Network(C4, backbone, heads)


def test_a_copy_shares_the_game_and_nothing_else() -> None:
    network = stirred(Network(C4, "resnet:blocks=1,width=8", ("policy:planes=4", "value")))
    other = copy.deepcopy(network)
    assert other.game is network.game and other.training == network.training
    with torch.no_grad():
        next(other.parameters()).add_(1)
    assert not torch.equal(next(other.parameters()), next(network.parameters()))
    assert f"{network.size():,} parameters" in network.describe()


def test_a_gaussian_has_a_mean_and_a_spread_for_each_number() -> None:
    out = Network(game("pendulum"), "mlp", ("gaussian:spread=0.5",))(torch.rand(3, 3))["gaussian"]
    assert out.shape == (3, 2, 1)
    assert torch.allclose(out[:, 1], torch.tensor(0.5).log())
    with pytest.raises(ValueError, match="spread lies between"):
        Network(game("pendulum"), "mlp", ("gaussian:spread=0",))


def test_a_duel_by_hand() -> None:
    """Q = V + A - mean A: with V = 3 and A = 1, 2, 6 the mean is 3, so Q = 1, 2, 6."""
    head = Network(C4, "mlp:width=4", ("q:dueling=true",)).heads["q"]
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.zero_()
        head.position.bias.fill_(3.0)
        head.action.bias.copy_(torch.tensor([1.0, 2, 6, 3, 3, 3, 3]))
        assert head(torch.ones(1, 4)).tolist() == [[1.0, 2.0, 6.0, 3.0, 3.0, 3.0, 3.0]]
        head.action.bias.add_(100.0)  # what all advantages share is nobody's
        assert head(torch.ones(1, 4)).tolist() == [[1.0, 2.0, 6.0, 3.0, 3.0, 3.0, 3.0]]


def test_a_distribution_over_returns_by_hand() -> None:
    head = Network(C4, "mlp:width=4", ("q:atoms=3,low=-1,high=3",)).heads["q"]
    logits = torch.log(torch.tensor([[[0.25, 0.5, 0.25], [0.0001, 0.0001, 0.9998]]]))
    # values -1, 1, 3: the mean is 1 for the first action, almost 3 for the second
    assert head.expected(logits)[0].tolist() == pytest.approx([1.0, 3.0], abs=1e-3)


def test_returns_in_another_unit_say_the_same() -> None:
    head = Network(C4, "mlp:width=4", ("returns",)).heads["returns"]
    x = torch.rand(5, 4)
    before = head(x)
    head.rescale(torch.tensor([90.0, 110.0]), 1.0)  # mean 100, spread 10
    assert (head.mean.item(), head.spread.item()) == pytest.approx((100.0, 10.0), rel=1e-4)
    torch.testing.assert_close(head(x), before, rtol=1e-3, atol=1e-3)
    with torch.no_grad():
        head.score.weight.zero_()
        head.score.bias.fill_(0.5)
        assert head(x).tolist() == pytest.approx([105.0] * 5, rel=1e-4)

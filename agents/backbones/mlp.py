"""Perceptron: layers of weighted sums with a rectifier between (Rosenblatt 1958; Rumelhart, Hinton & Williams 1986)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from torch import Tensor, nn

from agents.backbones import Kind, positive


class MLP(nn.Module):
    """`layers` hidden layers of `width` units.

    norm  whether each is brought to one mean and spread (Ba et al. 2016)
    tanh  whether a hyperbolic tangent bends them, in place of a rectifier
    """

    kind: Kind = "vector"
    memory: Mapping[str, tuple[int, ...]] = {}

    def __init__(
        self, shape: tuple[int, ...], layers: int = 2, width: int = 128, norm: bool = False, tanh: bool = False
    ) -> None:
        super().__init__()
        positive(layers=layers, width=width)
        sizes = [shape[0], *[width] * layers]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        for layer in self.layers:
            assert isinstance(layer, nn.Linear)
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        self.norms = nn.ModuleList(nn.LayerNorm(width) if norm else nn.Identity() for _ in range(layers))
        self.tanh = tanh
        self.features = width
        self.out = (width,)

    def forward(self, x: Tensor) -> Tensor:
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = norm(layer(x))
            x = x.tanh() if self.tanh else x.relu()
        return x

"""Convolutions: the same small windows everywhere on the board, one layer after the other (LeCun et al. 1989)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from torch import Tensor, nn

from agents.backbones import Kind, positive


class Conv(nn.Module):
    """`layers` convolutions of `size` x `size` cells and `width` channels, each with a rectifier; boards keep theirs.

    With `norm`, each layer is brought to one mean and spread over the whole board (Ba et al. 2016, arXiv:1607.06450).
    No batch normalisation, which would let a position's policy depend on the others of its batch.
    """

    kind: Kind = "image"
    memory: Mapping[str, tuple[int, ...]] = {}

    def __init__(
        self, shape: tuple[int, ...], layers: int = 2, width: int = 32, size: int = 3, norm: bool = False
    ) -> None:
        super().__init__()
        positive(layers=layers, width=width, size=size)
        if size % 2 == 0:
            raise ValueError(f"A convolution's size is odd, so that boards keep theirs; {size} is not.")
        sizes = [shape[0], *[width] * layers]
        self.layers = nn.ModuleList(nn.Conv2d(a, b, size, padding=size // 2) for a, b in pairwise(sizes))
        for layer in self.layers:
            assert isinstance(layer, nn.Conv2d) and layer.bias is not None
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        self.norms = nn.ModuleList(nn.GroupNorm(1, width) if norm else nn.Identity() for _ in range(layers))
        self.features = width
        self.out = (width, *shape[1:])

    def forward(self, x: Tensor) -> Tensor:
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = norm(layer(x)).relu()
        return x

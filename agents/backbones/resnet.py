"""Residual tower: layers that learn what to add to their input (He et al. 2015, arXiv:1512.03385).

`pre=true` normalises and rectifies before each convolution instead of after (He et al. 2016, arXiv:1603.05027).
`pool=n` lets every n-th block see the whole board at once (Wu 2019, arXiv:1902.10565, section 3.3).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from agents.backbones import Kind, positive
from agents.backbones.layers import ConvNorm


class PoolBias(nn.Module):
    """Adds to each channel a learnt mix of every channel's mean and maximum over the board.

    Differs: Wu scales the mean by the board's width as well, for networks that play on many sizes.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        seen = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        return x + self.mix(seen)[:, :, None, None]


class Block(nn.Module):
    """x + f(x), rectified: f is two 3x3 convolutions, each normalised."""

    def __init__(self, width: int, pool: bool) -> None:
        super().__init__()
        self.first = ConvNorm(width, width, 3)
        self.pool = PoolBias(width) if pool else nn.Identity()
        self.second = ConvNorm(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.second(self.pool(self.first(x).relu()))).relu()


class PreBlock(nn.Module):
    """x + f(x), left as it is: f normalises and rectifies before each of its convolutions."""

    def __init__(self, width: int, pool: bool) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width)
        self.first = ConvNorm(width, width, 3)
        self.pool = PoolBias(width) if pool else nn.Identity()
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(self.second.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.pool(self.first(self.norm(x).relu()).relu()))


class ResNet(nn.Module):
    """`blocks` residual blocks of `width` channels after one convolution; the board keeps its size."""

    kind: Kind = "image"
    memory: Mapping[str, tuple[int, ...]] = {}

    def __init__(
        self, shape: tuple[int, ...], blocks: int = 3, width: int = 32, pool: int = 0, pre: bool = False
    ) -> None:
        super().__init__()
        positive(blocks=blocks, width=width, pool=pool or 1)
        kind = PreBlock if pre else Block
        self.entry = ConvNorm(shape[0], width, 3)
        self.blocks = nn.ModuleList(kind(width, bool(pool) and (i + 1) % pool == 0) for i in range(blocks))
        self.exit = nn.BatchNorm2d(width) if pre else nn.Identity()
        self.features = width
        self.out = (width, *shape[1:])

    def forward(self, x: Tensor) -> Tensor:
        x = self.entry(x).relu()
        for block in self.blocks:
            x = block(x)
        return self.exit(x).relu()

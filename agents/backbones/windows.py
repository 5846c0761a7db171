"""Windows: one layer that looks for the same patterns all over a board, then a perceptron that sees all it found.

A convolution whose window holds a whole line of four, and a cell's rim, finds in one layer what makes or stops a line;
where on the board that was is kept, as a deep tower of convolutions keeps it (LeCun et al. 1989). On a small board the
convolution is one product of matrices, in which the window's weights stand at every place: on a CPU that takes a fifth
of the time that convolutions of a few channels do.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from agents.backbones import Kind, positive

LARGEST = 2**18
"""Of inputs times places up to which the convolution is one product of matrices."""


class Windows(nn.Module):
    """`channels` patterns in windows of `size` x `size` cells, at every place, then `layers` layers of `width` units.

    Windows reach `rim` cells over the board's edge, and are cut to the board where that is smaller. Each pattern has a
    bias for each place, by which it knows the edge.
    """

    kind: Kind = "image"
    gives: Kind = "vector"
    memory: Mapping[str, tuple[int, ...]] = {}

    def __init__(
        self,
        shape: tuple[int, ...],
        size: int = 6,
        rim: int = 1,
        channels: int = 64,
        layers: int = 2,
        width: int = 256,
    ) -> None:
        super().__init__()
        positive(size=size, channels=channels, layers=layers, width=width, rim=rim + 1)
        planes, high, wide = shape
        self.rim = rim
        window = (planes, min(size, high + 2 * rim), min(size, wide + 2 * rim))
        self.places = (high + 2 * rim - window[1] + 1, wide + 2 * rim - window[2] + 1)
        self.pattern = nn.Parameter(torch.empty(channels, *window))
        self.bias = nn.Parameter(torch.zeros(channels, *self.places))
        nn.init.kaiming_normal_(self.pattern, nonlinearity="relu")
        count = self.places[0] * self.places[1]
        self.dense = planes * high * wide * count <= LARGEST
        where = torch.from_numpy(seen(shape, window, rim, self.places)) if self.dense else torch.zeros(0)
        self.register_buffer("where", where, persistent=False)
        sizes = [channels * count, *[width] * layers]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        for layer in self.layers:
            assert isinstance(layer, nn.Linear)
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        self.features = width
        self.out = (width,)

    def forward(self, x: Tensor) -> Tensor:
        x = self.found(x).relu_()
        for layer in self.layers:
            x = layer(x).relu_()
        return x

    def found(self, x: Tensor) -> Tensor:
        """[B, channels x places] how well each pattern is met at each place."""
        if not self.dense:
            return (functional.conv2d(x, self.pattern, padding=self.rim) + self.bias).flatten(1)
        flat = self.pattern.flatten(1)
        weight = torch.cat([flat, flat.new_zeros(len(flat), 1)], 1)[:, self.get_buffer("where")]
        return functional.linear(x.flatten(1), weight.flatten(0, 1), self.bias.flatten())


def seen(shape: tuple[int, ...], window: tuple[int, int, int], rim: int, places: tuple[int, int]) -> NDArray[np.int64]:
    """[places, inputs] which number of a window at a place lies upon an input; the window's size if none does."""
    planes, high, wide = shape
    where = np.full((*places, planes, high + 2 * rim, wide + 2 * rim), np.prod(window), np.int64)
    for y in range(places[0]):
        for x in range(places[1]):
            where[y, x, :, y : y + window[1], x : x + window[2]] = np.arange(np.prod(window)).reshape(window)
    inside = where[..., rim : rim + high, rim : rim + wide]
    return np.ascontiguousarray(inside.reshape(places[0] * places[1], planes * high * wide))

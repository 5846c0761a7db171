"""A network whose weights are inputs: traced once, it serves every snapshot after it."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from agents.inference import numbers
from agents.networks import Playing


class Opened(nn.Module):
    """`opened(obs, *tensors)` is the network with `tensors` for its weights, in the order of `names`.

    A converter that saw the weights as constants would fold them together, and drop those that happen to be zero.
    """

    def __init__(self, playing: Playing) -> None:
        super().__init__()
        self.names = list(numbers(playing))
        # In a tuple it is no submodule, or tracing would take its weights for constants after all.
        self.hidden = (copy.deepcopy(playing).eval(),)

    def forward(self, obs: Tensor, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        (inner,) = self.hidden
        for name, tensor in zip(self.names, tensors, strict=True):
            owner, _, key = name.rpartition(".")
            module = inner.get_submodule(owner)
            module._parameters.pop(key, None)
            module._buffers.pop(key, None)
            module.__dict__[key] = tensor
        return inner(obs)


def example(playing: Playing) -> tuple[Tensor, ...]:
    """Arguments for one call: two empty positions, and the weights as they are."""
    return torch.zeros(2, *playing.shape), *(tensor.clone() for tensor in numbers(playing).values())

"""Layers shared by backbones and heads, and how batch normalisation is folded away for inference."""

from __future__ import annotations

import copy

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class ConvNorm(nn.Module):
    """A convolution without bias, then batch normalisation (Ioffe & Szegedy 2015, arXiv:1502.03167).

    The two are one module so that `fold` can merge them: in evaluation both are linear.
    """

    def __init__(self, inputs: int, outputs: int, size: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))

    def folded(self) -> nn.Conv2d:
        """One convolution that does what both do in evaluation."""
        return fuse_conv_bn_eval(self.conv, self.norm)


def fold(network: nn.Module) -> nn.Module:
    """A copy of a network, for evaluation only, in which every `ConvNorm` is a plain convolution."""
    merged = copy.deepcopy(network).eval().requires_grad_(False)
    for module in list(merged.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, ConvNorm):
                setattr(module, name, child.folded().requires_grad_(False))
    return merged

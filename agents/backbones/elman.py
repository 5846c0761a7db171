"""Elman's network: h' = tanh(W x + U h + b), a plain loop (Elman 1990, Cognitive Science 14:179)."""

from __future__ import annotations

from torch import nn

from agents.backbones.loop import Looped


class Elman(Looped):
    """A plain loop of `width` units."""

    def __init__(self, shape: tuple[int, ...], width: int = 64) -> None:
        super().__init__(shape, width, nn.RNNCell(width, width), ("h",))

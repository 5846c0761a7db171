"""GRU: one state, a gate that keeps and a gate that clears (Cho et al. 2014, arXiv:1406.1078)."""

from __future__ import annotations

from torch import nn

from agents.backbones.loop import Looped


class GRU(Looped):
    """A gated state of `width` units."""

    def __init__(self, shape: tuple[int, ...], width: int = 64) -> None:
        super().__init__(shape, width, nn.GRUCell(width, width), ("h",))

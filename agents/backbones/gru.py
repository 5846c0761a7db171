"""GRU: one state, a gate that keeps and a gate that clears (Cho et al. 2014, arXiv:1406.1078)."""

from __future__ import annotations

import torch
from torch import nn

from agents.backbones import positive
from agents.backbones.loop import Looped, spans


class GRU(Looped):
    """A gated state of `width` units.

    span  0: gates begin half open. Above 1: units begin by keeping for times spread evenly over 1 ... span - 1
          positions (Tallec & Ollivier 2018, arXiv:1804.11188, section 3)
    """

    def __init__(self, shape: tuple[int, ...], width: int = 64, span: int = 0) -> None:
        positive(span=span or 1)
        cell = nn.GRUCell(width, width)
        if span > 1:
            with torch.no_grad():
                cell.bias_hh[: 2 * width].zero_()
                cell.bias_ih[width : 2 * width].copy_(spans(width, span).log())
        super().__init__(shape, width, cell, ("h",))

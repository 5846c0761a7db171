"""LSTM: a cell that gates fill, keep and show (Hochreiter & Schmidhuber 1997; the forget gate: Gers et al. 2000)."""

from __future__ import annotations

import torch
from torch import nn

from agents.backbones import positive
from agents.backbones.loop import Looped, spans


class LSTM(Looped):
    """A gated cell of `width` units, which begins by keeping.

    span  0: every unit forgets with a bias of 1 (Jozefowicz et al. 2015). Above 1: units begin by keeping for times
          spread evenly over 1 ... span - 1 positions, and fill as slowly (Tallec & Ollivier 2018, arXiv:1804.11188,
          section 3), for tasks in which something is to be remembered for so long
    """

    def __init__(self, shape: tuple[int, ...], width: int = 64, span: int = 0) -> None:
        positive(span=span or 1)
        cell = nn.LSTMCell(width, width)
        with torch.no_grad():
            fill, keep = cell.bias_ih[:width], cell.bias_ih[width : 2 * width]
            keep.fill_(1.0)
            if span > 1:
                cell.bias_hh.zero_()
                keep.copy_(spans(width, span).log())
                fill.copy_(-keep)
        super().__init__(shape, width, cell, ("h", "c"))

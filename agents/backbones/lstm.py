"""LSTM: a cell that gates fill, keep and show (Hochreiter & Schmidhuber 1997; the forget gate: Gers et al. 2000)."""

from __future__ import annotations

import torch
from torch import nn

from agents.backbones.loop import Looped


class LSTM(Looped):
    """A gated cell of `width` units; it begins by keeping (forget bias 1; Jozefowicz et al. 2015)."""

    def __init__(self, shape: tuple[int, ...], width: int = 64) -> None:
        cell = nn.LSTMCell(width, width)
        with torch.no_grad():
            cell.bias_ih[width : 2 * width].fill_(1.0)
        super().__init__(shape, width, cell, ("h", "c"))

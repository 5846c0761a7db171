"""The loop that recurrent bodies share: a cell whose state each input of a game changes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn

from agents.backbones import Carried, Kind, positive


class Looped(nn.Module):
    """A layer that sees the input, a state that runs through the game, and both to the heads.

    The state alone would have to carry what lies before the eyes; heads are given it beside the layer.
    """

    kind: Kind = "vector"
    memory: Mapping[str, tuple[int, ...]]

    def __init__(self, shape: tuple[int, ...], width: int, cell: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        positive(width=width)
        self.enter = nn.Linear(shape[0], width)
        nn.init.kaiming_normal_(self.enter.weight, nonlinearity="relu")
        nn.init.zeros_(self.enter.bias)
        self.cell = cell
        self.memory = dict.fromkeys(names, (width,))
        self.features = 2 * width
        self.out = (2 * width,)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.enter(x).relu()
        state = self._step(seen, tuple(x.new_zeros(x.shape[0], *shape) for shape in self.memory.values()))
        return torch.cat((seen, state[0]), dim=1)

    def unroll(self, x: Tensor, carried: Carried, fresh: Tensor) -> tuple[Tensor, Carried]:
        seen = self.enter(x).relu()
        state = tuple(carried[name] for name in self.memory)
        out: list[Tensor] = []
        begins = [0, *(int(t) for t in fresh[:, 1:].any(0).nonzero() + 1), x.shape[1]]
        for start, end in pairwise(begins):
            keep = (~fresh[:, start, None]).to(x.dtype)
            piece, state = self._along(seen[:, start:end], tuple(part * keep for part in state))
            out.append(piece)
        both = torch.cat((seen, torch.cat(out, dim=1)), dim=2)
        return both, dict(zip(self.memory, state, strict=True))

    def _step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """One step of the cell."""
        if isinstance(self.cell, nn.LSTMCell):
            return self.cell(x, (state[0], state[1]))
        return (self.cell(x, state[0]),)

    def _along(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The same along T steps [B, T, width] in which no game begins, ten times as fast as one by one."""
        if x.shape[1] == 1:
            state = self._step(x[:, 0], state)
            return state[0].unsqueeze(1), state
        first = [part.unsqueeze(0) for part in state]
        weights: list[Tensor] = [*self.cell.parameters()]
        if isinstance(self.cell, nn.LSTMCell):
            out, *last = torch.lstm(x, first, weights, True, 1, 0.0, self.training, False, True)
        else:
            function = torch.gru if isinstance(self.cell, nn.GRUCell) else torch.rnn_tanh
            out, *last = function(x, first[0], weights, True, 1, 0.0, self.training, False, True)
        return out, tuple(part.squeeze(0) for part in last)


def spans(width: int, longest: int) -> Tensor:
    """[width] times from 1 up to below `longest`, evenly drawn."""
    return 1.0 + (max(longest, 2) - 2) * torch.rand(width)

"""The loop that recurrent bodies share: a cell whose state each input of a game changes."""

from __future__ import annotations

from collections.abc import Mapping

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
        count = x.shape[0]  # not len(x), which a tracer takes for a constant
        carried = {name: x.new_zeros(count, *shape) for name, shape in self.memory.items()}
        fresh = torch.zeros(count, 1, dtype=torch.bool, device=x.device)
        return self.unroll(x.unsqueeze(1), carried, fresh)[0].squeeze(1)

    def unroll(self, x: Tensor, carried: Carried, fresh: Tensor) -> tuple[Tensor, Carried]:
        seen = self.enter(x).relu()
        state = tuple(carried[name] for name in self.memory)
        out: list[Tensor] = []
        for t in range(x.shape[1]):
            keep = (~fresh[:, t, None]).to(x.dtype)
            state = self._step(seen[:, t], tuple(part * keep for part in state))
            out.append(state[0])
        both = torch.cat((seen, torch.stack(out, dim=1)), dim=2)
        return both, dict(zip(self.memory, state, strict=True))

    def _step(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if isinstance(self.cell, nn.LSTMCell):
            return self.cell(x, (state[0], state[1]))
        return (self.cell(x, state[0]),)

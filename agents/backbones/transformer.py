"""Transformer: each cell looks at all cells, and with window=N at the N positions before (Vaswani et al. 2017).

"Attention is all you need", arXiv:1706.03762. Layers normalise what they read and add to what they were given, so that
the input runs straight through to the heads. With a window, what a layer adds passes a gate that begins nearly shut:
both are what makes a transformer learn by reinforcement (GTrXL; Parisotto et al. 2019, arXiv:1910.06764, section 3).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from agents.backbones import Carried, Kind, positive


class Gate(nn.Module):
    """(1 - z) x + z h: a GRU's way of letting something new, y, into x (Parisotto et al. 2019, section 3.2).

    z = sigmoid(W y + U x - 2) is near 0.1 at first, r = sigmoid(W' y + U' x), h = tanh(W'' y + U'' (r x)).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.new = nn.Linear(width, 3 * width)
        self.old = nn.Linear(width, 2 * width, bias=False)
        self.reset = nn.Linear(width, width, bias=False)
        with torch.no_grad():
            self.new.bias.zero_()
            self.new.bias[:width] = -2.0

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        z_new, r_new, h_new = self.new(y).chunk(3, dim=-1)
        z_old, r_old = self.old(x).chunk(2, dim=-1)
        z = (z_new + z_old).sigmoid()
        h = (h_new + self.reset((r_new + r_old).sigmoid() * x)).tanh()
        return x + z * (h - x)


class Sum(nn.Module):
    """x + y."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


class Block(nn.Module):
    """Attention, then two layers for each token by itself.

    A position that is past is remembered as one token, the mean of its cells; how far back it lies weighs by a number
    learned for each distance and head.
    """

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.norm, self.then = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask = nn.Linear(width, 3 * width)
        self.tell = nn.Linear(width, width)
        self.think = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))
        self.add: nn.Module = Gate(width) if window else Sum()
        self.add_then: nn.Module = Gate(width) if window else Sum()
        if window:
            self.distance = nn.Parameter(torch.zeros(heads, window))

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, width], without a past."""
        query, key, value = (part.transpose(1, 2) for part in self._asked(x))
        seen = scaled_dot_product_attention(query, key, value).transpose(1, 2)
        return self._added(x, seen.flatten(2))

    def along(self, x: Tensor, past: Tensor, barred: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, T, L, width] along sequences, with past [B, window, 2, width] before them.

        Where barred [B, T, window + T] is True, that past position is out of sight. Also gives what is remembered of
        the T positions, [B, T, 2, width].
        """
        query, key, value = self._asked(x)  # [B, T, L, heads, each]
        kept = torch.stack((key, value), dim=2).mean(3)  # [B, T, 2, heads, each]
        before = torch.cat((past.unflatten(3, kept.shape[3:]), kept), dim=1)
        query = query / query.shape[-1] ** 0.5
        back = torch.einsum("btlhd,bjhd->bhtlj", query, before[:, :, 0]) + self._weight(x.shape[1])[:, :, None]
        back = back.masked_fill(barred[:, None, :, None], -torch.inf)
        here = torch.einsum("btlhd,btmhd->bhtlm", query, key)
        share = torch.cat((back, here), dim=-1).softmax(-1)
        count = before.shape[1]
        seen = torch.einsum("bhtlj,bjhd->btlhd", share[..., :count], before[:, :, 1])
        seen = seen + torch.einsum("bhtlm,btmhd->btlhd", share[..., count:], value)
        return self._added(x, seen.flatten(3)), kept.flatten(3)

    def _asked(self, x: Tensor) -> tuple[Tensor, ...]:
        """Query, key and value of every token, [..., heads, width / heads] each."""
        return self.ask(self.norm(x)).unflatten(-1, (3, self.heads, -1)).unbind(-3)

    def _added(self, x: Tensor, seen: Tensor) -> Tensor:
        x = self.add(x, self.tell(seen).relu() if self.window else self.tell(seen))
        thought = self.think(self.then(x))
        return self.add_then(x, thought.relu() if self.window else thought)

    def _weight(self, steps: int) -> Tensor:
        """[heads, T, window + T] the learned weight of each distance."""
        index = (apart(steps, self.window, self.distance.device) - 1).clamp(0, self.window - 1)
        return self.distance[:, index]


def apart(steps: int, window: int, device: torch.device) -> Tensor:
    """[T, window + T] how many positions lie between each of T and each remembered or new one; 0 for itself."""
    return torch.arange(window, window + steps, device=device)[:, None] - torch.arange(window + steps, device=device)


class Transformer(nn.Module):
    """`layers` layers of `heads` heads over tokens of `width` numbers: the cells of an observation.

    With `window` it remembers: it carries the keys and values of so many positions, and how many of them are of this
    game. What it carries, and what it computes along T positions, grows with the window.
    """

    kind: Kind = "tokens"
    memory: Mapping[str, tuple[int, ...]]

    def __init__(
        self, shape: tuple[int, ...], layers: int = 2, width: int = 64, heads: int = 4, window: int = 0
    ) -> None:
        super().__init__()
        positive(layers=layers, width=width, heads=heads, window=window or 1)
        if width % heads:
            raise ValueError(f"A transformer's heads share its width evenly, and {heads} do not divide {width}.")
        self.window = window
        self.enter = nn.Linear(shape[1], width)
        self.place = nn.Parameter(torch.randn(shape[0], width) * 0.1)
        self.blocks = nn.ModuleList(Block(width, heads, window) for _ in range(layers))
        self.exit = nn.LayerNorm(width)
        self.memory = {"past": (window, layers, 2, width), "count": (1,)} if window else {}
        self.features = width
        self.out = (shape[0], width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x) + self.place
        for block in self.blocks:
            x = block(x)
        return self.exit(x)

    def unroll(self, x: Tensor, carried: Carried, fresh: Tensor) -> tuple[Tensor, Carried]:
        past, steps = carried["past"], x.shape[1]
        barred, since = out_of_sight(carried["count"][:, 0], fresh, self.window)
        x = self.enter(x) + self.place
        kept: list[Tensor] = []
        for i, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            x, new = block.along(x, past[:, :, i], barred)
            kept.append(new)
        past = torch.cat((past, torch.stack(kept, dim=2)), dim=1)[:, steps:]
        return self.exit(x), {"past": past, "count": since[:, None]}


def out_of_sight(count: Tensor, fresh: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """What each of T positions cannot look back to, [B, T, window + T], and how many of the last are of this game [B].

    That is itself and what comes after, what lies more than `window` back, and other games. count [B] of the window's
    newest are of the game that goes on; where fresh [B, T] is True another begins.
    """
    steps = fresh.shape[1]
    number = fresh.cumsum(1)  # of the game, within the sequence
    slot = torch.arange(window, 0, -1, device=fresh.device)
    before = torch.where(slot <= count[:, None], 0, -1)
    same = number[:, :, None] == torch.cat((before, number), dim=1)[:, None]
    distance = apart(steps, window, fresh.device)
    barred = ~(same & (distance >= 1) & (distance <= window))
    place = torch.arange(1, steps + 1, device=fresh.device)
    begun = (place * fresh).amax(1)  # where the last game began, counted from 1
    since = torch.where(begun > 0, steps + 1 - begun, count + steps)
    return barred, since.clamp_max(window).to(count.dtype)

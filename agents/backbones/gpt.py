"""GPT: each token looks at those before it; the features of the last one written are what heads read.

Radford et al. 2019 ("Language models are unsupervised multitask learners"): layers normalise what they read and add to
what they were given, and the way back into the stream starts smaller by the square root of how many add to it.
Positions are learned, sinusoidal (Vaswani et al. 2017, arXiv:1706.03762, section 3.5) or rotary (Su et al. 2021,
arXiv:2104.09864, section 3.4.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from agents.backbones import Kind, positive

SMALL, WAVES = 0.05, 0.3
"""The spread of tokens and learned places at first, and the height of waves.

With 4 layers of 64 at rate 0.001 the loss after 120 steps of turning words of 12 letters round is 0.12 at 0.02, 0.04 at
0.05 and 0.01 at 0.1; but there an untrained model gives one of 64 tokens up to 0.26, and here 0.06. Waves of 0.2 or of
1 learn nothing in that time.
"""
POSITIONS = ("learned", "sinusoidal", "rotary")


class Block(nn.Module):
    """Attention to the tokens before, then two layers for each token by itself."""

    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.then = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask = nn.Linear(width, 3 * width)
        self.tell = nn.Linear(width, width)
        self.think = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width))
        for layer, inputs in ((self.tell, width), (self.think[2], 4 * width)):
            assert isinstance(layer, nn.Linear)
            nn.init.normal_(layer.weight, std=(2 * layers * inputs) ** -0.5)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def asked(self, x: Tensor, turn: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value [B, heads, T, width / heads] of x [B, T, width]."""
        return self.parted(self.ask(self.norm(x)), turn)

    def parted(self, asked: Tensor, turn: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """The same of what the layer `ask` gave [B, T, 3 width]."""
        query, key, value = asked.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        if turn is not None:
            query, key = turned(query, turn), turned(key, turn)
        return query, key, value

    def added(self, x: Tensor, seen: Tensor) -> Tensor:
        """x [B, T, width] with what its tokens saw [B, heads, T, width / heads] and what they make of it."""
        return self.onward(x, gathered(seen))

    def onward(self, x: Tensor, seen: Tensor) -> Tensor:
        """The same of tokens in any order: x and what they saw are [..., width]."""
        x = x + self.tell(seen)
        return x + self.think(self.then(x))


class GPT(nn.Module):
    """`layers` layers of `heads` heads over tokens of `width` numbers; its table of tokens is the first layer.

    positions  learned, sinusoidal or rotary
    context    most tokens of a text; 0 = as many as the game's observation has
    """

    kind: Kind = "tokens"
    memory: Mapping[str, tuple[int, ...]]
    turns: Tensor | None
    place: Tensor | None

    def __init__(
        self,
        shape: tuple[int, ...],
        layers: int = 4,
        width: int = 128,
        heads: int = 4,
        positions: str = "learned",
        context: int = 0,
    ) -> None:
        super().__init__()
        positive(layers=layers, width=width, heads=heads, context=context or 1)
        if positions not in POSITIONS:
            raise ValueError(
                f"A gpt's positions are {', '.join(POSITIONS)}, not {positions}; write gpt:positions=rotary."
            )
        if width % heads:
            raise ValueError(f"A gpt's heads share its width evenly, and {heads} do not divide {width}; heads=1 does.")
        even = width // heads if positions == "rotary" else width
        if positions != "learned" and even % 2:
            raise ValueError(f"A gpt of {positions} positions turns numbers in pairs, and {even} is odd.")
        if context and context < shape[0]:
            raise ValueError(
                f"A gpt's context of {context} is shorter than the game's texts; make it {shape[0]} or more."
            )
        self.context = context or shape[0]
        self.table = nn.Parameter(torch.randn(shape[1], width) * SMALL)
        if positions == "learned":
            self.place = nn.Parameter(torch.randn(self.context, width) * SMALL)
        else:
            fixed = waves(self.context, width).flatten(1) * WAVES if positions == "sinusoidal" else None
            self.register_buffer("place", fixed, persistent=False)
        self.register_buffer("turns", waves(self.context, even) if positions == "rotary" else None, persistent=False)
        self.blocks = nn.ModuleList(Block(width, heads, layers) for _ in range(layers))
        self.exit = nn.LayerNorm(width)
        self.memory = {}
        self.features = width
        self.out = (1, width)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, L, V], a row of ones and zeros a token, zeros after the last -> its features [B, 1, width]."""
        place = torch.arange(x.shape[1], device=x.device)
        last = (place * (x != 0).any(2)).amax(1)
        features = self._along(x @ self.table)
        return features.gather(1, last[:, None, None].expand(-1, 1, self.features))

    def hidden(self, tokens: Tensor) -> Tensor:
        """tokens [B, T] -> features [B, T, width], each of the tokens up to its own."""
        return self._along(self.table[tokens])

    def following(self, prompts: Tensor, prompted: Tensor, which: Tensor, answers: Tensor) -> tuple[Tensor, Tensor]:
        """What `hidden` gives of prompts [U, P], and of answers [N, T] that follow them: [U, P, width], [N, T, width].

        Answer n follows the first prompted[which[n]] tokens of prompt which[n]; a prompt is read once for all answers.
        """
        reach, count = prompts.shape[1], answers.shape[1]
        step = torch.arange(count, device=answers.device)
        at = (prompted[which][:, None] + step).clamp_max(self.context - 1)  # beyond it nothing is written
        x, y = self.table[prompts], self.table[answers]
        if self.place is not None:
            x, y = x + self.place[:reach], y + self.place[at]
        turns = (None, None) if self.turns is None else (self.turns[:reach], self.turns[at][:, None])
        before = torch.arange(reach, device=answers.device) < prompted[which][:, None]
        earlier = step <= step[:, None]
        seen = torch.cat((before[:, None].expand(-1, count, -1), earlier.expand(len(answers), -1, -1)), dim=2)[:, None]
        cut, width = x.shape[0] * reach, self.features
        z = torch.cat((x.flatten(0, 1), y.flatten(0, 1)))  # what each token does by itself is done for all at once
        for block in self.blocks:
            assert isinstance(block, Block)
            asked = block.ask(block.norm(z))
            query, key, value = block.parted(asked[:cut].view(*x.shape[:2], -1), turns[0])
            asking, *own = block.parted(asked[cut:].view(*y.shape[:2], -1), turns[1])
            keys, values = (torch.cat((a[which], b), dim=2) for a, b in zip((key, value), own, strict=True))
            first = gathered(looked(query, key, value, is_causal=True))
            then = gathered(looked(asking, keys, values, attn_mask=seen))
            z = block.onward(z, torch.cat((first.view(-1, width), then.view(-1, width))))
        z = self.exit(z)
        return z[:cut].view_as(x), z[cut:].view_as(y)

    def _along(self, x: Tensor) -> Tensor:
        count = x.shape[1]
        if count > self.context:
            raise ValueError(
                f"A text of {count} tokens does not fit a gpt's context of {self.context}; train it with "
                f"gpt:context={count}."
            )
        if self.place is not None:
            x = x + self.place[:count]
        turn = None if self.turns is None else self.turns[:count]
        for block in self.blocks:
            assert isinstance(block, Block)
            query, key, value = block.asked(x, turn)
            x = block.added(x, looked(query, key, value, is_causal=True))
        return self.exit(x)


def looked(query: Tensor, key: Tensor, value: Tensor, **how: Any) -> Tensor:
    """Attention, on a CPU in float32: PyTorch's own of bfloat16 took a Zen 4 core eight times as long."""
    if query.device.type != "cpu" or query.dtype == torch.float32:
        return scaled_dot_product_attention(query, key, value, **how)
    with torch.autocast("cpu", enabled=False):
        return scaled_dot_product_attention(query.float(), key.float(), value.float(), **how).to(value.dtype)


def gathered(seen: Tensor) -> Tensor:
    """[B, heads, T, d] -> [B, T, heads d]."""
    return seen.transpose(1, 2).flatten(2)


def waves(count: int, width: int) -> Tensor:
    """[count, 2, width / 2] sine and cosine of place / 10000^(2 i / width)."""
    speed = 10000.0 ** (-torch.arange(0, width, 2) / width)
    angle = torch.arange(count)[:, None] * speed
    return torch.stack((angle.sin(), angle.cos()), dim=1)


def turned(x: Tensor, turn: Tensor) -> Tensor:
    """x [..., d] with number i and number i + d / 2 turned as a pair by the angle whose sine and cosine turn holds."""
    first, second = x.chunk(2, dim=-1)
    sine, cosine = turn.unbind(-2)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)

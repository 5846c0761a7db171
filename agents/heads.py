"""Heads: what is read off a backbone's features, one class each, found by name in `HEADS`.

Every head is made as `Head(kind, shape, game, **options)` from the layout and shape of the backbone's features, and
ends in a layer that starts small, so that an untrained network finds all moves and both results about equally likely.
"""

from __future__ import annotations

from math import prod

from torch import Tensor, nn

from agents.backbones import Kind, positive
from agents.backbones.layers import ConvNorm
from envs.game import Game

HEADS: dict[str, str] = {
    "policy": "agents.heads:Policy",
    "value": "agents.heads:Value",
    "left": "agents.heads:Left",
}
"""name -> "module:class"; a network's output of that name is what the head gives."""


class Flat(nn.Module):
    """Features as one vector that still tells where on the board each came from.

    `planes` numbers are kept of each cell or token; features that are a vector already are left as they are.
    """

    def __init__(self, kind: Kind, shape: tuple[int, ...], planes: int) -> None:
        super().__init__()
        positive(planes=planes)
        self.kind = kind
        self.squeeze: nn.Module = nn.Identity()
        self.size = shape[0]
        if kind == "image":
            self.squeeze = ConvNorm(shape[0], planes, 1)
            self.size = planes * prod(shape[1:])
        elif kind == "tokens":
            self.squeeze = nn.Linear(shape[1], planes)
            self.size = shape[0] * planes

    def forward(self, x: Tensor) -> Tensor:
        return x if self.kind == "vector" else self.squeeze(x).relu().flatten(1)


def small(inputs: int, outputs: int) -> nn.Linear:
    """A last layer whose outputs start near zero."""
    layer = nn.Linear(inputs, outputs)
    nn.init.normal_(layer.weight, std=0.1 / inputs**0.5)
    nn.init.zeros_(layer.bias)
    return layer


class Policy(nn.Module):
    """[B, A] logits of the mover's actions, legal or not."""

    def __init__(self, kind: Kind, shape: tuple[int, ...], game: Game, planes: int = 16) -> None:
        super().__init__()
        self.flat = Flat(kind, shape, planes)
        self.score = small(self.flat.size, game.actions)

    def forward(self, x: Tensor) -> Tensor:
        return self.score(self.flat(x))


class Scalar(nn.Module):
    """[B] one number of the whole position, by a hidden layer of `width` units."""

    def __init__(self, kind: Kind, shape: tuple[int, ...], game: Game, planes: int = 8, width: int = 64) -> None:
        super().__init__()
        positive(width=width)
        self.flat = Flat(kind, shape, planes)
        self.hidden = nn.Linear(self.flat.size, width)
        nn.init.kaiming_normal_(self.hidden.weight, nonlinearity="relu")
        nn.init.zeros_(self.hidden.bias)
        self.score = small(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.score(self.hidden(self.flat(x)).relu()).squeeze(1)


class Value(Scalar):
    """[B] the log-odds x that the mover wins: the expected result in (-1, 1) is tanh(x / 2) = 2 sigmoid(x) - 1.

    Trained by binary cross-entropy of x on (1 + result) / 2.
    """


class Left(Scalar):
    """[B] the log-odds x of how much is left of the game: sigmoid(x) is plies to come over `game.max_plies`.

    Trained by binary cross-entropy; teaches the tower, and is left out when playing.
    """

"""Heads: what is read off a backbone's features, one class each, found by name in `HEADS`.

Every head is made as `Head(kind, shape, game, **options)` from the layout and shape of the backbone's features, and
ends in a layer that starts small, so that an untrained network finds all moves and both results about equally likely.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, prod

import torch
from torch import Tensor, nn

from agents.backbones import Kind, positive
from agents.backbones.layers import ConvNorm
from envs.game import Game

HEADS: dict[str, str] = {
    "policy": "agents.heads:Policy",
    "token": "agents.heads:Token",
    "value": "agents.heads:Value",
    "left": "agents.heads:Left",
    "returns": "agents.heads:Returns",
    "gaussian": "agents.heads:Gaussian",
    "squashed": "agents.heads:Squashed",
    "bounded": "agents.heads:Bounded",
    "q": "agents.heads:Q",
}
"""name -> "module:class"; a network's output of that name is what the head gives."""


class Flat(nn.Module):
    """Features as one vector that still tells where on the board each came from.

    `planes` numbers are kept of each cell or token; features that are one vector, or one token, are left as they are.
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
        elif kind == "tokens" and shape[0] == 1:
            self.kind, self.size = "vector", shape[1]
        elif kind == "tokens":
            self.squeeze = nn.Linear(shape[1], planes)
            self.size = shape[0] * planes

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) if self.kind == "vector" else self.squeeze(x).relu().flatten(1)


def in_full(call: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """What a call makes of x in float32, also where products are of bfloat16 (autocast)."""
    if not torch.is_autocast_enabled(x.device.type):
        return call(x)
    with torch.autocast(x.device.type, enabled=False):
        return call(x.float())


class Last(nn.Linear):
    """A last layer: it computes in float32 also where others do in bfloat16 (autocast).

    Bfloat16 keeps 8 bits: returns near 100 would come in steps of 0.5, and log-probabilities near -5 of 0.03. What the
    layer reads may be of bfloat16: that rounds each of many numbers by itself, not their sum.
    """

    def forward(self, input: Tensor) -> Tensor:
        return in_full(super().forward, input)


def small(inputs: int, outputs: int) -> Last:
    """A last layer whose outputs start near zero."""
    layer = Last(inputs, outputs)
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


class Token(nn.Module):
    """[B, A] logits of the mover's actions by the table that the body reads them with (Press & Wolf 2016).

    "Using the output embedding to improve language models", arXiv:1608.05859. Where the body has no table of the game's
    actions, it is the head `policy`.
    """

    def __init__(self, kind: Kind, shape: tuple[int, ...], game: Game, planes: int = 16) -> None:
        super().__init__()
        self.own: nn.Module | None = Policy(kind, shape, game, planes)
        self.body: tuple[nn.Module, ...] = ()  # in a tuple it is no submodule, and its weights stay its own
        self.actions = game.actions

    def tie(self, body: nn.Module) -> None:
        """Takes the table of a body that has one."""
        table = getattr(body, "table", None)
        if isinstance(table, Tensor) and len(table) == self.actions:
            self.own, self.body = None, (body,)

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(x.flatten(1)) if self.own is None else self.own(x)

    def scores(self, features: Tensor) -> Tensor:
        """[..., A] logits of features [..., width] of a body that has a table."""
        table = self.body[0].table
        assert isinstance(table, Tensor)
        return in_full(lambda x: x @ table.T, features)


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


class Returns(Scalar):
    """[B] the expected discounted return of the mover from here on, in the game's own unit.

    Inside it counts in units of the returns' own spread about their mean, so that a step of learning means the same in
    games that pay 1 and in games that pay 1000 (van Hasselt et al. 2016, arXiv:1602.07714).
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, kind: Kind, shape: tuple[int, ...], game: Game, planes: int = 8, width: int = 64) -> None:
        super().__init__(kind, shape, game, planes, width)
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("spread", torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.mean + self.spread * super().forward(x)

    @torch.no_grad()
    def rescale(self, target: Tensor, share: float) -> None:
        """Moves mean and spread by `share` towards those of target [n]; what the head says stays the same (eq. 9)."""
        mean, square = self.mean, self.spread.square() + self.mean.square()
        target = target.to(mean.device)
        new_mean = mean + share * (target.mean() - mean)
        new_square = square + share * (target.square().mean() - square)
        new_spread = (new_square - new_mean.square()).clamp_min(1e-6).sqrt()
        self.score.weight.mul_(self.spread / new_spread)
        self.score.bias.copy_((self.spread * self.score.bias + mean - new_mean) / new_spread)
        self.mean.copy_(new_mean)
        self.spread.copy_(new_spread)


class Gaussian(nn.Module):
    """[B, 2, controls] the mean of each number of the action, and the logarithm of its spread.

    In units in which -1 and 1 are the bounds. The spread is learned and the same everywhere, as Schulman et al. 2015
    (arXiv:1502.05477) have it; it begins at `spread`.
    """

    def __init__(self, kind: Kind, shape: tuple[int, ...], game: Game, planes: int = 16, spread: float = 0.6) -> None:
        super().__init__()
        if not 0.001 <= spread <= 1000:
            raise ValueError(f"A gaussian's spread lies between 0.001 and 1000, not {spread}.")
        self.flat = Flat(kind, shape, planes)
        self.mean = small(self.flat.size, len(game.controls))
        self.log_spread = nn.Parameter(torch.full((len(game.controls),), spread).log())

    def forward(self, x: Tensor) -> Tensor:
        mean = self.mean(self.flat(x))
        return torch.stack((mean, self.log_spread.expand_as(mean)), dim=1)


class Squashed(nn.Module):
    """[B, 2, controls] mean and logarithm of the spread, both by the position, of what a tanh brings within -1 and 1.

    The spread is held between exp(-5) and exp(2) (Haarnoja et al. 2018, arXiv:1812.05905, appendix C).
    """

    def __init__(self, kind: Kind, shape: tuple[int, ...], game: Game, planes: int = 16) -> None:
        super().__init__()
        self.flat = Flat(kind, shape, planes)
        self.mean, self.log_spread = (small(self.flat.size, len(game.controls)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        flat = self.flat(x)
        return torch.stack((self.mean(flat), self.log_spread(flat).clamp(-5.0, 2.0)), dim=1)


class Bounded(nn.Module):
    """[B, 2, controls] an action between its bounds by a tanh, and the logarithm of how far the mover strays from it.

    `noise` is that spread, the same everywhere and not learned (Lillicrap et al. 2016, arXiv:1509.02971, eq. 7).
    """

    def __init__(self, kind: Kind, shape: tuple[int, ...], game: Game, planes: int = 16, noise: float = 0.1) -> None:
        super().__init__()
        if not 0.0 <= noise <= 10.0:
            raise ValueError(f"A mover strays by between 0 and 10 times its bounds, not by {noise}.")
        self.flat = Flat(kind, shape, planes)
        self.action = small(self.flat.size, len(game.controls))
        self.log_noise = log(max(noise, 1e-9))

    def forward(self, x: Tensor) -> Tensor:
        action = self.action(self.flat(x)).tanh()
        return torch.stack((action, torch.full_like(action, self.log_noise)), dim=1)


class Q(nn.Module):
    """[B, A] the expected return of each action; or [B, A, atoms] log-odds of `atoms` values between `low` and `high`.

    dueling  the sum of the position's value and each action's advantage over their mean (Wang et al. 2016,
             arXiv:1511.06581, eq. 9)
    atoms    above 1: a distribution over returns (Bellemare et al. 2017, arXiv:1707.06887)
    eta      above 0: it stands beside a policy, on a body of its own, and while experience is gathered it moves in this
             share of a seat's games, the policy in the others (Heinrich & Silver 2016, arXiv:1603.01121)

    `epsilon` is how often the mover strays; it travels with the weights to whoever gathers experience, and an agent
    that plays in earnest takes no notice of it.
    """

    epsilon: Tensor
    support: Tensor

    def __init__(
        self,
        kind: Kind,
        shape: tuple[int, ...],
        game: Game,
        planes: int = 16,
        dueling: bool = False,
        atoms: int = 1,
        low: float = -10.0,
        high: float = 10.0,
        eta: float = 0.0,
    ) -> None:
        super().__init__()
        positive(atoms=atoms)
        if not 0.0 <= eta <= 1.0:
            raise ValueError(f"eta is a share of games between 0 and 1, not {eta}.")
        if not low < high:
            raise ValueError(f"The head q wants low below high, and {low} is not below {high}.")
        self.actions, self.atoms, self.eta = game.actions, atoms, eta
        self.flat = Flat(kind, shape, planes)
        self.action = small(self.flat.size, game.actions * atoms)
        self.position = small(self.flat.size, atoms) if dueling else None
        self.register_buffer("epsilon", torch.ones(1))
        self.register_buffer("support", torch.linspace(low, high, atoms) if atoms > 1 else torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        flat = self.flat(x)
        q = self.action(flat).unflatten(1, (self.actions, self.atoms))
        if self.position is not None:
            q = self.position(flat).unsqueeze(1) + q - q.mean(1, keepdim=True)
        return q if self.atoms > 1 else q.squeeze(2)

    def expected(self, q: Tensor) -> Tensor:
        """[B, A] the expected return of each action, from what `forward` gave."""
        return q if self.atoms == 1 else (q.softmax(2) * self.support.to(q.device)).sum(2)

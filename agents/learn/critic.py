"""What an action is worth, where actions are vectors: the critics of SAC, TD3 and DDPG."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from agents.backbones import layout
from agents.heads import Flat, small
from agents.networks import Network
from agents.placed import in_parts
from envs.game import Game


class Critic(nn.Module):
    """[B] the return of an action in a position: a body of its own, then a hidden layer that sees both."""

    def __init__(self, game: Game, backbone: str, seed: int, width: int = 256) -> None:
        super().__init__()
        body = Network(game, backbone, (), seed=seed)
        self.stem, self.body = body.stem, body.backbone
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.flat = Flat(layout(self.body), self.body.out, 16)
            self.hidden = nn.Linear(self.flat.size + len(game.controls), width)
            self.score = small(width, 1)

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        features = self.flat(self.body(self.stem(obs)))
        return self.score(self.hidden(torch.cat((features, action), 1)).relu()).squeeze(1)


def critics_of(actor: Network, count: int, seed: int) -> nn.ModuleList:
    """So many critics with bodies made like an actor's, on its device."""
    made = nn.ModuleList(Critic(actor.game, actor.spec, seed + i) for i in range(count))
    return made.eval().to(next(actor.parameters()).device)


@in_parts
def worths(actor: Network, critics: Iterable[nn.Module], obs: Tensor, action: Tensor) -> tuple[Tensor, ...]:
    """[B] what each critic makes of actions [B, controls] in positions, computed as the actor is: `Placed.ask`."""
    return tuple(critic(obs, action) for critic in critics)

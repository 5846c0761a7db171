"""What an action is worth, where actions are vectors: the critics of SAC, TD3 and DDPG."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from agents.backbones import layout
from agents.heads import Flat, small
from agents.networks import Network
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

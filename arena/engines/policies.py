"""Our networks inside Stable-Baselines3's policies: a body is its features extractor, heads are its last layers.

Every features extractor carries a whole `Network` of ours, so an agent's weights are read off it as they are.
"""

from __future__ import annotations

from math import prod
from typing import Any

from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor, nn

from agents.backbones import fit
from agents.heads import Gaussian
from agents.networks import Network
from envs.game import Game


class Body(BaseFeaturesExtractor):
    """The stem and the backbone of a network; what it gives keeps its layout, and heads know how to read that."""

    def __init__(self, space: spaces.Space[Any], game: Game, backbone: str, heads: tuple[str, ...], seed: int) -> None:
        network = Network(game, backbone, heads, seed)
        super().__init__(space, prod(network.backbone.out))
        self.network = network

    def forward(self, obs: Tensor) -> Tensor:
        backbone = self.network.backbone
        return backbone(fit(obs, self.network.game.shape, backbone.kind))


class Column(nn.Module):
    """A head of one number [B], as a layer that gives [B, 1]."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x).unsqueeze(1)


class Mean(nn.Module):
    """The mean of a gaussian head [B, controls]; its spread is asked for by itself."""

    def __init__(self, head: Gaussian) -> None:
        super().__init__()
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x)[:, 0]


class Heads:
    """What makes a policy of Stable-Baselines3 for an actor and a critic one of our networks."""

    features_extractor: Any
    network: Network

    def _build(self: Any, lr_schedule: Any) -> None:
        self._build_mlp_extractor()
        heads = self.features_extractor.network.heads
        if "gaussian" in heads:
            self.action_net, self.log_std = Mean(heads["gaussian"]), heads["gaussian"].log_spread
        else:
            self.action_net = heads["policy"]
        self.value_net = Column(heads["returns"])
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)

    def set_training_mode(self: Any, mode: bool) -> None:
        """Always evaluation: no layer may mix a batch, or the ratio of new to old policies would not begin at 1."""
        self.train(False)


class ActorCritic(Heads, ActorCriticPolicy):
    """Policy and returns by our heads, on one body."""


class QValues(QNetwork):
    """Action values by our head."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert isinstance(self.features_extractor, Body)
        self.q_net = self.features_extractor.network.heads["q"]  # pyright: ignore[reportAttributeAccessIssue]

    def set_training_mode(self, mode: bool) -> None:
        self.train(False)


class QPolicy(DQNPolicy):
    """A q-network and its target, each with a body of its own."""

    def make_q_net(self) -> QNetwork:
        return QValues(**self._update_features_extractor(self.net_args, features_extractor=None)).to(self.device)


def network_of(policy: nn.Module) -> Network:
    """The network of ours that a policy moves by."""
    body = policy.q_net.features_extractor if isinstance(policy, QPolicy) else policy.features_extractor
    assert isinstance(body, Body)
    return body.network

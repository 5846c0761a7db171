"""Our networks inside Stable-Baselines3's policies: a body is its features extractor, heads are its last layers.

Every features extractor carries a whole `Network` of ours, so an agent's weights are read off it as they are.
"""

from __future__ import annotations

from math import prod
from typing import Any

from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy, ContinuousCritic
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from stable_baselines3.sac.policies import Actor, SACPolicy
from stable_baselines3.td3 import policies as td3
from torch import Tensor, nn

from agents.networks import Network
from envs.game import Game


class Body(BaseFeaturesExtractor):
    """The stem and the backbone of a network; what it gives keeps its layout, and heads know how to read that."""

    def __init__(self, space: spaces.Space[Any], game: Game, backbone: str, heads: tuple[str, ...], seed: int) -> None:
        network = Network(game, backbone, heads, seed)
        super().__init__(space, prod(network.backbone.out))
        self.network = network

    def forward(self, obs: Tensor) -> Tensor:
        return self.network.backbone(self.network.stem(obs))


class FlatBody(Body):
    """The same, with what it gives as one vector: beside it stands an action."""

    def forward(self, obs: Tensor) -> Tensor:
        return super().forward(obs).flatten(1)


class Column(nn.Module):
    """A head of one number [B], as a layer that gives [B, 1]."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x).unsqueeze(1)


class Half(nn.Module):
    """Of a head that gives means and the logarithms of spreads [B, 2, controls], the one (0) or the other (1)."""

    def __init__(self, head: nn.Module, which: int) -> None:
        super().__init__()
        self.head, self.which = head, which

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x)[:, self.which]


class Heads:
    """What makes a policy of Stable-Baselines3 for an actor and a critic one of our networks."""

    features_extractor: Any
    network: Network

    def _build(self: Any, lr_schedule: Any) -> None:
        self._build_mlp_extractor()
        heads = self.features_extractor.network.heads
        if "gaussian" in heads:
            self.action_net, self.log_std = Half(heads["gaussian"], 0), heads["gaussian"].log_spread
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


class SquashedActor(Actor):
    """Vectors within their bounds by our head, whose bounds on the spread are the narrower ones."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert isinstance(self.features_extractor, Body)
        head = self.features_extractor.network.heads["squashed"]
        self.mu, self.log_std = Half(head, 0), Half(head, 1)  # pyright: ignore[reportAttributeAccessIssue]


class OwnCritics:
    """Critics that share a body of their own."""

    def make_critic(self: Any, features_extractor: BaseFeaturesExtractor | None = None) -> ContinuousCritic:
        own = FlatBody(self.observation_space, **{**self.features_extractor_kwargs, "heads": ()})
        return ContinuousCritic(**self._update_features_extractor(self.critic_kwargs, own)).to(self.device)

    def set_training_mode(self: Any, mode: bool) -> None:
        self.train(False)


class SquashedPolicy(OwnCritics, SACPolicy):
    """SAC's actor by our head, and its critics."""

    def make_actor(self, features_extractor: BaseFeaturesExtractor | None = None) -> Actor:
        return SquashedActor(**self._update_features_extractor(self.actor_kwargs, features_extractor)).to(self.device)


class BoundedActor(td3.Actor):
    """One vector within its bounds, by our head."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert isinstance(self.features_extractor, Body)
        self.mu = Half(self.features_extractor.network.heads["bounded"], 0)  # pyright: ignore[reportAttributeAccessIssue]

    def set_training_mode(self, mode: bool) -> None:
        self.train(False)


class BoundedPolicy(OwnCritics, td3.TD3Policy):
    """TD3's and DDPG's actor by our head, and their critics."""

    def make_actor(self, features_extractor: BaseFeaturesExtractor | None = None) -> td3.Actor:
        return BoundedActor(**self._update_features_extractor(self.actor_kwargs, features_extractor)).to(self.device)


def network_of(policy: nn.Module) -> Network:
    """The network of ours that a policy moves by."""
    owner: Any = policy
    if isinstance(policy, (QPolicy, SquashedPolicy, BoundedPolicy)):
        owner = policy.q_net if isinstance(policy, QPolicy) else policy.actor
    assert isinstance(owner.features_extractor, Body)
    return owner.features_extractor.network

"""A2C: an actor and a critic that learn once from each short fragment (Mnih et al. 2016, arXiv:1602.01783).

The synchronous form of their A3C: all games wait for one another, and one step is taken on all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from agents.experience import Columns
from agents.learn import descent
from agents.learn import policy_gradient as shared
from agents.learn.learner import Metrics, State, along
from agents.losses import chosen_and_entropy, explained_variance, value_error
from agents.networks import Network, Weights, weights
from agents.ranges import within
from agents.returns import gae
from agents.rollouts import RolloutSettings
from agents.stem import see
from envs.game import Game


@dataclass(frozen=True)
class A2CSettings:
    """How A2C learns; in brackets what OpenAI's baselines take (the paper draws its learning rate from 1e-4 to 1e-2).

    discount       of what comes a decision later (0.99)
    decay          lambda of generalised advantages; 1 gives the paper's n-step returns (1)
    learning_rate  of RMSProp, at the beginning (7e-4)
    final_rate     share of it at the end of the run, reached in a straight line (0)
    value_weight   of the value's squared error, in units of the returns' spread (0.5)
    entropy        bonus for the entropy of the policy (0.01)
    gradient       largest norm of a gradient (0.5)
    """

    discount: float = 0.99
    decay: float = 1.0
    learning_rate: float = 1e-3
    final_rate: float = 0.0
    value_weight: float = 0.5
    entropy: float = 0.01
    gradient: float = 0.5

    def __post_init__(self) -> None:
        within(self, discount="[0, 1]", decay="[0, 1]", learning_rate="(0, inf)", final_rate="[0, 1]")
        within(self, value_weight="[0, inf)", entropy="[0, inf)", gradient="(0, inf)")


class A2C:
    """The learner: a network of policy and value, and an optimiser."""

    player = "rollouts"
    playing = RolloutSettings(lanes=32, steps=8)
    ahead = False
    reads: tuple[str, ...] = ("obs", "legal", "action", "value", "reward", "done", "valid")

    @staticmethod
    def parts(game: Game, settings: A2CSettings) -> tuple[str, tuple[str, ...]]:
        """A body that suits the observation, with a policy and the returns it expects."""
        return shared.body(game), shared.heads(game)

    def __init__(self, game: Game, network: Network, settings: A2CSettings, seed: int) -> None:
        self.game, self.settings, self.reads = game, settings, along(self.reads, network)
        self.network = network.eval()
        self.steps = self.updates = 0
        self.generator = np.random.default_rng([seed, 7])
        # Its epsilon is that of OpenAI's baselines.
        self.optimiser = torch.optim.RMSprop(network.parameters(), lr=settings.learning_rate, alpha=0.99, eps=1e-5)

    def update(self, experience: Columns, progress: float) -> Metrics:
        """Algorithm S3's inner part: advantages of the fragment, then one step on all of it."""
        s = self.settings
        tracks = (experience[name] for name in ("reward", "value", "done", "valid"))
        advantage = gae(*tracks, discount=s.discount, decay=s.decay)
        fragment = shared.Fragment(experience, {"advantage": advantage, "target": advantage + experience["value"]})
        self.updates += 1
        unit = shared.rescale(self.network, fragment.flat("target"), self.updates)
        descent.set_rate(self.optimiser, s.learning_rate * descent.line(1.0, s.final_rate, progress))
        (batch,) = fragment.batches(self.network, len(fragment), self.generator)
        log_p, entropy = chosen_and_entropy(batch.out, batch["legal"], batch["action"])
        policy = -(log_p * batch["advantage"] / unit).mean()  # Differs: in units of the returns' spread
        value = value_error(batch.out["returns"], batch["target"]) / unit**2
        loss = policy + s.value_weight * value - s.entropy * entropy.mean()
        terms = {"policy_loss": policy, "value_loss": value, "entropy_loss": -entropy.mean()}
        descent.descend(self.network, self.optimiser, loss, "A2C's loss", self.steps, s.gradient, terms)
        see(experience, self.network)
        self.steps += len(fragment)
        return {
            "train/loss": loss.item(),
            "train/policy_loss": policy.item(),
            "train/value_loss": value.item(),
            "train/entropy_loss": -entropy.mean().item(),
            "train/explained_variance": explained_variance(fragment.flat("value"), fragment.flat("target")),
            "train/learning_rate": self.optimiser.param_groups[0]["lr"],
            **shared.straying(self.network),
            "train/n_updates": self.updates,
        }

    def weights(self) -> Weights:
        return weights(self.network)

    def state(self) -> State:
        return descent.state(self.network, self.optimiser, self.generator, steps=self.steps, updates=self.updates)

    def restore(self, state: Mapping[str, Any]) -> None:
        descent.restore(self.network, self.optimiser, self.generator, state)
        self.steps, self.updates = int(state["steps"]), int(state["updates"])

"""PQN: Q-learning from what was just played, with no replay and no target network (Gallici et al. 2024).

"Simplifying deep temporal difference learning", arXiv:2407.04811. Layer normalisation keeps the network from running
away, many games side by side take the replay's place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch

from agents.agent import Unable
from agents.experience import Columns
from agents.heads import Q
from agents.learn import descent
from agents.learn import policy_gradient as shared
from agents.learn.learner import Metrics, State, along
from agents.losses import q_of
from agents.networks import Network, Weights, weights
from agents.ranges import within
from agents.returns import lambda_returns
from agents.rollouts import RolloutSettings
from agents.stem import see
from envs.game import Game


@dataclass(frozen=True)
class PQNSettings:
    """How PQN learns; in brackets what the paper takes for Atari.

    discount       of what comes a decision later (0.99)
    decay          lambda of the returns (0.65)
    epochs         passes over each fragment (2)
    batch          decisions a step (128 x 32 / 32)
    learning_rate  of RAdam, at the beginning (2.5e-4)
    final_rate     share of it at the end of the run, reached in a straight line
    explore        share of the run in which straying falls from always to `epsilon` in a straight line (0.1)
    epsilon        how often the mover strays from then on (0.001)
    gradient       largest norm of a gradient (10)
    """

    discount: float = 0.99
    decay: float = 0.95
    epochs: int = 4
    batch: int = 64
    learning_rate: float = 4e-3
    final_rate: float = 0.1
    explore: float = 0.2
    epsilon: float = 0.02
    gradient: float = 10.0

    def __post_init__(self) -> None:
        within(self, discount="[0, 1]", decay="[0, 1]", epochs="[1, inf)", batch="[1, inf)", learning_rate="(0, inf)")
        within(self, final_rate="[0, 1]", explore="[0, 1]", epsilon="[0, 1]", gradient="(0, inf)")


class PQN:
    """The learner: a network and an optimiser."""

    player = "rollouts"
    playing = RolloutSettings(lanes=16, steps=16)
    ahead = False
    reads: tuple[str, ...] = ("obs", "action", "value", "reward", "done", "valid")

    @staticmethod
    def parts(game: Game, settings: PQNSettings) -> tuple[str, tuple[str, ...]]:
        """A body that suits the observation, normalised layer by layer, with a head of the actions' returns."""
        if game.controls:
            raise Unable(f"PQN chooses among actions, and those of {game.name} are vectors; train it with ppo.")
        return shared.normed(game), ("q",)

    @staticmethod
    def match(settings: PQNSettings, playing: RolloutSettings, game: Game, *, workers: int, remembers: bool) -> None:
        playing.require_batch(settings.batch, game, workers)

    def __init__(self, game: Game, network: Network, settings: PQNSettings, seed: int) -> None:
        self.game, self.settings, self.reads = game, settings, along(self.reads, network)
        self.network = network.eval()
        self.head = cast(Q, network.heads["q"])
        if self.head.atoms > 1:
            raise Unable("PQN learns a single number for each action; leave the head q without atoms.")
        self.steps = self.updates = 0
        self.generator = np.random.default_rng([seed, 7])
        self.optimiser = torch.optim.RAdam(network.parameters(), lr=settings.learning_rate)

    def update(self, experience: Columns, progress: float) -> Metrics:
        """Algorithm 2's inner part: Q(lambda) returns of the fragment, then `epochs` passes over it.

        The values that were recorded are those of the best action, whatever was done, as in Peng's Q(lambda).
        """
        s = self.settings
        tracks = (experience[name] for name in ("reward", "value", "done", "valid"))
        target = lambda_returns(*tracks, discount=s.discount, decay=s.decay)
        fragment = shared.Fragment(experience, {"target": target})
        descent.set_rate(self.optimiser, s.learning_rate * descent.line(1.0, s.final_rate, progress))
        self.head.epsilon.fill_(descent.line(1.0, s.epsilon, progress / max(s.explore, 1e-9)))
        losses: list[float] = []
        for _ in range(s.epochs):
            for batch in fragment.batches(self.network, s.batch, self.generator):
                losses.append(self.step(batch))
        see(experience, self.network)
        self.steps += len(fragment)
        self.updates += len(losses)
        return {
            "train/loss": float(np.mean(losses)),
            "train/q": experience["value"][experience["valid"]].mean().item(),
            "train/learning_rate": self.optimiser.param_groups[0]["lr"],
            "train/n_updates": self.updates,
            "rollout/exploration_rate": self.head.epsilon.item(),
        }

    def step(self, batch: shared.Batch) -> float:
        """One step of gradient descent on the squared error."""
        loss = 0.5 * (q_of(batch.out["q"], batch["action"]) - batch["target"]).square().mean()
        descent.descend(self.network, self.optimiser, loss, "PQN's loss", self.steps, self.settings.gradient)
        return loss.item()

    def weights(self) -> Weights:
        return weights(self.network)

    def state(self) -> State:
        return descent.state(self.network, self.optimiser, self.generator, steps=self.steps, updates=self.updates)

    def restore(self, state: Mapping[str, Any]) -> None:
        descent.restore(self.network, self.optimiser, self.generator, state)
        self.steps, self.updates = int(state["steps"]), int(state["updates"])

"""TD3: a policy climbs the lower of two critics, later than they learn and by softened targets (Fujimoto et al. 2018).

"Addressing function approximation error in actor-critic methods", arXiv:1802.09477. With one critic, no delay and no
softening it is DDPG.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.agent import Unable
from agents.experience import Columns
from agents.learn import descent
from agents.learn import policy_gradient as shared
from agents.learn.critic import critics_of, worths
from agents.learn.learner import Metrics, State
from agents.networks import Network, Weights, follow, weights
from agents.ranges import within
from agents.replay import Replay, roomy, transitions
from agents.rollouts import RolloutSettings
from agents.stem import see
from envs.game import Game


@dataclass(frozen=True)
class TD3Settings:
    """How TD3 learns; in brackets what the paper takes.

    discount        of what comes a decision later (0.99)
    batch           transitions a step (100)
    learning_rate   of Adam, for actor and critics (1e-3)
    reuse           how often a transition is learned from, on average (100: one step a transition)
    replay          transitions held (1,000,000)
    learn_from      transitions to be made before the first step
    drift           share by which targets follow (0.005)
    noise           how far the mover strays, in units in which -1 and 1 are the bounds (0.1)
    critics         how many there are; the lowest is believed (2)
    delay           steps of the critics for one of the actor and of the targets (2)
    smoothing       spread of what is added to the target's action (0.2)
    smoothing_clip  the most that is added to it (0.5)
    steps           rewards that are summed before the critics are asked what follows (1)
    """

    discount: float = 0.99
    batch: int = 128
    learning_rate: float = 1e-3
    reuse: float = 128.0
    replay: int = 100_000
    learn_from: int = 500
    drift: float = 0.005
    noise: float = 0.1
    critics: int = 2
    delay: int = 2
    smoothing: float = 0.2
    smoothing_clip: float = 0.5
    steps: int = 1

    def __post_init__(self) -> None:
        within(self, discount="[0, 1]", batch="[1, inf)", learning_rate="(0, inf)", reuse="(0, inf)", steps="[1, inf)")
        within(self, replay="[1, inf)", learn_from="[0, inf)", drift="(0, 1]", noise="[0, 10]", critics="[1, 16]")
        within(self, delay="[1, inf)", smoothing="[0, inf)", smoothing_clip="[0, inf)")
        roomy(self.replay, self.batch)


class TD3:
    """The learner: an actor, its critics, the targets of all of them, the replay and two optimisers."""

    player = "rollouts"
    playing = RolloutSettings(lanes=8, steps=8)
    ahead = True
    reads = ("obs", "legal", "action", "reward", "done", "valid")

    @staticmethod
    def parts(game: Game, settings: TD3Settings) -> tuple[str, tuple[str, ...]]:
        """A body that suits the observation, with a head of vectors within their bounds, and how far to stray."""
        if not game.controls:
            raise Unable(f"TD3 and DDPG move by vectors, and {game.name} has moves to choose among; train it with ppo.")
        body = shared.body(game)
        return "mlp:layers=1,width=256" if body.startswith("mlp") else body, (f"bounded:noise={settings.noise}",)

    def __init__(self, game: Game, network: Network, settings: TD3Settings, seed: int) -> None:
        if network.memory:
            raise Unable(f"The replay holds single positions, and {network.spec} remembers; train it with ppo.")
        self.game, self.settings = game, settings
        self.network = network.eval()
        self.target = network.twin().requires_grad_(False)
        self.critics = critics_of(network, settings.critics, seed + 1)
        self.targets = deepcopy(self.critics).requires_grad_(False)
        self.replay = Replay(settings.replay)
        self.steps = self.updates = 0
        self.owed = 0.0
        self.generator = np.random.default_rng([seed, 7])
        self.optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, fused=True)
        self.critics_optimiser = torch.optim.Adam(self.critics.parameters(), lr=settings.learning_rate, fused=True)

    def update(self, experience: Columns, progress: float) -> Metrics:
        """Takes transitions in, and learns from `reuse` times as many (algorithm 1)."""
        s = self.settings
        fresh = transitions(experience, s.discount, s.steps)
        fresh["action"] = fresh["action"].clip(-1.0, 1.0)  # as it was played
        count = len(fresh["action"])
        self.replay.add(fresh)
        self.steps += count
        due = 0
        if self.steps >= s.learn_from and len(self.replay):
            due, self.owed = descent.due(self.owed, count, s.reuse, s.batch)
        measured = [self.step() for _ in range(due)]
        see(experience, self.network, self.target, self.critics, self.targets)
        return {**descent.means(measured), "train/n_updates": self.updates}

    def step(self) -> dict[str, float]:
        """One step of gradient descent for the critics, and now and then for the actor, on a batch of memories."""
        s = self.settings
        places, _ = self.replay.draw(s.batch, 0.0, self.generator)
        batch = {name: torch.from_numpy(array) for name, array in self.replay.take(places).items()}
        wanted = self._wanted(batch)
        believed = torch.stack(worths(self.network, self.critics, batch["obs"], batch["action"]))
        error = (believed - wanted).square().mean(1).sum()
        descent.descend(self.network, self.critics_optimiser, error, "The critics' loss", self.steps)
        self.updates += 1
        if self.updates % s.delay == 0:
            self.critics.requires_grad_(False)
            action = self.network(batch["obs"])["bounded"][:, 0]
            (worth,) = worths(self.network, self.critics[:1], batch["obs"], action)
            self.critics.requires_grad_(True)
            descent.descend(self.network, self.optimiser, -worth.mean(), "The actor's loss", self.steps)
            follow(self.targets, self.critics, s.drift)
            follow(self.target, self.network, s.drift)
        return {"critic_loss": error.item(), "q": believed.mean().item()}

    @torch.no_grad()
    def _wanted(self, batch: Mapping[str, Tensor]) -> Tensor:
        """[B] rewards, and what the lowest critic makes of the target's action near where they led (eq. 10 and 14)."""
        s = self.settings
        action = self.target(batch["next_obs"])["bounded"][:, 0]
        if s.smoothing:
            noise = torch.from_numpy(self.generator.standard_normal(tuple(action.shape), np.float32)) * s.smoothing
            action = (action + noise.clamp(-s.smoothing_clip, s.smoothing_clip)).clamp(-1.0, 1.0)
        worth = torch.stack(worths(self.network, self.targets, batch["next_obs"], action)).amin(0)
        return batch["reward"] + batch["left"] * worth

    def weights(self) -> Weights:
        return weights(self.network)

    def state(self) -> State:
        own = {"steps": self.steps, "updates": self.updates, "owed": self.owed, "replay": self.replay.state()}
        own |= {"target": self.target.state_dict()}
        own |= {"critics": self.critics.state_dict(), "targets": self.targets.state_dict()}
        own["critics_optimiser"] = self.critics_optimiser.state_dict()["state"]
        return descent.state(self.network, self.optimiser, self.generator, **own)

    def restore(self, state: Mapping[str, Any]) -> None:
        descent.restore(self.network, self.optimiser, self.generator, state)
        self.target.load_state_dict(state["target"])
        self.critics.load_state_dict(state["critics"])
        self.targets.load_state_dict(state["targets"])
        descent.restore_optimiser(self.critics_optimiser, state["critics_optimiser"])
        self.replay.restore(state["replay"])
        self.steps, self.updates, self.owed = int(state["steps"]), int(state["updates"]), float(state["owed"])

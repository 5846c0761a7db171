"""SAC: an actor that is paid for staying random, and two critics of which the lower is believed (Haarnoja et al. 2018).

"Soft actor-critic", arXiv:1801.01290; as in "Soft actor-critic algorithms and applications", arXiv:1812.05905, there is
no network for values, and the temperature is learned. Equations are the second paper's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from agents.agent import Unable
from agents.experience import Columns
from agents.learn import descent
from agents.learn import policy_gradient as shared
from agents.learn.critic import critics_of, worths
from agents.learn.learner import Metrics, State
from agents.losses import squashed_log_density
from agents.networks import Network, Weights, follow, weights
from agents.ranges import within
from agents.replay import Replay, roomy, transitions
from agents.rollouts import RolloutSettings
from agents.stem import see
from envs.game import Game


@dataclass(frozen=True)
class SACSettings:
    """How SAC learns; in brackets what the paper takes.

    discount       of what comes a decision later (0.99)
    batch          transitions a step (256)
    learning_rate  of Adam, for actor, critics and temperature (3e-4)
    reuse          how often a transition is learned from, on average (256: one step a transition)
    replay         transitions held (1,000,000)
    learn_from     transitions to be made before the first step
    drift          share by which the critics' targets follow them at each step (0.005)
    temperature    what a nat of entropy is worth at the beginning
    entropy        that the policy is held to, in nats for each number of the action (-1)
    steps          rewards that are summed before the critics are asked what follows (1); above 1 the entropy of the
                   actions in between counts for nothing
    """

    discount: float = 0.99
    batch: int = 256
    learning_rate: float = 1e-3
    reuse: float = 128.0
    replay: int = 100_000
    learn_from: int = 500
    drift: float = 0.005
    temperature: float = 1.0
    entropy: float = -1.0
    steps: int = 1

    def __post_init__(self) -> None:
        within(self, discount="[0, 1]", batch="[1, inf)", learning_rate="(0, inf)", reuse="(0, inf)", steps="[1, inf)")
        within(self, replay="[1, inf)", learn_from="[0, inf)", drift="(0, 1]", temperature="(0, inf)")
        within(self, entropy="(-inf, inf)")
        roomy(self.replay, self.batch)


class SAC:
    """The learner: an actor, two critics with their targets, a temperature, the replay and three optimisers."""

    player = "rollouts"
    playing = RolloutSettings(lanes=8, steps=8)
    ahead = True
    reads = ("obs", "legal", "action", "reward", "done", "valid")

    @staticmethod
    def parts(game: Game, settings: SACSettings) -> tuple[str, tuple[str, ...]]:
        """A body that suits the observation, with a head of vectors that stay within their bounds."""
        if not game.controls:
            raise Unable(f"SAC's actions are vectors, and {game.name} has moves to choose among; train it with ppo.")
        body = shared.body(game)
        return "mlp:layers=1,width=256" if body.startswith("mlp") else body, ("squashed",)

    def __init__(self, game: Game, network: Network, settings: SACSettings, seed: int) -> None:
        if network.memory:
            raise Unable(f"SAC's replay holds single positions, and {network.spec} remembers; train it with ppo.")
        self.game, self.settings = game, settings
        self.network = network.eval()
        self.critics = critics_of(network, 2, seed + 1)
        self.targets = deepcopy(self.critics).requires_grad_(False)
        self.log_temperature = nn.Parameter(torch.tensor(math.log(settings.temperature)))
        self.replay = Replay(settings.replay)
        self.steps = self.updates = 0
        self.owed = 0.0
        self.generator = np.random.default_rng([seed, 7])
        rate = settings.learning_rate
        self.optimiser = torch.optim.Adam(network.parameters(), lr=rate, fused=True)
        self.critics_optimiser = torch.optim.Adam(self.critics.parameters(), lr=rate, fused=True)
        self.temperature_optimiser = torch.optim.Adam([self.log_temperature], lr=rate)

    def update(self, experience: Columns, progress: float) -> Metrics:
        """Takes transitions in, and learns from `reuse` times as many (algorithm 1)."""
        s = self.settings
        fresh = transitions(experience, s.discount, s.steps)
        count = len(fresh["action"])
        self.replay.add(fresh)
        self.steps += count
        due = 0
        if self.steps >= s.learn_from and len(self.replay):
            due, self.owed = descent.due(self.owed, count, s.reuse, s.batch)
        measured = [self.step() for _ in range(due)]
        see(experience, self.network, self.critics, self.targets)
        return {**descent.means(measured), "train/n_updates": self.updates}

    def step(self) -> dict[str, float]:
        """One step of gradient descent for critics, actor and temperature, on a batch of memories."""
        s = self.settings
        places, _ = self.replay.draw(s.batch, 0.0, self.generator)
        batch = {name: torch.from_numpy(array) for name, array in self.replay.take(places).items()}
        temperature = self.log_temperature.detach().exp()
        target = self._target(batch, temperature)
        believed = torch.stack(worths(self.network, self.critics, batch["obs"], batch["action"]))
        error = 0.5 * (believed - target).square().mean(1).sum()  # eq. 5
        descent.descend(self.network, self.critics_optimiser, error, "SAC's critics' loss", self.steps)
        action, log_p = self._draw(batch["obs"])
        self.critics.requires_grad_(False)
        worth = torch.minimum(*worths(self.network, self.critics, batch["obs"], action))
        self.critics.requires_grad_(True)
        loss = (temperature * log_p - worth).mean()  # eq. 9
        descent.descend(self.network, self.optimiser, loss, "SAC's actor's loss", self.steps)
        wanted = s.entropy * len(self.game.controls)
        # Differs: eq. 18 by the temperature's logarithm, so that it stays above 0.
        surplus = -(self.log_temperature * (log_p.detach() + wanted)).mean()
        descent.descend(None, self.temperature_optimiser, surplus, "SAC's temperature's loss", self.steps)
        follow(self.targets, self.critics, s.drift)
        self.updates += 1
        numbers = torch.stack((error, loss, temperature, surplus, -log_p.mean(), worth.mean())).detach().tolist()
        names = ("critic_loss", "actor_loss", "ent_coef", "ent_coef_loss", "entropy", "q")
        return dict(zip(names, numbers, strict=True))

    @torch.no_grad()
    def _target(self, batch: Mapping[str, Tensor], temperature: Tensor) -> Tensor:
        """[B] rewards, and the soft value of where they led: the lower critic's, and what entropy is worth (eq. 3).

        Differs: with `steps` above 1 this is no soft return, for what entropy is worth is added at its end alone; as
        Stable-Baselines3 has it.
        """
        action, log_p = self._draw(batch["next_obs"])
        worth = torch.minimum(*worths(self.network, self.targets, batch["next_obs"], action))
        return batch["reward"] + batch["left"] * (worth - temperature * log_p)

    def _draw(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        """(actions [B, controls] through which gradients flow, the logarithms of their densities [B]) (eq. 8)."""
        mean, log_spread = self.network(obs)["squashed"].unbind(1)
        noise = torch.from_numpy(self.generator.standard_normal(tuple(mean.shape), np.float32))
        drawn = mean + log_spread.exp() * noise
        return drawn.tanh(), squashed_log_density(mean, log_spread, drawn)

    def weights(self) -> Weights:
        return weights(self.network)

    def state(self) -> State:
        own = {"steps": self.steps, "updates": self.updates, "owed": self.owed, "replay": self.replay.state()}
        own |= {"critics": self.critics.state_dict(), "targets": self.targets.state_dict()}
        own |= {"log_temperature": self.log_temperature.detach()}
        own["optimisers"] = [one.state_dict()["state"] for one in (self.critics_optimiser, self.temperature_optimiser)]
        return descent.state(self.network, self.optimiser, self.generator, **own)

    def restore(self, state: Mapping[str, Any]) -> None:
        descent.restore(self.network, self.optimiser, self.generator, state)
        self.critics.load_state_dict(state["critics"])
        self.targets.load_state_dict(state["targets"])
        self.log_temperature.data.copy_(state["log_temperature"])
        optimisers = (self.critics_optimiser, self.temperature_optimiser)
        for optimiser, was in zip(optimisers, state["optimisers"], strict=True):
            descent.restore_optimiser(optimiser, was)
        self.replay.restore(state["replay"])
        self.steps, self.updates, self.owed = int(state["steps"]), int(state["updates"]), float(state["owed"])

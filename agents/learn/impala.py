"""IMPALA: an actor and a critic that learn from what older weights played (Espeholt et al. 2018, arXiv:1802.01561).

Workers do not wait for the learner. V-trace weighs what they did by how likely the policy of now would have done it,
and so corrects for the weights' age.
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
from agents.returns import v_trace
from agents.rollouts import RolloutSettings
from agents.stem import see
from envs.game import Game


@dataclass(frozen=True)
class ImpalaSettings:
    """How IMPALA learns; in brackets what the paper takes for Atari.

    discount       of what comes a decision later (0.99)
    decay          lambda, of the traces (1)
    clip_delta     rho bar: the most that a ratio counts for a correction (1)
    clip_trace     c bar: the most that it counts for what reaches back (1)
    learning_rate  of RMSProp, at the beginning (6e-4)
    final_rate     share of it at the end of the run, reached in a straight line (0)
    value_weight   of the value's squared error, in units of the returns' spread (0.5)
    entropy        bonus for the entropy of the policy (0.01)
    gradient       largest norm of a gradient (40, of sums where these are means)
    """

    discount: float = 0.99
    decay: float = 1.0
    clip_delta: float = 1.0
    clip_trace: float = 1.0
    learning_rate: float = 1e-3
    final_rate: float = 0.0
    value_weight: float = 0.5
    entropy: float = 0.01
    gradient: float = 0.5

    def __post_init__(self) -> None:
        within(self, discount="[0, 1]", decay="[0, 1]", clip_delta="(0, inf)", clip_trace="(0, inf)")
        within(self, learning_rate="(0, inf)", final_rate="[0, 1]", value_weight="[0, inf)", entropy="[0, inf)")
        within(self, gradient="(0, inf)")


class Impala:
    """The learner: a network of policy and value, and an optimiser."""

    player = "rollouts"
    playing = RolloutSettings(lanes=32, steps=16)
    ahead = True
    reads: tuple[str, ...] = ("obs", "legal", "action", "log_p", "reward", "done", "valid", "fresh")

    @staticmethod
    def parts(game: Game, settings: ImpalaSettings) -> tuple[str, tuple[str, ...]]:
        """A body that suits the observation, with a policy and the returns it expects."""
        return shared.body(game), shared.heads(game)

    def __init__(self, game: Game, network: Network, settings: ImpalaSettings, seed: int) -> None:
        self.game, self.settings, self.reads = game, settings, along(self.reads, network)
        self.network = network.eval()
        self.steps = self.updates = 0
        self.generator = np.random.default_rng([seed, 7])
        # Differs: its epsilon is 1e-5, as A2C has it; the paper's is 0.01 for Atari.
        self.optimiser = torch.optim.RMSprop(network.parameters(), lr=settings.learning_rate, alpha=0.99, eps=1e-5)

    def update(self, experience: Columns, progress: float) -> Metrics:
        """One step on the fragment, along the gradients of section 4.2."""
        s = self.settings
        fragment = shared.Fragment(experience, {})
        out = fragment.whole(self.network)
        legal, action, played = (fragment.tracks[name].flatten(0, 1) for name in ("legal", "action", "log_p"))
        log_p, entropy = chosen_and_entropy({name: x.flatten(0, 1) for name, x in out.items()}, legal, action)
        with torch.no_grad():
            ratio = (log_p - played).exp().view(out["returns"].shape).numpy()
        target, advantage = v_trace(
            ratio, experience["reward"], out["returns"].detach().numpy(), experience["done"], experience["valid"],
            discount=s.discount, decay=s.decay, clip_delta=s.clip_delta, clip_trace=s.clip_trace,
        )  # fmt: skip
        keep = fragment.chosen
        wanted, weight = (torch.from_numpy(array).flatten()[keep] for array in (target, advantage))
        value = out["returns"].flatten()[keep]
        self.updates += 1
        unit = shared.unit(self.network)  # Differs: in units of the returns' spread, as it was before this fragment
        policy = -(log_p[keep] * weight / unit).mean()
        error = value_error(value, wanted) / unit**2
        loss = policy + s.value_weight * error - s.entropy * entropy[keep].mean()
        descent.set_rate(self.optimiser, s.learning_rate * descent.line(1.0, s.final_rate, progress))
        terms = {"policy_loss": policy, "value_loss": error, "entropy_loss": -entropy[keep].mean()}
        descent.descend(self.network, self.optimiser, loss, "IMPALA's loss", self.steps, s.gradient, terms)
        shared.rescale(self.network, wanted, self.updates)
        see(experience, self.network)
        self.steps += len(fragment)
        return {
            "train/loss": loss.item(),
            "train/policy_loss": policy.item(),
            "train/value_loss": error.item(),
            "train/entropy_loss": -entropy[keep].mean().item(),
            "train/ratio": float(ratio.ravel()[keep.numpy()].mean()),
            "train/explained_variance": explained_variance(value.detach(), wanted),
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

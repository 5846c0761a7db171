"""REINFORCE: what was followed by more than usual becomes likelier (Williams 1992, Machine Learning 8:229-256).

The step goes along the mean over decisions of (G_t - b) grad log pi(a_t | s_t), where the paper has their sum: G_t is
the discounted return from t on, b a baseline that may be anything which does not depend on the action: its mean effect
is 0, and a good one makes for less noise. Games are played whole, all with the same weights. Where a time limit cuts
one short, the return that a network with the head `returns` expects there stands for the rest; without that head, as
with the baselines none and mean, nothing does: the cut is taken for an end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.experience import Columns
from agents.learn import descent
from agents.learn import policy_gradient as shared
from agents.learn.learner import Metrics, State, along
from agents.losses import chosen_and_entropy, explained_variance, value_error
from agents.networks import Network, Weights, weights
from agents.ranges import within
from agents.returns import reward_to_go
from agents.rollouts import RolloutSettings
from agents.stem import see
from envs.game import Game


@dataclass(frozen=True)
class ReinforceSettings:
    """How REINFORCE learns.

    discount       of what comes a decision later
    baseline       none, mean = the running mean of all returns, learned = the return that the network expects
    to_go          whether a decision answers for what came after it alone, or for the whole game
    learning_rate  of Adam
    value_weight   of the learned baseline's squared error, in units of the returns' spread
    entropy        bonus for the entropy of the policy
    gradient       largest norm of a gradient
    """

    discount: float = 0.99
    baseline: Literal["none", "mean", "learned"] = "learned"
    to_go: bool = True
    learning_rate: float = 5e-3
    value_weight: float = 0.05
    entropy: float = 0.0
    gradient: float = 1.0

    def __post_init__(self) -> None:
        within(self, discount="[0, 1]", learning_rate="(0, inf)", value_weight="[0, inf)", entropy="[0, inf)")
        within(self, gradient="(0, inf)")


class Reinforce:
    """The learner: a network of a policy, perhaps with a baseline, and an optimiser."""

    player = "rollouts"
    playing = RolloutSettings(lanes=16, steps=500, whole=True)
    ahead = False
    reads: tuple[str, ...] = ("obs", "legal", "action", "value", "reward", "done", "valid")

    @staticmethod
    def parts(game: Game, settings: ReinforceSettings) -> tuple[str, tuple[str, ...]]:
        """A body that suits the observation, with a policy and, for a learned baseline, the returns it expects."""
        policy, baseline = shared.heads(game)
        return shared.body(game), (policy, baseline) if settings.baseline == "learned" else (policy,)

    def __init__(self, game: Game, network: Network, settings: ReinforceSettings, seed: int) -> None:
        self.game, self.settings = game, settings
        self.reads = along((*self.reads, *(() if settings.to_go else ("fresh",))), network)
        self.network = network.eval()
        self.steps = self.updates = 0
        self.mean, self.square = 0.0, 1.0  # of all returns, and of their squares
        self.generator = np.random.default_rng([seed, 7])
        self.optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, fused=True)

    def update(self, experience: Columns, progress: float) -> Metrics:
        """Returns of whole games, then one step along (G - b) grad log pi."""
        s = self.settings
        reward, value, done, valid = (experience[name] for name in ("reward", "value", "done", "valid"))
        returns = reward_to_go(reward, value, done, valid, discount=s.discount)
        if not s.to_go:
            returns = of_whole_games(returns, experience["fresh"], valid)
        fragment = shared.Fragment(experience, {"returns": returns})
        self.updates += 1
        target = fragment.flat("returns")
        before = self._baseline(fragment)
        self._rescale(target)
        (batch,) = fragment.batches(self.network, len(fragment), self.generator)
        log_p, entropy = chosen_and_entropy(batch.out, batch["legal"], batch["action"])
        advantage = (batch["returns"] - batch["baseline"]) / self.unit
        policy = -(log_p * advantage).mean()
        loss = policy - s.entropy * entropy.mean()
        terms = {"policy_loss": policy.item(), "entropy_loss": -entropy.mean().item()}
        metrics: dict[str, float] = {}
        if "returns" in batch.out:
            error = value_error(batch.out["returns"], batch["returns"]) / self.unit**2
            loss = loss + s.value_weight * error
            terms["value_loss"] = error.item()
            metrics["train/explained_variance"] = explained_variance(before, target)
        descent.descend(self.network, self.optimiser, loss, "REINFORCE's loss", self.steps, s.gradient, terms)
        see(experience, self.network)
        self.steps += len(fragment)
        metrics |= {f"train/{name}": value for name, value in terms.items()}
        metrics |= shared.straying(self.network)
        return {**metrics, "train/loss": loss.item(), "train/n_updates": self.updates}

    def _baseline(self, fragment: shared.Fragment) -> Tensor:
        """[n] what is taken from each return, also put into the fragment.

        The mean is that of before, so that no return is taken from itself.
        """
        target = fragment.flat("returns")
        if self.settings.baseline == "learned":
            before = fragment.flat("value")
        else:
            before = torch.full_like(target, self.mean if self.settings.baseline == "mean" else 0.0)
        fragment.add("baseline", before)
        return before

    def _rescale(self, target: Tensor) -> None:
        """Brings mean and spread of all returns up to date."""
        share = shared.running_share(self.updates)
        self.mean += share * (target.mean().item() - self.mean)
        self.square += share * (target.square().mean().item() - self.square)
        if "returns" in self.network.heads:
            shared.rescale(self.network, target, self.updates)

    @property
    def unit(self) -> float:
        """The running spread of all returns; Differs: advantages and values count in it, whatever the baseline."""
        return max(self.square - self.mean**2, 1e-6) ** 0.5

    def weights(self) -> Weights:
        return weights(self.network)

    def state(self) -> State:
        own = {"steps": self.steps, "updates": self.updates, "mean": self.mean, "square": self.square}
        return descent.state(self.network, self.optimiser, self.generator, **own)

    def restore(self, state: Mapping[str, Any]) -> None:
        descent.restore(self.network, self.optimiser, self.generator, state)
        self.steps, self.updates, self.mean = int(state["steps"]), int(state["updates"]), float(state["mean"])
        self.square = float(state.get("square", 1.0 + self.mean**2))


def of_whole_games(returns: NDArray[Any], fresh: NDArray[np.bool_], valid: NDArray[np.bool_]) -> NDArray[Any]:
    """[N, T] for each decision what its game paid from its first decision on, or from the fragment's first."""
    steps = np.arange(returns.shape[1])
    began = np.maximum.accumulate(np.where(fresh & valid, steps, 0), axis=1)
    return np.where(valid, np.take_along_axis(returns, began, axis=1), 0)

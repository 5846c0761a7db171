"""PPO: several passes over what was just played, none of which may move the policy far (Schulman et al. 2017).

"Proximal policy optimization algorithms", arXiv:1707.06347: `PPO.update` is its algorithm 1, `PPO.step` its eq. 9.
Besides what is marked `Differs`, these settings are not of the paper, and most are among Huang et al. 2022, "The 37
implementation details of proximal policy optimization": normalise, normalise_rewards, value_clip, most_kl, gradient,
magnet, average, even, and that entropy and, but for Atari, rates fall. Where whole hands are played (`agents.hands`),
rows of experience stand for many decisions, and `count` and `weight` say for how many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.agent import Unable
from agents.experience import Columns
from agents.learn import descent
from agents.learn import policy_gradient as shared
from agents.learn.learner import Metrics, State, along
from agents.learn.reward_spread import RewardSpread
from agents.learn.swift import Swift
from agents.losses import (
    chosen_and_entropy,
    clipped_surrogate,
    clipped_value_error,
    divergence,
    explained_variance,
    kl_estimate,
    value_error,
    weighed_mean,
)
from agents.networks import Network, Weights, follow, weights
from agents.ranges import within
from agents.returns import gae
from agents.rollouts import RolloutSettings
from agents.stem import see
from envs.game import Game


@dataclass(frozen=True)
class PPOSettings:
    """How PPO learns; in brackets what the paper takes for control.

    discount          of what comes a decision later (0.99)
    decay             lambda of generalised advantages (0.95)
    epochs            passes over each fragment (10)
    batch             decisions a step (64)
    learning_rate     of Adam, at the beginning (3e-4)
    final_rate        share of it at the end of the run, reached in a straight line
    clip              how far a ratio may move before it counts no more, at the beginning (0.2)
    final_clip        share of it at the end of the run
    value_weight      of the value's squared error, in units of the returns' spread, beside the surrogate
    entropy           bonus for the entropy of the policy, at the beginning
    final_entropy     share of it at the end of the run
    value_clip        0, or how far a value may move likewise, in units of the returns' spread
    normalise         whether advantages are brought to mean 0 and spread 1 in each batch; of whole hands
                      (`agents.hands`) it is the returns' spread that they are measured by
    normalise_rewards  whether values are learned in units of the running spread of the discounted return about 0, and
                      rewards are cut at ten of them (`reward_spread`), not in units of the targets about their mean
    even              of whole hands: decisions of an information set that earn it half of the weight that it can have,
                      so that rare ones are learned nearly as fast as others, and decisions that an action's advantage
                      is brought towards 0 by (`heeded`); 0 weighs every decision alike
    most_kl           0, or the divergence from the policy that played after which a fragment is left alone; of
                      whole hands rows count in it as they weigh in the loss
    gradient          largest norm of a gradient
    magnet            weight of the divergence from a magnet, a policy that follows: with it the last policy comes near
                      equilibria, and not its mean alone (magnetic mirror descent; arXiv:2206.05825)
    magnet_share      of the way to the network that the magnet goes after each fragment
    average           0, or the share of the decisions so far over which weights are averaged in what is kept as an
                      agent: where games hide something play circles round its equilibrium, and the mean comes near it
    """

    discount: float = 0.99
    decay: float = 0.95
    epochs: int = 4
    batch: int = 256
    learning_rate: float = 1e-3
    final_rate: float = 0.0
    clip: float = 0.2
    final_clip: float = 1.0
    value_weight: float = 0.5
    entropy: float = 0.01
    final_entropy: float = 1.0
    value_clip: float = 0.0
    normalise: bool = True
    normalise_rewards: bool = False
    even: float = 0.0
    most_kl: float = 0.0
    gradient: float = 0.5
    magnet: float = 0.0
    magnet_share: float = 0.05
    average: float = 0.0

    def __post_init__(self) -> None:
        within(self, discount="[0, 1]", decay="[0, 1]", epochs="[1, inf)", batch="[2, inf)", gradient="(0, inf)")
        within(self, learning_rate="(0, inf)", final_rate="[0, 1]", clip="(0, inf)", final_clip="[0, 1]")
        within(self, value_weight="[0, inf)", entropy="[0, inf)", final_entropy="[0, inf)")
        within(self, value_clip="[0, inf)", most_kl="[0, inf)", average="[0, 1]", even="[0, inf)")
        within(self, magnet="[0, inf)", magnet_share="[0, 1]")


MIXED = PPOSettings(
    discount=1.0, batch=1024, learning_rate=5e-4, final_rate=0.1, clip=0.1, entropy=0.1, final_entropy=0.5, average=0.5
)
"""For games of hidden information; an exact exploitability is what `arena evaluate RUN kuhn` prints."""

HANDS = PPOSettings(
    discount=1.0, batch=4096, learning_rate=2e-3, final_rate=0.03, clip=0.05, final_clip=0.1, entropy=0.04,
    final_entropy=0.05, even=50.0, gradient=1.0, average=0.25,
)  # fmt: skip
"""For those of them that are played in whole hands (`agents.hands`), as they were measured in Leduc poker."""

SHORTEST, LONGEST = 6, 16
"""Plies of games that are: in Kuhn poker, with its 3, many small fragments came nearer to an equilibrium."""


class PPO:
    """The learner: a network of policy and value, and an optimiser."""

    player = "rollouts"
    playing = RolloutSettings(lanes=32, steps=64)
    ahead = False
    reads: tuple[str, ...] = ("obs", "legal", "action", "log_p", "value", "reward", "done", "valid")
    whole_hands = True
    """It learns from what was done in the mean, too (`agents.hands`)."""

    @staticmethod
    def suited(game: Game, begun: bool = False, alone: bool = True) -> tuple[PPOSettings, RolloutSettings]:
        """Settings that suit a game, where the configuration says nothing else.

        Where a few hide something from each other a policy must stay mixed: much entropy, small steps from many games,
        and the mean of the weights as the agent (Rudolph et al. 2025, arXiv:2502.08938, for the entropy). Who is alone
        (`Suiting.suited`) plays whole hands of them, where that has come nearer to an equilibrium.
        """
        if game.hidden and game.seats > 1 and game.pays in ("result", "zero-sum"):
            if alone and game.key is not None and SHORTEST <= game.max_plies <= LONGEST and not game.simultaneous:
                return HANDS, RolloutSettings(lanes=1024, steps=8, hands=40_000, explore=0.1)
            return MIXED, RolloutSettings(lanes=1024, steps=8)
        return PPOSettings(), PPO.playing

    @staticmethod
    def parts(game: Game, settings: PPOSettings) -> tuple[str, tuple[str, ...]]:
        """A body that suits the observation, with a policy and the returns it expects."""
        return shared.body(game), shared.heads(game)

    @staticmethod
    def match(settings: PPOSettings, playing: RolloutSettings, game: Game, *, workers: int, remembers: bool) -> None:
        playing.require_batch(settings.batch, game, workers)

    def __init__(self, game: Game, network: Network, settings: PPOSettings, seed: int) -> None:
        self.game, self.settings = game, settings
        self.reads = along((*self.reads, *(("fresh",) if settings.normalise_rewards else ())), network)
        self.network = network.eval()  # no layer may mix a batch, or the first pass's ratios would not be near 1
        self.steps = self.updates = self.rounds = 0
        self.unit = 1.0
        self.generator = np.random.default_rng([seed, 7])
        # Differs: Adam's epsilon is 1e-5, as in OpenAI's baselines.
        self.optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, eps=1e-5, fused=True)
        self.mean = network.twin() if settings.average else None
        if settings.magnet and game.controls:
            raise Unable(f"A magnet draws policies of moves, and in {game.name} actions are vectors; set magnet to 0.")
        self.magnet = network.twin() if settings.magnet else None
        self.rewards = RewardSpread(settings.discount) if settings.normalise_rewards else None
        self.swift = Swift.of(self) if type(self) is PPO else None

    def update(self, experience: Columns, progress: float) -> Metrics:
        """Algorithm 1's inner part: advantages of the fragment, then `epochs` passes over it in shuffled batches."""
        s = self.settings
        if self.rewards is not None:
            experience = self.rewards.see(experience)
        valid = experience["valid"]
        advantage = gae(
            *(experience[k] for k in ("reward", "value", "done", "valid")), discount=s.discount, decay=s.decay
        )
        more = {"advantage": advantage, "target": advantage + experience["value"]}
        if "count" in experience:
            if s.discount != 1.0:
                raise Unable(
                    "Whole hands are paid without a discount; set learner.discount to 1, or rollouts.hands to 0."
                )
            more |= heeded(advantage, experience["log_p"], experience["count"], experience["alike"], s.even)
        fragment = shared.Fragment(experience, more)
        self.rounds += 1
        if self.magnet is not None:
            with torch.no_grad():
                fragment.add("magnet", fragment.whole(self.magnet)["policy"].flatten(0, 1)[fragment.chosen])
        # Differs: values are learned in units of the returns' own spread.
        if self.rewards is not None:
            self.unit = self.rewards.rescale(self.network)
        else:
            self.unit = shared.rescale(self.network, fragment.flat("target"), self.rounds)
        rate = s.learning_rate * descent.line(1.0, s.final_rate, progress)
        clip = s.clip * descent.line(1.0, s.final_clip, progress)
        bonus = s.entropy * descent.line(1.0, s.final_entropy, progress)
        descent.set_rate(self.optimiser, rate)
        measured = self._descend(fragment, clip, bonus)
        see(experience, self.network, self.mean, self.magnet)
        taken = int(experience.get("count", valid).sum())
        self.steps += taken
        self.updates += len(measured)
        if self.magnet is not None:
            follow(self.magnet, self.network, s.magnet_share)
        if self.mean is not None:  # Differs: Polyak & Juditsky 1992, over a window that grows with the run.
            follow(self.mean, self.network, taken / max(taken, s.average * self.steps))
        return {
            **descent.means(measured),
            "train/explained_variance": explained_variance(fragment.flat("value"), fragment.flat("target")),
            "train/learning_rate": rate,
            "train/clip_range": clip,
            **shared.straying(self.network),
            "train/n_updates": self.updates,
        }

    def _descend(self, fragment: shared.Fragment, clip: float, bonus: float) -> list[dict[str, float]]:
        """The passes, or as many steps of them as do not go too far; what was measured at each.

        Small perceptrons on the CPU take the same steps in compiled code (`agents.learn.swift`), and not by `step`.
        """
        if self.swift is not None and "count" not in fragment.tracks:
            return self.swift.descend(self, fragment, clip, bonus)
        measured: list[dict[str, float]] = []
        for batch in self._batches(fragment):
            measured.append(self.step(batch, clip, bonus))
            if self.settings.most_kl and measured[-1]["approx_kl"] > self.settings.most_kl:
                break
        return measured

    def _batches(self, fragment: shared.Fragment) -> Iterator[shared.Batch]:
        for _ in range(self.settings.epochs):
            yield from fragment.batches(self.network, self.settings.batch, self.generator)

    def step(self, batch: shared.Batch, clip: float, bonus: float) -> dict[str, float]:
        """One step of gradient descent on the clipped surrogate, the value's error and the entropy (eq. 9).

        Of small perceptrons `Swift` takes it, compiled: who changes it here does so in a class of their own, or there.
        """
        s = self.settings
        log_p, entropy = chosen_and_entropy(batch.out, batch["legal"], batch["action"])
        advantage, weight = batch["advantage"], batch.get("weight")
        if weight is not None:
            advantage, entropy = weight * advantage / (self.unit if s.normalise else 1.0), weight * entropy
        elif s.normalise and len(advantage) > 1:
            advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        log_ratio = log_p - batch["log_p"]
        ratio = log_ratio.exp()
        surrogate = clipped_surrogate(ratio, advantage, clip)
        value = self._value_loss(batch)
        loss = surrogate + s.value_weight * value
        if bonus:
            loss = loss - bonus * entropy.mean()
        if self.magnet is not None:
            apart = divergence(batch.out["policy"], batch["magnet"], batch["legal"])
            loss = loss + s.magnet * (apart if weight is None else weight * apart).mean()
        order = -entropy.mean()
        terms = {"policy_gradient_loss": surrogate, "value_loss": value, "entropy_loss": order}
        descent.descend(self.network, self.optimiser, loss, "PPO's loss", self.steps, s.gradient, terms)
        with torch.no_grad():
            outside = weighed_mean(((ratio - 1).abs() > clip).float(), weight)
            moved = kl_estimate(log_ratio, weight)
            numbers = torch.stack((loss, surrogate, value, order, moved, outside)).tolist()
        names = ("loss", "policy_gradient_loss", "value_loss", "entropy_loss", "approx_kl", "clip_fraction")
        return dict(zip(names, numbers, strict=True))

    def _value_loss(self, batch: shared.Batch) -> Tensor:
        value, target, weight = batch.out["returns"], batch["target"], batch.get("weight")
        if weight is not None:
            error = (weight * (value - target).square()).mean()
        elif self.settings.value_clip:
            error = clipped_value_error(value, target, batch["value"], self.settings.value_clip * self.unit)
        else:
            error = value_error(value, target)
        return error / self.unit**2

    def weights(self) -> Weights:
        return weights(self.network)

    def kept(self) -> Weights:
        """What is kept as an agent: the running average of the weights, or those of now if `average` is 0."""
        return weights(self.mean or self.network)

    def state(self) -> State:
        own: State = {"steps": self.steps, "updates": self.updates, "rounds": self.rounds}
        if self.mean is not None:
            own["mean"] = self.mean.state_dict()
        if self.magnet is not None:
            own["magnet"] = self.magnet.state_dict()
        if self.rewards is not None:
            own["rewards"] = self.rewards.state()
        return descent.state(self.network, self.optimiser, self.generator, **own)

    def restore(self, state: Mapping[str, Any]) -> None:
        descent.restore(self.network, self.optimiser, self.generator, state)
        self.steps, self.updates, self.rounds = (int(state[name]) for name in ("steps", "updates", "rounds"))
        if self.mean is not None:
            self.mean.load_state_dict(state.get("mean", state["network"]))
        if self.magnet is not None:
            self.magnet.load_state_dict(state.get("magnet", state["network"]))
        if self.rewards is not None and "rewards" in state:
            self.rewards.restore(state["rewards"])


def heeded(
    advantage: NDArray[np.float32],
    log_p: NDArray[np.float32],
    count: NDArray[np.float32],
    alike: NDArray[np.float32],
    even: float,
) -> Columns:
    """[R, 1] what rows of whole hands weigh, in the mean 1: p alike / (1 + alike / even); and how much is believed.

    p is the action's probability by the policy that played, so that how often it was drawn adds no noise, and draws
    that the policy would not have made (`RolloutSettings.explore`) no weight. An advantage, which is the mean of
    `count`, is brought towards 0 as if `even` more had been 0: what is hardly ever tried is left to the bonus for
    entropy, until it is tried more often.
    """
    weight = np.exp(log_p) * (alike / (1.0 + alike / even) if even else alike)
    believed = advantage * count / (count + even)
    return {"weight": (weight / weight.mean()).astype(np.float32), "advantage": believed.astype(np.float32)}

"""A reward model: of several answers to a prompt, those that a judge put first are to score higher.

Ouyang et al. 2022, "Training language models to follow instructions with human feedback" (InstructGPT),
arXiv:2203.02155, section 3.5; the second of its three stages. Begin from a model that was taught (`network.start`):
that one answers, and keeps answering as it is, while a copy of it with a head for one number learns to score. The copy
is the agent that is kept; `groups.reward` names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from agents.experience import Columns
from agents.language.groups import language_of
from agents.language.model import scores
from agents.language.pairs import PairSettings
from agents.language.preferences import agreement, bradley_terry
from agents.learn import descent
from agents.learn.learner import Metrics, State
from agents.networks import Network, Weights, weights
from agents.ranges import within
from envs.game import Game


@dataclass(frozen=True)
class RewardModelSettings:
    """How a reward model learns.

    epochs         passes over each round's answers; the paper makes one, for more of them fit what was seen too well
    batch          prompts a step, each with all its answers
    learning_rate  of AdamW
    warm_up        steps over which it rises from 0
    final_rate     share of it at the end of the run, reached in a straight line
    decay          of weights, a step and unit of learning rate
    gradient       largest norm of a gradient
    """

    epochs: int = 1
    batch: int = 16
    learning_rate: float = 5e-4
    warm_up: int = 10
    final_rate: float = 0.1
    decay: float = 0.01
    gradient: float = 1.0

    def __post_init__(self) -> None:
        within(self, epochs="[1, inf)", batch="[1, inf)", learning_rate="(0, inf)", warm_up="[0, inf)")
        within(self, final_rate="[0, 1]", decay="[0, inf)", gradient="(0, inf)")


class RewardModel:
    """The learner: a network that scores, an optimiser, and the model whose answers are scored."""

    player = "pairs"
    playing = PairSettings()
    ahead = True
    reads = ("text", "prompted", "length", "rank")
    trials: ClassVar[Mapping[str, int]] = {"every": 0}  # it scores, and does not answer

    @staticmethod
    def parts(game: Game, settings: RewardModelSettings) -> tuple[str, tuple[str, ...]]:
        """A small GPT that has a head for the score beside that of the model which it begins from."""
        language_of(game, "A reward model")
        return "gpt:layers=2,width=64,heads=4", ("token", "returns")

    def __init__(self, game: Game, network: Network, settings: RewardModelSettings, seed: int) -> None:
        self.game, self.settings = game, settings
        self.network = network.eval()
        self.answering = network.twin().requires_grad_(False)
        self.steps = self.updates = self.rounds = 0
        self.centre = 0.0
        self.generator = np.random.default_rng([seed, 7])
        # The loss knows no constant: all that is left of its gradient is rounding, which a small epsilon would magnify.
        how = {"betas": (0.9, 0.95), "eps": 1e-5, "weight_decay": settings.decay}
        self.optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, fused=True, **how)

    def update(self, experience: Columns, progress: float) -> Metrics:
        """`epochs` passes over the prompts, all answers of a prompt in one batch."""
        s = self.settings
        rank = torch.from_numpy(experience["rank"])
        size = int(rank.max()) + 1
        rank = rank.view(-1, size)
        answers = [torch.from_numpy(np.ascontiguousarray(experience[name])) for name in self.reads[:3]]
        answers[0] = answers[0].long()

        def scored(prompts: Tensor) -> Tensor:
            some = (prompts[:, None] * size + torch.arange(size)).flatten()
            return scores(self.network, *(column[some] for column in answers)).view(-1, size)

        with torch.no_grad():
            unseen = torch.cat([scored(some) for some in torch.arange(len(rank)).split(s.batch)])
        self.rounds += 1
        losses, rate = [], 0.0
        for _ in range(s.epochs):
            for some in descent.shuffled(len(rank), s.batch, self.generator):
                loss = bradley_terry(scored(some), rank[some])
                rate = descent.warmed(s.learning_rate, self.updates, s.warm_up)
                rate *= descent.line(1.0, s.final_rate, progress)
                descent.set_rate(self.optimiser, rate)
                what = "The loss of the reward model"
                descent.descend(self.network, self.optimiser, loss, what, self.steps, s.gradient)
                self.updates += 1
                losses.append(loss.item())
        with torch.no_grad():
            now = torch.cat([scored(some) for some in torch.arange(len(rank)).split(s.batch)])
        self.centre += max(1.0 / self.rounds, 0.25) * (now.mean().item() - self.centre)
        self.steps += rank.numel()
        return {
            "train/loss": float(np.mean(losses)),
            "train/agreement": agreement(now, rank),
            "rollout/agreement": agreement(unseen, rank),
            "rollout/loss": bradley_terry(unseen, rank).item(),
            "train/learning_rate": rate,
            "train/n_updates": self.updates,
        }

    def weights(self) -> Weights:
        """Of the model that answers."""
        return weights(self.answering)

    def kept(self) -> Weights:
        """Of the one that scores, shifted so that what it has seen scores 0 in the mean (section 3.5)."""
        arrays = weights(self.network)
        arrays["heads.returns.mean"] = arrays["heads.returns.mean"] - np.float32(self.centre)
        return arrays

    def state(self) -> State:
        own: State = {"steps": self.steps, "updates": self.updates, "rounds": self.rounds, "centre": self.centre}
        own["answering"] = self.answering.state_dict()
        return descent.state(self.network, self.optimiser, self.generator, **own)

    def restore(self, state: Mapping[str, Any]) -> None:
        descent.restore(self.network, self.optimiser, self.generator, state)
        self.steps, self.updates, self.rounds = (int(state[name]) for name in ("steps", "updates", "rounds"))
        self.centre = float(state["centre"])
        self.answering.load_state_dict(state["answering"])

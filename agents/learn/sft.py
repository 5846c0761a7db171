"""Supervised learning of right answers, token by token, each after the true ones before it (teacher forcing).

The loss is - sum_t log p(o_t | q, o_<t) over the tokens of the answers, in the mean: the first of InstructGPT's three
stages (Ouyang et al. 2022, arXiv:2203.02155, section 3.1), and what a language model may begin reinforcement from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from agents.experience import Columns
from agents.language.groups import language_of
from agents.language.lessons import LessonSettings
from agents.language.losses import token_weights, weighted
from agents.language.model import token_log_p
from agents.learn import descent
from agents.learn.learner import Metrics, State
from agents.networks import Network, Weights, weights
from agents.ranges import within
from envs.game import Game


@dataclass(frozen=True)
class SFTSettings:
    """How a language model is taught.

    batch          answers a step
    learning_rate  of AdamW
    warm_up        steps over which it rises from 0
    final_rate     share of it at the end of the run, reached in a straight line
    decay          of weights, a step and unit of learning rate
    gradient       largest norm of a gradient
    """

    batch: int = 128
    learning_rate: float = 1e-3
    warm_up: int = 50
    final_rate: float = 0.1
    decay: float = 0.0
    gradient: float = 1.0

    def __post_init__(self) -> None:
        within(self, batch="[1, inf)", learning_rate="(0, inf)", warm_up="[0, inf)", final_rate="[0, 1]")
        within(self, decay="[0, inf)", gradient="(0, inf)")


class SFT:
    """The learner: a language model and an optimiser."""

    player = "lessons"
    playing = LessonSettings()
    ahead = True
    trials: ClassVar[Mapping[str, int]] = {"every": 25_000, "episodes": 200}
    reads = ("text", "prompted", "length")

    @staticmethod
    def parts(game: Game, settings: SFTSettings) -> tuple[str, tuple[str, ...]]:
        """A small GPT whose last layer is its table of tokens."""
        language_of(game, "Supervised learning")
        return "gpt:layers=2,width=64,heads=4,positions=rotary", ("token",)

    def __init__(self, game: Game, network: Network, settings: SFTSettings, seed: int) -> None:
        self.game, self.settings = game, settings
        self.network = network.eval()
        self.steps = self.updates = 0
        self.generator = np.random.default_rng([seed, 7])
        how = {"betas": (0.9, 0.95), "eps": 1e-5, "weight_decay": settings.decay}  # epsilon as in GRPO
        self.optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, fused=True, **how)

    def update(self, experience: Columns, progress: float) -> Metrics:
        """Every answer once, in shuffled batches."""
        s = self.settings
        text, prompted, length = (torch.from_numpy(np.ascontiguousarray(experience[name])) for name in self.reads)
        rate, losses, right = 0.0, [], []
        for some in descent.shuffled(len(text), s.batch, self.generator):
            most = int(length[some].max())
            mask = torch.arange(most) < length[some][:, None]
            said = token_log_p(self.network, text[some], prompted[some], length[some], most)
            loss = -weighted(said.log_p, token_weights(mask))
            rate = descent.warmed(s.learning_rate, self.updates, s.warm_up) * descent.line(1.0, s.final_rate, progress)
            descent.set_rate(self.optimiser, rate)
            descent.descend(self.network, self.optimiser, loss, "The loss of lessons", self.steps, s.gradient)
            self.updates += 1
            losses.append(loss.item())
            right.append(said.log_p.detach().sum(1).exp().mean().item())
        self.steps += len(text)
        return {
            "train/loss": float(np.mean(losses)),
            "train/answer_probability": float(np.mean(right)),
            "train/learning_rate": rate,
            "train/n_updates": self.updates,
        }

    def weights(self) -> Weights:
        return weights(self.network)

    def state(self) -> State:
        return descent.state(self.network, self.optimiser, self.generator, steps=self.steps, updates=self.updates)

    def restore(self, state: Mapping[str, Any]) -> None:
        descent.restore(self.network, self.optimiser, self.generator, state)
        self.steps, self.updates = int(state["steps"]), int(state["updates"])

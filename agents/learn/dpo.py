"""DPO: what a judge put first becomes likelier, and what it put last less likely, without a reward model in between.

Rafailov et al. 2023, "Direct preference optimization: your language model is secretly a reward model",
arXiv:2305.18290. Begin from a model that was taught (`network.start`): it is the reference to stay near.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from agents.experience import Columns
from agents.language.groups import language_of
from agents.language.model import token_log_p
from agents.language.pairs import PairSettings
from agents.language.preferences import dpo, implicit_reward
from agents.learn import descent
from agents.learn.learner import Metrics, State
from agents.networks import Network, Weights, weights
from agents.ranges import within
from envs.game import Game


@dataclass(frozen=True)
class DPOSettings:
    """How DPO learns; in brackets the paper's.

    beta           how dear it is to stray from the reference (0.1)
    answers        who gives the answers that are judged: the reference, as it was at the beginning (which is the
                   paper's), or the policy, as it is now (Guo et al. 2024, arXiv:2402.04792)
    epochs         passes over each round's answers
    batch          prompts a step, each with all its answers (64 pairs)
    learning_rate  of Adam
    warm_up        steps over which it rises from 0 (150)
    final_rate     share of it at the end of the run, reached in a straight line
    gradient       largest norm of a gradient
    """

    beta: float = 0.1
    answers: Literal["reference", "policy"] = "reference"
    epochs: int = 1
    batch: int = 32
    learning_rate: float = 3e-4
    warm_up: int = 20
    final_rate: float = 1.0
    gradient: float = 1.0

    def __post_init__(self) -> None:
        within(self, beta="(0, inf)", epochs="[1, inf)", batch="[1, inf)", learning_rate="(0, inf)")
        within(self, warm_up="[0, inf)", final_rate="[0, 1]", gradient="(0, inf)")


class DPO:
    """The learner: a language model, an optimiser, and the reference that it began from."""

    player = "pairs"
    playing = PairSettings()
    ahead = False
    reads = ("text", "prompted", "length", "rank")
    trials: ClassVar[Mapping[str, int]] = {"every": 25_000, "episodes": 200}

    @staticmethod
    def parts(game: Game, settings: DPOSettings) -> tuple[str, tuple[str, ...]]:
        """A small GPT whose last layer is its table of tokens."""
        language_of(game, "DPO")
        return "gpt:layers=2,width=64,heads=4", ("token",)

    def __init__(self, game: Game, network: Network, settings: DPOSettings, seed: int) -> None:
        self.game, self.settings = game, settings
        self.network = network.eval()
        self.reference = network.twin().requires_grad_(False)
        self.steps = self.updates = 0
        self.generator = np.random.default_rng([seed, 7])
        self.optimiser = torch.optim.Adam(
            network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.95), fused=True
        )

    def update(self, experience: Columns, progress: float) -> Metrics:
        """`epochs` passes over the prompts, all pairs of a prompt's answers in one batch."""
        s = self.settings
        rank = torch.from_numpy(experience["rank"])
        size = int(rank.max()) + 1
        text, prompted, length = (torch.from_numpy(np.ascontiguousarray(experience[name])) for name in self.reads[:3])
        measured: list[dict[str, float]] = []
        for _ in range(s.epochs):
            for prompts in descent.shuffled(len(rank) // size, s.batch, self.generator):
                some = (prompts[:, None] * size + torch.arange(size)).flatten()
                of = text[some].long(), prompted[some], length[some]
                most = int(length[some].max())
                mask = torch.arange(most) < length[some][:, None]
                with torch.no_grad():
                    reference = token_log_p(self.reference, *of, most).log_p
                log_p = token_log_p(self.network, *of, most).log_p
                found = dpo(log_p, reference, mask, rank[some].view(-1, size), s.beta)
                rate = descent.warmed(s.learning_rate, self.updates, s.warm_up)
                rate *= descent.line(1.0, s.final_rate, progress)
                descent.set_rate(self.optimiser, rate)
                descent.descend(self.network, self.optimiser, found.loss, "DPO's loss", self.steps, s.gradient)
                self.updates += 1
                reward = implicit_reward(log_p.detach(), reference, mask, s.beta)
                measured.append({
                    "loss": found.loss.item(),
                    "agreement": found.agreement,
                    "margin": found.margin,
                    "best_reward": reward[rank[some] == 0].mean().item(),
                    "worst_reward": reward[rank[some] == size - 1].mean().item(),
                    "learning_rate": rate,
                })  # fmt: skip
        self.steps += len(rank)
        return {**descent.means(measured), "train/n_updates": self.updates}

    def weights(self) -> Weights:
        """Of the model that answers."""
        return weights(self.reference if self.settings.answers == "reference" else self.network)

    def kept(self) -> Weights:
        """Of the policy."""
        return weights(self.network)

    def state(self) -> State:
        own: State = {"steps": self.steps, "updates": self.updates, "reference": self.reference.state_dict()}
        return descent.state(self.network, self.optimiser, self.generator, **own)

    def restore(self, state: Mapping[str, Any]) -> None:
        descent.restore(self.network, self.optimiser, self.generator, state)
        self.steps, self.updates = int(state["steps"]), int(state["updates"])
        self.reference.load_state_dict(state["reference"])

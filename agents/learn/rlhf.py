"""RLHF: PPO on what a reward model says of an answer, less what it costs to stray from the model that it began from.

Ouyang et al. 2022, "Training language models to follow instructions with human feedback" (InstructGPT),
arXiv:2203.02155, section 3.5 and appendix C.4; the third of its stages, after `sft` and `reward_model`: `network.start`
names the first's agent, `groups.reward` the second's. Without the latter the task's verifier pays. What is not in the
paper is marked `Differs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from agents.experience import Columns
from agents.language.groups import Curriculum, GroupSettings, language_of
from agents.language.losses import surrogate, token_ratios, token_weights, weighted
from agents.language.model import token_log_p, token_values
from agents.language.preferences import penalised
from agents.learn import descent
from agents.learn.learner import Metrics, State
from agents.learn.policy_gradient import rescale
from agents.losses import explained_variance
from agents.networks import Network, Weights, weights
from agents.ranges import within
from agents.returns import gae
from envs.game import Game

PART = 1024
"""Answers that go through a network at once where no gradient is asked for."""
FAR = 8.0
"""Nats an answer from the reference above which a reward model is asked about what it has never seen."""


@dataclass(frozen=True)
class RLHFSettings:
    """How PPO learns from a reward model; in brackets InstructGPT's.

    beta           paid for each nat of log(pi / pi_SFT), token by token (0.02)
    discount       of what comes a token later (1)
    decay          lambda of generalised advantages (0.95)
    epochs         passes over each round's answers (1)
    batch          answers a step (64)
    learning_rate  of Adam
    final_rate     share of it at the end of the run, reached in a straight line
    clip           how far a ratio may move before it counts no more (0.2)
    value_weight   of the value's squared error, in units of the returns' spread, beside the surrogate
    gradient       largest norm of a gradient
    """

    beta: float = 0.05
    discount: float = 1.0
    decay: float = 0.95
    epochs: int = 2
    batch: int = 64
    learning_rate: float = 3e-4
    final_rate: float = 1.0
    clip: float = 0.2
    value_weight: float = 0.5
    gradient: float = 1.0

    def __post_init__(self) -> None:
        within(self, beta="[0, inf)", discount="[0, 1]", decay="[0, 1]", epochs="[1, inf)", batch="[2, inf)")
        within(self, learning_rate="(0, inf)", final_rate="[0, 1]", clip="(0, inf)", value_weight="[0, inf)")
        within(self, gradient="(0, inf)")


@dataclass
class Round:
    """A round's answers: text [N, L], prompted and length [N]; the others [N, T], of the tokens of the answers.

    old and value are of the policy before it learns from them, reference is log pi_SFT.
    """

    text: Tensor
    prompted: Tensor
    length: Tensor
    temperature: float
    mask: Tensor
    old: Tensor
    value: Tensor
    reference: Tensor
    advantage: Tensor
    target: Tensor


class RLHF:
    """The learner: a language model with a value head, an optimiser, and the model that it began from."""

    player = "groups"
    playing = GroupSettings(prompts=64, group=4)
    ahead = False
    reads = ("text", "prompted", "length", "temperature", "paid")
    trials: ClassVar[Mapping[str, int]] = {"every": 25_000, "episodes": 200}

    @staticmethod
    def suited(game: Game, begun: bool = False, alone: bool = True) -> tuple[RLHFSettings, GroupSettings]:
        """Where nothing else is said, prompts begin at the level that a judge is shown (`agents.language.pairs`)."""
        level = max(1, language_of(game, "RLHF").levels - 1)
        return RLHFSettings(), replace(RLHF.playing, curriculum=Curriculum(start=level))

    @staticmethod
    def parts(game: Game, settings: RLHFSettings) -> tuple[str, tuple[str, ...]]:
        """A small GPT whose last layer is its table of tokens, and the return that it expects."""
        language_of(game, "RLHF")
        return "gpt:layers=2,width=64,heads=4", ("token", "returns")

    @staticmethod
    def match(settings: RLHFSettings, playing: GroupSettings, game: Game, *, workers: int, remembers: bool) -> None:
        playing.require_batch(settings.batch, workers)

    def __init__(self, game: Game, network: Network, settings: RLHFSettings, seed: int) -> None:
        self.game, self.settings = game, settings
        self.network = network.eval()  # no dropout, or the first pass's ratios would not be 1
        self.reference = network.twin().requires_grad_(False)
        self.steps = self.updates = self.rounds = 0
        self.unit, self.far = 1.0, 0.0
        self.generator = np.random.default_rng([seed, 7])
        self.optimiser = torch.optim.Adam(
            network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.95), fused=True
        )

    def update(self, experience: Columns, progress: float) -> Metrics:
        """What each token is paid, its advantage, then `epochs` passes in shuffled batches."""
        s = self.settings
        self.rounds += 1
        played = self._looked_at(experience)
        reward = penalised(torch.from_numpy(experience["paid"]), played.old, played.reference, played.mask, s.beta)
        valid = played.mask.numpy()
        done = np.arange(valid.shape[1]) == played.length.numpy()[:, None] - 1
        advantage = gae(reward.numpy(), played.value.numpy(), done, valid, discount=s.discount, decay=s.decay)
        played.advantage = torch.from_numpy(advantage)
        played.target = played.advantage + played.value
        # Differs: values are learned in units of the returns' own spread, and advantages have mean 0 and spread 1.
        self.unit = rescale(self.network, played.target[played.mask], self.rounds)
        own = played.advantage[played.mask]
        played.advantage = (played.advantage - own.mean()) / (own.std() + 1e-8)
        rate = s.learning_rate * descent.line(1.0, s.final_rate, progress)
        descent.set_rate(self.optimiser, rate)
        learned: list[dict[str, float]] = []
        for _ in range(s.epochs):
            for some in descent.shuffled(len(valid), s.batch, self.generator):
                learned.append(self.step(played, some))
        self.steps += len(valid)
        self.updates += len(learned)
        strayed = torch.where(played.mask, played.old - played.reference, 0.0).sum(1).mean().item()
        self.far += max(1.0 / self.rounds, 0.1) * (strayed - self.far)
        return {
            **descent.means(learned),
            "rollout/score": float(experience["paid"].mean()),
            "rollout/kl": strayed,
            "rollout/length": float(experience["length"].mean()),
            "train/explained_variance": explained_variance(played.value[played.mask], played.target[played.mask]),
            "train/learning_rate": rate,
            "train/n_updates": self.updates,
        }

    def _looked_at(self, columns: Columns) -> Round:
        """The answers with what the policy and the reference say of them."""
        text, prompted, length = (torch.from_numpy(np.ascontiguousarray(columns[name])) for name in self.reads[:3])
        text, most, temperature = text.long(), int(length.max()), float(columns["temperature"][0])
        old, value, reference = [], [], []
        with torch.no_grad():
            for some in torch.arange(len(text)).split(PART):
                of = text[some], prompted[some], length[some]
                spoken, expected = token_values(self.network, *of, most, temperature)
                old.append(spoken.log_p)
                value.append(expected)
                reference.append(token_log_p(self.reference, *of, most, temperature).log_p)
        empty = torch.zeros(len(text), most)
        tokens = torch.cat(old), torch.cat(value), torch.cat(reference), empty, empty
        return Round(text, prompted, length, temperature, torch.arange(most) < length[:, None], *tokens)

    def step(self, played: Round, some: Tensor) -> dict[str, float]:
        """One step of gradient descent on the clipped surrogate and the value's error, every token counting alike."""
        s, mask = self.settings, played.mask[some]
        of = played.text[some], played.prompted[some], played.length[some]
        spoken, value = token_values(self.network, *of, mask.shape[1], played.temperature)
        share = token_weights(mask)
        ratio = token_ratios(spoken.log_p, played.old[some], mask)
        policy = -weighted(surrogate(ratio, played.advantage[some], s.clip, s.clip), share)
        error = weighted((value - played.target[some]).square(), share) / self.unit**2
        loss = policy + s.value_weight * error
        descent.descend(self.network, self.optimiser, loss, "RLHF's loss", self.steps, s.gradient)
        with torch.no_grad():
            gap = ratio.log()
            outside = weighted(((ratio - 1).abs() > s.clip).float(), share)
            moved, entropy = weighted(gap.exp() - 1 - gap, share), weighted(spoken.entropy, share)
            numbers = torch.stack((loss, policy, error, entropy, moved, outside)).tolist()
        names = ("loss", "policy_gradient_loss", "value_loss", "entropy", "approx_kl", "clip_fraction")
        return dict(zip(names, numbers, strict=True))

    def warnings(self) -> tuple[str, ...]:
        """What goes wrong just now."""
        if self.far < FAR:
            return ()
        return (
            f"The answers have strayed {self.far:.0f} nats from those of the model that this began from, where a "
            "reward model has seen nothing and its score may rise while they get worse; raise learner.beta, or have "
            "answers of now judged for a new reward model.",
        )

    def weights(self) -> Weights:
        return weights(self.network)

    def state(self) -> State:
        own: State = {"steps": self.steps, "updates": self.updates, "rounds": self.rounds, "far": self.far}
        own["reference"] = self.reference.state_dict()
        return descent.state(self.network, self.optimiser, self.generator, **own)

    def restore(self, state: Mapping[str, Any]) -> None:
        descent.restore(self.network, self.optimiser, self.generator, state)
        self.steps, self.updates, self.rounds = (int(state[name]) for name in ("steps", "updates", "rounds"))
        self.far = float(state["far"])
        self.reference.load_state_dict(state["reference"])

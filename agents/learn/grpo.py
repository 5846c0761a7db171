"""GRPO: of several answers to one prompt, those that were paid more than the rest become likelier (Shao et al. 2024).

"DeepSeekMath", arXiv:2402.03300. There is no value network: the other answers to the same prompt are the baseline. What
Dr. GRPO, DAPO, RLOO and REINFORCE++ do otherwise are switches; `agents.language.losses` has each beside its equation.
Differs: unless a paper's variant is asked for, Dr. GRPO's advantage goes with DAPO's averages and dynamic sampling.
Differs: what a ratio is taken to is what the sampler gave, of bfloat16 where it computes in that, while the learner is
of float32. So ratios of the first pass are not quite 1, and a seed learns something else on another kind of CPU. At 15
of 80 rounds of `reverse` they lay between 0.95 and 1.08, with an approx_kl of 4e-6 at most, where that of whole rounds
was 1e-4 to 4e-3. To ask the learner's network instead, as RLHF does, would take 23 % of a round's CPU time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from agents.experience import Columns
from agents.language import losses
from agents.language.groups import Curriculum, GroupSettings, answered, language_of
from agents.language.losses import VARIANTS, Variant
from agents.language.model import token_log_p
from agents.language.remarks import Remarks
from agents.learn import descent
from agents.learn.learner import Metrics, State
from agents.networks import Network, Weights, weights
from agents.ranges import within
from envs.game import Game
from envs.language.vocabulary import END, SPOKEN, THINK

VERDICT = 2
"""Tokens of an answer, its end among them, up to which it says no more than which of a few it is."""
OURS = VARIANTS["dr_grpo"]._replace(average="tokens", dynamic=True)
MIXED: dict[str, Variant] = {
    "ours": OURS,
    "ours_std": OURS._replace(advantage="group_std"),
    "ours_all": OURS._replace(dynamic=False),
    **VARIANTS,
}
"""name -> its switches: what was quickest here, for tasks of different kinds (`GRPO.suited`), and the papers' own."""
PLACES = GroupSettings(prompts=128, group=8, partial=0.9)


@dataclass(frozen=True)
class GRPOSettings:
    """How GRPO learns; a switch that is "" or negative is as the variant has it.

    variant        the switches down to `overlong` of grpo, dr_grpo, dapo, rloo, reinforce++, ours, ours_std, ours_all:
                   ours is Dr. GRPO's advantage, in ours_std in units of the spread, with DAPO's averages and, but in
                   ours_all, its dynamic sampling
    advantage      group_std, group_mean, others or batch: what is taken from a reward, and what it is divided by
    average        answers, tokens or budget: which of them all count the same
    ratio          token or answer: what a ratio belongs to
    clip_low       how far a ratio may fall before it counts no more
    clip_high      how far it may rise
    kl             weight of the divergence from the reference; from random weights there is nothing to stay near: 0
    dynamic        yes or no: whether groups of equal rewards are left out, which saves time, and out of the averages
    overlong       share of an answer's room at whose end it is paid less and less
    format_reward  paid for a well-formed answer, beside 1 for a right one
    reference      updates after which the reference is the network of then; 0: it is that of the beginning
    epochs         passes over each round's answers
    batch          answers a step
    part           answers that go through the network at once; more are gone through in parts, whose gradients add up
    learning_rate  of Adam
    warm_up        steps over which it rises from 0
    final_rate     share of it at the end of the run, reached in a straight line
    entropy        bonus for the entropy of the tokens' distributions, in units of the loss: at the best policy under c
                   a token that costs 1 is exp(-1/c) as likely
    gradient       largest norm of a gradient
    """

    variant: Literal["ours", "ours_std", "ours_all", "grpo", "dr_grpo", "dapo", "rloo", "reinforce++"] = "ours"
    advantage: Literal["", "group_std", "group_mean", "others", "batch"] = ""
    average: Literal["", "answers", "tokens", "budget"] = ""
    ratio: Literal["", "token", "answer"] = ""
    clip_low: float = -1.0
    clip_high: float = -1.0
    kl: float = -1.0
    dynamic: Literal["", "yes", "no"] = ""
    overlong: float = -1.0
    format_reward: float = 0.2
    reference: int = 0
    epochs: int = 1
    batch: int = 128
    part: int = 256
    learning_rate: float = 1e-3
    warm_up: int = 20
    final_rate: float = 1.0
    entropy: float = 0.003
    gradient: float = 1.0

    def __post_init__(self) -> None:
        within(self, format_reward="[0, inf)", reference="[0, inf)", epochs="[1, inf)", batch="[2, inf)")
        within(self, part="[1, inf)", learning_rate="(0, inf)", warm_up="[0, inf)", final_rate="[0, 1]")
        within(self, entropy="[0, inf)", gradient="(0, inf)", clip_low="(-inf, 1]", clip_high="(-inf, inf)")
        within(self, kl="(-inf, inf)", overlong="(-inf, 1]")

    @property
    def switches(self) -> Variant:
        """The variant's switches, but for those that are set."""
        named = {"advantage": self.advantage, "average": self.average, "ratio": self.ratio}
        numbers = {"low": self.clip_low, "high": self.clip_high, "kl": self.kl, "overlong": self.overlong}
        changes: dict[str, Any] = {name: value for name, value in named.items() if value}
        changes |= {name: value for name, value in numbers.items() if value >= 0}
        if self.dynamic:
            changes["dynamic"] = self.dynamic == "yes"
        return MIXED[self.variant]._replace(**changes)


class Answers:
    """A round's answers as tensors, [N, ...] each, aligned to the answers: column j is an answer's token j.

    reward     [N] what each was paid
    advantage  [N, T]
    old        [N, T] log-probabilities under the policy that drew them
    reference  [N, T] likewise of the reference; None if nothing is asked of it
    mask       [N, T] True on an answer's tokens
    """

    def __init__(self, columns: Columns) -> None:
        length = torch.from_numpy(columns["length"])
        longest = int(length.max())
        last = int((columns["prompted"] + columns["length"]).max())
        self.text = torch.from_numpy(columns["text"][:, :last].astype(np.int64))
        self.prompted, self.length = torch.from_numpy(columns["prompted"]), length
        self.mask = torch.arange(longest) < length[:, None]
        self.old = torch.from_numpy(np.ascontiguousarray(columns["log_p"][:, :longest]))
        self.temperature = float(columns["temperature"][0])
        self.advantage = torch.zeros_like(self.old)
        self.reference: Tensor | None = None

    def __len__(self) -> int:
        return len(self.text)

    def said(self, network: Network, which: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities of the tokens of some answers, and entropies of their distributions, [n, T] each."""
        of = self.text[which], self.prompted[which], self.length[which]
        return token_log_p(network, *of, self.mask.shape[1], self.temperature)


class GRPO:
    """The learner: a language model, an optimiser, and perhaps a reference to stay near."""

    player = "groups"
    playing = GroupSettings()
    ahead = False
    trials: ClassVar[Mapping[str, int]] = {"every": 25_000, "episodes": 200}
    reads = (
        "text", "prompted", "length", "level", "group", "log_p", "temperature", "format", "right", "paid", "placed",
    )  # fmt: skip

    @staticmethod
    def suited(game: Game, begun: bool = False, alone: bool = True) -> tuple[GRPOSettings, GroupSettings]:
        """Where one answer is right its tokens are paid each by itself, and prompts are as hard as they get at once.

        Paid for every place a policy is soon certain, and a high bonus for entropy keeps it trying. A verdict is not
        right in part: its prompts begin short, and it is to be sure of its form long before it is of its content.
        What has begun with learned weights takes smaller steps, and no bonus that would have it forget. Where whole
        answers alone are paid it also draws nearer to its likeliest tokens: of fifty that are right at 97 % each, few
        answers are right in all.
        """
        language = game.language
        placed = language is not None and language.hits is not None
        if begun and placed:
            return GRPOSettings(learning_rate=3e-4, final_rate=0.1), replace(PLACES, curriculum=Curriculum(start=0))
        if begun:
            small = {"learning_rate": 1e-4, "final_rate": 0.1, "warm_up": 50, "batch": 256}
            sure = GRPOSettings(variant="ours_std", format_reward=0.1, entropy=0.0, **small)
            return sure, replace(GRPO.playing, temperature=0.6, curriculum=Curriculum(start=0, easier=0.3))
        if language is None or not placed:
            return GRPOSettings(), GRPO.playing
        if language.answer > VERDICT:
            return GRPOSettings(entropy=0.1, final_rate=0.1), replace(PLACES, curriculum=Curriculum(start=0))
        slow = {"batch": 256, "learning_rate": 5e-4, "final_rate": 0.1}
        short = Curriculum(start=2, up=0.8, easier=0.5)
        whole = GRPOSettings(variant="ours_all", entropy=0.25, format_reward=1.5, **slow)
        return whole, replace(PLACES, curriculum=short)

    @staticmethod
    def parts(game: Game, settings: GRPOSettings) -> tuple[str, tuple[str, ...]]:
        """A small GPT whose last layer is its table of tokens."""
        language_of(game, "GRPO")
        return "gpt:layers=2,width=64,heads=4", ("token",)

    @staticmethod
    def match(settings: GRPOSettings, playing: GroupSettings, game: Game, *, workers: int, remembers: bool) -> None:
        playing.require_batch(settings.batch, workers)

    def __init__(self, game: Game, network: Network, settings: GRPOSettings, seed: int) -> None:
        self.game, self.settings, self.switches = game, settings, settings.switches
        self.language = language_of(game, "GRPO")
        self.network = network.eval()  # no dropout, or the first pass's ratios would not be near 1
        self.steps = self.updates = self.rounds = 0
        self.generator = np.random.default_rng([seed, 7])
        # Where the gradient is 0 but for rounding, as that of the keys' offsets, nothing moves by this epsilon.
        self.optimiser = torch.optim.Adam(
            network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.95), eps=1e-5, fused=True
        )
        self.reference = network.twin().requires_grad_(False) if self.switches.kl else None
        self.remarks = Remarks()

    def update(self, experience: Columns, progress: float) -> Metrics:
        """Pays the answers, compares those to the same prompt, then `epochs` passes in shuffled batches."""
        s = self.settings
        self.rounds += 1
        self.steps += len(experience["right"])
        answers = Answers(experience)
        if self.reference is not None:
            if s.reference and (self.rounds - 1) % s.reference == 0:
                self.reference.load_state_dict(self.network.state_dict())
            with torch.no_grad():
                every = torch.arange(len(answers)).split(s.part)
                answers.reference = torch.cat([answers.said(self.reference, which)[0] for which in every])
        reward, telling = self._paid(experience, answers)
        groups = torch.arange(len(answers)).view_as(reward)
        batches = self._batches(groups[telling] if self.switches.dynamic else groups)
        learned = [self.step(answers, which, progress) for which in batches]
        metrics = self._told(experience, reward, telling) | descent.means(learned)
        metrics["train/n_updates"] = self.updates
        self.remarks.hear(metrics)
        return metrics

    def _paid(self, columns: Columns, answers: Answers) -> tuple[Tensor, Tensor]:
        """[groups, G] what each answer is paid, and [groups] whether its answers were paid differently.

        Writes the advantages, too.
        """
        s, v, most = self.settings, self.switches, self.language.answer
        size = int((columns["group"] == columns["group"][0]).sum())
        paid = torch.from_numpy(columns["paid"] + np.float32(s.format_reward) * columns["format"])
        placed = torch.from_numpy(np.ascontiguousarray(columns["placed"][:, : answers.mask.shape[1]]))
        if v.overlong:
            paid = paid - losses.overlong(answers.length, most, max(1, round(v.overlong * most)))
        reward = paid.view(-1, size)
        if v.advantage == "batch":
            answers.advantage = losses.reinforce_pp_advantages(
                reward, answers.mask, answers.old, answers.reference, v.kl
            )
        else:
            answers.advantage = losses.per_answer(losses.GROUP_ADVANTAGES[v.advantage](reward))
        by_place = losses.place_advantages(placed.unflatten(0, (-1, size)), answers.mask)
        answers.advantage = answers.advantage + by_place
        telling = losses.told_apart(reward) | by_place.unflatten(0, (-1, size)).ne(0).any(2).any(1)
        return reward + placed.sum(1).div(answers.length).view_as(reward), telling

    def _batches(self, groups: Tensor) -> Iterator[Tensor]:
        """Every group [M, G] once an epoch, in shuffled batches of about `batch` answers, all nearly as large.

        Groups stay whole, so that their prompt is read once.
        """
        each = max(1, self.settings.batch // groups.shape[1])
        for _ in range(self.settings.epochs if len(groups) else 0):
            for some in descent.shuffled(len(groups), each, self.generator):
                yield groups[some].flatten()

    def step(self, answers: Answers, which: Tensor, progress: float) -> dict[str, float]:
        """One step of gradient descent on some answers, in parts whose gradients add up to that of all of them."""
        s = self.settings
        rate = descent.warmed(s.learning_rate, self.updates, s.warm_up) * descent.line(1.0, s.final_rate, progress)
        descent.set_rate(self.optimiser, rate)
        descent.drop_gradients(self.optimiser)
        measured = self.gradients(answers, which)
        norm = descent.step_along(self.network, self.optimiser, s.gradient)
        self.updates += 1
        return {**measured, "learning_rate": rate, "grad_norm": norm.item()}

    def gradients(self, answers: Answers, which: Tensor) -> dict[str, float]:
        """Adds the gradient of the loss on some answers to the parameters'; what was measured on the way, as means."""
        s, v = self.settings, self.switches
        ratios = losses.token_ratios if v.ratio == "token" else losses.answer_ratios
        mask = answers.mask[which]
        share = losses.weights_of(v.average, mask, self.language.answer)
        tokens = mask.sum().item()
        sums = torch.zeros(6)
        for part in torch.arange(len(which)).split(s.part):
            some, here, w = which[part], mask[part], share[part]
            log_p, entropy = answers.said(self.network, some)
            ratio = ratios(log_p, answers.old[some], here)
            policy = -losses.surrogate(ratio, answers.advantage[some], v.low, v.high)
            loss = policy - s.entropy * entropy
            stray = torch.zeros_like(policy)
            if answers.reference is not None:
                stray = losses.k3(log_p, answers.reference[some], here)
                if v.advantage != "batch":
                    loss = loss + v.kl * stray
            total = losses.weighted(loss, w)
            descent.finite(total, "GRPO's loss", self.steps)
            total.backward()
            with torch.no_grad():
                gap = torch.where(here, log_p - answers.old[some], 0.0)
                outside = ((ratio < 1 - v.low) | (ratio > 1 + v.high)) & here
                means = (entropy * here, stray * here, gap.exp() - 1 - gap, outside)
                sums += torch.stack((total, losses.weighted(policy, w), *(mean.sum() / tokens for mean in means)))
        names = ("loss", "policy_gradient_loss", "entropy", "kl", "approx_kl", "clip_fraction")
        return dict(zip(names, sums.tolist(), strict=True))

    def _told(self, columns: Columns, reward: Tensor, telling: Tensor) -> Metrics:
        """What the round's answers were like."""
        said = answered(columns)
        begins, ends = said == THINK, said == SPOKEN
        thought = np.where(begins.any(1) & ends.any(1), ends.argmax(1) - begins.argmax(1) - 1, 0).clip(0)
        return {
            "rollout/accuracy": float(columns["right"].mean()),
            "rollout/format": float(columns["format"].mean()),
            "rollout/length": float(columns["length"].mean()),
            "rollout/cut_off": float((said[np.arange(len(said)), columns["length"] - 1] != END).mean()),
            "rollout/thought_length": float(thought.mean()),
            "rollout/level": float(columns["level"].max()),
            "rollout/reward": reward.mean().item(),
            "train/zero_variance": 1.0 - telling.float().mean().item(),
        }

    def warnings(self) -> tuple[str, ...]:
        """What goes wrong just now."""
        return self.remarks.now()

    def weights(self) -> Weights:
        return weights(self.network)

    def state(self) -> State:
        own: State = {"steps": self.steps, "updates": self.updates, "rounds": self.rounds}
        own["remarks"] = self.remarks.state()
        if self.reference is not None:
            own["reference"] = self.reference.state_dict()
        return descent.state(self.network, self.optimiser, self.generator, **own)

    def restore(self, state: Mapping[str, Any]) -> None:
        descent.restore(self.network, self.optimiser, self.generator, state)
        self.steps, self.updates, self.rounds = (int(state[name]) for name in ("steps", "updates", "rounds"))
        self.remarks.restore(state["remarks"])
        if self.reference is not None:
            self.reference.load_state_dict(state.get("reference", state["network"]))

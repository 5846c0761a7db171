"""Preferences: what a judge's hidden taste is served by SFT, RLHF, DPO and GRPO, each from as many answers.

    arena bench preferences --option picture=preferences.png
    arena bench preferences --option seeds=3 --option answers=8192 --option betas=0,0.1

All begin from one model that was taught a little: right answers, a fifth of them with a flourish, which the judge likes
and no verifier knows (`agents.language.judges`). Then each has as many answers more. RLHF and GRPO spend a quarter of
theirs on the judge's order of four to a prompt, from which a reward model is learned, and the rest on answers that it
scores; DPO spends all on the judge's order; SFT is taught by as many further lessons. A row is an algorithm: the mean
over seeds of what its answers to held-out prompts are worth to the judge, beside the model that all began from.

The picture shows for each weight of the divergence how much RLHF gains by the reward model, and in truth: as the weight
goes to 0 the one rises and the other falls (over-optimisation; Gao et al. 2022, arXiv:2210.10760). Scores are told
times the judge's temperature, since Bradley-Terry's count in it: both gains are in units of worth.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

from agents.language.groups import Curriculum, Groups, GroupSettings
from agents.language.judges import Taste, worth
from agents.language.lessons import Lessons, LessonSettings
from agents.language.model import token_log_p
from agents.language.pairs import Pairs, PairSettings
from agents.language.sampling import Sampler
from agents.language.scoring import Scorer
from agents.learn.dpo import DPO, DPOSettings
from agents.learn.grpo import GRPO, GRPOSettings
from agents.learn.learner import kept_weights
from agents.learn.reward_model import RewardModel, RewardModelSettings
from agents.learn.rlhf import RLHF, RLHFSettings
from agents.learn.sft import SFT, SFTSettings
from agents.networks import Network, load_weights
from agents.storage import begin_from, save_agent
from arena.bench import Row
from arena.summary import Band, band, mean_interval
from arena.viewers.curves import write
from envs import kernels
from envs.game import Game
from envs.language import task
from envs.registry import game as game_of

HEADS = ("token", "returns")
HELD_OUT = 10**6
"""Seeds of the prompts that are judged begin here."""
JUDGED = 512
"""Held-out prompts, to each of which one answer is drawn."""
LOOKS = 16
"""Times that a policy is judged on its way."""
TAUGHT = 24_000
"""Lessons of the model that all begin from."""
LABELLED = 0.25
"""Share of the answers that a reward model is learned from."""
TASTE = Taste(right=1.0, excess=0.1, flourish=0.5, temperature=0.2)
LESSONS = LessonSettings(prompts=256, easier=0.25, flourish=0.2)
PAIRS = PairSettings(prompts=64, answers=4, easier=0.25, taste=TASTE)
ROUND = 256
"""Answers a round that RLHF and GRPO have scored."""

FIRST = 1
"""The first seed that is told of: by seed 0 the settings below were chosen."""

# What was best for the worth on seed 0, of two to four weights of the divergence and rates of learning each.
SFT_SETTINGS = SFTSettings(batch=64)
REWARD_SETTINGS = RewardModelSettings(epochs=4, batch=16)
RLHF_SETTINGS = RLHFSettings()
GRPO_SETTINGS = GRPOSettings(kl=0.5, format_reward=0.0, batch=64, learning_rate=3e-4, warm_up=0)
DPO_SETTINGS = DPOSettings(beta=0.3, learning_rate=1e-4)


WHO: tuple[Literal["reference", "policy"], ...] = ("reference", "policy")


class Point(NamedTuple):
    """How good a policy is after so many answers: means over held-out prompts."""

    answers: int
    worth: float
    score: float
    """By the reward model, times the judge's temperature."""
    kl: float
    """From the model that all began from, in nats an answer."""


@dataclass
class World:
    """One seed of a task: the model that all begin from, and the one that scores, as folders."""

    rules: Game
    backbone: str
    seed: int
    folder: Path

    @property
    def level(self) -> int:
        """Of all prompts at most: the last but one, whose answers have room for a flourish."""
        assert self.rules.language is not None
        return max(1, self.rules.language.levels - 1)

    def network(self, start: str = "") -> Network:
        """Random weights, or those of one of the folders."""
        made = Network(self.rules, self.backbone, HEADS, seed=self.seed).eval()
        if start:
            begin_from(made, self.folder / start)
        return made

    def store(self, name: str, learner: Any) -> None:
        """Freezes what a learner keeps."""
        save_agent(self.folder / name, self.rules, kept_weights(learner), backbone=self.backbone, heads=HEADS)


def contests(
    game: str = "sort:length=6",
    seeds: str = "3",
    answers: str = "16384",
    betas: str = "0,0.1,1",
    backbone: str = "gpt:layers=2,width=64,heads=4",
    picture: str = "",
) -> Iterator[Row]:
    """One row an algorithm, of RLHF one for each weight of the divergence.

    answers  that each may have; of RLHF's and GRPO's a quarter is judged, and the others are scored
    betas    weights of RLHF's divergence, commas between
    picture  a .png for the curves of what RLHF's answers score and are worth
    """
    torch.set_num_threads(1)
    rules, most, weights = game_of(game), int(answers), [float(beta) for beta in betas.split(",")]
    task.language(rules)
    if picture and not picture.endswith(".png"):
        raise ValueError(f"The picture is a .png, as in picture=curves.png, not {picture}.")
    Path(picture).parent.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[list[Point]]] = {}
    with tempfile.TemporaryDirectory(prefix="preferences-") as folder:
        for seed in range(FIRST, FIRST + int(seeds)):
            for name, points in compared(World(rules, backbone, seed, Path(folder) / str(seed)), most, weights):
                found.setdefault(name, []).append(points)
    if picture:
        curves = {name: paths for name, paths in found.items() if name.startswith("rlhf")}
        draw(Path(picture), f"RLHF in {rules.name}: what is scored, and what it is worth", curves)
    for name, paths in found.items():
        yield row(f"{rules.name}, {name}", [path[-1] for path in paths], [path[0] for path in paths])


def compared(world: World, most: int, betas: list[float]) -> Iterator[tuple[str, list[Point]]]:
    """Every algorithm's way from one model that was taught."""
    rules, seed, labelled = world.rules, world.seed, round(most * LABELLED)
    teach(world)
    learn_reward(world, labelled)
    start, scorer = world.network("taught"), Scorer(world.folder / "reward", world.network())

    def way(learner: Any, player: Any, spent: int) -> list[Point]:
        return followed(world, scorer, learner, player, spent, most)

    yield "sft", way(SFT(rules, start.twin(), SFT_SETTINGS, seed), lessons(world, seed + 1), 0)
    for beta in betas:
        learner = RLHF(rules, start.twin(), replace(RLHF_SETTINGS, beta=beta), seed)
        yield f"rlhf, beta {beta:g}", way(learner, scored(world, 4), labelled)
    yield "grpo", way(GRPO(rules, start.twin(), GRPO_SETTINGS, seed), scored(world, 8), labelled)
    for who in WHO:
        learner = DPO(rules, start.twin(), replace(DPO_SETTINGS, answers=who), seed)
        yield f"dpo, answers of the {who}", way(learner, Pairs(start, PAIRS, seed), 0)


def lessons(world: World, seed: int) -> Lessons:
    """Right answers, some with a flourish."""
    return Lessons(world.network(), replace(LESSONS, level=world.level), seed)


def scored(world: World, group: int) -> Groups:
    """Answers that the reward model pays."""
    curriculum = Curriculum(start=world.level, easier=PAIRS.easier)
    folder = str(world.folder / "reward")
    how = GroupSettings(prompts=ROUND // group, group=group, reward=folder, curriculum=curriculum)
    return Groups(world.network(), how, world.seed + 1)


def teach(world: World) -> None:
    """The first stage: a model that was shown right answers, not for long."""
    learner, player = SFT(world.rules, world.network(), SFT_SETTINGS, world.seed), lessons(world, world.seed)
    while learner.steps < TAUGHT:
        learner.update(player.collect(0)[0], learner.steps / TAUGHT)
    world.store("taught", learner)


def learn_reward(world: World, labelled: int) -> None:
    """The second: a model that scores answers as the judge has put so many of them in order."""
    learner = RewardModel(world.rules, world.network("taught"), REWARD_SETTINGS, world.seed)
    prompts = max(1, labelled // PAIRS.answers)
    learner.update(Pairs(world.network("taught"), replace(PAIRS, prompts=prompts), world.seed).collect(0)[0], 0.0)
    world.store("reward", learner)


def followed(world: World, scorer: Scorer, learner: Any, player: Any, spent: int, most: int) -> list[Point]:
    """Trains until `most` answers are spent, `spent` of them before, and looks now and then how good the policy is."""
    points = [judged(world, scorer, learner, spent)]
    while (at := spent + learner.steps) < most:
        player.load(learner.weights())
        learner.update(player.collect(0)[0], (at - spent) / (most - spent))
        at = spent + learner.steps
        if at >= spent + (most - spent) * len(points) / LOOKS or at >= most:
            points.append(judged(world, scorer, learner, at))
    return points


def judged(world: World, scorer: Scorer, learner: Any, answers: int) -> Point:
    """What a policy's answers to held-out prompts are worth, and what the reward model makes of them."""
    language = task.language(world.rules)
    rules, policy = game_of(language.held_out), world.network()
    load_weights(policy, kept_weights(learner))
    rows = task.posed(rules, kernels.seeds(HELD_OUT, JUDGED), np.full(JUDGED, world.level))
    prompts, prompted = rows["text"][:, : language.prompt], rows["prompted"].astype(np.int64)
    said = Sampler(policy, JUDGED).sample(prompts, prompted, language.answer, kernels.seeds(HELD_OUT + 1, JUDGED))
    task.write(rules, rows, said.tokens, said.length)
    worths = worth(rules, rows, said.tokens, said.length, TASTE)
    scores = scorer.score(rows["text"], prompted, said.length) * TASTE.temperature
    text, start, length = (torch.from_numpy(of.astype(np.int64)) for of in (rows["text"], prompted, said.length))
    with torch.inference_mode():
        now, then = (
            token_log_p(one, text, start, length, language.answer).log_p for one in (policy, world.network("taught"))
        )
    return Point(answers, float(worths.mean()), float(scores.mean()), (now - then).sum(1).mean().item())


def gains(paths: list[list[Point]], of: str) -> Band:
    """The mean over seeds of how much more than at first something is, with its interval."""
    ways = []
    for path in paths:
        values = np.array([getattr(point, of) for point in path])
        ways.append((np.array([point.answers for point in path], np.float64), values - values[0]))
    return band(ways, LOOKS)


def draw(path: Path, title: str, found: dict[str, list[list[Point]]]) -> None:
    """A picture of what each way gains by the reward model, and in truth."""
    curves = [
        (f"{name.split(', ')[1]}: {told}", gains(paths, of))
        for name, paths in found.items()
        for told, of in (("score", "score"), ("worth", "worth"))
    ]
    runs = len(next(iter(found.values())))
    write(path, title, curves, runs, about="gain, in units of worth", along="answers")


def row(subject: str, ends: list[Point], starts: list[Point]) -> Row:
    """One algorithm beside the model that all began from; there is no ratio, for worth has no zero."""
    worths = np.array([end.worth for end in ends])
    mean, low, high = mean_interval(worths)
    each = ", ".join(f"{one:.3f}" for one in worths)
    score = np.mean([end.score - start.score for end, start in zip(ends, starts, strict=True)])
    far = np.mean([end.kl for end in ends])
    return Row(
        bench="preferences",
        subject=subject,
        ours=mean,
        peer="the model that all begin from",
        theirs=float(np.mean([start.worth for start in starts])),
        unit="hidden worth",
        ratio=None,
        runs=len(ends),
        note=f"{subject}: seeds from {FIRST} on {each}; 95 % interval of the mean {low:.3f} to {high:.3f}; "
        f"{ends[0].answers:,} answers; the reward model finds a gain of {score:.3f}; {far:.1f} nats from the start",
    )

"""Groups: prompts of a language task, each answered many times over by the network as it is, and judged.

How hard the prompts are follows a curriculum: the level rises by one when enough answers at the highest level dealt so
far were right, and easier prompts stay mixed in, so that they are not forgotten (Bengio et al. 2009, "Curriculum
learning").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.agent import Unable
from agents.experience import Columns
from agents.language.device_sampling import sampler_of
from agents.language.scoring import Scorer
from agents.networks import Network, Weights
from agents.play import Finished
from agents.ranges import within
from envs import kernels
from envs.game import Game, Language, Rows
from envs.language import task
from envs.language.vocabulary import decode


class BadReward(ValueError):
    """A verifier did not give a number; the text names the task and the prompt."""


@dataclass(frozen=True)
class Curriculum:
    """How hard the prompts are.

    start   level at first; 0: the highest there is, so that there is no curriculum; up to 3 it may be more than that
    up      share of right answers at the highest level dealt, in one round, at which the level rises
    easier  share of the prompts that are of lower levels, drawn evenly, once there are any
    """

    start: int = 3
    up: float = 0.7
    easier: float = 0.6

    def __post_init__(self) -> None:
        within(self, start="[0, inf)", up="(0, 1]", easier="[0, 1)")


@dataclass(frozen=True)
class GroupSettings:
    """How answers to learn from are drawn.

    prompts      different prompts a round, on one worker
    group        answers to each of them
    temperature  of the distribution that tokens are drawn from; the learner's ratios are at the same temperature
    top_k        0, or the number of likeliest tokens to which a draw is confined
    top_p        share of probability to whose likeliest tokens a draw is confined; 1: all
    partial      share of the pay that each token of an answer gets by itself for being the right one in its place,
                 where one answer is right; the rest is for all of it
    refill       times that prompts whose answers were all paid the same are replaced by others (DAPO, eq. 11)
    reward       folder of a reward model, or of its run, that pays in place of the task's verifier; empty: the verifier
    """

    prompts: int = 64
    group: int = 16
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    partial: float = 0.0
    refill: int = 0
    reward: str = ""
    curriculum: Curriculum = field(default_factory=Curriculum)

    def __post_init__(self) -> None:
        if self.group == 1:
            raise ValueError("A group of one answer has nothing to be compared with; set groups.group to 2 or more.")
        within(self, prompts="[1, 65536]", group="[2, 65536]", temperature="(0, 1000]")
        within(self, top_k="[0, inf)", top_p="(0, 1]", partial="[0, 1]", refill="[0, 100]")

    def require_batch(self, batch: int, workers: int) -> None:
        """Raises ValueError where all workers' answers together are fewer than one batch."""
        most = max(1, workers) * self.prompts * self.group
        if batch > most:
            raise ValueError(
                f"[learner] batch is {batch:,}, and a round has {most:,} answers; lower learner.batch, or raise "
                "groups.prompts or groups.group."
            )


def language_of(game: Game, who: str) -> Language:
    """The language of a game's prompts and answers; raises `Unable` where there is none."""
    if game.language is None:
        raise Unable(f"{who} learns language tasks, and {game.name} is none; try reverse, sort or addition.")
    return game.language


def level_of(game: Game, level: int, setting: str) -> int:
    """A level of a task in words, 0 being the highest; raises `Unable` for one that the task does not have."""
    levels = language_of(game, "What deals prompts").levels
    if level > levels:
        raise Unable(
            f"{setting} is level {level}, and {game.name} has levels 1 to {levels}; set it to one of these, or to 0 "
            "for the highest."
        )
    return level or levels


def dealt(level: int, count: int, easier: float, generator: np.random.Generator) -> NDArray[np.int64]:
    """[count] levels: the highest so far, and a share of lower ones drawn evenly."""
    lower = generator.random(count) < (easier if level > 1 else 0.0)
    return np.where(lower, generator.integers(1, max(2, level), count), level)


class Groups:
    """A worker's prompts and their answers.

    Columns, one row an answer, the answers to a prompt one after the other: text [N, L] uint8 (prompt, answer, then
    zeros), prompted, length (of the answer, END included), level, group [N], log_p [N, A] (at the temperature of the
    draw, without top_k and top_p), temperature, format, right, paid [N] (for the whole answer: that it is right, or
    what a reward model says), placed [N, A] (for its tokens, each by itself).
    """

    backend = "torch"

    def __init__(self, network: Network, settings: GroupSettings, seed: int) -> None:
        self.game, self.settings, self.seed = network.game, settings, seed
        self.language = language_of(network.game, "What draws groups of answers")
        self.sampler = sampler_of(network, settings.prompts * settings.group)
        self.evaluations = self.begun = 0
        self.level = self._first(settings.curriculum.start)
        self.scorer = Scorer(Path(settings.reward), network) if settings.reward else None

    def _first(self, start: int) -> int:
        """The level that a curriculum begins with; raises `Unable` for one that the task does not have."""
        if start <= Curriculum().start:  # what learners begin with by themselves fits every task
            start = min(start, self.language.levels)
        return level_of(self.game, start, "groups.curriculum.start")

    @classmethod
    def of(cls, network: Network, settings: GroupSettings, seed: int, backend: str) -> Groups:
        """A worker's groups; they are drawn where the network is, whatever the backend of searches."""
        return cls(network, settings, seed)

    def load(self, arrays: Weights) -> None:
        self.sampler.load(arrays)

    def collect(self, positions: int) -> tuple[Columns, list[Finished]]:
        """Answers to `prompts` prompts; it takes no notice of `positions`."""
        s = self.settings
        wanted = s.prompts
        games: list[Finished] = []
        kept: list[Columns] = []
        top: list[NDArray[np.float32]] = []
        for left in range(s.refill, -1, -1):
            _, columns, played = self.ask(wanted)
            games.extend(played)
            top.append(columns["right"][columns["level"] == self.level])
            kept.append(_telling(columns, s.group) if left else columns)
            wanted -= len(kept[-1]["right"]) // s.group
            if wanted == 0:
                break
        self._rise(np.concatenate(top))
        return {name: np.concatenate([part[name] for part in kept]) for name in kept[0]}, games

    def ask(self, prompts: int) -> tuple[Rows, Columns, list[Finished]]:
        """So many prompts, each with its group of answers, as rows, columns and games."""
        s, language = self.settings, self.language
        seeds = kernels.seeds(self.seed, prompts, 1, self.begun)
        generator = np.random.default_rng([self.seed, 2, self.begun])
        levels = dealt(self.level, prompts, s.curriculum.easier, generator)
        rows = np.repeat(task.posed(self.game, seeds, levels), s.group)
        lanes = kernels.seeds(self.seed, len(rows), 3, self.begun)
        samples = self.sampler.sample(
            rows["text"][:, : language.prompt],
            rows["prompted"],
            language.answer,
            lanes,
            temperature=s.temperature,
            top_k=s.top_k,
            top_p=s.top_p,
        )
        task.write(self.game, rows, samples.tokens, samples.length)
        format, right = task.judged(self.game, rows)
        self._checked(rows, format + right)
        self.evaluations += int(samples.length.sum())
        first, self.begun = self.begun * s.group, self.begun + prompts
        columns = {
            "text": rows["text"].copy(),
            "prompted": rows["prompted"].astype(np.int64),
            "length": samples.length.astype(np.int64),
            "level": rows["level"].astype(np.int64),
            "group": first // s.group + np.repeat(np.arange(prompts), s.group),
            "log_p": samples.log_p,
            "temperature": np.full(len(rows), s.temperature, np.float32),
            "format": format,
            "right": right,
        }
        columns["paid"], columns["placed"] = self._paid(rows, columns)
        return rows, columns, self._finished(columns, np.repeat(seeds, s.group), first)

    def _paid(self, rows: Rows, columns: Columns) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What answers [N], and what their tokens [N, A] are worth to who learns from them."""
        none = np.zeros_like(columns["log_p"])
        if self.scorer is not None:
            return self.scorer.score(columns["text"], columns["prompted"], columns["length"]), none
        share = np.float32(self.settings.partial if self.language.hits else 0.0)
        if not share:
            return columns["right"], none
        return columns["right"] * (1 - share), task.hits(self.game, rows) * share

    def _checked(self, rows: Rows, reward: NDArray[np.float32]) -> None:
        wrong = np.flatnonzero(~np.isfinite(reward))
        if len(wrong):
            row = rows[wrong[0]]
            prompt = row["text"][: row["prompted"]]
            raise BadReward(
                f"The verifier of {self.game.name} pays {reward[wrong[0]]} for the prompt '{decode(prompt)}'; "
                "a reward must be a number, so mend its rule `judge`."
            )

    def _rise(self, right: NDArray[np.float32]) -> None:
        """Raises the level if enough of a round's answers at the highest one were right."""
        if len(right) and right.mean() >= self.settings.curriculum.up:
            self.level = min(self.level + 1, self.language.levels)

    def _finished(self, columns: Columns, seeds: NDArray[np.uint64], first: int) -> list[Finished]:
        """Answers as games: their tokens are the moves."""
        answers = answered(columns)
        paid, length = columns["right"].tolist(), columns["length"].tolist()
        return [
            Finished(seed, (0,), 0, tokens[:count], (reward,), first + i)
            for i, (seed, tokens, count, reward) in enumerate(
                zip(seeds.tolist(), answers.tolist(), length, paid, strict=True)
            )
        ]

    def state(self) -> Mapping[str, Any]:
        """How many prompts there were, and how hard they were: the rest follows from the seed."""
        return {"begun": self.begun, "level": self.level}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on where `state` was taken."""
        self.begun, self.level = int(state["begun"]), int(state["level"])


def answered(columns: Columns) -> NDArray[np.uint8]:
    """[N, T] the tokens of the answers alone, zeros after the last; T as long as the longest."""
    text, length = columns["text"], columns["length"]
    place = np.arange(int(length.max()))
    at = np.minimum(columns["prompted"][:, None] + place, text.shape[1] - 1)
    return np.where(place < length[:, None], np.take_along_axis(text, at, 1), np.uint8(0))


def _telling(columns: Columns, group: int) -> Columns:
    """The groups whose answers were not all paid the same."""
    paid = np.column_stack((columns["paid"] + columns["format"], columns["placed"]))
    paid = paid.reshape(-1, group, paid.shape[1])
    kept = np.repeat((paid.max(1) > paid.min(1)).any(1), group)
    return {name: value[kept] for name, value in columns.items()}

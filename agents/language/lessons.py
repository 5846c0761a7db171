"""Lessons: prompts of a language task, each with a right answer to learn by heart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.experience import Columns
from agents.language.groups import dealt, language_of, level_of
from agents.language.judges import FLOURISH
from agents.networks import Network, Weights
from agents.play import Finished
from agents.ranges import within
from envs import kernels
from envs.language import task
from envs.language.vocabulary import END


class Unsolved(ValueError):
    """A task offers no right answer to learn from."""


@dataclass(frozen=True)
class LessonSettings:
    """How prompts with right answers are dealt.

    prompts   so many a round, on one worker
    level     the highest that is dealt; 0: the highest there is
    easier    share of the prompts that are of lower levels, drawn evenly
    flourish  share of the answers that end with "!", if they have room for it, as some people write: no verifier wants
              it, and a judge may (`agents.language.judges`)
    """

    prompts: int = 1024
    level: int = 0
    easier: float = 0.5
    flourish: float = 0.0

    def __post_init__(self) -> None:
        within(self, prompts="[1, 65536]", level="[0, inf)", easier="[0, 1)", flourish="[0, 1]")


class Lessons:
    """A worker's prompts and the right answers to them.

    Columns, one row a prompt: text [N, L] uint8 (prompt, answer, then zeros), prompted, length (of the answer, END
    included) and level [N].
    """

    backend = "rules"

    def __init__(self, network: Network, settings: LessonSettings, seed: int) -> None:
        self.game, self.settings, self.seed = network.game, settings, seed
        self.language = language_of(network.game, "Supervised learning from lessons")
        self.level = level_of(network.game, settings.level, "lessons.level")
        self.evaluations = self.begun = 0

    @classmethod
    def of(cls, network: Network, settings: LessonSettings, seed: int, backend: str) -> Lessons:
        """A worker's lessons, which no network gives."""
        return cls(network, settings, seed)

    def load(self, arrays: Weights) -> None:
        """Lessons are the same whoever learns from them."""

    def collect(self, positions: int) -> tuple[Columns, list[Finished]]:
        """`prompts` prompts with right answers; it takes no notice of `positions`."""
        s, language = self.settings, self.language
        seeds = kernels.seeds(self.seed, s.prompts, 1, self.begun)
        generator = np.random.default_rng([self.seed, 2, self.begun])
        self.begun += s.prompts
        rows = task.posed(self.game, seeds, dealt(self.level, s.prompts, s.easier, generator))
        tokens, length = task.solved(self.game, rows)
        if length.min() < 1:
            raise Unsolved(f"{self.game.name} offers no right answers to learn from; train it with grpo.")
        some = np.flatnonzero((generator.random(s.prompts) < s.flourish) & (length < language.answer))
        tokens[some, length[some] - 1], tokens[some, length[some]] = FLOURISH, END
        length[some] += 1
        columns = {
            "prompted": rows["prompted"].astype(np.int64),
            "length": length,
            "level": rows["level"].astype(np.int64),
        }
        task.write(self.game, rows, tokens, length)
        return {"text": rows["text"].copy(), **columns}, []

    def state(self) -> Mapping[str, Any]:
        """How many prompts there were."""
        return {"begun": self.begun}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on where `state` was taken."""
        self.begun = int(state["begun"])

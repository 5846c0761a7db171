"""Pairs: prompts of a language task, each answered twice or more, and a judge who puts the answers in order.

The judge is `agents.language.judges`; whoever learns is told ranks and nothing else. What the answers were worth to it
is what the games are said to have paid, so it stands in the curves (rollout/ep_rew_mean).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from agents.experience import Columns
from agents.language.groups import Curriculum, Groups, GroupSettings, answered, language_of, level_of
from agents.language.judges import Taste, ranks, worth
from agents.networks import Network, Weights
from agents.play import Finished
from agents.ranges import within

TOLD = ("text", "prompted", "length", "level", "group", "log_p", "temperature")


@dataclass(frozen=True)
class PairSettings:
    """How answers to choose among are drawn.

    prompts      different prompts a round, on one worker
    answers      to each of them, of which the judge says the order: 2, or more, as InstructGPT's 4 to 9
    level        the highest that is dealt; 0: the last but one, so that answers have room for a flourish
    easier       share of the prompts that are of lower levels, drawn evenly
    temperature  of the distribution that tokens are drawn from
    taste        the judge's
    """

    prompts: int = 64
    answers: int = 4
    level: int = 0
    easier: float = 0.25
    temperature: float = 1.0
    taste: Taste = field(default_factory=Taste)

    def __post_init__(self) -> None:
        within(self, prompts="[1, 65536]", answers="[2, 64]", level="[0, inf)", easier="[0, 1)")
        within(self, temperature="(0, inf)")


class Pairs:
    """A worker's prompts, their answers and the judge's order of them.

    Columns, one row an answer, the answers to a prompt one after the other: text [N, L] uint8 (prompt, answer, then
    zeros), prompted, length (of the answer, END included), level, group [N], log_p [N, A], temperature [N], and rank
    [N], 0 for the best of a group's.
    """

    backend = "torch"

    def __init__(self, network: Network, settings: PairSettings, seed: int) -> None:
        self.settings, self.seed = settings, seed
        levels = language_of(network.game, "What draws answers for a judge").levels
        level = level_of(network.game, settings.level, "pairs.level") if settings.level else max(1, levels - 1)
        drawing = GroupSettings(
            prompts=settings.prompts,
            group=settings.answers,
            temperature=settings.temperature,
            curriculum=Curriculum(start=level, easier=settings.easier),
        )
        self.groups = Groups(network, drawing, seed)

    @classmethod
    def of(cls, network: Network, settings: PairSettings, seed: int, backend: str) -> Pairs:
        """A worker's pairs; they are drawn where the network is, whatever the backend of searches."""
        return cls(network, settings, seed)

    @property
    def evaluations(self) -> int:
        return self.groups.evaluations

    def load(self, arrays: Weights) -> None:
        self.groups.load(arrays)

    def collect(self, positions: int) -> tuple[Columns, list[Finished]]:
        """Answers to `prompts` prompts, in order; it takes no notice of `positions`."""
        s = self.settings
        generator = np.random.default_rng([self.seed, 4, self.groups.begun])
        rows, columns, games = self.groups.ask(s.prompts)
        worths = worth(self.groups.game, rows, answered(columns), columns["length"], s.taste)
        told = {name: columns[name] for name in TOLD}
        told["rank"] = ranks(worths, s.answers, s.taste.temperature, generator)
        return told, [replace(game, reward=(paid,)) for game, paid in zip(games, worths.tolist(), strict=True)]

    def state(self) -> Mapping[str, Any]:
        """How many prompts there were: the rest follows from the seed."""
        return self.groups.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on where `state` was taken."""
        self.groups.restore(state)

"""What a league of many learners trains and how, and what cannot be trained so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.registry import ALGORITHMS
from arena.population.sparring import Recipe
from envs.registry import game, resolve
from leagues.preset import Composition

MEETING = ("rollouts", "self_play")
"""Players whose games can have guests."""


@dataclass(frozen=True)
class LeaguePlan:
    """What a league trains and how; all that its results follow from, but for time.

    recipes    by learner, in the composition's order
    settings   of each learner's algorithm
    workers    how many there are; without Ray they play in turn in this process
    positions  to learn from that a round gathers over all workers, for a learner that names no number of its own
    device     of the workers' networks, where they play rollouts
    left_out   name -> why, in a sentence: who was to be in the league and cannot play its game
    """

    game: str
    composition: Composition
    recipes: Mapping[str, Recipe]
    settings: Mapping[str, Any]
    seed: int
    workers: int
    ray: bool
    positions: int
    backend: str = "auto"
    threads: int = 1
    address: str | None = None
    device: str = "cpu"
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if game(self.game).seats < 2:
            raise ValueError(f"{self.game} has one seat, so nobody meets in it; try `arena train`.")
        from agents.rollouts import RolloutSettings

        for name, recipe in self.recipes.items():
            if resolve(ALGORITHMS, recipe.algorithm, "algorithm").player not in MEETING:
                raise ValueError(
                    f"'{name}' cannot meet others: {recipe.algorithm} plays by itself; "
                    "give it another algorithm, for example ppo."
                )
            if isinstance(recipe.playing, RolloutSettings) and recipe.playing.hands:
                raise ValueError(f"'{name}' cannot meet others in hands that it plays alone; set rollouts.hands to 0.")
        for name in self.composition.breeding.settings:
            for learner, settings in self.settings.items():
                value = getattr(settings, name, None)
                if isinstance(value, bool) or not isinstance(value, float):
                    raise ValueError(
                        f"`breeding.settings` names numbers that can be a little larger, and '{name}' of {learner} "
                        f"is {'none of its settings' if value is None else value}; name for example learning_rate."
                    )

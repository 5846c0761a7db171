"""Recipes: settings by which an algorithm has learned a game well, and what is asked of them, from recipes.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.registry import AGENTS
from arena.sections import ConfigError
from arena.toml import literal
from envs.registry import nearest

FILE = Path(__file__).with_name("recipes.toml")
MEASURES = ("return", "exploitability")


@dataclass(frozen=True)
class Recipe:
    """One of the file's tables.

    settings  section.key -> value, of the configuration
    goal      of `measure`: at least, or at most of an exploitability
    measure   "return": the mean of held-out games, of the best agent seen in training; "exploitability": exact, of the
              last agent; an agent's spec: the share that the last one scores against it, playing by its network alone
    who       whose figure the goal is, and under what conditions
    """

    settings: Mapping[str, Any]
    goal: float
    who: str
    measure: str = "return"

    @property
    def algorithm(self) -> str:
        return self.settings["learner.algorithm"]

    @property
    def game(self) -> str:
        return self.settings["game.name"]

    @property
    def steps(self) -> int:
        """Of a run."""
        return self.settings["run.steps"]

    @property
    def name(self) -> str:
        """As `arena train` takes it."""
        return f"{self.algorithm} {self.game}"

    @property
    def summary(self) -> str:
        """What is asked of it after how long, in a line."""
        bound = f"exploitability {self.goal:g} at most" if self.measure == "exploitability" else f"{self.goal:g}"
        bound += f" against {self.measure}" if self.measure not in ("return", "exploitability") else ""
        return f"{bound} after {self.steps:,} steps ({self.who})"

    def met(self, value: float) -> bool:
        """Whether a value of the measure is what was asked for."""
        return value <= self.goal if self.measure == "exploitability" else value >= self.goal

    def overrides(self) -> list[str]:
        """Its settings, for `arena.config.load`."""
        return [f"{key}={literal(value)}" for key, value in self.settings.items()]


def read(text: str) -> dict[str, Recipe]:
    """The recipes of a file's text, by name; raises ConfigError for one that is not whole or stands there twice."""
    told = {"goal", "who", "measure"}
    found: dict[str, Recipe] = {}
    for number, table in enumerate(tomllib.loads(text)["recipe"], 1):
        settings = dict(_flat({key: value for key, value in table.items() if key not in told}))
        wanted = {"goal", "who"} - table.keys() | {"game.name", "learner.algorithm", "run.steps"} - settings.keys()
        if wanted:
            raise ConfigError(f"{FILE.name}: recipe {number} has no {' or '.join(sorted(wanted))}; say it there.")
        one = Recipe(settings, **{key: table[key] for key in told & table.keys()})
        if one.measure not in MEASURES and one.measure.partition(":")[0] not in AGENTS:
            raise ConfigError(
                f"{FILE.name}: {one.name} is measured by '{one.measure}', and that is {' or '.join(MEASURES)}, or an "
                "agent's spec."
            )
        if one.name in found:
            raise ConfigError(f"{FILE.name} has two recipes for {one.name}; leave one.")
        found[one.name] = one
    return found


def _flat(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{key}.")
        else:
            yield path + key, value


RECIPES: dict[str, Recipe] = read(FILE.read_text(encoding="utf-8"))
"""name -> recipe; the name is what `arena train` is given."""


def recipe(algorithm: str, game: str) -> Recipe:
    """The recipe of an algorithm for a game; raises ConfigError, with what there is, where there is none."""
    name = f"{algorithm} {game}"
    if name in RECIPES:
        return RECIPES[name]
    others = [one.algorithm for one in RECIPES.values() if one.game == game]
    there = nearest(name, RECIPES, "recipe")
    if others:
        there = f"there is one for {', '.join(others)}. `arena list recipes` has all."
    raise ConfigError(f"--tuned: there is no recipe for {name}; {there}")

"""What a sweep tries: every combination of the values of its settings, or draws at random or by Optuna."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from arena.sections import ConfigError, require_unsaid
from arena.summary import interquartile_mean
from arena.text import listed
from arena.toml import parse_value

Setting = dict[str, Any]
"""section.key -> value"""


@dataclass(frozen=True)
class Choice:
    """The values of one setting: a list, or a range to draw from."""

    key: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0

    @property
    def ranged(self) -> bool:
        return not self.values

    @property
    def logarithmic(self) -> bool:
        """Drawn evenly over its orders of magnitude: where it spans one at least."""
        return self.low > 0 and self.high >= 10 * self.low

    def draw(self, generator: np.random.Generator) -> Any:
        """One value."""
        if not self.ranged:
            return self.values[int(generator.integers(len(self.values)))]
        share = generator.random()
        if self.logarithmic:
            value = math.exp(math.log(self.low) + share * math.log(self.high / self.low))
        else:
            value = self.low + share * (self.high - self.low)
        return round(value) if isinstance(self.low, int) and isinstance(self.high, int) else float(f"{value:.4g}")


def choice(text: str, algorithm: str) -> Choice:
    """What `section.key=value,value` or `section.key=low..high` says; the algorithm's own name means `learner`."""
    path, equals, given = text.partition("=")
    section, _, key = path.strip().partition(".")
    if not equals or not key or not given.strip():
        raise ConfigError(
            f"--set {text}: write it as section.key=value,value, for example learner.learning_rate=1e-3,3e-4."
        )
    path = f"{'learner' if section == algorithm else section}.{key}"
    require_unsaid("sweep", [f"{path}={given}"])
    low, dots, high = given.partition("..")
    if dots:
        ends = parse_value(low.strip()), parse_value(high.strip())
        if not all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in ends) or ends[0] >= ends[1]:
            raise ConfigError(f"--set {text}: a range is low..high, two numbers, for example 1e-4..1e-2.")
        return Choice(path, (), *ends)
    values = [given.strip()] if given.strip().startswith("[") else listed(given)
    return Choice(path, tuple(parse_value(value) for value in values))


def settings(choices: Sequence[Choice], samples: int | None, seed: int = 0) -> list[Setting]:
    """Every combination of the values; or so many draws from them, each at most once."""
    if twice := {one.key for one in choices if [other.key for other in choices].count(one.key) > 1}:
        raise ConfigError(f"{min(twice)} is set twice, and once would count for nothing; leave one out.")
    if samples is None:
        for one in choices:
            if one.ranged:
                raise ConfigError(f"{one.key} is a range; --samples says how many values to draw from it.")
        return [
            dict(zip([c.key for c in choices], v, strict=True)) for v in itertools.product(*(c.values for c in choices))
        ]
    generator = np.random.default_rng([seed, 0x5EE])
    found: dict[str, Setting] = {}
    for _ in range(50 * samples):  # of few combinations, the draws soon know all
        drawn = {one.key: one.draw(generator) for one in choices}
        found.setdefault(json.dumps(drawn, sort_keys=True), drawn)
        if len(found) == samples:
            break
    return list(found.values())


class Listed:
    """Settings that are known from the beginning, in one wave."""

    def __init__(self, found: list[Setting]) -> None:
        self.found = found

    def waves(self) -> Iterator[list[Setting]]:
        """Settings to be run at once; what came of them is told before the next wave is asked for."""
        yield self.found

    def tell(self, result: Mapping[str, Any]) -> None:
        """Takes notice of a run's result."""


class Parzen:
    """Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), one setting after the other.

    What it proposes follows from the seed and the results so far, so that a sweep which is started again asks for the
    same settings, whose results are there. A setting of which a run diverged is told as worse than any other: of a
    trial that failed it would learn nothing.
    """

    def __init__(self, choices: Sequence[Choice], samples: int, seed: int) -> None:
        try:
            import optuna  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise ConfigError("--sampler tpe needs Optuna; `pip install optuna`, or take --sampler random.") from None
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.study: Any = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
        self.choices, self.samples = choices, samples
        self.heard: list[float] = []

    def _propose(self, trial: Any) -> Setting:
        found: Setting = {}
        for one in self.choices:
            if not one.ranged:
                found[one.key] = trial.suggest_categorical(one.key, one.values)
            elif isinstance(one.low, int) and isinstance(one.high, int):
                found[one.key] = trial.suggest_int(one.key, one.low, one.high, log=one.logarithmic)
            else:
                found[one.key] = trial.suggest_float(one.key, one.low, one.high, log=one.logarithmic)
        return found

    def waves(self) -> Iterator[list[Setting]]:
        for _ in range(self.samples):
            trial, self.heard = self.study.ask(), []
            yield [self._propose(trial)]
            lost = -math.inf in self.heard  # which a mean of the middle may leave out
            self.study.tell(trial, -math.inf if lost else interquartile_mean(self.heard))

    def tell(self, result: Mapping[str, Any]) -> None:
        self.heard.append(-math.inf if "diverged" in result else float(result["score"]))


def sampler(name: str, choices: Sequence[Choice], samples: int | None, seed: int) -> Listed | Parzen:
    """What settings are tried: all of them, or `samples` drawn at random or by Optuna ("tpe")."""
    if name not in ("random", "tpe"):
        raise ConfigError(f"--sampler is random or tpe, not {name}.")
    if samples is not None and not choices:
        raise ConfigError("--samples draws from what --set names, and that is nothing; add one, as in "
                          "--set ppo.learning_rate=1e-4..1e-2, or leave --samples out.")  # fmt: skip
    if name == "random":
        return Listed(settings(choices, samples, seed))
    if samples is None:
        raise ConfigError("--sampler tpe needs --samples, and something to draw from, as in "
                          "--set ppo.learning_rate=1e-4..1e-2.")  # fmt: skip
    return Parzen(choices, samples, seed)

"""A sweep: one algorithm in one game, over seeds and settings, each run scored on held-out games.

A run's result is a file that appears whole or not at all, named by all that the run follows from; what has one is not
run again. A run that was cut short goes on from its last state.
"""

from __future__ import annotations

import itertools
import json
import math
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from agents.files import write_text
from arena.cluster import spread
from arena.config import load, resolved
from arena.lock import occupy
from arena.sections import ConfigError
from arena.summary import Band, Estimate, band, improvement_interval, interquartile_mean, interval
from arena.toml import literal, parse_value

CURVE = "rollout/ep_rew_mean"
POINTS = 200
"""Of a learning curve, at most."""
JUDGES = 0x6A756467
"""The seed of the games that runs are scored on; no run chooses its best agent by these."""

SAID = {
    "run.seed": "--seed and --seeds say which runs there are", "run.steps": "--steps says how far each run goes",
    "run.minutes": "--steps says how far each run goes", "run.out": "--out says where runs are kept",
    "run.name": "each run has a name of its own", "run.engine": "a sweep is by our own training loop",
    "game.name": "a sweep is of one game", "learner.algorithm": "a sweep is of one algorithm",
}  # fmt: skip
"""Settings that a sweep gives its runs itself -> why they cannot be among those that are tried."""

Heard = Callable[[int, int], None]
Setting = dict[str, Any]
"""section.key -> value"""


@dataclass(frozen=True)
class Job:
    """One run: all that it follows from, and where it is kept.

    settings  overrides of the configuration, as `section.key` and value
    base      those that all runs of a sweep have in common, under `settings`
    best      the best agent seen in training is scored, not the last
    """

    algorithm: str
    game: str
    backbone: str
    settings: tuple[tuple[str, Any], ...]
    seed: int
    steps: int
    episodes: int
    out: str
    base: tuple[tuple[str, Any], ...] = ()
    best: bool = False

    @cached_property
    def id(self) -> str:
        """Differs where any setting does that the result follows from, defaults of this version among them."""
        kept = {name: value for name, value in asdict(self).items() if name != "out"}
        config = tomllib.loads(resolved(load(None, self._overrides())))  # without comments: what keys mean
        told = json.dumps([kept, config], sort_keys=True)
        return f"{sha256(told.encode()).hexdigest()[:10]}-s{self.seed}"

    @property
    def alone(self) -> bool:
        """Whether it plays in the process that it learns in, with no workers of its own."""
        return not {**dict(self.base), **dict(self.settings)}.get("workers.count")

    @property
    def result(self) -> Path:
        return Path(self.out) / "results" / f"{self.id}.json"

    def overrides(self) -> list[str]:
        """Of the configuration."""
        return self._overrides({"run.out": str(Path(self.out) / "runs"), "run.name": self.id})

    def _overrides(self, kept: Mapping[str, str] = MappingProxyType({})) -> list[str]:
        own = {
            "learner.algorithm": self.algorithm, "game.name": self.game, "run.seed": self.seed, "workers.count": 0,
        }  # fmt: skip
        body = {"network.backbone": self.backbone} if self.backbone else {}
        given = {**own, **kept, **dict(self.base), **body, **dict(self.settings)}
        return [f"{key}={literal(value)}" for key, value in given.items()]


# --- what is tried --------------------------------------------------------------------------------------------------


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
    if path in SAID:
        raise ConfigError(f"--set {text}: {SAID[path]}; leave {path} out.")
    low, dots, high = given.partition("..")
    if dots:
        ends = parse_value(low.strip()), parse_value(high.strip())
        if not all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in ends) or ends[0] >= ends[1]:
            raise ConfigError(f"--set {text}: a range is low..high, two numbers, for example 1e-4..1e-2.")
        return Choice(path, (), *ends)
    values = given.strip() if given.strip().startswith("[") else None
    return Choice(path, (parse_value(values),) if values else tuple(parse_value(v.strip()) for v in given.split(",")))


def settings(choices: Sequence[Choice], samples: int | None, seed: int = 0) -> list[Setting]:
    """Every combination of the values; or so many draws from them, each at most once."""
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
    same settings, whose results are there.
    """

    def __init__(self, choices: Sequence[Choice], samples: int, seed: int) -> None:
        try:
            import optuna  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise ConfigError("--sampler tpe needs Optuna; `pip install optuna`, or take --sampler random.") from None
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.failed = optuna.trial.TrialState.FAIL
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
            if self.heard:
                self.study.tell(trial, interquartile_mean(self.heard))
            else:  # all of its runs have diverged
                self.study.tell(trial, state=self.failed)

    def tell(self, result: Mapping[str, Any]) -> None:
        self.heard.append(float(result["score"]))


def sampler(name: str, choices: Sequence[Choice], samples: int | None, seed: int) -> Listed | Parzen:
    """What settings are tried: all of them, or `samples` drawn at random or by Optuna ("tpe")."""
    if name not in ("random", "tpe"):
        raise ConfigError(f"--sampler is random or tpe, not {name}.")
    if name == "random":
        return Listed(settings(choices, samples, seed))
    if samples is None or not choices:
        raise ConfigError(
            "--sampler tpe needs --samples and something to draw, as in --set ppo.learning_rate=1e-4..1e-2."
        )
    return Parzen(choices, samples, seed)


# --- one run --------------------------------------------------------------------------------------------------------


def perform(job: Job) -> dict[str, Any]:
    """Trains, from where an earlier start left off, and plays the held-out games; the result, as it is stored.

    Of a run that diverges, "diverged" and why.
    """
    from agents.learn.descent import Diverged
    from agents.storage import newest_agent
    from arena.run import Run, plan_of, write_config

    config = load(None, job.overrides())
    folder = config.folder
    with occupy(folder):  # what is read is being written by nobody
        over = _trained(folder, job.steps)
    if not over:
        run = Run(
            folder, plan_of(config), steps=job.steps, evaluation=config.evaluation if job.best else None,
            prepare=partial(write_config, config),
        )  # fmt: skip
        try:
            run.trainer.ready()
            run.begin()
            while run.progress() < 1.0:
                run.round()
            run.finish()
        except Diverged as error:
            return {"diverged": str(error.__cause__ or error)}
        finally:
            run.close()
    agent = newest_agent(folder / "best" if job.best else folder)
    rewards = scored(job.game, agent, job.episodes)
    found = {
        "score": float(rewards.mean()), "spread": float(rewards.std()), "seconds": _seconds(folder),
        "curve": curve(folder / "events"),
    }  # fmt: skip
    shared = {"settings": dict(job.settings), "base": dict(job.base)}
    return {**asdict(job), **shared, "id": job.id, "agent": str(agent), **found}


def _seconds(folder: Path) -> float:
    """That a run has trained, in all its starts together."""
    from arena.checkpoint import load_state

    return round(float((load_state(folder / "state") or {"spent": 0.0})["spent"]), 3)


def _trained(folder: Path, steps: int) -> bool:
    """Whether a run had all its training before it was stopped."""
    from agents.storage import newest_agent, read_text
    from arena.checkpoint import load_state

    state = load_state(folder / "state")
    return state is not None and state["complete"] and (read_text(newest_agent(folder)).step or 0) >= steps


def scored(game: str, agent: Path, episodes: int) -> np.ndarray:
    """[episodes] returns in held-out games, the same ones for every run; other seats play at random.

    Where a game has prompts that training never deals, it is those that are dealt.
    """
    from agents.registry import agent as agent_of
    from arena.evaluation import evaluated, held_out, in_earnest, twin
    from envs.registry import game as game_of

    rules = game_of(twin(game))
    return evaluated(rules, in_earnest(agent), [agent_of("random")], held_out(JUDGES, episodes)).rewards


def curve(events: Path) -> list[tuple[int, float]]:
    """[(step, mean return)] of training, from the run's own events, thinned out."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(events), size_guidance={"scalars": 0})
    read.Reload()
    if CURVE not in read.Tags()["scalars"]:
        return []
    points = {point.step: float(point.value) for point in read.Scalars(CURVE)}
    kept = sorted(points.items())
    return [kept[i] for i in np.unique(np.linspace(0, len(kept) - 1, POINTS).astype(int))]


# --- all of them ----------------------------------------------------------------------------------------------------


def run_all(
    jobs: Sequence[Job], *, workers: int = 0, address: str | None = None, heard: Heard = lambda done, total: None
) -> Iterator[dict[str, Any]]:
    """Every job's result, as it is stored: those that are there first, then the others as they finish.

    Where jobs have workers of their own, which would wait for the cores that the jobs hold, they go one after another.
    Raises Diverged at the end where runs have: they have no results, and the others have.
    """
    from agents.learn.descent import Diverged

    workers = workers if all(job.alone for job in jobs) else 0
    missing = [job for job in jobs if not job.result.exists()]
    done = len(jobs) - len(missing)
    heard(done, len(jobs))
    for job in jobs:
        if job not in missing:
            yield read(job)
    lost = []
    for i, result in spread(perform, missing, workers, address):
        job = missing[i]
        done += 1
        heard(done, len(jobs))
        if "diverged" in result:
            lost.append(f"{label(dict(job.settings))} with seed {job.seed} has no result: {result['diverged']}")
            continue
        write_text(job.result, json.dumps(result) + "\n")  # it counts from here on
        yield read(job)
    if lost:
        raise Diverged(" ".join(lost))


def read(job: Job) -> dict[str, Any]:
    """A stored result; raises ValueError if its file is damaged."""
    try:
        result = json.loads(job.result.read_text(encoding="utf-8"))
        if not isinstance(result["settings"], dict) or not math.isfinite(result["score"] + result["seconds"]):
            raise ValueError
        if (result["id"], result["seed"], type(result["agent"])) != (job.id, job.seed, str):  # of another run
            raise ValueError
        sorted((step, value) for step, value in result["curve"])
    except (OSError, ValueError, LookupError, TypeError):
        raise ValueError(f"{job.result} is damaged; remove it to run that again.") from None
    return result


def plan(
    algorithm: str, game: str, found: Iterable[Setting], *, seeds: int, steps: int, episodes: int, out: Path,
    backbone: str = "", first: int = 0, base: Mapping[str, Any] | None = None, best: bool = False,
) -> list[Job]:  # fmt: skip
    """A job for every setting and seed, checked against the configuration before anything starts."""
    from arena.run import require_match

    jobs = []
    for setting in found:
        given, shared = (tuple(sorted(part.items())) for part in (setting, base or {}))
        jobs += [
            Job(algorithm, game, backbone, given, first + i, steps, episodes, str(out.resolve()), shared, best)
            for i in range(seeds)
        ]
        config = load(None, jobs[-1].overrides())
        require_match(config)
        if best and not config.evaluation.every:
            raise ConfigError("The best agent is one of those that are tried in training, and with evaluation.every=0 "
                              "none is; set it above 0, or score the last agent.")  # fmt: skip
    return list({job.id: job for job in jobs}.values())  # 0.1 and 1e-1 are one value


# --- what it came to ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Summary:
    """One setting over its seeds; `ahead` is the probability that a run of it beats one of the best setting."""

    settings: Setting
    scores: tuple[float, ...]
    score: Estimate
    mean: float
    ahead: Estimate
    curve: Band | None

    @property
    def name(self) -> str:
        """The settings in a few words."""
        return label(self.settings)


def label(setting: Mapping[str, Any]) -> str:
    """learning_rate=0.001 clip=0.2"""
    return " ".join(f"{key.partition('.')[2]}={value}" for key, value in setting.items()) or "defaults"


def summarise(results: Sequence[Mapping[str, Any]]) -> list[Summary]:
    """The settings, the best first, by the interquartile mean of their runs."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for result in sorted(results, key=lambda result: int(result["seed"])):
        groups.setdefault(json.dumps(result["settings"], sort_keys=True), []).append(result)
    scores = {key: [float(one["score"]) for one in group] for key, group in groups.items()}
    estimates = {key: interval(runs) for key, runs in scores.items()}
    order = sorted(groups, key=lambda key: -estimates[key].value)
    return [
        Summary(
            json.loads(key), tuple(scores[key]), estimates[key], float(np.mean(scores[key])),
            improvement_interval(scores[key], scores[order[0]]), _band(groups[key]),
        )
        for key in order
    ]  # fmt: skip


def _band(group: Sequence[Mapping[str, Any]]) -> Band | None:
    curves = [np.array(one["curve"], np.float64).reshape(-1, 2).T for one in group if one["curve"]]
    return band([(steps, values) for steps, values in curves]) if len(curves) == len(group) else None


def described(
    algorithm: str, game: str, found: Sequence[Summary], steps: int, episodes: int, picture: Path | None
) -> dict[str, Any]:
    """All of it as JSON has it, the best setting first."""
    rows = [
        {
            "settings": one.settings, "runs": len(one.scores), "scores": one.scores, "mean": one.mean,
            "interquartile_mean": one.score._asdict(), "beats_best": one.ahead._asdict(),
            "curve": None if one.curve is None else {name: part.tolist() for name, part in one.curve._asdict().items()},
        }
        for one in found
    ]  # fmt: skip
    shown = None if picture is None else str(picture)
    return {"algorithm": algorithm, "game": game, "steps": steps, "episodes": episodes, "rows": rows, "plot": shown}


def draw(path: Path, title: str, found: Sequence[Summary]) -> bool:
    """Writes the learning curves as a picture; False if there are none to draw."""
    curves = [(one.name, one.curve) for one in found if one.curve is not None]
    if not curves:
        return False
    from arena.viewers.curves import write

    write(path, title, curves, len(found[0].scores))
    return True

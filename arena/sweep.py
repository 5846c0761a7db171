"""A sweep: one algorithm in one game, over seeds and settings, each run scored on held-out games.

A run's result is a file that appears whole or not at all, named by all that the run follows from; what has one is not
run again, even where the result is that it diverged. A run that was cut short goes on from its last state.
"""

from __future__ import annotations

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
from arena.samplers import Listed, Parzen, Setting
from arena.sections import ConfigError, cores
from arena.toml import literal

CURVE = "rollout/ep_rew_mean"
POINTS = 200
"""Of a learning curve, at most."""
JUDGES = 0x6A756467
"""The seed of the games that runs are scored on; no run chooses its best agent by these."""

Heard = Callable[[int, int], None]


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


# --- one run --------------------------------------------------------------------------------------------------------


def perform(job: Job) -> dict[str, Any]:
    """Trains, from where an earlier start left off, and plays the held-out games; the result, as it is stored.

    Of a run that diverges it has why, as "diverged", in place of a score, an agent and a curve.
    """
    from agents.learn.descent import Diverged
    from agents.storage import newest_agent
    from arena.run import Run, plan_of, write_config

    config = load(None, job.overrides())
    folder = config.folder
    told = {**asdict(job), "settings": dict(job.settings), "base": dict(job.base), "id": job.id}
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
            return {**told, "diverged": str(error.__cause__ or error)}
        finally:
            run.close()
    agent = newest_agent(folder / "best" if job.best else folder)
    rewards = scored(job.game, agent, job.episodes)
    found = {
        "score": float(rewards.mean()), "spread": float(rewards.std()), "seconds": _seconds(folder),
        "curve": curve(folder / "events"),
    }  # fmt: skip
    return {**told, "agent": str(agent), **found}


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
    """
    alone = all(job.alone for job in jobs)
    if address is not None and not alone:
        raise ConfigError("Runs with workers of their own (workers.count) go one after another on this machine; leave "
                          "workers.count out, or --address.")  # fmt: skip
    missing = [job for job in jobs if not job.result.exists()]
    done = len(jobs) - len(missing)
    heard(done, len(jobs))
    for job in jobs:
        if job not in missing:
            yield read(job)
    for i, result in spread(perform, missing, workers if alone else 0, address):
        job = missing[i]
        write_text(job.result, json.dumps(result) + "\n")  # it counts from here on
        done += 1
        heard(done, len(jobs))
        yield read(job)


def search(
    asked: Listed | Parzen,
    planned: Callable[[list[Setting]], list[Job]],
    *,
    workers: int | None = None,
    address: str | None = None,
    heard: Heard = lambda done, total: None,
) -> list[dict[str, Any]]:
    """Runs what a sampler asks for, a wave after the other, and tells it what came of that; each run's result, once.

    workers  runs at a time, on Ray; 0: one after the other in this process; None: as many as cores
    """
    if address is not None and workers == 0:
        raise ConfigError("--address is where runs are made by Ray, and --workers 0 makes them here; leave one out.")
    results: dict[str, dict[str, Any]] = {}
    for settings in asked.waves():
        jobs = planned(settings)
        many = min(cores(), len(jobs)) if workers is None else workers
        if many == 1 and workers is None and address is None:
            many = 0  # one at a time needs no Ray
        for result in run_all(jobs, workers=many, address=address, heard=heard):
            results[result["id"]] = result
            asked.tell(result)
    return list(results.values())


def read(job: Job) -> dict[str, Any]:
    """A stored result; raises ValueError if its file is damaged."""
    try:
        result = json.loads(job.result.read_text(encoding="utf-8"))
        if not isinstance(result["settings"], dict) or (result["id"], result["seed"]) != (job.id, job.seed):
            raise ValueError  # of another run
        if "diverged" in result:
            if not isinstance(result["diverged"], str):
                raise ValueError
            return result
        if not math.isfinite(result["score"] + result["seconds"]) or not isinstance(result["agent"], str):
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

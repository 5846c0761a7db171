"""Evaluation while training goes on: the learner plays in earnest, on seeds that it is never trained with."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.agent import Agent
from agents.files import new_folder
from agents.play import play_games
from agents.ranges import within
from agents.registry import agent
from agents.storage import Stored, load_agent, newest_agent, read_text
from envs import kernels
from envs.game import Game
from envs.registry import game
from leagues.bradley_terry import Z95

HELD_OUT = 0x68656C64
"""Begins the path of evaluation's seeds: workers draw theirs from other seeds, by paths of other lengths."""

TRIED = ".tried-"
"""Begins the names of folders in which an agent lies while it is tried."""


@dataclass(frozen=True)
class EvaluationSettings:
    """How a learner is tried while it is trained by `arena train`; the best agent so far is kept in the run's `best/`.

    At the end that one plays as many fresh games: the best of many tries on the same ones looks better than it is.

    every      of the learner's steps; 0: never, which is quickest
    episodes   games each time, always the same ones, shared out evenly over the seats
    opponents  specs of who sits at the other seats, shared out evenly
    """

    every: int = 10_000
    episodes: int = 20
    opponents: tuple[str, ...] = ("random",)

    def __post_init__(self) -> None:
        within(self, every="[0, inf)", episodes="[1, 100000]")
        if not self.opponents:
            raise ValueError('opponents must hold somebody for the other seats, for example opponents = ["random"].')

    def due(self, before: int, now: int) -> bool:
        """Whether a learner is to be tried at step `now` that was tried at step `before` last, or never: -1."""
        return self.every > 0 and now // self.every > max(0, before) // self.every


class Evaluation(NamedTuple):
    """What an agent was paid in each of its games, and how many plies they took."""

    rewards: NDArray[np.float64]
    plies: NDArray[np.int64]

    @property
    def metrics(self) -> dict[str, float]:
        """Under the names that SB3 gives."""
        return {"eval/mean_reward": float(self.rewards.mean()), "eval/mean_ep_length": float(self.plies.mean())}


def held_out(seed: int, episodes: int, fresh: bool = False) -> NDArray[np.uint64]:
    """Seeds of games for evaluation alone, the same ones each time; `fresh`: others, by which no agent is chosen."""
    return kernels.seeds(seed, episodes, HELD_OUT, 0, int(fresh))


def twin(spec: str) -> str:
    """Where a game keeps prompts apart that training never deals, the game of those; otherwise the game itself."""
    language = game(spec).language
    return language.held_out if language is not None and language.held[-1] else spec


def evaluated(rules: Game, agent: Agent, opponents: Sequence[Agent], seeds: NDArray[np.uint64]) -> Evaluation:
    """Plays one game a seed, the agent at seat i % seats of game i, one of the opponents at all others."""
    games = np.arange(len(seeds))
    seat = games % rules.seats
    seating = np.repeat(1 + (games // rules.seats % max(1, len(opponents)))[:, None], rules.seats, axis=1)
    seating[games, seat] = 0
    finished = play_games(rules, [agent, *opponents], seating, seeds)
    rewards = np.array([one.reward[at] for one, at in zip(finished, seat.tolist(), strict=True)])
    return Evaluation(rewards, np.array([len(one.moves) for one in finished]))


def half_interval(sample: NDArray[np.float64], *, bounded: bool) -> float:
    """Half the 95 % interval of a mean; inf of a single number.

    bounded  whether it lies within [-1, 1]: one number of either end is then thought to be there as well, as in Agresti
             and Coull's interval, so that no run of equal results looks like certainty
    """
    if bounded:
        sample = np.append(sample, [-1.0, 1.0])
    return float(Z95 * sample.std(ddof=1) / np.sqrt(len(sample))) if len(sample) > 1 else float("inf")


def in_earnest(folder: Path) -> Agent:
    """A snapshot as it plays without straying; one that would search, by its network alone, which takes no time."""
    return load_agent(folder, "sims=0" if read_text(folder).search else "")


class Best:
    """The best agent of a run so far, in `best/agents/`, so that `best` can be given wherever a run's folder can."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "best" / "agents"

    def read(self) -> Stored | None:
        """What its file says; None if there is none yet."""
        return read_text(newest_agent(self.folder.parent)) if any(self.folder.glob("[!.]*")) else None

    def put(self, agent: Path) -> None:
        """Takes a copy of an agent's folder in place of the one before; killed in between, it holds both or either."""
        target = self.folder / agent.name
        if not target.exists():
            with new_folder(target, replace=False) as fresh:
                for file in agent.iterdir():
                    shutil.copyfile(file, fresh / file.name)
        for other in self.folder.iterdir():
            if other != target:
                shutil.rmtree(other)


@dataclass(frozen=True)
class Trial:
    """The games in which a learner is tried: always the same ones, with the same opponents.

    Where a game has prompts that training never deals, it is those that are dealt.
    """

    rules: Game
    opponents: tuple[Agent, ...]
    seeds: NDArray[np.uint64]
    fresh: NDArray[np.uint64]
    """Of the games by which the best is judged at the end."""

    @staticmethod
    def of(settings: EvaluationSettings, spec: str, seed: int) -> Trial:
        """The trial of a run with this seed; who cannot play this game is refused."""
        rules, seeds = game(spec), held_out(seed, settings.episodes)
        opponents = tuple(agent(one) for one in settings.opponents) if rules.seats > 1 else ()
        for one in opponents:
            one.begin(rules, seeds[:1])
        return Trial(game(twin(spec)), opponents, seeds, held_out(seed, settings.episodes, fresh=True))

    def hold(
        self, run: Path, name: str, freeze: Callable[[Path], None], earnest: Callable[[Path], Agent], best: float | None
    ) -> dict[str, float]:
        """Tries the agent that `freeze` writes; if it does at least as well as `best`, it becomes the run's best.

        Returns what is logged of it.
        """
        with tempfile.TemporaryDirectory(prefix=TRIED, dir=run) as beside:
            folder = Path(beside) / name
            freeze(folder)
            found = evaluated(self.rules, earnest(folder), self.opponents, self.seeds)
            mean = float(found.rewards.mean())
            if best is None or mean >= best:
                Best(run).put(folder)
                best = mean
        accuracy = {} if self.rules.language is None else {"eval/accuracy": mean}
        return {**found.metrics, "eval/best_mean_reward": best, **accuracy}

    def judge(self, run: Path, earnest: Callable[[Path], Agent]) -> dict[str, float]:
        """What a run's best agent gets in games that it was not chosen by, and half the 95 % interval of that.

        `eval/best_mean_reward`, the most of many tries on the same games, is more than it gets in others.

        Returns what is logged of it: nothing if there is no best agent, and no interval of a single game.
        """
        if Best(run).read() is None:
            return {}
        rewards = evaluated(self.rules, earnest(newest_agent(run / "best")), self.opponents, self.fresh).rewards
        found = {"eval/best_fresh_reward": float(rewards.mean())}
        error = half_interval(rewards, bounded=self.rules.pays == "result")
        return found | ({"eval/best_fresh_error": error} if np.isfinite(error) else {})


def tidy(run: Path) -> None:
    """Removes what a process that was killed left of a trial."""
    for left in run.glob(f"{TRIED}*"):
        shutil.rmtree(left, ignore_errors=True)

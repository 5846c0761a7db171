"""A lower bound of exploitability, where a game is too large for the exact one: a best response that is learned.

A learner is trained against the agent, which stays as it is. The best of its snapshots by held-out games then plays
fresh ones, as many from each seat and all from the same seeds; what it gains there no best response falls short of
(Lisy & Bowling 2017, "Equilibrium approximation quality of current no-limit poker bots"; Timbers et al. 2022,
"Approximate exploitability: learning a best response", arXiv:2004.09677). How far below the truth it lies nobody can
tell: more training can only be a better bound.

It is in the units of the exact one, what a best response gains a seat: NashConv over the number of seats. Where
payments sum to 0, so does what the agent is worth in all seats when it plays them all, and NashConv over the seats is
the mean over them of what a best response gets there. Elsewhere what the agent itself gets from the same seeds is
taken off.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agents.agent import Unable
from agents.play import play_games
from agents.registry import ALGORITHMS, is_person, is_program
from agents.storage import load_agent, newest_agent, read_text
from arena.entrants import ready
from arena.evaluation import EvaluationSettings, half_interval
from arena.run import Run, plan_of, write_config
from arena.tournament import LANES, Heard
from envs.kernels import seeds
from envs.registry import game as game_of
from envs.registry import resolve

if TYPE_CHECKING:
    from agents.agent import Agent
    from arena.config import Config
    from envs.game import Game

TRIES = 20
"""So often the answer is tried while it is trained."""
HELD_OUT = 400
"""Games of each of these tries, the same ones every time; none of them is reported."""
FRESH = 0x66726573
"""Begins the path of the seeds of the games that are reported."""
SIMULATIONS = 100
"""Of an answer that searches."""
NEVER = 2**62

PLAYERS = ("rollouts", "self_play")
"""Of learners that can be given somebody to play against."""

SUITED: dict[str, tuple[str, ...]] = {
    "ppo": (
        "learner.discount=1.0", "learner.batch=512", "learner.learning_rate=1e-3", "learner.final_rate=0.1",
        "learner.clip=0.2", "learner.entropy=0.02", "learner.final_entropy=0.0", "learner.average=0.0",
        "rollouts.hands=0", "rollouts.lanes=128", "rollouts.steps=16",
    ),
    "alphazero": ("self_play.lanes=128", "self_play.opening_share=0.2"),
}  # fmt: skip
"""What an algorithm is set to, where it is not said: against somebody who stays as he is no policy need be mixed."""


@dataclass(frozen=True)
class Bound:
    """What a trained answer to an agent gained in fresh games: a lower bound of the agent's exploitability.

    steps, seconds  of training, in the learner's own steps
    snapshot        after how many of them the best of the `tries` snapshots was taken
    pairs           fresh games in each seat, all seats of a pair from one seed
    seats           what was gained in each seat, on average
    mean, error     over the seats, and half its 95 % interval
    agent           the folder of the answer, if it was kept
    """

    algorithm: str
    steps: int
    seconds: float
    snapshot: int
    tries: int
    held_out: int
    pairs: int
    seats: tuple[float, ...]
    mean: float
    error: float
    agent: str | None

    @property
    def at_least(self) -> float:
        """The lower end of the interval; no agent is exploited by less than nothing."""
        return max(0.0, self.mean - self.error)


def config_of(algorithm: str, game: str, spec: str, folder: Path, seed: int, settings: Sequence[str]) -> Config:
    """How an answer to an agent is trained; raises Unable, with the reason, where none can be."""
    from arena.config import load
    from arena.toml import literal

    rules = game_of(game)
    if rules.seats == 1:
        raise Unable(f"{rules.name} is played alone, so there is nobody to answer; leave --best-response out.")
    if is_person(spec) or is_program(spec):
        raise Unable(f"'{spec}' would be asked millions of times; an answer is trained against agents of the arena's.")
    if resolve(ALGORITHMS, algorithm, "algorithm").player not in PLAYERS:
        able = [name for name in ALGORITHMS if resolve(ALGORITHMS, name, "algorithm").player in PLAYERS]
        raise Unable(f"{algorithm} plays by itself and cannot learn to answer another; take one of {', '.join(able)}.")
    given = {
        "learner.algorithm": algorithm, "game.name": game, "run.seed": seed, "run.out": str(folder.parent),
        "run.name": folder.name, "workers.count": 0,
    }  # fmt: skip
    own = [f"{key}={literal(value)}" for key, value in given.items()]
    config = load(None, [*own, *SUITED.get(algorithm, ()), *settings])
    if config.worker_count:
        raise Unable("An answer is trained in this process, where its opponent is seated; leave workers.count out.")
    return config


def learned(
    game: str,
    spec: str,
    algorithm: str = "ppo",
    *,
    minutes: float | None = None,
    steps: int | None = None,
    pairs: int = 1000,
    seed: int = 0,
    out: Path | None = None,
    settings: Sequence[str] = (),
    heard: Heard = lambda done, total: None,
) -> Bound:
    """Trains an answer to an agent, chooses its best snapshot, and measures that in games that it was not chosen by.

    out    the run's folder, which is kept; None: nothing is
    heard  is told of the fresh games
    """
    with _folder(out) as folder:
        config = config_of(algorithm, game, spec, folder, seed, settings)
        ready(spec, game_of(game))
        run = _trained(config, spec, minutes, steps)
        best = newest_agent(folder / "best")
        gained = gains(game_of(game), answering(best), ready(spec, game_of(game)), pairs, seed, heard)
        whole = gained.mean(axis=1)
        return Bound(
            algorithm=algorithm,
            steps=run.trainer.learner.steps,
            seconds=run.elapsed(),
            snapshot=read_text(best).step,
            tries=TRIES,
            held_out=HELD_OUT,
            pairs=pairs,
            seats=tuple(gained.mean(axis=0).tolist()),
            mean=float(whole.mean()),
            error=half_interval(whole, bounded=game_of(game).pays == "result"),
            agent=None if out is None else str(best),
        )


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """The run's folder; one that is to be kept must not hold a run."""
    from arena.config import begun

    if out is not None:
        if begun(out):
            raise ValueError(f"{out} holds a run already; name another --out.")
        yield out
        return
    with tempfile.TemporaryDirectory(prefix="arena-answer-") as beside:
        yield Path(beside) / "answer"


def _trained(config: Config, spec: str, minutes: float | None, steps: int | None) -> Run:
    """A run that has learned to answer an agent, closed, the best of its snapshots in `best/`."""
    from arena.display import Display
    from arena.status import Status

    tries = EvaluationSettings(every=NEVER, episodes=HELD_OUT, opponents=(spec,))
    status = Status(config.game.name, f"an answer to {spec}")
    with Display() as display:
        display.show(status)
        run = Run(
            config.folder, plan_of(config), minutes=minutes, steps=steps, prepare=partial(write_config, config),
            evaluation=tries, earnest=answering,
        )  # fmt: skip
        try:
            status.backend = run.trainer.ready()
            run.trainer.pool.finish(run.trainer.pool.start(0, "face", spec))
            run.begin()
            status.doing, tried = "learning to answer", 0
            while run.progress() < 1.0:
                done = run.round()
                status.games += done.games
                status.take(done)
                if run.progress() >= (tried + 1) / TRIES:
                    tried += 1
                    status.metrics |= run.evaluate()
                status.follow(run)
                display.show(status)
            run.evaluate()
        finally:
            run.close()
    return run


def answering(folder: Path) -> Agent:
    """A snapshot as it answers: by its likeliest move, or its search; against who stays as he is no luck is wanted."""
    stored = read_text(folder)
    return load_agent(folder, f"sims={SIMULATIONS}" if stored.search else "temperature=0" if stored.backbone else "")


def gains(
    rules: Game, answer: Agent, agent: Agent, pairs: int, seed: int, heard: Heard = lambda done, total: None
) -> NDArray[np.float64]:
    """[pairs, seats] what an answer gains in each seat of games against an agent, all seats from the same seeds.

    What it is paid there; where payments need not sum to 0, less what the agent is paid that plays all the seats.
    """
    fresh, table = seeds(seed, pairs, FRESH), [answer, agent]
    out = np.zeros((pairs, rules.seats))
    for start in range(0, pairs, LANES):
        part = fresh[start : start + LANES]
        for seat in range(rules.seats):
            seating = np.ones((len(part), rules.seats), np.int64)
            seating[:, seat] = 0
            out[start : start + LANES, seat] = [g.reward[seat] for g in play_games(rules, table, seating, part)]
        if rules.pays == "general":
            alone = np.ones((len(part), rules.seats), np.int64)
            out[start : start + LANES] -= [g.reward for g in play_games(rules, table, alone, part)]
        heard(start + len(part), pairs)
    return out

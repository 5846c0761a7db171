"""A run: a folder in which a trainer's work is kept, from which it goes on, and in which its agents are found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from agents.agent import Agent, Unable
from agents.files import write_text
from agents.hardware import device_of
from agents.learn.descent import Diverged
from agents.learn.learner import Matched, kept_weights
from agents.networks import remembers
from agents.registry import ALGORITHMS
from agents.self_play import SelfPlay
from agents.storage import save_agent
from arena.checkpoint import Damaged, load_state, save_state
from arena.curves import Curves
from arena.evaluation import EvaluationSettings, Trial, in_earnest, tidy, twin
from arena.lock import occupy
from arena.sections import ConfigError
from arena.status import Status
from arena.train import Plan, Round, Trainer, earned
from arena.worker import Chunk
from envs.game import Game
from envs.registry import game, resolve

if TYPE_CHECKING:
    from arena.config import Config


AGAIN = "mend that and start again: the run goes on from its last state"

ALLOCATE = "can't allocate memory"
"""What PyTorch says where the machine's memory is not enough."""

RECENT = 100
"""Games over which the curves of training take their means, as SB3 does; more if more ended in one round."""


class NoMemory(ValueError):
    """There is too little memory for a run; the text names the settings to lower."""


class Run:
    """A trainer with a folder: `state/` to go on from, `agents/` to play with, `events/` for TensorBoard.

    With `evaluation`, the learner is tried on held-out seeds now and then, playing as `earnest` reads it from a folder,
    and `best/` holds the best agent so far.

    `minutes` or `steps` (of the learner) say how much training a run is given: one that was cut short gets what is
    left of it, one that has had it all gets as much again, and its schedules then go by all its training (`progress`).
    `prepare` is called with the folder once it is this run's alone, before anything in it is read: the moment to check
    and to write what else belongs there.
    """

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        *,
        minutes: float | None = None,
        steps: int | None = None,
        keep_minutes: float = 1,
        prepare: Callable[[Path], None] | None = None,
        evaluation: EvaluationSettings | None = None,
        earnest: Callable[[Path], Agent] = in_earnest,
    ) -> None:
        self.folder, self.plan, self.keep_minutes, self.earnest = folder, plan, keep_minutes, earnest
        self.evaluation = evaluation if evaluation is not None and evaluation.every else None
        # who cannot play this is refused before anything starts
        self.trial = None if self.evaluation is None else Trial.of(self.evaluation, plan.game, plan.seed)
        with _writing(folder):
            self.lock = occupy(folder)
        try:
            if prepare is not None:
                with _writing(folder):
                    prepare(folder)
            self.curves = Curves(folder)
            self._open(minutes, steps)
        except BaseException:
            self.lock.release()
            raise

    def _open(self, minutes: float | None, steps: int | None) -> None:
        """Begins anew, or goes on from the state that is kept."""
        tidy(self.folder)
        state = load_state(self.folder / "state")
        self.resumed = state is not None
        if state is None:
            state = {"trainer": None, "spent": 0.0, "from_seconds": 0.0, "from_steps": 0, "complete": True}
        try:
            kept, complete = state["trainer"], bool(state["complete"])
            self.spent, seconds, at = float(state["spent"]), float(state["from_seconds"]), int(state["from_steps"])
            self.best = None if state.get("best") is None else float(state["best"])
            self.recent = [(float(reward), int(length)) for reward, length in state.get("recent", ())]
            self.arrived = [(float(reward), int(length)) for reward, length in state.get("arrived", ())]
            if state.get("curves"):
                self.curves.go_on(state["curves"])
        except (LookupError, TypeError, ValueError) as error:
            raise Damaged(f"{self.folder / 'state'} lacks what a state has; remove it to begin again.") from error
        with self._saying_what_helps():
            self.trainer = Trainer(self.plan, kept)
        learned = self.trainer.learner.steps
        self.kept_at = learned if self.resumed else None
        self.tried = learned if self.resumed else -1
        if self.resumed and not state.get("curves"):
            self.curves.go_on(Curves.after(learned))
        self.from_seconds = self.spent if complete else seconds
        self.from_steps = learned if complete else at
        self.limit = None if minutes is None else self.from_seconds + 60.0 * minutes
        self.goal = None if steps is None else self.from_steps + steps
        self.started = self.kept = time.monotonic()
        self.before = self.spent
        if self.resumed and complete:  # what had arrived at its end is learned as part of what is asked for now
            self.trainer.progress = self.progress()

    @property
    def name(self) -> str:
        return self.folder.name

    def elapsed(self) -> float:
        """Seconds of training in all starts together."""
        return self.before + time.monotonic() - self.started

    def progress(self) -> float:
        """How much of the training is over, 0 to 1; 0 if it has no end.

        Of all of it, in whatever starts: a run that is given more is where it would be had it all been asked for at
        once. Given as much again, straying that fell over less than half of a run stays where it ended, and rates begin
        halfway (as in SB3 with `reset_num_timesteps=False`).
        """
        if self.goal is not None:
            return min(1.0, self.trainer.learner.steps / max(1, self.goal))
        if self.limit is not None:
            return min(1.0, self.elapsed() / max(1e-9, self.limit))
        return 0.0

    def begin(self) -> None:
        """Sets the workers to play."""
        self.started = self.kept = time.monotonic()
        with self._saying_what_helps():
            metrics = self.trainer.begin()
        if self.resumed:  # it has learned
            for name, value in {**self._standing(self.arrived), **metrics}.items():
                self.log(name, value)
            self._try_when_due()

    def round(self, between: Callable[[], None] | None = None) -> Round:
        """One round of training; keeps the state when it is time to, after `between`."""

        def pause() -> None:
            if between is not None:
                between()
            if time.monotonic() - self.kept > 60.0 * self.keep_minutes:
                self.keep()

        with self._saying_what_helps():
            done = self.trainer.round(self.progress(), pause)
        self._log(done)
        done.metrics |= self._try_when_due()
        return done

    def finish(self) -> tuple[Path, dict[str, float]]:
        """Once the training is over: tries and freezes the learner, judges the best; the agent, and what is logged.

        The last round arrives, and nothing more is learned: what was is what the agent knows.
        """
        self.trainer.gather(self.progress())
        metrics = self.evaluate()
        agent = self.snapshot()[1]
        judged = {} if self.trial is None else self.trial.judge(self.folder, self.earnest)
        for name, value in judged.items():
            self.log(name, value)
        self.keep()  # at last: cut off before, it comes to all of it again
        return agent, {**metrics, **judged}

    def _try_when_due(self) -> dict[str, float]:
        due = self.evaluation is not None and self.evaluation.due(self.tried, self.trainer.learner.steps)
        return self.evaluate() if due else {}

    def evaluate(self) -> dict[str, float]:
        """Tries the learner as it is on held-out seeds; an agent at least as good as the best is kept as the best.

        Where a game has prompts that training never deals, it is tried on those.

        Returns what is logged of it: nothing if these very weights were tried already, or no evaluation is wanted.
        """
        steps = self.trainer.learner.steps
        if self.trial is None or steps == self.tried:
            return {}
        self.tried, name = steps, f"{self.name}-{steps:06d}"
        with _writing(self.folder, AGAIN):
            metrics = self.trial.hold(self.folder, name, self._freeze, self.earnest, self.best)
        self.best = metrics["eval/best_mean_reward"]
        for name, value in metrics.items():
            self.log(name, value)
        return metrics

    def keep(self) -> None:
        """Writes the state to go on from; only between rounds."""
        self.spent = self.elapsed()
        state = {
            "trainer": self.trainer.state(),
            "spent": self.spent,
            "from_seconds": self.from_seconds,
            "from_steps": self.from_steps,
            "complete": self.progress() >= 1.0,
            "best": self.best,
            "recent": self.recent,
            "arrived": _outcomes(self.trainer.arrived),
            "curves": self.curves.state(),
        }
        save_state(self.folder / "state", state)
        self.kept, self.kept_at = time.monotonic(), self.trainer.learner.steps

    @contextmanager
    def _saying_what_helps(self) -> Iterator[None]:
        """Within it, a learner that diverges says what there is to go on from, and too little memory what to lower."""
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, (MemoryError, torch.OutOfMemoryError)) and ALLOCATE not in str(error):
                raise
            raise NoMemory(f"There is not enough memory to train by; lower {sizes(self.plan)}.") from error
        except Diverged as error:
            if self.kept_at is None:
                raise Diverged(f"{error} No state was kept before.") from error
            last = f"The last state before, of step {self.kept_at}, is in {self.folder / 'state'}"
            raise Diverged(f"{error} {last}; a start goes on from it (arena train: --resume).") from error

    def snapshot(self) -> tuple[str, Path]:
        """Freezes the learner's playing weights as an agent; returns its name and folder."""
        name = f"{self.name}-{self.trainer.learner.steps:06d}"
        folder = self.folder / "agents" / name
        if not folder.exists():
            with _writing(self.folder, AGAIN):
                self._freeze(folder)
        return name, folder

    def _freeze(self, folder: Path) -> None:
        """Writes the learner's playing weights as an agent."""
        learner, rules = self.trainer.learner, game(self.plan.game)
        save_agent(
            folder,
            rules,
            kept_weights(learner),
            backbone=self.plan.backbone,
            heads=self.plan.heads,
            search=search_table(self.plan.playing, rules),
            step=learner.steps,
            parent=self.name,
        )

    def _log(self, done: Round) -> None:
        """TensorBoard, under the names that SB3 gives.

        An episode's reward is what the learner got at its own seat; in games against itself, what the first seat got.
        `time/fps` counts the decisions that the round brought (`Round.decisions`).
        """
        values = {
            "time/fps": done.decisions / done.seconds,
            "time/evaluations_per_second": done.evaluations / done.seconds,
            "rollout/staleness": done.staleness,
            **self._standing(_outcomes(done.chunks)),
            **done.metrics,
        }
        for name, value in values.items():
            self.log(name, value)

    def _standing(self, games: list[tuple[float, int]]) -> dict[str, float]:
        """How far the run has come, and how its recent games went once these have ended, too."""
        self.recent = (self.recent + games)[-max(RECENT, len(games)) :]
        values: dict[str, float] = {
            "time/iterations": self.trainer.number,
            "time/time_elapsed": self.elapsed(),
            "time/total_timesteps": self.trainer.learner.steps,
            "rollout/games": len(games),
        }
        if self.recent:
            rewards, lengths = np.array(self.recent, np.float64).T
            values |= {
                "rollout/ep_len_mean": float(lengths.mean()),
                "rollout/ep_rew_mean": float(rewards.mean()),
                "rollout/draws": float((rewards == 0).mean()),
            }
        return values

    def log(self, name: str, value: float) -> None:
        """One number of the curves at the learner's present step."""
        self.curves.add(name, value, self.trainer.learner.steps)

    def close(self) -> None:
        """Lets go of workers, files and the folder."""
        self.trainer.close()
        self.curves.close()
        self.lock.release()


def _outcomes(chunks: Sequence[Chunk]) -> list[tuple[float, int]]:
    """(what the learner was paid, plies) of each game that ended."""
    return [(earned(g), len(g.moves)) for chunk in chunks for g in chunk.games]


def told(config: Config, agent: Path, steps: int, seconds: float, metrics: Mapping[str, float]) -> dict[str, Any]:
    """What is said of a run that is over, by whichever engine."""
    return {
        "run": str(config.folder),
        "agent": str(agent),
        "engine": config.run.engine,
        "seats": game(config.game.name).seats,
        "held_out": twin(config.game.name),
        "steps": steps,
        "seconds": seconds,
        "metrics": dict(metrics),
    }


def sizes(plan: Plan) -> str:
    """The settings by which a round takes more or less memory, with what they are."""
    player = resolve(ALGORITHMS, plan.algorithm, "algorithm").player
    names = ["batch", "replay", "reservoir", "window", "round", "hands"]
    sizes: dict[str, tuple[Any, list[str]]] = {"learner": (plan.learner, names)}
    if plan.playing is not None:
        whole = getattr(plan.playing, "hands", 0)  # they are all that such a round holds
        sizes[player] = (plan.playing, ["hands"] if whole else ["lanes", "steps", "prompts", "group", "answers"])
    found = [
        f"{section}.{name} ({vars(settings)[name]:,})"
        for section, (settings, names) in sizes.items()
        for name in names
        if name in vars(settings)
    ]
    return " or ".join(found)


@contextmanager
def _writing(folder: Path, mend: str = "set run.out to a folder that can") -> Iterator[None]:
    """Within it, a folder that cannot be written is one sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise ValueError(f"{folder} cannot be written ({reason}); {mend}.") from error


def search_table(playing: Any, game: Game) -> dict[str, float | int | str]:
    """How an agent searches that learned by such play, as a table of its file; empty if it learned without search.

    Where a board has one mirror image, asking about that too is worth its price: in Connect Four, with 600 simulations,
    it saved 14 of 124 moves that lost value. More symmetries cost more than they bring.
    """
    if not isinstance(playing, SelfPlay):
        return {}
    plain = replace(playing.search, simulations=600, noise_share=0.0, gumbel_scale=0.0, kind="puct")
    return dict(vars(replace(plain, average=len(game.symmetries) == 1)))


def require_match(config: Config) -> None:
    """Raises ConfigError where a learner's settings and its player's do not go together: before anything starts."""
    kind = resolve(ALGORITHMS, config.algorithm, "algorithm")
    if isinstance(kind, Matched):
        remembered, rules = remembers(config.network.backbone), game(config.game.name)
        try:
            kind.match(config.learner, config.playing, rules, workers=config.worker_count, remembers=remembered)
        except ValueError as error:
            raise ConfigError(str(error)) from None


def require_workers(config: Config, address: str | None) -> None:
    """Raises ConfigError for a cluster on which nobody would play."""
    if address is not None and not config.worker_count:
        raise ConfigError("Workers play at --address, and there are none; give --workers, or leave --address out.")


def plan_of(config: Config, address: str | None = None) -> Plan:
    """What a configuration asks to be trained; refuses devices that are not there."""
    workers = config.workers
    device = device_of(workers.learner_device, workers.learners, "workers.learner_device")
    if workers.learners > 1 and not config.network.backbone:
        raise Unable(f"{config.algorithm} keeps a table and learns alone; leave --learners out.")
    if workers.learners > 1 and config.playing is None:
        raise Unable(f"{config.algorithm} plays by itself and learns alone; leave --learners out.")
    require_match(config)
    require_workers(config, address)
    return Plan(
        game=config.game.name,
        algorithm=config.algorithm,
        backbone=config.network.backbone,
        heads=config.network.heads,
        learner=config.learner,
        playing=config.playing,
        seed=config.run.seed,
        workers=config.worker_count,
        ray=config.worker_count > 0,
        positions=config.run.positions,
        backend=config.network.backend,
        threads=workers.threads,
        address=address,
        learners=workers.learners,
        device=device,
        half=workers.precision == "bfloat16" or (workers.precision == "auto" and device == "cuda"),
        playing_device=device_of(workers.device, setting="workers.device"),
        playing_half=workers.precision == "bfloat16",
        start=config.network.start,
    )


def alone(config: Config, address: str | None) -> Plan:
    """A learner's plan where nobody else plays, so that one that plays by itself needs no workers."""
    plan = plan_of(config, address)
    if config.playing is not None:
        return plan
    if address is not None or config.workers.count not in ("auto", 0):
        raise Unable(
            f"{config.algorithm} plays by itself, and leaves workers nothing to do; say --workers 0, and no --address."
        )
    return replace(plan, workers=0, ray=False)


def write_config(config: Config, folder: Path) -> None:
    """Writes a run's config.toml; raises ConfigError, and writes nothing, if its folder is of a run of another kind."""
    from arena.config import begun, check_same_run, resolved

    path = folder / "config.toml"
    if begun(folder):
        check_same_run(config, path)
    write_text(path, resolved(config))


def run_training(config: Config, *, address: str | None = None) -> dict[str, Any]:
    """Trains one learner with no league around it; leaves an agent, the state and the curves in the run's folder.

    Returns what is to be said of it: where the agent is and how far it has come.
    """
    from arena.cluster import stop_ray
    from arena.display import Display

    status = Status(config.game.name, config.run.name)
    steps = config.run.steps or None
    minutes = None if steps else config.run.minutes
    run = None
    try:
        with Display() as display:
            display.show(status)
            prepare = partial(write_config, config)
            plan, tries = alone(config, address), config.evaluation
            run = Run(config.folder, plan, minutes=minutes, steps=steps, prepare=prepare, evaluation=tries)
            status.backend = run.trainer.ready()
            run.begin()
            status.doing = "self-play and learning"
            while run.progress() < 1.0:
                done = run.round()
                status.games += done.games
                status.take(done)
                status.follow(run)
                display.show(status)
            agent, metrics = run.finish()
        return told(config, agent, run.trainer.learner.steps, run.elapsed(), {**status.metrics, **metrics})
    finally:
        if run is not None:
            run.close()
        stop_ray()

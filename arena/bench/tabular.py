"""Tables: how fast Q-learning fills one, beside a plain Python loop, and what it has learned, exactly.

Speed is decisions a second, all of them learned from, by the time that the core worked. Ours is the trainer, and a
whole run as `arena train` keeps it, trials and curves among it; the other side is the loop that courses teach, on
Gymnasium's own game, with a NumPy array for a table or, faster, a list of lists (a dict of lists is as fast). Both
explore by `EPSILON` throughout.

Value is what the learned table's greedy policy is paid in the mean, where several actions look best one of them drawn
evenly, as the agent plays it. No games are sampled: the policy is evaluated in the whole model of the game
(`agents.exact.transitions`), ply by ply from the game's limit of plies back to its beginning. It stands beside the
most that any play comes to within that limit, also such as looks at the clock, which a table of states cannot: in the
frozen lake 0.74419, where the best policy that does not look at it comes to 0.74016, 99.46 %. (Without a limit it would
be 0.82353.) Nothing is discounted but in mazes, where the goal pays the same however late it is reached: there a ply
counts 0.99, as in learning.
"""

from __future__ import annotations

import importlib
import random
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.exact.planning import pair_values, to_horizon
from agents.exact.transitions import Model, explore
from agents.table import ActionValues
from arena.bench import BenchFailed, Row
from arena.bench.measure import Contest, Measure, Side, core_rate
from arena.config import Config, load
from arena.recipes import RECIPES
from arena.run import Run, plan_of
from arena.text import listed
from arena.train import Trainer
from envs.registry import Unknown, game, nearest

TWINS = {"frozen_lake": "FrozenLake-v1", "cliff_walking": "CliffWalking-v1", "taxi": "Taxi-v3"}
"""Our game -> Gymnasium's of the same rules."""
GAMES = (*TWINS, "maze")
DISCOUNTS = {"maze": 0.99}
"""game -> what a ply counts in its value, where it is not 1."""
NEAR = 0.99
"""The share of the optimum that is aimed at."""

EPSILON, STEP_SIZE, DISCOUNT = 0.1, 0.1, 0.99
"""Of both sides while their speed is measured."""
ROUNDS, UPDATES = 10, 20_000
"""Our rounds, and the Python loop's updates, between two looks at the clock."""


def contests(
    games: str = ",".join(GAMES), seeds: str = "10", steps: str = "1000000", only: str = "speed,value"
) -> Iterator[Contest | Row]:
    """Three contests of speed for each game that Gymnasium has, and a row of value for each game.

    games  specs with commas between them
    seeds  how many tables are learned of each game, from as many seeds
    steps  decisions that each is learned from
    only   speed, value or both
    """
    for word in only.split(","):
        if word not in ("speed", "value"):
            raise Unknown(f"only: there is no '{word}'; {nearest(word, ['speed', 'value'])}")
    specs = listed(games)
    for spec in specs:
        if game(spec).seats != 1:
            raise BenchFailed(f"{spec} has two seats, and values are those of games of one; take {', '.join(GAMES)}.")
    if "speed" in only:
        for spec in specs:
            yield from races(spec)
    if "value" in only:
        for spec in specs:
            yield row(spec, [learned(spec, seed, int(steps)) for seed in range(int(seeds))], int(steps))


# --- speed ----------------------------------------------------------------------------------------------------------


def races(spec: str) -> Iterator[Contest]:
    """Our trainer beside both Python loops, and a whole run beside the faster; none for a game without a twin."""
    if spec not in TWINS:
        return
    name, subject = TWINS[spec], f"{spec}, Q-learning"
    lists = Side(f"plain Python, lists, {name}", lambda: python(name, in_lists))
    array = Side(f"plain Python, NumPy, {name}", lambda: python(name, in_numpy))
    trained = Side("arena", lambda: trainer(spec))
    yield Contest(subject, "updates/s", trained, lists)
    yield Contest(subject, "updates/s", trained, array)
    yield Contest(f"{subject}, with all that arena train does", "updates/s", Side("arena", lambda: run(spec)), lists)


def alike(spec: str) -> Config:
    """Our configuration with the settings of both sides; all else as the algorithm has it."""
    words = [f"learner.epsilon={EPSILON}", f"learner.epsilon_end={EPSILON}"]
    return configured(spec, 0, [*words, f"learner.step_size={STEP_SIZE}", f"learner.discount={DISCOUNT}"])


def configured(spec: str, seed: int, words: Sequence[str]) -> Config:
    """What `arena train q_learning SPEC --workers 0 --seed SEED` makes of such settings."""
    return load(
        None, ["learner.algorithm=q_learning", f"game.name={spec}", f"run.seed={seed}", "workers.count=0", *words]
    )


def trainer(spec: str) -> Measure:
    """Our trainer, in this process."""
    made = Trainer(plan_of(alike(spec)))
    made.begin()
    return core_rate(_rounds(lambda: made.round(0.0), made))


def run(spec: str) -> Measure:
    """A run in a folder of its own, which is gone with this process: trials, curves and what to go on from."""
    config, folder = alike(spec), TemporaryDirectory(prefix="arena-")
    made = Run(Path(folder.name) / "run", plan_of(config), evaluation=config.evaluation)
    weakref.finalize(folder, made.close)  # called before the folder's own
    made.begin()
    rounds = _rounds(made.round, made.trainer)
    return core_rate(lambda: rounds() if folder.name else 0.0)  # keeps the folder


def _rounds(once: Callable[[], object], of: Trainer) -> Callable[[], float]:
    """Some rounds, once all is compiled; gives their updates."""

    def work() -> float:
        before = of.learner.steps
        for _ in range(ROUNDS):
            once()
        return of.learner.steps - before

    work()
    return work


def python(name: str, loop: Callable[[Any], Callable[[], float]]) -> Measure:
    """A plain Python loop on Gymnasium's environment."""
    gymnasium: Any = importlib.import_module("gymnasium")
    return core_rate(loop(gymnasium.make(name)))


def in_lists(env: Any) -> Callable[[], float]:
    """Q-learning in a list of lists; of actions that look equal the first."""
    actions, step, draw = int(env.action_space.n), env.step, random.Random(0)
    table, kept = [[0.0] * actions for _ in range(int(env.observation_space.n))], [env.reset(seed=0)[0]]

    def work() -> float:
        state = kept[0]
        for _ in range(UPDATES):
            values = table[state]
            action = draw.randrange(actions) if draw.random() < EPSILON else values.index(max(values))
            after, reward, over, cut, _ = step(action)
            ahead = 0.0 if over else DISCOUNT * max(table[after])
            values[action] += STEP_SIZE * (reward + ahead - values[action])
            state = env.reset()[0] if over or cut else after
        kept[0] = state
        return UPDATES

    return work


def in_numpy(env: Any) -> Callable[[], float]:
    """The same in a NumPy array."""
    actions, step, draw = int(env.action_space.n), env.step, np.random.default_rng(0)
    table, kept = np.zeros((int(env.observation_space.n), actions)), [env.reset(seed=0)[0]]

    def work() -> float:
        state = kept[0]
        for _ in range(UPDATES):
            action = draw.integers(actions) if draw.random() < EPSILON else np.argmax(table[state])
            after, reward, over, cut, _ = step(int(action))
            ahead = 0.0 if over else DISCOUNT * np.max(table[after])
            table[state, action] += STEP_SIZE * (reward + ahead - table[state, action])
            state = env.reset()[0] if over or cut else after
        kept[0] = state
        return UPDATES

    return work


# --- value ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Learned:
    """How one table turned out.

    value    of its greedy policy, exactly
    best     of the best play there is
    settled  decisions after which it was within a percent of the best and, wherever it was looked at, stayed there;
             None if it is not there in the end
    seconds  that the core worked on learning it
    """

    value: float
    best: float
    settled: int | None
    seconds: float

    @property
    def share(self) -> float:
        """Of the best value, less what is missing from it, as a share of its size: -13.13 is 0.99 of -13."""
        return share(self.value, self.best)


def tuned(spec: str) -> list[str]:
    """The settings of a game's recipe, if it has one; otherwise the algorithm's own suit."""
    own = RECIPES.get(f"q_learning {spec}")
    return own.overrides() if own else []


def share(value: float, best: float) -> float:
    """What is left of the best value, 1 = all of it; also where values are below 0."""
    return 1.0 - (best - value) / abs(best)


def learned(spec: str, seed: int, steps: int) -> Learned:
    """Learns one table as `arena train` does, and judges it and those that its history kept."""
    name = spec.partition(":")[0]
    model, discount = explore(game(spec)), DISCOUNTS.get(name, 1.0)
    best = optimum(model, discount)
    trained = Trainer(plan_of(configured(spec, seed, tuned(spec))))
    trained.begin()
    learner: Any = trained.learner
    begun = time.process_time()
    while learner.steps < steps:
        trained.round(learner.steps / steps)
    seconds = time.process_time() - begun
    value, settled = worth(model, learner.values(), discount), None
    if share(value, best) >= NEAR:
        settled, history = learner.steps, learner.history
        for when, table in zip(reversed(history.steps), reversed(history.tables), strict=True):
            if share(worth(model, table, discount), best) < NEAR:
                break
            settled = when
    return Learned(value, best, settled, seconds)


def greedy(model: Model, table: ActionValues) -> NDArray[np.float64]:
    """[P] how likely a table's agent plays each pair of a model: those that look best in a state, as likely each."""
    q, _ = table.look(model.keys)
    state = np.repeat(np.arange(model.size), np.diff(model.pairs))
    looks = q[state, model.action]
    best = looks == np.maximum.reduceat(looks, model.pairs[:-1])[state]
    return best / np.add.reduceat(best.astype(np.float64), model.pairs[:-1])[state]


def worth(model: Model, table: ActionValues, discount: float) -> float:
    """What a table's agent is paid in the mean of all games, each as long as the game's limit of plies allows."""
    odds, values = greedy(model, table), np.zeros(model.size)
    for _ in range(model.game.max_plies):
        values = np.add.reduceat(odds * pair_values(model, values, discount), model.pairs[:-1])
    return model.worth(values)


def optimum(model: Model, discount: float) -> float:
    """The same of the best play there is, which may look at the clock."""
    return model.worth(to_horizon(model, model.game.max_plies, discount)[0][-1])


def row(spec: str, found: list[Learned], steps: int) -> Row:
    """The tables of one game beside the optimum; the ratio is the share of it that the one in the middle comes to."""
    name, best = spec.partition(":")[0], found[0].best
    each = "; ".join(
        f"{one.share:.2%} (" + ("not there" if one.settled is None else f"from {one.settled:,} on") + ")"
        for one in found
    )
    settings = " --tuned" if tuned(spec) else ""
    near = sum(one.share >= NEAR for one in found)
    return Row(
        bench="tabular",
        subject=f"{spec}, exact value of what Q-learning has learned",
        ours=median(one.value for one in found),
        peer="the optimum",
        theirs=best,
        unit="return" if name not in DISCOUNTS else f"return, a ply counting {DISCOUNTS[name]}",
        ratio=median(one.share for one in found),
        runs=len(found),
        note=f"{spec}: {near} of {len(found)} within 1 % of the optimum {best:.8g}; share by seed (decisions): {each}; "
        f"`arena train q_learning {spec} --steps {steps}{settings}`, "
        f"{median(one.seconds for one in found):.2f} s of one core in the median",
    )

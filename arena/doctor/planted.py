"""The planted worlds (`agents.learn.worlds`) as checks: what values and actions come to, and what a miss means.

Two worlds more than the learners' tests have: `barred` pays -1 at every ply, with one action barred, so that whoever
reckons with that action expects better; `followed` wants a vector where a sign says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agents.actor import Actor, bounded
from agents.learn.q_learning import QLearning
from agents.learn.worlds import ROW, WORLDS
from arena.doctor.findings import Finding, bad, good
from arena.doctor.subject import DISCOUNT, Subject, Trial, decided
from envs.game import Bits, Game, Row, rule, unbarred

TOLERANCE = 0.15
"""Of a value, or of 1 if that is more."""
SWEEPS = 40_000
"""Updates of a table in one world."""


@rule
def _pay_always_minus(row: Row, action: int) -> None:
    row.reward[0] = -1.0
    row.ply += 1
    row.done = row.ply == 5
    row.cut = row.done


@rule
def _pay_follow(row: Row, action) -> None:
    row.reward[0] = 1.0 - (action[0] - 0.5 * row.sign) ** 2
    row.ply += 1
    row.done = True


@rule
def _key(row: Row) -> Bits:
    return np.uint64(2 * row.ply + (row.sign > 0))


@rule
def _one_key(row: Row) -> Bits:
    return np.uint64(0)


BARRED = replace(WORLDS["masked"], name="barred", play=_pay_always_minus, observe=WORLDS["endless"].observe)
FOLLOWED = Game(
    name="followed", seats=1, actions=0, shape=(2,), row=ROW, reset=WORLDS["observed"].reset, play=_pay_follow,
    legal=unbarred, observe=WORLDS["observed"].observe, names=("push",), max_plies=1, pays="general", chance=True,
    controls=((-1.0, 1.0),),
)  # fmt: skip
LAST = sum(DISCOUNT**k for k in range(5))
"""What the first ply of `ended` is worth."""
ENDLESS = 1.0 / (1.0 - DISCOUNT)

ABOUT = {
    "constant": "every game pays 1 at once: the value is 1",
    "observed": "pays 1 or -1 as is shown: the value follows",
    "later": "pays 1 at the second decision: the first is worth the discount",
    "endless": f"pays 1 for ever, cut by a limit: all is worth {ENDLESS:g}",
    "ended": f"pays 1 five times: worth {LAST:.4g} at first, 1 at last",
    "barred": "what is illegal is neither learned from nor counted on",
    "chosen": "one of two actions pays: it is taken",
    "matched": "the action that is shown pays: it is taken",
    "aimed": "a vector pays by its nearness to 1/2: it gets there",
    "followed": "a vector pays by its nearness to what is shown: it follows",
    "recalled": "what was shown three plies ago pays: it is remembered",
}


def values_in(subject: Subject, world: str) -> list[float]:
    """What a trained learner expects in a world: of each observation there is, in the order of `_shown`."""
    game = BARRED if world == "barred" else WORLDS[world]
    shown = _shown(world)
    if not subject.player:
        learner = _table(subject, game)
        places = [2 * int(see[1]) for see in shown] if world != "observed" else [1, 0]
        q = np.where(learner.table.tried.sum(axis=0) > 0, learner.values().q, -np.inf).max(axis=1)
        # Where the sign is not shown, the places of both signs mean the same.
        both = [[place] if world == "observed" else [place, place + 1] for place in places]
        return [float(np.mean([q[p] for p in pair if q[p] > -np.inf])) for pair in both]
    trial = subject.trial(game)
    steps = max(subject.enough, 12_000 if world == "ended" else 0)
    trial.train(steps, steps)
    columns = trial.collect()
    obs, value = decided(columns, "obs"), decided(columns, "value")
    return [float(value[(obs == np.array(see, np.float32)).all(1)].mean()) for see in shown]


def _shown(world: str) -> list[tuple[float, float]]:
    plies = {"later": 2, "ended": 5}.get(world, 1)
    if world == "observed":
        return [(1.0, 1.0), (1.0, -1.0)]
    return [(1.0, float(ply)) for ply in range(plies)]


def _table(subject: Subject, game: Game) -> QLearning:
    still = game.observe is WORLDS["endless"].observe
    tells = _one_key if still else _key
    trial = subject.trial(replace(game, name=f"keyed_{game.name}", key=tells, keys=12))
    trial.train(SWEEPS)
    assert isinstance(trial.learner, QLearning)
    return trial.learner


def value_check(subject: Subject, world: str) -> Finding:
    """Trains in a world and compares what is expected there with the truth."""
    found = values_in(subject, world)
    wrong, truth = JUDGES[world](found)
    said = f"found {', '.join(f'{v:.2f}' for v in found)}; true is {', '.join(f'{v:.4g}' for v in truth)}"
    return bad(world, ABOUT[world], said, wrong) if wrong else good(world, ABOUT[world], said)


def near(found: list[float] | float, truth: list[float] | float) -> bool:
    """Whether values are right, as far as so little training goes."""
    right = np.asarray(truth, np.float64)
    return bool((np.abs(np.asarray(found) - right) <= TOLERANCE * np.maximum(1.0, np.abs(right))).all())


def _constant(v: list[float]) -> tuple[str, list[float]]:
    kind = "" if near(v, 1.0) else "through" if 1.4 < v[0] < 1.3 * ENDLESS else "stuck" if abs(v[0]) < 0.3 else "wrong"
    return kind, [1.0]


def _observed(v: list[float]) -> tuple[str, list[float]]:
    truth = [1.0, -1.0]
    kind = "" if near(v, truth) else "reversed" if v[0] < v[1] - 0.5 else "blind" if abs(v[0] - v[1]) < 0.3 else "wrong"
    return kind, truth


def _later(v: list[float]) -> tuple[str, list[float]]:
    truth = [DISCOUNT, 1.0]
    if near(v, truth):
        return "", truth
    # Through an end, v0 = discount v1 and v1 = 1 + discount v0: two thirds and four thirds.
    if v[1] < v[0] - 0.3:
        return "misplaced", truth
    if near(v[1], 1.0) and abs(v[0]) < 0.25:
        return "unforeseen", truth
    return ("undiscounted" if near(v[1], 1.0) and near(v[0], 1.0) else "wrong"), truth


def _endless(v: list[float]) -> tuple[str, list[float]]:
    # Cut games as ended ones: one value for all five plies, their mean; looked at from a distance of 2.
    mean = float(np.mean([sum(DISCOUNT**k for k in range(5 - ply)) for ply in range(5)]))
    if near(v, ENDLESS):
        return "", [ENDLESS]
    kind = "ended" if abs(v[0] - mean) < 0.2 else "runaway" if v[0] > 2 * ENDLESS else "wrong"
    return kind, [ENDLESS]


def _ended(v: list[float]) -> tuple[str, list[float]]:
    truth = [sum(DISCOUNT**k for k in range(5 - ply)) for ply in range(5)]
    return ("" if near(v, truth) else "through" if v[4] > 1.5 and max(v) < 2.5 else "wrong"), truth


def _barred(v: list[float]) -> tuple[str, list[float]]:
    truth = [-ENDLESS] * len(v)
    return ("" if near(v, truth) else "mask" if near(v, [-1.0] * len(v)) else "wrong"), truth


JUDGES: dict[str, Callable[[list[float]], tuple[str, list[float]]]] = {
    "constant": _constant, "observed": _observed, "later": _later, "endless": _endless, "ended": _ended,
    "barred": _barred,
}  # fmt: skip
"""world -> what values found there mean: (the symptom, or "", what is true)."""


# --- policies ---------------------------------------------------------------------------------------------------------


def preferences(actor: Actor, shown: list[tuple[float, float]]) -> NDArray[np.float32]:
    """[len(shown)] by how much the second action is preferred: in probability, or by what a q head expects."""
    legal = np.ones((len(shown), 2), np.bool_)
    rng = np.zeros(len(shown), np.uint64)
    policy = actor.act(np.array(shown, np.float32), legal, actor.begin(len(shown)), rng, stray=False).policy
    return policy[:, 1] - policy[:, 0]


def policy_check(subject: Subject, world: str) -> Finding:
    """Trains in a world and looks which action is preferred."""
    shown = [(1.0, 1.0), (1.0, -1.0)] if world == "matched" else [(1.0, 0.0)]
    if not subject.player:
        q = _table(subject, WORLDS[world]).values().q
        prefers = (q[[1, 0]] if world == "matched" else q[:2].max(0, keepdims=True)) @ np.array([-1.0, 1.0])
    else:
        trial = subject.trial(WORLDS[world])
        trial.train(subject.enough, subject.enough)
        prefers = preferences(_actor(trial), shown)
    paid = prefers * np.array([1.0, -1.0][: len(shown)])
    said = f"what pays is preferred by {', '.join(f'{p:+.2f}' for p in paid)}"
    if (paid > 0.1).all():
        return good(world, ABOUT[world], said)
    blind = len(paid) > 1 and abs(prefers[0] - prefers[1]) < 0.1 and np.abs(prefers).min() > 0.1
    kind = "away" if (paid < -0.1).all() else "blind" if blind else "even"
    return bad(world, ABOUT[world], said, kind)


def vector_check(subject: Subject, world: str) -> Finding:
    """Trains where an action is a vector, and looks where it goes."""
    game = FOLLOWED if world == "followed" else WORLDS["aimed"]
    shown = [(1.0, 1.0), (1.0, -1.0)] if world == "followed" else [(1.0, 0.0)]
    truth = np.array([0.5, -0.5][: len(shown)])
    trial = subject.trial(game)
    trial.train(subject.enough, subject.enough)
    actor = _actor(trial)
    legal, rng = np.ones((len(shown), 0), np.bool_), np.zeros(len(shown), np.uint64)
    acted = actor.act(np.array(shown, np.float32), legal, actor.begin(len(shown)), rng, 0.0, stray=False)
    action = bounded(game, acted.action)[:, 0]
    said = f"found {', '.join(f'{a:+.2f}' for a in action)}; best is {', '.join(f'{a:+.2f}' for a in truth)}"
    if (np.abs(action - truth) <= 0.25).all():
        return good(world, ABOUT[world], said)
    blind = len(action) > 1 and abs(action[0] - action[1]) < 0.2
    away = (np.abs(action - truth) > 0.7).all() or (action * truth < 0).all()
    return bad(world, ABOUT[world], said, "blind" if blind else "away" if away else "off")


def recall_check(subject: Subject, backbone: str) -> Finding:
    """Trains where something has to be remembered, and looks at what it earns."""
    playing = subject.playing(lanes=32, steps=12)
    trial = subject.trial(WORLDS["recalled"], backbone, playing, learning_rate=5e-3, discount=0.9)
    earned = 0.0
    for _ in range(8):
        trial.train(trial.learner.steps + 3_000, 24_000)
        columns = trial.collect()
        earned = float(decided(columns, "reward").mean() * 3)
        if earned > 0.8:
            break
    said = f"earns {earned:+.2f} of 1 a game with {backbone}, {trial.learner.steps:,} decisions old"
    if earned > 0.5:
        return good("recalled", ABOUT["recalled"], said)
    return bad("recalled", ABOUT["recalled"], said, "even")


def _actor(trial: Trial) -> Actor:
    actor = Actor(trial.network)
    actor.load(trial.learner.weights())
    return actor

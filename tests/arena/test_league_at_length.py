"""A league at length: what is frozen stays what it was, workers that die change nothing, and few wait for learners."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from random import Random
from threading import Timer
from typing import Any

import numpy as np
import pytest

from agents.learn.ppo import PPO, PPOSettings
from agents.rollouts import RolloutSettings
from arena.cluster import LocalPool
from arena.population import trainers
from arena.population.plan import LeaguePlan
from arena.population.season import Season
from arena.population.sparring import Bout, Recipe, Sparring
from arena.population.yardstick import Yardstick
from arena.store import Store
from envs.registry import game
from leagues.population import Weights
from leagues.preset import composition
from leagues.snapshots import Verdict

ROLES = {"main": "main", "exploiter": "main_exploiter", "league": "league_exploiter"}
TIMED = ("seconds", "restarts", "in_play", "evaluations", "share", "left", "sha256")  # of the file with its date, too


def plan(settings: PPOSettings, workers: int = 1, least: float = 1e9, rated: int = 0, **roles: str) -> LeaguePlan:
    """Learners of Kuhn poker with these roles, in this process."""
    made = composition(
        {
            "learners": {name: {"role": role} for name, role in roles.items()},
            "snapshots": {"least": least, "most": least},
            "matches": {"rated_pairs": rated, "stored": 1000 * rated},
            "anchors": ["random"] if rated else [],
        }
    )
    playing, heads = RolloutSettings(lanes=8, steps=6), PPO.parts(game("kuhn"), settings)[1]
    recipes = {name: Recipe("ppo", "mlp:layers=1,width=8", heads, playing) for name in roles}
    of = dict.fromkeys(roles, settings)
    return LeaguePlan("kuhn", made, recipes, of, 0, workers, ray=False, positions=1, backend="torch")


def digest(weights: Any) -> str:
    """Of a network's arrays, or of its tensors."""
    return sha256(b"".join(name.encode() + np.asarray(weights[name]).tobytes() for name in sorted(weights))).hexdigest()


def everywhere(season: Season, name: str) -> dict[str, str]:
    """A frozen member's weights where they lie: on disk, in the population's memory, and in the worker's agent."""
    (worker,) = season.trainers.pool.workers  # type: ignore[attr-defined]
    return {
        "file": sha256((season.folder / "agents" / name / "weights.safetensors").read_bytes()).hexdigest(),
        "population": digest(season.population.weights(name)),
        "shared": digest(season.trainers._handles[name]),
        "worker": digest(worker._ready[name].agent.actor.network.state_dict()),
    }


@pytest.mark.parametrize("updates", [100, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_frozen_member_is_the_same_after_many_updates_of_its_parent(tmp_path: Path, updates: int) -> None:
    with Store(tmp_path / "arena.db") as store:
        one = Season(tmp_path / "runs" / "x", plan(PPOSettings(batch=2), main="uniform_past"), store, rounds=1)
        pupil = one.trainers.pupils["main"]
        learner: Any = pupil.learner
        one.trainers.round(0.0)
        one.freeze([("main", Verdict(True, "now", 0.0))])
        one.trainers.round(0.0)  # whose games were given out before
        (turn,) = one.trainers.round(0.0)
        name = one.frozen[0]["name"]
        assert pupil.fed is not None and pupil.fed.odds == {name: 1.0}  # so it was played
        before, then, begun = everywhere(one, name), digest(pupil.weights), learner.updates
        while learner.updates < begun + updates:
            learner.update(turn.parts[0].columns, 0.0)
        pupil.weights = learner.weights()
        one.trainers.round(0.0)
        assert learner.updates >= begun + updates
        assert everywhere(one, name) == before
        assert digest(pupil.weights) != then and before["population"] == before["shared"] == before["worker"]
        one.close()


def test_half_of_the_learners_learn_while_the_others_games_are_played(tmp_path: Path) -> None:
    """Each plays by what it has learned; the later ones meet the others as they were when the round began."""
    told: list[tuple[str, str]] = []
    with Store(tmp_path / "arena.db") as store:
        of = plan(PPOSettings(batch=64), a="main", b="main", c="main", d="main")
        one = Season(tmp_path / "runs" / "x", of, store, rounds=1)
        pool, pupils = one.trainers.pool, one.trainers.pupils
        start, updated = pool.start, dict.fromkeys(pupils, 0)

        def sent(worker: int, method: str, bout: Bout, own: Weights, *weights: Weights) -> Any:
            told.append(("plays", bout.learner))
            assert digest(own) == digest(pupils[bout.learner].learner.weights())
            for (name, _, _), given in zip(bout.guests, weights, strict=True):
                assert digest(given) == (begun[name] if bout.learner in "cd" else digest(pupils[name].weights))
            return start(worker, method, bout, own, *weights)

        def heard(name: str, update: Any) -> Any:
            def learn(*arguments: Any) -> Any:
                told.append(("learns", name))
                updated[name] += 1
                return update(*arguments)

            return learn

        pool.start = sent  # type: ignore[method-assign]
        for name, pupil in pupils.items():
            pupil.learner.update = heard(name, pupil.learner.update)  # type: ignore[method-assign]
        orders = []
        for _ in range(3):
            begun = {name: digest(pupil.weights) for name, pupil in pupils.items()}
            told.clear()
            one.trainers.round(0.0)
            orders.append(" ".join(did[0] + name for did, name in told))
        one.close()
    assert orders == ["pa pb pc pd la lb pa pb", "lc ld pc pd la lb pa pb", "lc ld pc pd la lb pa pb"]
    assert updated == {"a": 3, "b": 3, "c": 2, "d": 2}


def test_all_is_learned_at_the_end_and_a_kill_before_the_last_games_begins_no_other_season(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Yardstick, "due", lambda self: False)  # it goes by the clock

    class Killed(Exception):
        pass

    def killed(season: Season, fresh: list[str]) -> None:
        raise Killed

    ends = []
    for name in ("whole", "killed"):
        with Store(tmp_path / name / "arena.db") as store:
            of = plan(PPOSettings(batch=64, epochs=1), a="main", b="main", rated=2)
            one = Season(tmp_path / name / "x", of, store, rounds=3)
            if name == "killed":
                with monkeypatch.context() as patch, pytest.raises(Killed):
                    patch.setattr(Season, "send_out", killed)
                    one.play()
                one = Season(tmp_path / name / "x", of, store, rounds=3)
            told = one.play()
        last = [one.trainers.number, *(frozen["round"] for frozen in one.frozen)]
        assert last == [told["round"]] * 3 == [3] * 3
        pupils = one.trainers.pupils.values()
        assert all(pupil.waiting is None and pupil.learner.steps == pupil.frozen > 0 for pupil in pupils)
        ends.append((state_digest(one.trainers.state()), sorted(game.id for game in Store.read(store.path).games())))
    assert ends[0] == ends[1]


class Dying(LocalPool):
    """Workers that die over every call, are made again as `arena.cluster.RayPool` makes them, and given it anew."""

    def __init__(self, orders: Sequence[Any], states: Sequence[Any], kind: Any) -> None:
        super().__init__(orders, states, kind)
        self.orders, self.states, self.kind = orders, list(states), kind

    def start(self, worker: int, method: str, *args: Any) -> Any:
        return worker, method, args

    def finish(self, ticket: Any) -> Any:
        worker, method, args = ticket
        getattr(self.workers[worker], method)(*args)  # all of it is done, and lost
        self.workers[worker] = self.kind(self.orders[worker], deepcopy(self.states[worker]))
        self.restarts += 1
        return getattr(self.workers[worker], method)(*args)

    def remember(self, worker: int, state: Mapping[str, Any]) -> None:
        self.states[worker] = deepcopy(state)


@pytest.mark.parametrize(("rounds", "least_deaths"), [(4, 20), pytest.param(17, 100, marks=pytest.mark.long)])
def test_workers_that_die_over_every_call_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rounds: int, least_deaths: int
) -> None:
    """Neither what is learned nor what is stored, counted and told, time aside."""
    monkeypatch.setattr(Yardstick, "due", lambda self: False)  # it goes by the clock
    ends, deaths = [], 0
    for pool in (LocalPool, Dying):
        monkeypatch.setattr(trainers, "make_pool", lambda orders, states, of=pool, **_: of(orders, states, Sparring))
        of = plan(PPOSettings(batch=64, epochs=1), workers=2, least=200, rated=2, **ROLES)
        with Store(tmp_path / pool.__name__ / "arena.db") as store:
            one = Season(tmp_path / pool.__name__ / "x", of, store, rounds=rounds)
            ends.append(ending(one, store))
        deaths += one.trainers.pool.restarts
    assert deaths >= least_deaths
    assert ends[0] == ends[1]


def live(folder: Path, rounds: int, seconds: float) -> None:
    """A start of a league, in a process of its own: to its end, or until it has had so many seconds of a core."""
    signal.setitimer(signal.ITIMER_PROF, seconds)  # by itself the signal ends a process where it is
    of = plan(PPOSettings(batch=64, epochs=1), workers=2, least=200, rated=2, **ROLES)
    with Store(folder / "arena.db") as store:
        one = Season(folder / "x", of, store, rounds=rounds, keep_minutes=0.0)
        keep = one.keep

        def last(complete: bool = False) -> None:
            if complete:  # a start after this is kept would play another season
                signal.setitimer(signal.ITIMER_PROF, 0.0)
            keep(complete)

        one.keep = last  # type: ignore[method-assign]
        text = ending(one, store)
    (folder / "ending.json").write_text(text)


@pytest.mark.skipif(sys.platform == "win32", reason="no process is forked there")
@pytest.mark.parametrize(
    ("kills", "least", "rounds", "within"),
    [
        (2, 1, 8, (0.35, 0.6)),
        pytest.param(100, 100, 240, (0.0, 0.05), marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
def test_killed_at_any_instants_it_ends_as_one_that_never_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int, least: int, rounds: int, within: tuple[float, float]
) -> None:
    """Nothing that was committed is lost, nothing is counted twice, and all bytes but the clock's are the same.

    least   kills that it must have seen before it came to its end
    within  shares of the seconds of a core that a whole league takes, after which a start of it is killed
    """
    monkeypatch.setattr(Yardstick, "due", lambda self: False)  # it goes by the clock

    def start(name: str, seconds: float = 0.0) -> int | None:
        process = get_context("fork").Process(target=live, args=(tmp_path / name, rounds, seconds))
        process.start()
        process.join()
        return process.exitcode

    live(tmp_path / "whole", rounds, 0.0)  # here, so that all that is compiled is at hand in the others
    before = sum(os.times()[2:4])
    assert start("alike") == 0
    takes, chance, deaths = sum(os.times()[2:4]) - before, Random(1), 0
    committed: set[str] = set()
    while deaths < kills and (code := start("killed", 0.01 + chance.uniform(*within) * takes)) != 0:
        assert code == -signal.SIGPROF
        deaths += 1
        with Store(tmp_path / "killed" / "arena.db") as store:
            now = {game.id for game in store.games()}
        assert committed <= now
        committed = now
    assert deaths >= least and committed and (tmp_path / "killed" / "x" / "state").exists()
    if not (tmp_path / "killed" / "ending.json").exists():
        assert start("killed") == 0
    ends = [(tmp_path / name / "ending.json").read_text() for name in ("whole", "killed")]
    assert ends[0] == ends[1]


@pytest.mark.long
@pytest.mark.ray
@pytest.mark.timeout(7200)
def test_workers_of_ray_that_are_killed_in_turn_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred times, while they play for a learner or for ratings, each as soon as the one before is up again."""
    monkeypatch.setattr(Yardstick, "due", lambda self: False)  # it goes by the clock
    ends, chance, killed, timers = [], Random(1), [], []

    def aim(pool: Any) -> None:
        for timer in timers:
            timer.join()
        if len(killed) < 100:
            pid = pool.finish(pool.start(len(killed) % pool.size, "__ray_call__", lambda worker: os.getpid()))
            killed.append(pid)
            timers[:] = [Timer(chance.uniform(0.0, 0.2), os.kill, (pid, signal.SIGKILL))]
            timers[0].start()

    def aimed(call: Any, pool: Any) -> Any:
        def called(*given: Any) -> Any:
            aim(pool)
            return call(*given)

        return called

    for name in ("whole", "killed"):
        of = replace(plan(PPOSettings(batch=64, epochs=1), workers=2, least=1500, rated=4, **ROLES), ray=True)
        with Store(tmp_path / name / "arena.db") as store:
            one = Season(tmp_path / name / "x", of, store, rounds=110)
            if name == "killed":
                one.trainers.round = aimed(one.trainers.round, one.trainers.pool)  # type: ignore[method-assign]
                one.meet = aimed(one.meet, one.trainers.pool)  # type: ignore[method-assign]
            ends.append(ending(one, store))
    assert one.trainers.pool.restarts >= 99 and len(killed) == 100  # who is killed after its last call is not missed
    assert ends[0] == ends[1]


def ending(season: Season, store: Store) -> str:
    """All that a league ends with once it is played, but for what goes by the clock, as text."""
    told = json.loads(json.dumps(season.play()))
    games = [(g.number, g.id, g.purpose, g.seats, g.moves, g.results) for g in store.games()]
    rated = sorted((one.upto, one.name, one.elo, one.games) for one in store.rating_history("kuhn"))
    frozen = {
        str(of.relative_to(season.folder)): sha256(of.read_bytes()).hexdigest()
        for of in sorted(season.folder.glob("agents/*/weights.safetensors"))
    }
    assert len(frozen) == len(season.frozen) > 0
    assert {purpose for _, _, purpose, *_ in games} == {"selfplay", "league", "rating"}
    return json.dumps([timeless(told, TIMED), games, rated, frozen, state_digest(season.trainers.state())])


def timeless(told: Any, timed: Sequence[str]) -> Any:
    """A document without what goes by the clock."""
    if isinstance(told, dict):
        return {key: timeless(value, timed) for key, value in told.items() if key not in timed}
    return [timeless(value, timed) for value in told] if isinstance(told, list) else told


def state_digest(state: Any) -> str:
    """Of all that a state holds, to the last bit."""
    if isinstance(state, Mapping):
        return sha256("".join(f"{key}{state_digest(state[key])}" for key in state).encode()).hexdigest()
    if isinstance(state, (list, tuple)):
        return sha256("".join(map(state_digest, state)).encode()).hexdigest()
    array = hasattr(state, "__array__")
    return sha256(np.asarray(state).tobytes() if array else repr(state).encode()).hexdigest()

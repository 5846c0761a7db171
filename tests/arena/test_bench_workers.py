"""The bench of workers: every row is measured, Ray is called as often as it says, and deaths change nothing."""

from __future__ import annotations

import os
import sys
import time
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from arena.bench import BenchFailed, workers
from arena.bench.measure import compare

PLAN = workers.planned("cart_pole", "mlp:layers=1,width=8", 8, 16)


def test_worker_counts_double_up_to_the_most() -> None:
    assert [list(workers.doubled(most)) for most in (0, 1, 2, 3, 8, 12)] == [
        [], [], [2], [2, 3], [2, 4, 8], [2, 4, 8, 12],
    ]  # fmt: skip


def test_a_plan_is_as_large_as_it_is_asked_to_be() -> None:
    assert (PLAN.playing.lanes, PLAN.playing.steps, PLAN.learner.batch, PLAN.workers, PLAN.ray) == (8, 16, 4, 0, False)
    assert (workers.on_ray(PLAN, 3).workers, workers.on_ray(PLAN, 3).ray) == (3, True)


def test_transitions_are_counted_and_a_learner_may_be_kept_from_learning() -> None:
    moved = []
    for learning in (True, False):
        with workers.training(PLAN, learning) as trainer:
            before = trainer.learner.weights()
            done = trainer.round(0.5)
            assert workers.played(done) == 8 * 16
            after = trainer.learner.weights()
            moved.append(any((before[name] != after[name]).any() for name in before))
    assert moved == [True, False]


def test_two_ways_of_playing_are_compared() -> None:
    (found,) = (compare("workers", one, runs=1, seconds=0.0) for one in workers.against("x", PLAN, PLAN, False))
    assert (found["subject"], found["peer"]) == ("x, in process, without Ray", "in process, without Ray")
    assert found["ours"] > 0 and found["theirs"]
    kinds = [contest.subject for contest in workers.contests(workers="0", learners="1")]  # type: ignore[union-attr]
    assert kinds == []


def test_several_learners_are_compared_with_one() -> None:
    (found,) = (compare("workers", one, runs=1, seconds=0.0) for one in workers.several("x", PLAN, 1))
    assert (found["subject"], found["peer"], found["unit"]) == ("x: 1 learner", "1 learner", "updates/s")
    assert found["ours"] > 0 and found["theirs"]


def test_companions_learn_along_from_the_first_round() -> None:
    told: list[tuple[Any, ...]] = []
    with workers.training(PLAN) as trainer:
        first = trainer.arrived
        trainer.companions = SimpleNamespace(update=lambda *given: told.append(given), close=lambda: None)  # type: ignore
        assert workers.by_updates(trainer)(0.0) > 0 and trainer.arrived is not first
        (learned, again) = told
        assert again[0] is trainer.learner and again[1].keys() == learned[1].keys()
        assert all((again[1][name] == learned[1][name]).all() for name in learned[1])


def test_who_dies_is_chosen_in_turn_and_when_it_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, struck = [0.0], []

    class Still:
        size = 2

        def start(self, worker, method, call):
            return worker

        def finish(self, worker):
            return 100 + worker

    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(os, "kill", lambda process, number: struck.append(process))
    killer = workers.Killer(Still(), 10.0)  # type: ignore[arg-type]
    for now in (9.99, 10.0, 10.01, 20.0, 29.99, 30.0):
        clock[0] = now
        monkeypatch.setattr(killer, "last", now)  # no time between two rounds: the blow falls at once
        killer.aim()
        killer.rest()
    assert struck == [100, 101, 100]


def test_counts_that_differ_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = workers.Ran(10, 1000, 7, "a")
    results = {0.0: (ran, 2.0, 0), 1.0: (ran, 2.5, 3)}
    monkeypatch.setattr(workers, "through", lambda plan, goes_on, every=0.0: results[every])
    found = workers.killed("x", workers.on_ray(PLAN, 1), 1.0)
    assert (found["ours"], found["theirs"], found["ratio"]) == (400.0, 500.0, 0.8)
    assert found["note"].startswith("3 deaths in 2.5 s; 1,000 transitions, 7 games")
    results[1.0] = (ran._replace(games=8), 2.5, 3)
    with pytest.raises(BenchFailed, match="changed what came out"):
        workers.killed("x", PLAN, 1.0)
    results[1.0] = (ran, 2.5, 0)
    with pytest.raises(BenchFailed, match="No worker died"):
        workers.killed("x", PLAN, 1.0)


class Actor:
    """A worker as Ray would hold it, in this process; it can be killed."""

    def __init__(self, ray: OneProcess, worker: Any) -> None:
        self.ray, self.worker, self.dead = ray, worker, False

    def __getattr__(self, method: str) -> Any:
        return SimpleNamespace(remote=lambda *given: self.call(method, given))

    def call(self, method: str, given: tuple[Any, ...]) -> Any:
        self.ray.asked.append("call")

        def result() -> Any:
            if self.dead:
                raise self.ray.exceptions.RayActorError
            return self.ray.actors.index(self) if method == "__ray_call__" else getattr(self.worker, method)(*given)

        return result


class OneProcess(ModuleType):
    """As much of Ray as a pool asks for; the number of an actor is its process."""

    def __init__(self) -> None:
        super().__init__("ray")
        self.asked: list[str] = []
        self.actors: list[Actor] = []
        self.exceptions = ModuleType("ray.exceptions")
        for name in ("RayTaskError", "WorkerCrashedError", "OutOfMemoryError", "NodeDiedError", "ObjectLostError"):
            setattr(self.exceptions, name, type(name, (Exception,), {}))
        self.exceptions.RayError = type("RayError", (Exception,), {})  # type: ignore[attr-defined]
        self.exceptions.RayActorError = type("RayActorError", (Exception,), {"actor_init_failed": False})  # type: ignore

    def wait(self, references: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        return references, []

    def is_initialized(self) -> bool:
        return True

    def remote(self, **options: Any) -> Any:
        return lambda kind: SimpleNamespace(remote=lambda *given: self.make(kind(*given)))

    def make(self, worker: Any) -> Actor:
        self.actors.append(Actor(self, worker))
        return self.actors[-1]

    def put(self, value: Any) -> Any:
        self.asked.append("put")
        return value

    def get(self, result: Any) -> Any:
        self.asked.append("get")
        return result()

    def kill(self, actor: Actor) -> None:
        actor.dead = True


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> OneProcess:
    stub = OneProcess()
    monkeypatch.setitem(sys.modules, "ray", stub)
    monkeypatch.setitem(sys.modules, "ray.exceptions", stub.exceptions)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "of-nobody")
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setattr(os, "kill", lambda process, number: stub.kill(stub.actors[process]))
    return stub


def test_ray_is_called_as_often_as_is_counted(ray: OneProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = workers.Counted
    monkeypatch.setattr(workers, "Counted", lambda pool: ray.asked.clear() or counted(pool))
    monkeypatch.setattr(workers, "HUNDRED_THOUSAND", 512)
    found = workers.calls("x", workers.on_ray(PLAN, 1))
    assert sorted(ray.asked) == ["call", "call", "get", "get", "put", "put"]
    assert found["ours"] == pytest.approx(12.0) and found["ratio"] is None
    assert found["note"].startswith("6 calls (put, call and get) for 256 transitions")


def test_workers_that_are_killed_change_nothing(ray: OneProcess) -> None:
    calm, _, none = workers.through(PLAN, lambda rounds, spent: rounds < 3)
    shaken, _, deaths = workers.through(workers.on_ray(PLAN, 1), lambda rounds, spent: rounds < 3, every=1e-9)
    assert shaken == calm and none == 0 and deaths == len(ray.actors) - 1 >= 1
    assert calm.rounds == 3 and calm.transitions == 3 * 8 * 16
    more, *_ = workers.through(workers.on_ray(PLAN, 2), lambda rounds, spent: rounds < 3)
    assert more.transitions == 2 * calm.transitions and more.weights != calm.weights

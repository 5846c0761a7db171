"""Learners of a league that learn at once: what they learn, whom they wait for, and games that are given out early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import torch

from agents.learn.a2c import A2C, A2CSettings
from agents.learn.alphazero import AlphaZeroSettings
from agents.learn.descent import Diverged
from agents.learn.impala import Impala, ImpalaSettings
from agents.search.search import Search
from agents.self_play import SelfPlay
from arena.population.lessons import Lessons
from arena.population.plan import LeaguePlan
from arena.population.season import Season
from arena.population.sparring import Bout, Recipe
from arena.store import Store
from envs.registry import game
from leagues.preset import composition
from tests.arena.test_league_population import NET, PLAYING, plan, same

FOUR = composition(
    {
        "learners": {"main": {"role": "main", "count": 4}},
        "snapshots": {"least": 1e9, "most": 1e9},
        "matches": {"rated_pairs": 0, "stored": 0},
        "anchors": [],
    }
)


def of_all_kinds() -> LeaguePlan:
    """Two by compiled steps, one by PyTorch's, and one that learns from searches while the next round is played."""
    of, rules = plan({"learners": {"main": {"role": "main", "count": 4}}}, "tic_tac_toe"), game("tic_tac_toe")
    searching = SelfPlay(lanes=4, search=Search(simulations=4), fast_simulations=2)
    own = {
        "main-2": (Recipe("a2c", NET, A2C.parts(rules, A2CSettings())[1], PLAYING), A2CSettings()),
        "main-3": (Recipe("alphazero", NET, ("policy", "value"), searching), AlphaZeroSettings(batch=16, window=500)),
    }
    recipes = {**of.recipes, **{name: recipe for name, (recipe, _) in own.items()}}
    settings = {**of.settings, **{name: settings for name, (_, settings) in own.items()}}
    return replace(of, composition=FOUR, recipes=recipes, settings=settings, workers=2, positions=20)


def opened(folder: Path, store: Store, of: LeaguePlan) -> Season:
    return Season(folder / "runs" / "x", of, store, rounds=9)


def test_who_learn_at_once_learn_what_they_learn_in_turn(tmp_path: Path) -> None:
    states = []
    for threads in (0, 4):
        with Store(tmp_path / str(threads) / "arena.db") as store:
            one = opened(tmp_path / str(threads), store, of_all_kinds())
            one.trainers.lessons = Lessons(threads, 1)
            metrics = [turn.metrics for _ in range(3) for turn in one.trainers.round(0.0)]
            states.append((one.trainers.state(), metrics))
            one.close()
    assert all(pupil.learner.steps > 0 for pupil in one.trainers.pupils.values())
    assert same(*states)


class Latest(Lessons):
    """Each learns when it is waited for, and no sooner: a thread that has not come to it before."""

    def __init__(self) -> None:
        super().__init__(0, 1)
        self.put_off: dict[str, Callable[[], None]] = {}

    def begin(self, name: str, update: Callable[[], None]) -> None:
        assert name not in self.put_off
        self.put_off[name] = update

    def finish(self, name: str) -> None:
        self.put_off.pop(name, lambda: None)()


def of_five() -> LeaguePlan:
    """The second one learns while the next round is played; halves are of three and two."""
    of, rules = plan({"learners": {"main": {"role": "main", "count": 5}}}), game("kuhn")
    recipe = Recipe("impala", NET, Impala.parts(rules, ImpalaSettings())[1], PLAYING)
    recipes, settings = {**of.recipes, "main-1": recipe}, {**of.settings, "main-1": ImpalaSettings()}
    tables = {"learners": {"main": {"role": "main", "count": 5}}, "snapshots": {"least": 1e9, "most": 1e9}}
    made = composition({**tables, "matches": {"rated_pairs": 0, "stored": 0, "opponents": 60}, "anchors": []})
    return replace(of, composition=made, recipes=recipes, settings=settings)


@pytest.mark.parametrize("lessons", [Lessons(0, 1), Latest()], ids=["at-once", "as-late-as-may-be"])
def test_with_whose_weights_each_plays_whenever_they_are_learned(tmp_path: Path, lessons: Lessons) -> None:
    """Told in order: `4` is to learn; `4 10101` plays among learners of 1, 0, 1, 0 and 1 lessons.

    Who diverges plays no more.
    """
    told: list[str] = []
    with Store(tmp_path / "arena.db") as store:
        one = opened(tmp_path, store, of_five())
        trainers, drawn, rounds = one.trainers, [], []
        begin, pupils, start = lessons.begin, trainers.pupils, trainers.pool.start
        had: dict[str, list[Any]] = {name: [pupil.weights] for name, pupil in pupils.items()}

        def begun(name: str, update: Callable[[], None]) -> None:
            told.append(name[-1])
            begin(name, update)

        def sent(worker: int, method: str, bout: Bout, *weights: Any) -> Any:
            met = dict(zip([bout.learner, *(name for name, _, _ in bout.guests)], weights, strict=True))
            told.append(f"{bout.learner[-1]} {''.join(str(place(had[name], met[name])) for name in pupils)}")
            drawn.append((bout.learner, bout.drawn))
            return start(worker, method, bout, *weights)

        lessons.begin, trainers.pool.start = begun, sent  # type: ignore[method-assign]
        trainers.lessons = lessons
        for number in range(4):
            if number == 3:
                pupils["main-4"].learner.update = diverge  # type: ignore[method-assign]
            trainers.round(0.25 * number)
            rounds.append(", ".join(told))
            told.clear()
        trainers.learn_the_rest()
        one.close()
    assert rounds == [
        "0 00000, 1 00000, 2 00000, 3 00000, 4 00000, 0, 2, 0 10100, 2 10100",
        "1 10100, 3, 4, 1, 3 10110, 4 10101, 0, 2, 0 21211, 2 21211",
        "1 21211, 3, 4, 1, 3 21221, 4 21212, 0, 2, 0 32322, 2 32322",
        "1 32322, 3, 4, 1, 3 32332, 0, 2, 0 43432, 2 43432",
    ]
    last = [name for name, pupil in pupils.items() if all(pupil.weights is not one for one in had[name])]
    assert not any(pupil.waiting for pupil in pupils.values())
    assert told == ["1", "3"] and last == ["main-1", "main-3"]  # and nobody has played with what came of that
    assert len(set(drawn)) == len(drawn)  # what is given out early is not drawn as it was for the round before


def test_a_round_is_over_when_all_have_learned_who_learn_while_it_is_played(tmp_path: Path) -> None:
    of = of_five()
    alone = replace(of, composition=composition({"learners": {"main-1": {"role": "main"}}, "anchors": []}))
    with Store(tmp_path / "arena.db") as store:
        one = opened(tmp_path, store, alone)
        one.trainers.lessons = Latest()
        (first,), (second,) = one.trainers.round(0.0), one.trainers.round(0.5)
        one.close()
    assert not first.metrics and second.metrics and one.trainers.pupils["main-1"].learner.steps > 0


def place(of: list[Any], weights: Any) -> int:
    """How many of a learner's weights there were before these."""
    if not any(weights is one for one in of):
        of.append(weights)
    return next(i for i, one in enumerate(of) if weights is one)


def diverge(experience: Any, progress: float) -> Any:
    raise Diverged("The loss is nan.")


def test_updates_overlap_each_with_its_own_number_of_cores() -> None:
    both, seen = Barrier(2), []

    def update() -> None:
        both.wait(timeout=30)  # is broken, and says so, unless the other one is under way
        seen.append(torch.get_num_threads())

    lessons = Lessons(2, 1)
    for name in "ab":
        lessons.begin(name, update)
    for name in "ab":
        lessons.finish(name)
    lessons.close()
    assert seen == [1, 1]


def test_what_an_update_raises_is_raised_where_it_is_waited_for() -> None:
    def update() -> None:
        raise LookupError("It is gone.")

    lessons = Lessons(1, 1)
    lessons.begin("a", update)
    with pytest.raises(LookupError, match="It is gone"):
        lessons.finish("a")
    lessons.finish("a")  # there is nothing left to wait for
    lessons.close()


def test_games_that_were_given_out_before_a_kill_are_played_against_the_same(tmp_path: Path) -> None:
    """And until they are over nobody is frozen: who plays them plays on as it is."""
    bouts: list[Bout] = []

    def heard(start: Callable[..., Any]) -> Callable[..., Any]:
        def sent(worker: int, method: str, bout: Bout, *weights: Any) -> Any:
            bouts.append(bout)
            return start(worker, method, bout, *weights)

        return sent

    of = plan({"learners": {"main": {"role": "main", "count": 4}}, "snapshots": {"least": 1, "most": 1}})
    with Store(tmp_path / "arena.db") as store:
        one = opened(tmp_path, store, replace(of, composition=FOUR, workers=2))
        one.trainers.pool.start = heard(one.trainers.pool.start)  # type: ignore[method-assign]
        one.trainers.round(0.0)
        given = {name: [bout.drawn for bout in bouts[8:] if bout.learner == name] for name in ("main-0", "main-1")}
        assert len(bouts) == 12 and [len(drawn) for drawn in given.values()] == [2, 2]
        one.trainers.given["main-0"][1] = ["main-3"] * 4  # what chance would not have drawn again
        one.keep()
        one.close()
        again = opened(tmp_path, store, replace(of, workers=2))
        assert again.trainers.due() == [] and again.trainers._due()
        bouts.clear()
        again.trainers.pool.start = heard(again.trainers.pool.start)  # type: ignore[method-assign]
        again.trainers.round(0.0)
        again.close()
    assert [(bout.learner, bout.drawn) for bout in bouts[:4]] == [
        ("main-0", given["main-0"][0]),
        ("main-0", ("main-3",) * 4),
        ("main-1", given["main-1"][0]),
        ("main-1", given["main-1"][1]),
    ]
    assert not again.trainers.given and len(again.trainers.due()) == 4  # now they are, and nothing is given out before

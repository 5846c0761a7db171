"""The bench of recipes: what is learned is told by the measure that is asked for, and nothing is done twice."""

from __future__ import annotations

import numpy as np
import pytest

from arena import sweep
from arena.bench import as_table, train
from arena.recipes import RECIPES, Recipe
from arena.summary import band
from arena.viewers import curves

GAME = "frozen_lake:slippery=false"
SMALL = {"learner.algorithm": "q_learning", "game.name": GAME, "run.steps": 1000, "learner.round": 500}
NAME = f"q_learning {GAME}"


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setitem(RECIPES, NAME, Recipe(SMALL, 0.5, "nobody"))
    monkeypatch.setattr(train, "EPISODES", 4)


def test_a_row_has_every_seed_and_a_picture_its_curve(known, tmp_path, monkeypatch, capfd):
    options = {"recipes": NAME, "seeds": "2", "out": str(tmp_path)}
    (row,) = train.contests(**options)
    scores = sorted(float(word) for word in row["note"].partition("1 to 2: ")[2].partition(";")[0].split(", "))
    assert len(scores) == 2 and row["ours"] == pytest.approx(sum(scores) / 2) and row["theirs"] == 0.5
    assert f"{sum(score >= 0.5 for score in scores)} of 2 met what was asked" in row["note"]
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"
    assert f"{NAME}: 2 of 2 runs" in capfd.readouterr().err
    monkeypatch.setattr(sweep, "perform", None)  # nothing is left to do
    assert list(train.contests(**options)) == [row]


def test_a_run_that_diverged_has_not_met_what_was_asked_and_leaves_its_recipe_a_row(known, tmp_path, monkeypatch):
    sound = sweep.perform

    def perform(job):
        return {**sound(job), "diverged": "The loss is nan."} if job.seed > 1 else sound(job)

    monkeypatch.setattr(sweep, "perform", perform)
    rows = [next(train.contests(recipes=NAME, seeds=seeds, first=first, out=str(tmp_path)))
            for seeds, first in (("3", "0"), ("1", "2"))]  # fmt: skip
    assert rows[0]["runs"] == 3 and np.isfinite(rows[0]["ours"]) and ", diverged; " in rows[0]["note"]
    assert " of 3 met what was asked; interquartile mean of the others " in rows[0]["note"]
    assert rows[1]["ours"] == -np.inf and rows[1]["note"].endswith("2 to 2: diverged; 0 of 1 met what was asked")
    assert "-inf" in as_table(rows)
    exact = Recipe(SMALL, 0.5, "", "exploitability")
    assert not exact.met(train.value(exact, {"diverged": "The loss is nan."}, tmp_path))


def test_recipes_are_named_with_commas_of_their_own(known, tmp_path, monkeypatch):
    other = "q_learning frozen_lake:size=8,slippery=false"
    monkeypatch.setitem(RECIPES, other, Recipe(SMALL, 0.5, "nobody"))
    learned = []
    monkeypatch.setattr(train, "_learned", lambda recipe, *rest: learned.append(recipe) or [])
    monkeypatch.setattr(train, "row", lambda *given: None)
    list(train.contests(recipes=f"{other}, {NAME},{other}", out=str(tmp_path)))
    assert learned == [RECIPES[other], RECIPES[NAME], RECIPES[other]]


def test_a_strategy_is_told_by_its_exploitability_and_by_a_match(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "MATCHED", 4)
    exact, against = Recipe({"game.name": "kuhn"}, 0.5, "", "exploitability"), Recipe(SMALL, 0.5, "", "random")
    assert train.value(exact, {"agent": "random"}, tmp_path) == pytest.approx(11 / 24)
    played = []

    def match(store, contest, games):
        played.append((contest, games))
        return type("Result", (), {"wins": 2, "draws": 1, "games": 4})

    monkeypatch.setattr("arena.tournament.contest", lambda game, specs, purpose: specs)
    monkeypatch.setattr("arena.tournament.match", match)
    assert train.value(against, {"agent": "a"}, tmp_path) == 2.5 / 4
    assert played == [(["a:sims=0", "random"], 4)]


def test_what_is_not_there_is_named_before_anything_is_learned(known, tmp_path):
    for options, said in (
        ({"recipes": NAME[:-1]}, "did you mean"),
        ({"seeds": "0"}, "1 or more"),
        ({"first": "-1"}, "first is a seed"),
    ):
        with pytest.raises(ValueError, match=said):
            next(train.contests(**options, out=str(tmp_path)))


def test_a_panel_shows_what_is_asked_for_even_where_no_run_came_near():
    steps = [0.0, 10.0]
    found = band([(steps, [0.0, 1.0])] * 2)  # type: ignore[list-item]
    shapes, page = curves.panels([("small", found, 5.0)] * 8, 2)
    assert page.h <= curves.HEIGHT  # of a picture no more is painted
    lines = [one for one in shapes if isinstance(one, curves.Line)]
    assert all(0 <= x <= page.w and 0 <= y <= page.h for line in lines for x, y in line.points)
    words = [one.text for one in shapes if isinstance(one, curves.Text)]
    assert words.count("small") == 8 and "5" in words

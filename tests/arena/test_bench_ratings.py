"""The benchmark of ratings: what it compares agrees, and its coverage notices intervals that are too narrow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arena.bench import BenchFailed, Row, ratings
from leagues.rating import fit, rate


def test_the_fit_is_that_of_choix() -> None:
    pytest.importorskip("choix")
    assert ratings.ilsr(5, 400)(0.0) > 0 and ratings.fitted(5, 400)(0.0) > 0 < ratings.whole(5, 400)(0.0)


def test_the_skills_are_those_of_openskill() -> None:
    pytest.importorskip("openskill")
    assert ratings.openskill(5, 200)(0.0) > 0 and ratings.one_by_one(5, 200)(0.0) > 0


def test_fits_that_differ_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("choix")
    right = ratings.numbers
    monkeypatch.setattr(ratings, "numbers", lambda *size: right(*size) + np.array([0.1, 0, 0, 0, 0]))
    with pytest.raises(BenchFailed, match="differ"):
        ratings.ilsr(5, 400)


def test_coverage_counts_truths_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 90 < ratings.coverage(5, 6, 40)["ours"] <= 99

    def narrow(*given, **named):
        rated = rate(*given, **named)
        return replace(rated, low=(rated.low + rated.elo) / 2, high=(rated.high + rated.elo) / 2)

    monkeypatch.setattr(ratings, "rate", narrow)
    assert ratings.coverage(5, 6, 40)["ours"] < 85  # half as wide: 67 % of a normal distribution


def test_too_few_games_are_refused() -> None:
    with pytest.raises(BenchFailed, match="20 games each"):
        list(ratings.contests(members="50", games="100"))


def test_the_first_move_is_found_as_well_as_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error is the Cramer-Rao bound's, which for equals is that of so many throws of a coin."""

    def beside(row: Row) -> float:
        return row["ours"] / float(row["note"].split("bound is ")[1].split(";")[0])

    row = ratings.first_move(6, 200.0, 150)
    assert 0.83 < beside(row) < 1.17  # three times what 150 worlds leave open
    even = ratings.first_move(2, 0.0, 1, games=10_000)["note"]
    assert 3.47 <= float(even.split("bound is ")[1].split(";")[0]) < 3.66  # 173.7 / sqrt(10,000 / 4), worth 0 to 80

    def of_some(first, second, counts, *given):
        return fit(first[::4], second[::4], counts[::4], *given)

    monkeypatch.setattr(ratings, "fit", of_some)
    assert beside(ratings.first_move(6, 200.0, 150)) > 1.5  # of a quarter of the games: twice the error


def test_games_chosen_to_tell_most_leave_smaller_errors() -> None:
    spread = ratings.scheduling(7, 300.0, worlds=1, pairs=4)
    best = float(spread["note"].split("leaves ")[1])
    assert best < 0.8 and best - 0.15 < spread["ours"] < 0.9
    assert ratings._best(np.zeros(5)) == pytest.approx(1.0, abs=1e-6)  # of equals, a round robin is the best

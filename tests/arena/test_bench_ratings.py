"""The benchmark of ratings: what it compares agrees, and its coverage notices intervals that are too narrow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arena.bench import BenchFailed, ratings
from leagues.rating import rate


def test_the_fit_is_that_of_choix() -> None:
    pytest.importorskip("choix")
    assert ratings.ilsr(5, 400)(0.0) > 0 and ratings.fit(5, 400)(0.0) > 0 < ratings.whole(5, 400)(0.0)


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

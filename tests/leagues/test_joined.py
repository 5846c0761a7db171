"""Games joined by shared anchors, against numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from leagues.joined import joined, places
from leagues.rating import Estimate, RatingError, Ratings, Result, rate

SOLVER = "solver:epsilon=0.1"


def rated(elo: dict[str, float], variance: dict[str, float]) -> Ratings:
    """Ratings with independent errors."""
    names = tuple(sorted(elo))
    values, spread = np.array([elo[n] for n in names]), np.diag([variance[n] for n in names])
    nought = np.zeros(len(names))
    return Ratings(names, "random", values, spread, values, values, nought, nought, Estimate(0.0, 0.0), 0.0)


WIDE = rated({"random": 0.0, "a": 500.0, "b": 250.0, SOLVER: 1000.0}, {"random": 0, "a": 100, "b": 0, SOLVER: 400})
NARROW = rated({"random": 0.0, "a": 150.0, SOLVER: 200.0}, {"random": 0, "a": 0, SOLVER: 0})


def test_places_by_hand() -> None:
    # a: 500 / 1000; variance (100 * 1 + 400 * 0.5**2) / 1000**2 = 200 / 1e6
    found = places(WIDE, "random", SOLVER)
    assert found["a"] == pytest.approx((0.5, 200**0.5 / 1000))
    assert found["b"] == pytest.approx((0.25, 20 * 0.25 / 1000))  # all of its error is the solver's
    assert found["random"] == (0.0, 0.0)
    assert found[SOLVER] == pytest.approx((1.0, 0.0), abs=1e-12)  # an anchor has no error, whatever its rating's


def test_joined_by_hand() -> None:
    lines = {line.name: line for line in joined({"go": WIDE, "dice": NARROW}, "random", SOLVER)}
    assert list(lines) == [SOLVER, "a", "b", "random"]
    assert lines["a"].mean == pytest.approx(((0.5 + 0.75) / 2, 200**0.5 / 1000 / 2))
    assert lines["a"].games["dice"].place == 0.75  # whose Elo is lower there: points of two games are not the same
    assert lines["b"].mean == lines["b"].games["go"]  # it played nothing else


def test_another_zero_of_a_game_moves_nobody() -> None:
    games = {}
    for better, worse, won, lost in (("a", "random", 8, 2), (SOLVER, "a", 8, 3), (SOLVER, "random", 20, 1)):
        games |= {Result(better, worse, 1.0): won, Result(better, worse, 0.0): lost}
        games |= {Result(worse, better, 0.0): won, Result(worse, better, 1.0): lost}
    one, other = (places(rate(games, anchor=anchor), "random", SOLVER) for anchor in ("random", "a"))
    assert [one[n].place for n in sorted(one)] == pytest.approx([other[n].place for n in sorted(other)], abs=1e-6)
    assert [one[n].error for n in sorted(one)] == pytest.approx([other[n].error for n in sorted(other)], abs=1e-6)
    assert 0.0 < one["a"].place < 1.0 and one["a"].error > 0.0


def test_what_cannot_be_joined_is_said() -> None:
    unsure = rated({"random": 0.0, SOLVER: 100.0}, {"random": 0, SOLVER: 60**2})
    for games, text in (
        ({}, "no game"),
        ({"go": rated({"random": 0.0}, {"random": 0})}, f"go cannot be joined: '{SOLVER}' is not rated there"),
        ({"go": WIDE, "dice": unsure}, "dice cannot be joined: .* not surely stronger"),
    ):
        with pytest.raises(RatingError, match=text):
            joined(games, "random", SOLVER)

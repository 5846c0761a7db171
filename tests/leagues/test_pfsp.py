"""PFSP weightings and quality scores by hand-worked numbers, and that they never leave the simplex."""

from __future__ import annotations

from math import e

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leagues.pfsp import WEIGHTINGS, once_harder, pfsp
from leagues.quality import LEAST, Quality, after_loss, softmax

RATES = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("weighting", "weights"),
    [
        ("variance", [0.0, 0.1875, 0.25, 0.09]),
        ("linear", [1.0, 0.75, 0.5, 0.1]),
        ("linear_capped", [0.5, 0.5, 0.5, 0.1]),
        ("squared", [1.0, 0.5625, 0.25, 0.01]),
    ],
)
def test_weightings(weighting: str, weights: list[float]) -> None:
    expected = np.array(weights) / sum(weights)
    odds = pfsp([0.0, 0.25, 0.5, 0.9], weighting)
    assert np.abs(odds - expected).max() < 1e-12
    for other in set(WEIGHTINGS) - {weighting}:
        assert np.abs(pfsp([0.0, 0.25, 0.5, 0.9], other) - expected).max() > 0.02


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("winrates", [[1.0] * 3, [0.0] * 3, [0.5] * 3, [1 - 1e-13] * 3])
def test_where_all_are_alike_so_are_the_odds(weighting: str, winrates: list[float]) -> None:
    assert pfsp(winrates, weighting) == pytest.approx([1 / 3] * 3, abs=1e-12)


@given(RATES, st.sampled_from(sorted(WEIGHTINGS)))
def test_odds_are_a_distribution(winrates: list[float], weighting: str) -> None:
    odds = pfsp(winrates, weighting)
    assert np.all(odds >= 0)
    assert odds.sum() == pytest.approx(1, abs=1e-12)


@given(RATES)
def test_who_is_harder_is_met_no_less(winrates: list[float]) -> None:
    order = np.argsort(winrates, kind="stable")
    for weighting in ("linear", "linear_capped", "squared"):
        assert np.all(np.diff(pfsp(winrates, weighting)[order]) <= 1e-15)


@pytest.mark.parametrize(
    ("winrates", "weighting", "says"),
    [
        ([], "linear", "was given none"),
        ([0.5, 1.1], "linear", "not 1.1"),
        ([float("nan")], "linear", "not nan"),
        ([0.5], "square", "did you mean 'squared'"),
    ],
)
def test_what_pfsp_refuses(winrates: list[float], weighting: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        pfsp(winrates, weighting)


@pytest.mark.parametrize(
    ("winrates", "kept"),
    [
        ([], 0),
        ([0.2], 0),
        ([0.9, 0.8, 0.8, 0.1], 0),  # ever harder: nothing was forgotten
        ([0.9, 0.3, 0.8, 0.6, 0.5], 3),  # 0.3 was forgotten: the next one is easier
        ([0.1, 0.2], 2),
        ([0.5, 0.6, 0.4, 0.7], 4),
    ],
)
def test_what_may_be_forgotten(winrates: list[float], kept: int) -> None:
    assert once_harder(winrates) == kept


def test_quality_scores() -> None:
    assert softmax([0.0, 1.0]) == pytest.approx([1 / (1 + e), e / (1 + e)])
    # p = 1/4 each; the loser's score falls by 0.01 / (4 / 4)
    assert after_loss([0.0] * 4, 2) == pytest.approx([0, 0, -0.01, 0])
    # p = 1 / (1 + e) = 0.268941; 0.01 / (2 p) = 0.0185914
    assert after_loss([0.0, 1.0], 0) == pytest.approx([-0.0185914, 1], abs=1e-7)
    assert after_loss([0.0, 1.0], 0)[0] != pytest.approx(-0.005, abs=1e-3)  # without the division by p


def test_seldom_met_is_not_soon_forgotten() -> None:
    """The expected fall is the same for all that always lose, which is why the step is divided by p."""
    scores = np.array([0.0, 1.0, -2.0])
    fall = [softmax(scores)[i] * (scores[i] - after_loss(scores, i)[i]) for i in range(3)]
    assert fall == pytest.approx([0.01 / 3] * 3)


def test_a_new_version_enters_with_the_highest_score() -> None:
    quality = Quality(rate=0.1)
    assert quality.scores("a", []).size == 0
    quality.lost("a", "a@1", ["a@1", "a@2"])  # p = 1/2: falls by 0.1 / (2 / 2)
    assert quality.scores("a", ["a@1", "a@2", "a@3"]) == pytest.approx([-0.1, 0, 0])
    for _ in range(3):
        quality.lost("a", "a@2", ["a@1", "a@2"])
    best = quality.scores("a", ["a@1"])[0]
    assert quality.scores("a", ["a@2"])[0] < best
    assert quality.scores("a", ["a@4"])[0] == best
    assert quality.scores("b", ["a@1"])[0] == 0  # another learner's scores are its own
    again = Quality(**quality.state())  # pyright: ignore[reportArgumentType]
    assert again.scores("a", ["a@1", "a@2"]) == pytest.approx(quality.scores("a", ["a@1", "a@2"]))


@given(st.lists(st.integers(0, 4), max_size=400), st.floats(1e-3, 1e3))
def test_scores_stay_numbers(losers: list[int], rate: float) -> None:
    scores = np.zeros(5)
    for loser in losers:
        scores = after_loss(scores, loser, rate)
    assert np.all(np.isfinite(scores))
    assert softmax(scores).sum() == pytest.approx(1)


def test_a_late_result_cannot_throw_a_score_out_of_reach() -> None:
    assert after_loss([0.0, -1000.0], 1)[1] == pytest.approx(-1000 - 0.01 / (2 * LEAST))


def test_what_quality_refuses() -> None:
    with pytest.raises(ValueError, match="given none"):
        softmax([])
    with pytest.raises(ValueError, match="above 0"):
        Quality(rate=0)
    with pytest.raises(ValueError, match="not among"):
        Quality().lost("a", "b", ["c"])

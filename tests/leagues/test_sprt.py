"""The sequential test against fastchess's numbers, closed forms and simulated error rates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from leagues.sprt import NORMALIZED_ELO, Model, Sprt, bounds, llr, logistic_score, match_elo


def trinomial(won: int, lost: int, drawn: int) -> list[int]:
    return [lost, drawn, won]


def pentanomial(ll: int, ld: int, wl: int, dd: int, wd: int, ww: int) -> list[int]:
    return [ll, ld, wl + dd, wd, ww]


@pytest.mark.parametrize(
    ("counts", "model", "elo0", "elo1", "value"),
    [
        (trinomial(36433, 36027, 68692), "normalized", 0, 2, 0.92),
        (trinomial(10871, 10650, 20431), "normalized", -1.75, 0.25, 2.30),
        (trinomial(21404, 21184, 40708), "logistic", 0.5, 2.5, -1.57),
        (trinomial(57433, 57030, 106593), "logistic", 0, 2, -2.59),
        (pentanomial(365, 16618, 36029, 200, 16974, 390), "normalized", 0, 2, 2.25),
        (pentanomial(127, 4883, 10311, 401, 5150, 104), "normalized", -1.75, 0.25, 3.01),
        (pentanomial(223, 9863, 20279, 1000, 10037, 246), "logistic", 0.5, 2.5, -3.07),
        (pentanomial(871, 26175, 55003, 980, 26678, 821), "logistic", 0, 2, -4.98),
    ],
)
def test_fastchess_values(counts: list[int], model: Model, elo0: float, elo1: float, value: float) -> None:
    assert float(llr(counts, elo0, elo1, model)) == pytest.approx(value, abs=0.005)
    other: Model = "logistic" if model == "normalized" else "normalized"
    assert float(llr(counts, elo0, elo1, other)) != pytest.approx(value, abs=0.005)


def test_bounds() -> None:
    assert bounds() == pytest.approx((-math.log(19), math.log(19)))
    assert bounds(0.05, 0.05)[1] == pytest.approx(2.944438979, abs=1e-9)
    assert bounds(0.1, 0.2) == pytest.approx((math.log(0.2 / 0.9), math.log(0.8 / 0.1)))


def test_one_sided_pairs_have_a_closed_form() -> None:
    """All pairs won: half of them must be lost for t = 0, (1 + t / sqrt(1 + t2)) / 2 be won for t."""
    t = math.sqrt(2) * 5 / NORMALIZED_ELO
    expected = 104 * math.log(1 + t / math.sqrt(1 + t * t))
    assert float(llr([0, 0, 0, 0, 104], 0, 5)) == pytest.approx(expected, rel=1e-3)


def test_all_drawn_has_a_closed_form_and_speaks_against_a_gain() -> None:
    t = 5 / NORMALIZED_ELO
    assert float(llr([0, 16700, 0], 0, 5)) == pytest.approx(-16700 * math.log(1 + t * t), rel=5e-3)


@pytest.mark.parametrize("model", ["logistic", "normalized"])
def test_the_constrained_fit_is_the_most_likely_one(model: Model) -> None:
    """A general optimiser finds the same ratio."""
    counts = np.array([7.0, 20, 40, 31, 12])
    scores = np.linspace(0, 1, 5)

    def best(elo: float) -> float:
        def excess(p: np.ndarray) -> float:
            mean = p @ scores
            if model == "logistic":
                return mean - float(logistic_score(elo))
            t = math.sqrt(2) * elo / NORMALIZED_ELO
            return (mean - 0.5) - t * math.sqrt(p @ (scores - mean) ** 2)

        fit = minimize(
            lambda p: -counts @ np.log(p),
            counts / counts.sum(),
            constraints=[{"type": "eq", "fun": excess}, {"type": "eq", "fun": lambda p: p.sum() - 1}],
            bounds=[(1e-9, 1)] * 5,
            options={"ftol": 1e-14, "maxiter": 500},
        )
        return -fit.fun

    assert float(llr(counts, -5, 60, model)) == pytest.approx(best(60) - best(-5), abs=1e-5)


def test_swapping_the_agents_swaps_the_sign() -> None:
    counts = np.array([[7, 20, 40, 31, 12], [1, 2, 3, 4, 5]])
    for model in ("logistic", "normalized"):
        assert llr(counts, -3, 8, model) == pytest.approx(-llr(counts[:, ::-1], -8, 3, model), abs=1e-8)


def test_pairs_see_through_openings_that_favour_a_seat() -> None:
    """Openings that one seat always wins: games look like noise, pairs do not."""
    decided, better = 80, 20  # pairs of one win each; pairs of a win and a draw
    games = [decided, better, decided + better]
    pairs = [0, 0, decided, better, 0]
    assert float(llr(pairs, 0, 20, "logistic")) > 2 * float(llr(games, 0, 20, "logistic")) > 0


@pytest.mark.parametrize(("truth", "wrong"), [(0.0, "elo1"), (80.0, "elo0")])
def test_error_rates(truth: float, wrong: str) -> None:
    rng = np.random.default_rng(4)
    shares = np.array([0.1, 0.2, 0.4, 0.2, 0.1])
    scores = np.linspace(0, 1, 5)
    spread = math.sqrt(shares @ (scores - 0.5) ** 2)
    tilt = math.sqrt(2) * truth / NORMALIZED_ELO / spread
    shares = shares * (1 + tilt * (scores - 0.5))  # the mean moves by tilt * spread**2, the variance in second order
    runs = 400
    counts, result = np.zeros((runs, 5)), np.zeros(runs)
    low, high = bounds()
    while (open_ := np.flatnonzero(result == 0)).size:
        counts[open_] += rng.multinomial(4, shares / shares.sum(), size=len(open_))
        value = llr(counts[open_], 0, 80)
        result[open_] = np.where(value >= high, 1, np.where(value <= low, -1, 0))
    rate = np.mean(result == (1 if wrong == "elo1" else -1))
    assert rate <= 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / runs)
    assert rate > 0  # a test that never errs is not this test


def test_streams_games_until_it_is_decided() -> None:
    test = Sprt(0, 40, model="logistic")
    assert test.verdict is None
    assert test.llr == 0.0
    rng = np.random.default_rng(0)
    while test.verdict is None:
        test.add(*rng.choice([1.0, 0.5, 0.0], size=2, p=[0.6, 0.2, 0.2]))
    assert test.verdict == "elo1"
    assert test.llr == float(llr(test.counts, 0, 40, "logistic"))
    single = Sprt(0, 40, paired=False)
    for score in (1.0, 0.5, 0.0, 1.0):
        single.add(score)
    assert single.counts.tolist() == [1, 1, 2]
    pairs = Sprt(0, 40)
    for two in ((0, 0), (0.5, 0), (1, 0), (0.5, 0.5), (0.5, 1), (1, 1)):
        pairs.add(*two)
    assert pairs.counts.tolist() == [1, 1, 2, 1, 1]


def test_what_cannot_be_tested_is_said() -> None:
    for call, message in (
        (lambda: Sprt(5, 0), "elo0 below elo1"),
        (lambda: Sprt(0, 5, alpha=0.0), "between 0 and 1"),
        (lambda: Sprt(0, 5).add(1.0), "pair of games"),
        (lambda: Sprt(0, 5, paired=False).add(0.3), "0, 0.5 or 1"),
        (lambda: llr([1, 2], 0, 5), "not 2"),
        (lambda: llr([1, 2, 3], 0, 5, "elo"), "neither"),  # type: ignore[arg-type]
        (lambda: match_elo([0, 0, 0]), "without a game"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize(
    ("counts", "elo", "error", "normalized", "normalized_error", "superiority"),
    [
        (trinomial(136, 96, 111), 40.70, 30.43, 49.77, 36.77, 0.9960),
        (trinomial(76, 89, 123), -15.69, 30.46, -20.76, 40.13, 0.1553),
        (pentanomial(34, 54, 31, 32, 64, 75), 55.58, 27.65, 57.94, 28.28, 1.0),
        (pentanomial(332, 433, 457, 41, 333, 334), -8.64, 10.33, -9.17, 10.96, 0.0505),
        (pentanomial(7895, 8757, 5485, 200, 568, 9999), -21.04, 2.95, -19.01, 2.65, 0.0),
    ],
)
def test_match_elo_as_fastchess_prints_it(counts, elo, error, normalized, normalized_error, superiority) -> None:
    match = match_elo(counts)
    assert (match.elo, match.error) == pytest.approx((elo, error), abs=0.006)
    assert (match.normalized, match.normalized_error) == pytest.approx((normalized, normalized_error), abs=0.006)
    assert match.superiority == pytest.approx(superiority, abs=6e-5)


@pytest.mark.parametrize(("games", "width"), [(100, 69.0), (400, 34.2), (1000, 21.56), (10_000, 6.81)])
def test_width_of_an_even_match(games: int, width: float) -> None:
    assert match_elo([games // 2, 0, games // 2]).error == pytest.approx(width, abs=0.1)


def test_who_won_all_of_few_games_is_not_sure_to_be_the_stronger() -> None:
    """A share of pairs won, evenly likely before, lies above 1/2 with 1 - 1/4 after one of one, 1 - 1/8 after two."""
    for counts, superiority in (
        ([0, 0, 0, 0, 1], 0.75), ([0, 0, 0, 0, 2], 0.875), ([0, 0, 0, 2, 0], 0.875), ([1, 0, 0], 0.25),
        ([0, 0, 7, 0, 0], 0.5), ([0, 0, 0, 0, 60], 1.0),
    ):  # fmt: skip
        assert match_elo(counts).superiority == pytest.approx(superiority)
    assert match_elo([0, 0, 0, 1, 1]).superiority > 0.97  # not all alike: the normal one, as fastchess has it


def test_the_interval_of_a_lopsided_match_is_wilsons_to_its_end() -> None:
    """One pair of four drawn, three won: 7/8 of the points; Wilson's interval of 4 results at 7/8 by hand."""
    match = match_elo([0, 0, 1, 0, 3])
    z2, p = 1.959964**2, 0.875
    half = (p * (1 - p) / 4 + z2 / 64) ** 0.5 * 1.959964
    high = (p + z2 / 8 + half) / (1 + z2 / 4)
    assert 0.986 < high < 0.988  # beyond 1 - 1 / (2 * 5), which is what a match of nothing but wins counts as
    assert match.high == pytest.approx(400 * np.log10(high / (1 - high)), abs=0.01)
    assert match.low < match.elo < match.high - 300
    nearly = match_elo([0, 0, 0, 1, 99])  # half a point lost of 200
    assert nearly.elo == pytest.approx(400 * np.log10(0.9975 / 0.0025)) and nearly.low < nearly.elo < nearly.high


@given(st.sampled_from([3, 5]).flatmap(lambda n: st.lists(st.integers(0, 10**6), min_size=n, max_size=n)))
def test_always_finite(counts: list[int]) -> None:
    for model in ("logistic", "normalized"):
        assert np.isfinite(llr(counts, -2, 7, model))
    if sum(counts):
        match = match_elo(counts)
        assert np.isfinite(match).all()
        assert match.low <= match.elo <= match.high
        assert match.high - match.low > 0

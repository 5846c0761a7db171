"""Ratings against published answers, another library, closed forms and simulated truth."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from itertools import combinations, pairwise, permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from leagues.bradley_terry import ELO, outcomes, score_variance
from leagues.rating import Prior, RatingError, Ratings, Result, rate

GOLDEN = Path(__file__).parent.parent / "golden" / "ratings"
golden = json.loads((GOLDEN / "golden.json").read_text())


def table(file: str) -> list[dict[str, str]]:
    with (GOLDEN / file).open() as lines:
        return list(csv.DictReader(lines))


def baseball() -> Counter[Result]:
    results: Counter[Result] = Counter()
    for row in table("baseball_1987.csv"):
        results[Result(row["home.team"], row["away.team"], 1.0)] = int(row["home.wins"])
        results[Result(row["home.team"], row["away.team"], 0.0)] = int(row["away.wins"])
    return results


def log_likelihood(ratings: Ratings, results: Counter[Result]) -> float:
    total = 0.0
    for (first, second, score), count in results.items():
        win, _, loss = ratings.probabilities(first, second)
        total += count * (score * math.log(win) + (1 - score) * math.log(loss))
    return total


def match(a: str, b: str, won: int, drawn: int, lost: int) -> Counter[Result]:
    """Games with the seats shared evenly, so that the first move means nothing."""
    return Counter(
        {
            Result(first, second, score): count / 2
            for first, second, scores in ((a, b, (1.0, 0.5, 0.0)), (b, a, (0.0, 0.5, 1.0)))
            for score, count in zip(scores, (won, drawn, lost), strict=True)
            if count
        }
    )


def simulate(rng: np.random.Generator, elo: dict[str, float], games: int, first: float = 30, nu: float = 0.5):
    """A round robin with `games` games in each seating."""
    results: Counter[Result] = Counter()
    for a, b in permutations(elo, 2):
        shares = outcomes(np.array((elo[a] - elo[b] + first) / ELO), math.log(nu))
        for score, count in zip((1.0, 0.5, 0.0), rng.multinomial(games, np.array(shares)), strict=True):
            results[Result(a, b, score)] += int(count)
    return results


# Published answers


@pytest.mark.parametrize(("key", "first_move"), [("baseball_no_home", False), ("baseball_home", True)])
def test_baseball(key: str, first_move: bool) -> None:
    ratings = rate(baseball(), anchor="Baltimore", first_move=first_move, prior=None)
    for name, value in golden[key].items():
        if name == "at.home":
            assert ratings.first_move.elo / ELO == pytest.approx(value, abs=1e-6)
        elif name == "loglik_binom_kernel":
            assert log_likelihood(ratings, baseball()) == pytest.approx(value, abs=1e-6)
        else:
            assert ratings.elo[ratings.names.index(name)] / ELO == pytest.approx(value, abs=1e-6)


def test_baseball_abilities_as_agresti_prints_them() -> None:
    ratings = rate(baseball(), anchor="Baltimore", prior=None)
    ability = np.exp(ratings.elo / ELO)
    ability /= ability.sum()
    expected = golden["baseball_home_abilities"]
    assert dict(zip(ratings.names, ability.round(4), strict=True)) == pytest.approx(expected, abs=1.01e-4)


def test_citations_with_their_standard_errors() -> None:
    journals = ("Biometrika", "Comm Statist", "JASA", "JRSS-B")
    cited = ((714, 730, 498, 221), (33, 425, 68, 17), (320, 813, 1072, 142), (284, 276, 325, 188))
    results = {Result(journals[i], journals[j], 1.0): cited[i][j] for i in range(4) for j in range(4) if i != j}
    ratings = rate(results, anchor="Biometrika", first_move=False, prior=None)
    errors = np.sqrt(np.diag(ratings.covariance)) / ELO
    for i, (name, error) in enumerate(zip(journals[1:], golden["citations_se"], strict=True), start=1):
        assert ratings.elo[i] / ELO == pytest.approx(golden["citations"][name], abs=1e-6)
        assert errors[i] == pytest.approx(error, abs=1e-5)


def test_ice_hockey_by_krach() -> None:
    results = Counter(
        Result(row["visitor"], row["opponent"], float(row["result"])) for row in table("icehockey_2009_10.csv")
    )
    ratings = rate(results, anchor=None, draws="half", first_move=False, prior=None)
    assert (results.total(), len(ratings.names)) == tuple(golden["icehockey_n"])
    assert log_likelihood(ratings, results) == pytest.approx(golden["icehockey_loglik"], abs=1e-5)
    strength = np.exp(ratings.elo / ELO)

    def round_robin(k: float) -> float:
        return float(np.mean(k / (k + strength)))

    middle = brentq(lambda k: round_robin(k) - 0.5, 1e-3, 1e3)  # KRACH calls the strength that scores half 100
    for name, krach, percentage in golden["icehockey_top10_KRACH_RRWP"]:
        own = strength[ratings.names.index(name)]
        others = np.delete(strength, ratings.names.index(name))
        assert 100 * own / middle == pytest.approx(krach, rel=2e-2)
        assert np.mean(own / (own + others)) == pytest.approx(percentage, abs=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_equals_choix(seed: int) -> None:
    choix = pytest.importorskip("choix")
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 12))
    pairs = [pair for pair in permutations(range(n), 2) for _ in range(int(rng.integers(1, 6)))]
    ratings = rate([Result(f"{a:02}", f"{b:02}", 1.0) for a, b in pairs], anchor=None, first_move=False, prior=None)
    strengths = ratings.elo / ELO
    assert strengths == pytest.approx(choix.ilsr_pairwise(n, pairs, tol=1e-12), abs=1e-6)
    other = choix.opt_pairwise(n, pairs, alpha=0, method="Newton-CG", tol=1e-12)
    assert strengths == pytest.approx(other - np.mean(other), abs=1e-6)


def test_choix_and_open_spiel_examples() -> None:
    cycle = [Result("a", "b", 1), Result("a", "b", 1), Result("b", "c", 1), Result("c", "a", 1)]
    ratings = rate(cycle, anchor="c", first_move=False, prior=None)
    assert ratings.elo / ELO == pytest.approx([0.419617624, -0.419617624, 0.0], abs=1e-8)
    wins = ((0, 4, 2), (1, 0, 2), (3, 3, 0))  # the Meeple pentathlon of open_spiel's elo_test
    results = {Result("abc"[i], "abc"[j], 1.0): wins[i][j] for i, j in permutations(range(3), 2)}
    a, b, c = rate(results, anchor="a", draws="half", first_move=False, prior=None).elo
    assert c == pytest.approx(a, abs=1e-9)
    assert b < a
    drawn = rate({**results, Result("a", "b", 0.5): 1}, anchor="a", draws="half", first_move=False, prior=None)
    assert drawn.elo[2] > drawn.elo[0] + 1


# Numbers worked by hand


def test_two_members_have_a_closed_form() -> None:
    ratings = rate(match("a", "b", 6, 0, 2), anchor="b", prior=None)
    assert ratings.elo[0] == pytest.approx(400 * math.log10(3), abs=1e-9)
    assert ratings.elo[1] == 0.0


def test_draws_have_a_closed_form() -> None:
    ratings = rate(match("a", "b", 8, 6, 2), anchor="b", prior=None)  # odds W : D : L = e^d/2 : nu : e^-d/2
    assert ratings.elo[0] == pytest.approx(400 * math.log10(4), abs=1e-9)
    assert ratings.draw == pytest.approx(6 / math.sqrt(8 * 2), abs=1e-9)
    assert ratings.probabilities("a", "b") == pytest.approx((8 / 16, 6 / 16, 2 / 16), abs=1e-9)
    assert ratings.expected("a", "b") == pytest.approx(11 / 16, abs=1e-9)
    half = rate(match("a", "b", 8, 6, 2), anchor="b", prior=None, draws="half")
    assert half.elo[0] == pytest.approx(400 * math.log10(11 / 5), abs=1e-9)


def test_first_move_has_a_closed_form() -> None:
    results = {
        Result("a", "b", 1.0): 3,
        Result("a", "b", 0.0): 1,
        Result("b", "a", 1.0): 2,
        Result("b", "a", 0.0): 2,
    }
    ratings = rate(results, anchor="b", prior=None)  # d + h = ln 3 and -d + h = 0
    assert ratings.elo[0] == pytest.approx(200 * math.log10(3), abs=1e-9)
    assert ratings.first_move.elo == pytest.approx(200 * math.log10(3), abs=1e-9)
    without = rate(results, anchor="b", prior=None, first_move=False)
    assert without.elo[0] == pytest.approx(400 * math.log10(5 / 3), abs=1e-9)
    assert without.first_move == (0.0, 0.0)


def test_the_prior_is_virtual_games_against_the_centre() -> None:
    ratings = rate(match("a", "random", 50, 0, 0), first_move=False, prior=Prior(games=1.0))

    def force(d: float) -> float:  # the centre lies half way; 50 real losses that did not come, one virtual game each
        return 50 / (1 + math.exp(d)) - (1 / (1 + math.exp(-d / 2)) - 0.5)

    assert ratings.elo[0] / ELO == pytest.approx(brentq(force, 0, 20), abs=1e-9)


@pytest.mark.parametrize(("games", "width"), [(100, 68.1), (400, 34.05), (10_000, 6.81)])
def test_width_of_an_even_match(games: int, width: float) -> None:
    ratings = rate(match("a", "b", games // 2, 0, games // 2), anchor="b", first_move=False, prior=None)
    low, high = ratings.interval("a")
    assert (high - low) / 2 == pytest.approx(width, rel=2e-3)
    assert ratings.superiority("a", "b") == pytest.approx(0.5, abs=1e-9)


def test_superiority_uses_the_covariance() -> None:
    results = match("a", "random", 1, 0, 99) + match("b", "random", 1, 0, 99) + match("a", "b", 120, 0, 80)
    ratings = rate(results)
    i, j = ratings.names.index("a"), ratings.names.index("b")
    assert ratings.superiority("a", "b") > 0.99
    assert ratings.superiority("a", "b") + ratings.superiority("b", "a") == pytest.approx(1)
    alone = math.sqrt(ratings.covariance[i, i] + ratings.covariance[j, j])  # what forgetting the covariance gives
    assert math.erfc(-(ratings.elo[i] - ratings.elo[j]) / alone / math.sqrt(2)) / 2 < 0.75


def test_information_of_a_draw_is_less_than_half_a_win_would_say() -> None:
    assert score_variance(np.array(0.0), math.log(2.0)) == pytest.approx(1 / 8)  # half drawn: +-1/2 half the time
    assert score_variance(np.array(0.0), -np.inf) == pytest.approx(1 / 4)
    results = match("a", "random", 100, 400, 100)
    davidson, half = rate(results), rate(results, draws="half")
    share = 4 / 6  # of the games drawn; the log-odds of a score of Davidson's model move by its variance only
    scale = (1 - share) / 4 * 4
    measured = np.ptp(davidson.interval("a")) * scale / np.ptp(half.interval("a"))
    assert measured == pytest.approx(math.sqrt(scale), rel=0.02)


# Where there is little to go on


def test_perfect_scores_stay_finite_and_their_interval_is_one_sided() -> None:
    ratings = rate(match("a", "random", 50, 0, 0))
    low, high = ratings.interval("a")
    elo = float(ratings.elo[ratings.names.index("a")])
    assert 400 < elo < 2000
    assert high - elo > 1.5 * (elo - low)
    assert low == pytest.approx(446, abs=100)  # the exact binomial bound of 50 of 50 is 446


def test_disconnected_groups_stand_at_the_centre_with_wide_intervals() -> None:
    results = match("a", "random", 60, 0, 40) + match("x", "y", 60, 0, 40)
    ratings = rate(results, members=["nobody"])
    width = {name: np.ptp(ratings.interval(name)) for name in ratings.names}
    assert width["a"] < 150
    assert min(width["x"], width["y"], width["nobody"]) > 1500
    assert ratings.difference("x", "y").error < 50  # they know each other well
    assert ratings.superiority("x", "y") > 0.97
    assert ratings.superiority("x", "a") == pytest.approx(0.5, abs=0.1)
    assert ratings.score[ratings.names.index("nobody")] == 0.5


def test_the_prior_does_not_drag_a_strong_league_to_its_weak_anchor() -> None:
    elo = {"random": 0.0} | {f"m{i:02}": 1000.0 + 10 * i for i in range(30)}
    results = Counter()
    for a, b in [("random", "m00"), *combinations(list(elo)[1:], 2)]:
        win = 1000 / (1 + 10 ** ((elo[b] - elo[a]) / 400))
        results += match(a, b, win, 0, 1000 - win)
    ratings = rate(results)
    assert ratings.elo == pytest.approx([elo[name] for name in ratings.names], abs=25)


def test_pure_likelihood_says_when_it_has_no_answer() -> None:
    with pytest.raises(RatingError, match=r"no finite rating.*prior"):
        rate(match("a", "random", 5, 0, 0), prior=None)
    with pytest.raises(RatingError, match="no finite rating"):
        rate(match("a", "random", 5, 0, 5), members=["idle"], prior=None)
    with pytest.raises(RatingError, match="prior"):  # whoever moves first always wins
        rate([Result("a", "random", 1.0), Result("random", "a", 1.0)], prior=None)


def test_extremes_stay_finite() -> None:
    chain = ["random", *(f"m{i}" for i in range(10))]
    results = Counter()
    for below, above in pairwise(chain):
        results += match(above, below, 100_000, 0, 0)
    for kept in (results, {}, match("a", "random", 0, 1000, 0)):
        ratings = rate(kept, members=["random"])
        assert all(np.isfinite(part).all() for part in (ratings.elo, ratings.covariance, ratings.low, ratings.high))
    assert rate({}, anchor=None).rows() == []


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([Result("a", "random", 0.7)], "0, 0.5 or 1"),
        ([Result("a", "random", math.nan)], "0, 0.5 or 1"),
        ([Result("random", "random", 1.0)], "against itself"),
        ([Result("a", "b", 1.0)], "anchor 'random'"),
        ({Result("a", "random", 1.0): -1}, "-1 times"),
    ],
)
def test_what_cannot_be_rated_is_said(results: list[Result], message: str) -> None:
    with pytest.raises(RatingError, match=message):
        rate(results)


# Simulated truth


def test_planted_ratings_and_first_move_are_recovered() -> None:
    elo = {"random": 0.0, "a": 150.0, "b": 300.0, "c": 520.0, "d": 700.0}
    ratings = rate(simulate(np.random.default_rng(3), elo, games=5000, first=40))
    assert ratings.elo == pytest.approx([elo[name] for name in ratings.names], abs=15)
    assert ratings.first_move.elo == pytest.approx(40, abs=5)
    assert ratings.draw == pytest.approx(0.5, abs=0.02)
    blind = rate(simulate(np.random.default_rng(3), elo, games=5000, first=40), first_move=False)
    assert blind.first_move.elo == 0


@pytest.mark.parametrize(("games", "nu"), [(5, 0.5), (2, 1e-9)])
def test_intervals_cover_the_truth(games: int, nu: float) -> None:
    rng = np.random.default_rng(1)
    inside, first = [], []
    for _ in range(150):
        elo = {"random": 0.0} | {f"m{i}": float(rng.normal(300, 300)) for i in range(7)}
        ratings = rate(simulate(rng, elo, games, nu=nu))
        inside += [
            ratings.interval(name)[0] <= elo[name] <= ratings.interval(name)[1] for name in elo if name != "random"
        ]
        first.append(abs(ratings.first_move.elo - 30) < 1.96 * ratings.first_move.error)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)  # 7 dependent intervals in each of 150 runs
    assert np.mean(first) == pytest.approx(0.95, abs=0.04)


def test_twins_differ_by_less_than_their_interval() -> None:
    rng = np.random.default_rng(8)
    agreed = 0
    for _ in range(100):
        ratings = rate(simulate(rng, {"random": 0.0, "twin": 200.0, "twin again": 200.0, "other": 300.0}, 8))
        gap, error = ratings.difference("twin", "twin again")
        agreed += abs(gap) < 1.96 * error
    assert agreed >= 88  # 95 expected; three standard deviations of a binomial


# Laws

counts = st.dictionaries(
    st.tuples(st.sampled_from(["random", "a", "b", "c", "d"]), st.sampled_from(["random", "a", "b", "c", "d"]))
    .filter(lambda pair: pair[0] != pair[1])
    .flatmap(lambda pair: st.sampled_from([0.0, 0.5, 1.0]).map(lambda score: Result(*pair, score))),
    st.integers(0, 300),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(counts)
def test_laws(results: dict[Result, int]) -> None:
    ratings = rate(results, members=["random", "e"])
    assert ratings.elo[ratings.names.index("random")] == 0.0
    assert ratings.interval("random") == (0.0, 0.0)
    for part in (ratings.elo, ratings.covariance, ratings.low, ratings.high, ratings.score, *ratings.first_move):
        assert np.isfinite(part).all()
    assert (ratings.low <= ratings.elo + 1e-6).all()
    assert (ratings.elo <= ratings.high + 1e-6).all()
    assert np.linalg.eigvalsh(ratings.covariance)[0] > -1e-6 * max(1.0, ratings.covariance.max())
    assert ratings.games.sum() == 2 * sum(results.values())
    mirrored = rate({Result(a, b, 1 - score): n for (a, b, score), n in results.items()}, members=["random", "e"])
    assert mirrored.elo == pytest.approx(-ratings.elo, abs=1e-3)
    assert mirrored.first_move.elo == pytest.approx(-ratings.first_move.elo, abs=1e-3)


@settings(max_examples=20, deadline=None)
@given(counts, st.randoms(use_true_random=False))
def test_order_does_not_matter(results: dict[Result, int], random) -> None:
    games = [result for result, number in results.items() for _ in range(min(number, 20))]
    one = rate(games, members=["random"])
    random.shuffle(games)
    other = rate(games, members=["random"])
    assert np.array_equal(one.elo, other.elo)
    assert np.array_equal(one.covariance, other.covariance)
    assert np.array_equal(one.low, other.low)


def test_the_anchor_moves_the_scale_and_nothing_else() -> None:
    results = simulate(np.random.default_rng(5), {"random": 0.0, "a": 100.0, "b": 250.0}, 30)
    to_random, to_b, to_mean = (rate(results, anchor=anchor) for anchor in ("random", "b", None))
    for one, other in ((to_random, to_b), (to_random, to_mean)):
        assert np.diff(one.elo) == pytest.approx(np.diff(other.elo), abs=1e-6)
        assert one.difference("a", "b").error == pytest.approx(other.difference("a", "b").error, rel=1e-6)
        assert one.first_move == pytest.approx(other.first_move, abs=1e-6)
    assert to_mean.elo.mean() == pytest.approx(0, abs=1e-9)


def test_intervals_are_worked_out_for_those_alone_who_read_them(monkeypatch: pytest.MonkeyPatch) -> None:
    results = [Result("a", "b", 1.0), Result("b", "a", 0.5), Result("a", "c", 0.0)]
    whole = rate(results, anchor=None)
    monkeypatch.setattr("leagues.rating.profile_bounds", None)
    bare = rate(results, anchor=None, intervals=False)
    assert (bare.elo == whole.elo).all() and (bare.covariance == whole.covariance).all()
    assert np.isnan(bare.low).all() and np.isnan(bare.high).all() and np.isfinite(whole.low).all()


def test_leaderboard_rows() -> None:
    ratings = rate(match("a", "random", 30, 4, 6), members=["z"])
    rows = ratings.rows()
    assert [row["elo"] for row in rows] == sorted((row["elo"] for row in rows), reverse=True)
    best = next(row for row in rows if row["name"] == "a")
    assert best["games"] == 40
    assert best["score"] == pytest.approx(0.8)
    assert best["low"] < best["elo"] < best["high"]
    assert set(best) == {"name", "elo", "low", "high", "games", "score"}
    json.dumps(rows)

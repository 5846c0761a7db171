"""Games go where they tell most, and to everybody."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from leagues.bradley_terry import ELO
from leagues.matchmaking import gain, most_telling, pair_information
from leagues.rating import Estimate, Ratings, Result, rate


def even(a: str, b: str, games: int, score: float = 0.5) -> dict[Result, float]:
    won = games * score / 2
    lost = games * (1 - score) / 2
    return {Result(a, b, 1.0): won, Result(a, b, 0.0): lost, Result(b, a, 1.0): lost, Result(b, a, 0.0): won}


def fall(covariance: np.ndarray, information: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The gain where the differences `wanted` are asked about."""
    return gain(covariance, covariance @ (np.diag(wanted.sum(1)) - wanted) @ covariance, information)


def test_gain_by_hand() -> None:
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])  # the difference has variance 2 + 1 - 2 * 0.5 = 2
    information, each = np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    assert fall(covariance, information, each)[0, 1] == pytest.approx(2 - 1 / (1 / 2 + 0.5))
    assert fall(covariance, information, each)[0, 0] == 0
    assert not fall(covariance, information, 0 * each).any()


def test_what_is_asked_about_decides() -> None:
    """Three known independently, and only b - c is asked about: a's games tell of it through b or c alone."""
    covariance, information = np.diag([1.0, 1.0, 1.0]), np.full((3, 3), 0.5)
    wanted = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    found = fall(covariance, information, wanted)
    assert found[1, 2] == pytest.approx(2 - 1 / (1 / 2 + 0.5))
    assert found[0, 1] == found[0, 2] == pytest.approx(0.5 * 1 / (1 + 2 * 0.5))  # c = (1, -1, 0), (c_b - c_c)^2 = 1


def test_information_of_a_pair_by_hand() -> None:
    ratings = rate(even("a", "random", 400, 0.75), prior=None)
    d = ratings.elo[0] / ELO
    p = 1 / (1 + math.exp(-d))
    assert pair_information(ratings)[0, 1] == pytest.approx(2 * p * (1 - p))
    assert pair_information(ratings)[0, 0] == pytest.approx(0.5)


def doubt(ratings: Ratings) -> float:
    """The sum of the variances of all differences."""
    return sum(ratings.difference(a, b).error ** 2 for a in ratings.names for b in ratings.names if a < b)


def made_up(elo: dict[str, float], error: dict[str, float], games: float = 100) -> Ratings:
    """Ratings that somebody might have, each known independently of the others."""
    names = tuple(sorted(elo))
    values = np.array([elo[name] for name in names])
    errors = np.array([error[name] for name in names])
    number = np.full(len(names), games)
    return Ratings(names, "random", values, np.diag(errors**2), values, values, number, number / 2, Estimate(0, 1), 0.0)


def test_prefers_near_and_ill_known() -> None:
    elo = {"random": 0.0, "near": 50.0, "far": 800.0}
    near_first = made_up(elo, {"random": 0.0, "near": 60.0, "far": 60.0})
    assert set(most_telling(near_first, 1, focus=["random"])[0]) == {"near", "random"}
    far_ill_known = made_up(elo, {"random": 0.0, "near": 5.0, "far": 300.0})
    assert set(most_telling(far_ill_known, 1, focus=["random"])[0]) == {"far", "random"}


def test_the_expected_gain_is_what_the_games_bring() -> None:
    """The rank-one step equals rating again with the games played (fractional, as expected)."""
    results = even("a", "random", 40, 0.6) | even("b", "random", 60, 0.7) | even("a", "b", 20, 0.4)
    ratings = rate(results, first_move=False, prior=None)
    i, j = 0, 1
    expected = ratings.expected("a", "b")
    more = dict(results)
    for result, count in even("a", "b", 2, expected).items():
        more[result] += count
    after = rate(more, first_move=False, prior=None)
    step = (ratings.covariance[:, i] - ratings.covariance[:, j]) / ELO
    information = pair_information(ratings)[i, j]
    variance = (step[i] - step[j]) / ELO
    predicted = ratings.covariance - np.outer(step, step) * information / (1 + information * variance)
    assert after.covariance == pytest.approx(predicted, rel=1e-6)
    told = pair_information(ratings) / ELO**2
    assert fall(ratings.covariance, told, 1.0 - np.eye(3))[i, j] == pytest.approx(
        doubt(ratings) - doubt(after), rel=1e-6
    )


def test_a_batch_is_chosen_as_if_rated_anew_after_each_pair() -> None:
    """The updates of the covariance and of what is asked about, against both made anew."""
    ratings = made_up({"a": 0.0, "b": 90.0, "c": 300.0, "d": 700.0}, {"a": 50.0, "b": 90.0, "c": 70.0, "d": 40.0})
    covariance, information = ratings.covariance / ELO**2, pair_information(ratings)
    for meeting in most_telling(ratings, 12, share=0.0):
        value = np.triu(fall(covariance, information, 1.0 - np.eye(4)), 1)
        i, j = sorted(map(ratings.names.index, meeting))
        assert value[i, j] == pytest.approx(value.max(), rel=1e-6)
        apart = np.eye(4)[i] - np.eye(4)[j]
        covariance = np.linalg.inv(np.linalg.inv(covariance) + information[i, j] * np.outer(apart, apart))


def test_a_batch_does_not_ask_the_same_question_again() -> None:
    results = {}
    for i in range(6):
        results |= even(f"m{i}", "random", 20)
    chosen = most_telling(rate(results), 6)
    assert len({frozenset(meeting) for meeting in chosen}) == 6


@pytest.mark.parametrize(("share", "kept"), [(0.5, True), (0.0, False)])
def test_nobody_starves(share: float, kept: bool) -> None:
    """A member so far above that its games tell nothing still gets its share."""
    elo = {"random": 0.0, "giant": 4000.0} | {f"m{i}": 20.0 * i for i in range(6)}
    ratings = made_up(elo, dict.fromkeys(elo, 50.0))
    games = dict(zip(ratings.names, ratings.games, strict=True))
    for meeting in most_telling(ratings, 400, share=share):
        for name in meeting:
            games[name] += 2
    assert min(games.values()) >= share * np.mean(list(games.values())) - 2
    assert (games["giant"] > 100) == kept


def test_newcomers_come_first() -> None:
    ratings = rate(even("a", "random", 100), members=["new", "newer"])
    chosen = most_telling(ratings, 2)
    assert {"new", "newer"} <= {name for meeting in chosen for name in meeting}


def test_same_seed_same_meetings() -> None:
    ratings = rate(even("a", "random", 10) | even("b", "random", 10), members=["c"])
    assert most_telling(ratings, 20, seed=3) == most_telling(ratings, 20, seed=3)
    firsts = Counter(a for a, _ in most_telling(ratings, 200, seed=3))
    assert len(firsts) == 4
    assert any(most_telling(ratings, 20, seed=3) != most_telling(ratings, 20, seed=seed) for seed in range(4))


def test_focus() -> None:
    ratings = rate(even("a", "random", 10) | even("b", "random", 10), members=["c"])
    assert all("b" in meeting for meeting in most_telling(ratings, 12, focus=["b"]))


def test_learns_faster_than_a_round_robin() -> None:
    """With the same number of games the mean variance of differences ends lower."""
    strengths = {"random": 0.0} | {f"m{i}": 250.0 * i for i in range(1, 9)}
    names = sorted(strengths)

    def play(meetings: list[tuple[str, str]], results: dict[Result, float]) -> None:
        for a, b in meetings:
            p = 1 / (1 + 10 ** ((strengths[b] - strengths[a]) / 400))
            for result, count in even(a, b, 2, p).items():
                results[result] = results.get(result, 0) + count

    everybody = [(a, b) for a in names for b in names if a < b]
    uniform: dict[Result, float] = {}
    for _ in range(5):
        play(everybody, uniform)
    telling: dict[Result, float] = {}
    for batch in range(15):
        play(most_telling(rate(telling, members=names), len(everybody) // 3, seed=batch), telling)
    assert sum(telling.values()) == pytest.approx(sum(uniform.values()))
    assert doubt(rate(telling)) < 0.62 * doubt(rate(uniform))


def test_what_cannot_be_matched_is_said() -> None:
    ratings = rate(even("a", "random", 10))
    with pytest.raises(ValueError, match="'z' is not among"):
        most_telling(ratings, 1, focus=["z"])
    with pytest.raises(ValueError, match="No two members"):
        most_telling(ratings, 1, focus=[])
    with pytest.raises(ValueError, match="two members"):
        most_telling(rate({}, members=["random"]), 1)
    with pytest.raises(ValueError, match="share"):
        most_telling(ratings, 1, share=1.0)


def test_who_is_not_there_is_not_sent_out() -> None:
    ratings = rate({**even("a", "random", 10), **even("b", "random", 4), **even("c", "random", 2)})
    chosen = most_telling(ratings, 12, among=["a", "b", "random"])
    assert {name for meeting in chosen for name in meeting} == {"a", "b", "random"}
    assert {name for meeting in most_telling(ratings, 12) for name in meeting} == {"a", "b", "c", "random"}

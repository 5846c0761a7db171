"""Strengths of thousands: the same as `rate` gives, however many there are and in whatever order they played."""

from __future__ import annotations

import numpy as np
import pytest

from leagues import bounds, bradley_terry, rating
from leagues.bradley_terry import Slots, curve, curved, information
from leagues.rating import RatingError, Result, _rows, rate, strengths


def played(members: int, games: int, draws: float = 0.2, seed: int = 0):
    """(first, second, score) of games between members 100 Elo apart on average, a share of them drawn."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, members, games)
    second = (first + rng.integers(1, members, games)) % members
    truth = np.linspace(-1.0, 1.0, members)
    won = rng.random(games) < 1 / (1 + np.exp(truth[second] - truth[first] - 0.2))
    return first, second, np.where(rng.random(games) < draws, 0.5, won.astype(np.float64))


@pytest.fixture(params=[2000, 0], ids=["by a matrix", "by conjugate gradients"])
def dense(request, monkeypatch):
    monkeypatch.setattr(bradley_terry, "DENSE", request.param)


@pytest.mark.parametrize("prior", [True, False])
@pytest.mark.parametrize("first_move", [True, False])
@pytest.mark.parametrize("draws", ["davidson", "half"])
def test_they_are_those_of_the_ratings(dense, draws, first_move, prior):
    first, second, score = played(6, 400)
    how = {"draws": draws, "first_move": first_move, **({} if prior else {"prior": None})}
    names = [Result(f"{a}", f"{b}", float(s)) for a, b, s in zip(first, second, score, strict=True)]
    rated = rate(names, anchor=None, **how)
    assert np.abs(strengths(first, second, score, 6, **how) - rated.elo).max() < 1e-6


def test_few_games_of_many_and_many_games_of_few_are_counted_alike(dense):
    first, second, score = played(40, 300)
    names = [Result(f"{a:02}", f"{b:02}", float(s)) for a, b, s in zip(first, second, score, strict=True)]
    rated = rate(names, members=[f"{i:02}" for i in range(40)], anchor=None)
    assert np.abs(strengths(first, second, score, 40) - rated.elo).max() < 1e-6
    order = np.random.default_rng(1).permutation(300)
    assert (strengths(first[order], second[order], score[order], 40) == strengths(first, second, score, 40)).all()


def test_two_members_have_a_closed_form(dense):
    first, second = np.zeros(10, np.int64), np.ones(10, np.int64)
    score = np.array([1.0] * 7 + [0.0] * 3)
    found = strengths(first, second, score, 2, first_move=False, prior=None)
    assert found == pytest.approx([200 * np.log10(7 / 3), -200 * np.log10(7 / 3)])
    assert strengths(second, first, 1 - score, 2, first_move=False, prior=None) == pytest.approx(found)
    assert strengths(first[:0], second[:0], score[:0], 3).tolist() == [0.0, 0.0, 0.0]


def test_the_curvature_without_its_matrix():
    rng = np.random.default_rng(2)
    slots = Slots.after(5)
    meetings = np.array([(a, b) for a in range(5) for b in range(5) if a != b])
    counts = rng.integers(0, 9, (len(meetings), 3)).astype(np.float64)
    rows = _rows(meetings[:, 0], meetings[:, 1], counts, slots, True, True, None)
    at, v = curve(rows, rng.normal(size=slots.nil + 1), slots), rng.normal(size=slots.nil + 1)
    assert curved(rows, at, slots, v) == pytest.approx(information(rows, at, slots) @ v)


@pytest.mark.parametrize(
    ("games", "said"),
    [
        (([0], [0], [1.0]), "against itself"),
        (([0], [3], [1.0]), "numbered from 0 to 2"),
        (([0], [-1], [1.0]), "numbered from 0 to 2"),
        (([0], [1], [0.25]), "not 0, 0.5 or 1"),
        (([0], [1], [2.0]), "not 0, 0.5 or 1"),
    ],
)
def test_what_cannot_be_rated_is_said(games, said):
    with pytest.raises(RatingError, match=said):
        strengths(np.array(games[0]), np.array(games[1]), np.array(games[2]), 3)
    with pytest.raises(RatingError, match="Without a prior"):
        strengths(np.array([0]), np.array([1]), np.array([1.0]), 2, prior=None)


def test_information_that_bends_the_wrong_way_is_not_inverted(monkeypatch):
    """[[1, 2], [2, 1]] has an inverse, but is no information: along (1, -1) it is negative."""
    slots, free = bradley_terry.Slots.after(2), np.array([0, 1])
    monkeypatch.setattr(bradley_terry, "curve", lambda *of: None)

    def spread(off):
        matrix = np.eye(slots.nil + 1)
        matrix[0, 1] = matrix[1, 0] = off
        monkeypatch.setattr(bradley_terry, "information", lambda *of: matrix)
        return bradley_terry.covariance(None, None, free, slots)[:2, :2]

    assert spread(0.5) == pytest.approx(np.array([[4 / 3, -2 / 3], [-2 / 3, 4 / 3]]))
    for off in (1.0, 2.0):
        with pytest.raises(bradley_terry.NoMaximum, match="do not fix the ratings"):
            spread(off)


def one_sided(members=9, games=4000, seed=3):
    """Games of which the first member won all, and the last, who has played four, half."""
    rng = np.random.default_rng(seed)
    names, results = [f"{i}" for i in range(members)], {}
    for _ in range(games):
        a, b = rng.choice(members - 1, 2, replace=False)
        score = 1.0 if a == 0 else 0.0 if b == 0 else float(rng.random() < 0.5)
        results[Result(names[a], names[b], score)] = results.get(Result(names[a], names[b], score), 0) + 1
    return results | {Result(names[-1], names[1], score): 2 for score in (0.0, 1.0)}


def widths(rated):
    """[members, 2] how far each bound is from the rating, in parts of the normal one."""
    normal = bradley_terry.Z95 * np.sqrt(np.diagonal(rated.covariance))
    return np.stack([rated.elo - rated.low, rated.high - rated.elo], 1)[normal > 0] / normal[normal > 0, None]


def test_bounds_that_are_judged_by_few_games_are_those_judged_by_all(monkeypatch):
    results, asked, anchor = one_sided(), [], "4"
    drops = bounds._drops
    monkeypatch.setattr(bounds, "_drops", lambda *of: asked.append(of[3].shape[1]) or drops(*of))
    found, few = rate(results, anchor=anchor), sum(asked)
    monkeypatch.setattr(bounds, "_judged", lambda *of: (np.zeros(9, bool), np.zeros(9, bool)))
    whole = rate(results, anchor=anchor)
    assert few < (sum(asked) - few) / 3
    assert (found.low == whole.low).all() and (found.high == whole.high).all()
    assert widths(found)[0, 1] > 1.3 and widths(found)[-1].max() < 1.3
    monkeypatch.setattr(bounds, "_judged", lambda *of: (np.ones(9, bool), np.zeros(9, bool)))
    assert widths(rate(results, anchor=anchor))[:, 1].max() == pytest.approx(1.0)  # nobody is asked


def test_bounds_of_many_are_near_those_of_few(monkeypatch):
    results = one_sided(games=300)
    found = widths(rate(results, anchor="4"))
    monkeypatch.setattr(bounds, "CLIMBED", 0)
    assert np.abs(widths(rate(results, anchor="4")) / found - 1).max() < 0.1 < 0.3 < np.abs(1 / found - 1).max()


def test_blocks_of_members_are_given_the_bounds_of_all_at_once(monkeypatch):
    results = one_sided(games=300)
    for anchor, climbed in (("4", 300), (None, 300), ("4", 0), (None, 0)):
        monkeypatch.setattr(bounds, "CLIMBED", climbed)
        whole = rate(results, anchor=anchor)
        with monkeypatch.context() as patch:
            patch.setattr(bounds, "BLOCK", 4)
            patch.setattr(bradley_terry, "PIECE", 4)
            blocks = rate(results, anchor=anchor)
        for part in ("low", "high", "covariance"):
            assert getattr(blocks, part) == pytest.approx(getattr(whole, part), rel=1e-6, abs=1e-6)


def test_more_members_than_intervals_are_worked_out_for_are_told_what_rates_them(monkeypatch):
    monkeypatch.setattr(rating, "MANY", 8)
    with pytest.raises(RatingError, match="for 8 members at most, and there are 9; `strengths`"):
        rate(one_sided(games=300), anchor=None)

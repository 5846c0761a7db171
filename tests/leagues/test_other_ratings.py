"""Elo, Glicko-2, Weng-Lin and whole-history rating: worked examples, and what each must not do."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest

from leagues.bradley_terry import ELO
from leagues.elo import elo, expected, updated
from leagues.glicko import Glicko, after_period, glicko
from leagues.rating import Result
from leagues.weng_lin import Skill, plackett_luce, weng_lin
from leagues.whole_history import Dated, whole_history

# --- Elo ------------------------------------------------------------------------------------------------------------


def test_elo_by_hand() -> None:
    assert expected(1900, 1500) == pytest.approx(10 / 11)
    assert updated(1500, 1500, 1.0) == (1516.0, 1484.0)
    assert updated(1900, 1500, 1.0, k=11) == pytest.approx((1901, 1499))
    assert updated(1900, 1500, 0.5, k=22) == pytest.approx((1891, 1509))
    assert elo([Result("a", "b", 1.0), Result("a", "b", 0.0)], k=32)["a"] == pytest.approx(
        1516 - 32 * expected(1516, 1484)
    )


def test_elo_keeps_its_sum_and_depends_on_the_order() -> None:
    games = [Result("a", "b", 1.0), Result("b", "c", 1.0), Result("c", "a", 1.0)]
    one, other = elo(games), elo(games[::-1])
    assert sum(one.values()) == pytest.approx(4500)
    assert max(abs(one[name] - other[name]) for name in one) > 0.5
    with pytest.raises(ValueError, match="k must be above 0"):
        elo([], k=0)
    with pytest.raises(ValueError, match="against itself"):
        elo([Result("a", "a", 1.0)])


# --- Glicko-2 -------------------------------------------------------------------------------------------------------

PAPER = [(Glicko(1400, 30), 1.0), (Glicko(1550, 100), 0.0), (Glicko(1700, 300), 0.0)]


def test_the_papers_example_at_full_precision() -> None:
    after = after_period(Glicko(1500, 200, 0.06), PAPER)
    assert after == pytest.approx((1464.0507, 151.5165, 0.0599960), rel=1e-6)


def test_glicko_without_games_forgets_and_nothing_else() -> None:
    after = after_period(Glicko(1500, 200, 0.06), [])
    assert after == pytest.approx((1500, sqrt(200**2 + (0.06 * ELO) ** 2), 0.06))


def test_what_an_uncertain_opponent_did_tells_less() -> None:
    sure, unsure = (after_period(Glicko(), [(Glicko(1700, d), 1.0)]) for d in (30, 350))
    assert sure.rating > unsure.rating and sure.deviation < unsure.deviation


def test_volatility_grows_by_surprise_alone() -> None:
    beaten = after_period(Glicko(1500, 60), [(Glicko(2300, 30), 1.0)] * 8)
    as_thought = after_period(Glicko(1500, 60), [(Glicko(1500, 30), 1.0), (Glicko(1500, 30), 0.0)] * 4)
    assert beaten.volatility > 0.0605 and as_thought.volatility < 0.06


def test_periods_take_everybody_at_once() -> None:
    games = [Result("a", "b", 1.0), Result("b", "c", 1.0), Result("c", "a", 0.5)]
    for name, after in glicko([games[::-1]]).items():
        assert glicko([games])[name] == pytest.approx(after)
    both = glicko([games, []])
    assert all(both[name].deviation > glicko([games])[name].deviation for name in "abc")
    assert glicko([games[:1], games[1:]])["a"] != pytest.approx(glicko([games])["a"])
    with pytest.raises(ValueError, match="tau"):
        glicko([games], tau=0)


# --- Weng-Lin -------------------------------------------------------------------------------------------------------


def test_weng_lin_of_two_by_hand() -> None:
    # sigma = 3, beta = 4: c^2 = 2 (9 + 16) = 50, p = 1/2; omega = 9 / c / 2, delta = 9 / 50 * 3 / c / 4
    (won,), (lost,) = plackett_luce([[Skill(0, 3)], [Skill(0, 3)]], [1, 2], beta=4, drift=0)
    c = sqrt(50)
    assert won.mean == pytest.approx(9 / c / 2) and lost.mean == -won.mean
    assert won.deviation == pytest.approx(3 * sqrt(1 - 9 / 50 * 3 / c / 4))


def test_weng_lin_of_published_teams() -> None:
    after = plackett_luce([[Skill()] * 2, [Skill()] * 2], [1, 2])
    assert after[0][0] == pytest.approx((26.964294621803063, 8.177962604389991), rel=1e-9)
    assert after[1][1] == pytest.approx((23.035705378196937, 8.177962604389991), rel=1e-9)


def test_a_draw_of_equals_moves_nobody_and_an_upset_moves_more() -> None:
    (one,), (other,) = plackett_luce([[Skill()], [Skill()]], [1, 1])
    assert one.mean == other.mean == 25 and one.deviation < Skill().deviation
    rise = [plackett_luce([[Skill(25)], [Skill(mean)]], [1, 2])[0][0].mean for mean in (15, 25, 35)]
    assert rise == sorted(rise) and rise[0] > 25
    assert weng_lin([Result("a", "b", 0.0)])["b"].mean > 25 > weng_lin([Result("a", "b", 0.0)])["a"].mean
    with pytest.raises(ValueError, match="no game"):
        plackett_luce([[Skill()]], [1])


def test_weng_lin_is_that_of_openskill() -> None:
    models = pytest.importorskip("openskill.models")
    model, rng = models.PlackettLuce(), np.random.default_rng(0)
    for ranks in ([1, 2], [2, 1, 3], [1, 1], [1, 2, 2, 4], [3, 1, 1, 2]):
        sides = [[Skill(rng.normal(25, 5), rng.uniform(2, 8)) for _ in range(1 + k % 2)] for k in range(len(ranks))]
        theirs = model.rate([[model.rating(*one) for one in side] for side in sides], ranks=ranks)
        for side, other in zip(plackett_luce(sides, ranks), theirs, strict=True):
            for one, there in zip(side, other, strict=True):
                assert one == pytest.approx((there.mu, there.sigma), rel=1e-9)


# --- whole history --------------------------------------------------------------------------------------------------


def test_whole_history_of_two_days_by_hand() -> None:
    # won at time 0, lost at time 1: r = +-ln 3 where 1 - p = 2 ln 3 / drift, and p = 3/4
    games = [Dated(0, "a", "fixed", 1.0), Dated(1, "fixed", "a", 1.0)]
    drift = 8 * log(3)
    track = whole_history(games, drift=drift * ELO**2, anchor="fixed", prior=0)["a"]
    assert track.elo / ELO == pytest.approx([log(3), -log(3)])
    own, across = 3 / 16 + 1 / drift, 1 / drift
    assert (track.error / ELO) ** 2 == pytest.approx([own / (own**2 - across**2)] * 2)
    assert track.at(0.5) == pytest.approx(0) and track.at(-9) == track.elo[0]
    still = whole_history(games, drift=0, anchor="fixed", prior=0)["a"]
    assert still.elo == pytest.approx([0]) and (still.error / ELO) ** 2 == pytest.approx([2])
    assert whole_history(games, still=["a"], anchor="fixed", prior=0)["a"].elo == pytest.approx([0])


def test_the_prior_is_a_game_won_and_a_game_lost_against_nought() -> None:
    # two wins and the prior: three won of four
    track = whole_history([Dated(5, "a", "z", 1.0)] * 2, anchor="z")["a"]
    assert track.elo == pytest.approx([400 * np.log10(3)])
    with pytest.raises(ValueError, match="rate with a prior"):
        whole_history([Dated(5, "a", "z", 1.0)] * 2, anchor="z", prior=0)


def test_whole_history_follows_a_learner_where_one_number_cannot() -> None:
    rng = np.random.default_rng(0)
    days = np.arange(40)
    truth = 20.0 * days - 400
    games = [
        Dated(float(day), "learner", "anchor", float(rng.random() < expected(strength, 0)))
        for day, strength in zip(days, truth, strict=True)
        for _ in range(20)
    ]
    track = whole_history(games, drift=500, anchor="anchor")["learner"]
    miss = track.elo - truth
    assert np.sqrt((miss**2).mean()) < 45
    assert (np.abs(miss) < 1.96 * track.error).mean() > 0.85
    level = whole_history(games, drift=0, anchor="anchor")["learner"]
    assert np.sqrt(((level.elo - truth) ** 2).mean()) > 200
    assert whole_history(games[::-1], drift=500, anchor="anchor")["learner"].elo == pytest.approx(track.elo, abs=1e-6)


def test_who_is_still_has_one_strength_among_those_who_move() -> None:
    games = [Dated(day, "learner", "frozen", day / 4) for day in range(5)]
    tracks = whole_history(games, still=["frozen"])
    assert len(tracks["frozen"].elo) == 1 and len(tracks["learner"].elo) == 5
    assert tracks["learner"].elo[-1] > tracks["learner"].elo[0]
    with pytest.raises(ValueError, match="played no game"):
        whole_history(games, anchor="nobody")
    with pytest.raises(ValueError, match="between 0 and 1"):
        whole_history([Dated(0, "a", "b", 2.0)])

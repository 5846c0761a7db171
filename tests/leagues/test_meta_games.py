"""Equilibria and evolution of populations whose answers are known, and a real one that goes in circles."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leagues.meta_games import alpha_rank, cycle_share, effective_diversity, nash, nash_average, stationary
from leagues.rating import Result, rate

GOLDEN = Path(__file__).parents[1] / "golden" / "ratings"
RPS = np.array([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]])
CHAIN = np.sign(np.arange(4)[None, :] - np.arange(4)[:, None]).astype(float)  # 0 beats 1 beats 2 beats 3


def bots() -> tuple[list[str], np.ndarray]:
    """The 43 bots of repeated rock-paper-scissors, their payoffs made exactly antisymmetric, in [-1, 1]."""
    cells = [ast.literal_eval(line) for line in (GOLDEN / "rrps_bot_table_file.txt").read_text().splitlines()]
    names = sorted({cell[0] for cell in cells})
    table = np.zeros((43, 43))
    for a, b, gain in cells:
        table[names.index(a), names.index(b)] = gain / 1000
    return names, (table - table.T) / 2


def open_spiel_of_bots() -> dict[str, Any]:
    """What OpenSpiel makes of the bots: golden/ratings/open_spiel.json, which `tests/regenerate.py open_spiel` writes.

    Its linear programme asks for cvxpy and ecos, its alpha-rank for matplotlib. The programme stops at 1e-7.
    """
    pyspiel: Any = pytest.importorskip("pyspiel")
    pytest.importorskip("ecos")
    linear: Any = pytest.importorskip("open_spiel.python.algorithms.lp_solver")
    alpharank: Any = pytest.importorskip("open_spiel.python.egt.alpharank")
    names, table = bots()
    weights, _, value, _ = linear.solve_zero_sum_matrix_game(
        pyspiel.create_matrix_game("first", "second", names, names, table, -table)
    )
    found = {"nash": np.ravel(weights).tolist(), "value": float(value), "alpha_rank": {}}
    for alpha in (1.0, 10.0, 100.0):
        found["alpha_rank"][f"{alpha:g}"] = alpharank.compute([table], m=50, alpha=alpha)[2].tolist()
    return {"bots": names, **found}


# --- Nash -----------------------------------------------------------------------------------------------------------


def test_nash_by_hand() -> None:
    assert nash(RPS) == pytest.approx([1 / 3] * 3)
    assert nash(CHAIN) == pytest.approx([1, 0, 0, 0], abs=1e-9)
    # rock worth 3 against scissors, paper 1 against rock, scissors 2 against paper: weights 2 : 3 : 1
    uneven = np.array([[0.0, -1, 3], [1, 0, -2], [-3, 2, 0]])
    assert nash(uneven) == pytest.approx(np.array([2, 3, 1]) / 6)
    assert nash(np.zeros((3, 3))) == pytest.approx([1 / 3] * 3)
    assert nash(np.zeros((1, 1))) == pytest.approx([1])


def test_a_twin_takes_from_its_twin_alone() -> None:
    twice = [0, 1, 2, 2]
    weights = nash(RPS[np.ix_(twice, twice)])
    assert weights == pytest.approx([1 / 3, 1 / 3, 1 / 6, 1 / 6])
    assert alpha_rank(RPS[np.ix_(twice, twice)])[0] != pytest.approx(1 / 3, abs=0.01)  # which alpha-rank does not say


def test_who_loses_to_all_changes_nothing() -> None:
    table = np.zeros((4, 4))
    table[:3, :3], table[:3, 3], table[3, :3] = RPS, 1, -1
    assert nash(table) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert nash_average(table, nash(table)) == pytest.approx([0, 0, 0, -1])


def test_of_many_equilibria_the_one_of_greatest_entropy() -> None:
    # members 0-1-2 go round; 3 is even with all of them, so any weight of it will do: a quarter each is the evenest
    table = np.zeros((4, 4))
    table[:3, :3] = RPS
    assert nash(table) == pytest.approx([0.25] * 4)
    # 4 loses to 0, 1, 2 by 1 and beats 3 by 4: so 3 may have no more than three quarters of what each of them has
    more = np.zeros((5, 5))
    more[:4, :4], more[:4, 4], more[4, :4] = table, [1, 1, 1, -4], [-1, -1, -1, 4]
    assert nash(more) == pytest.approx([4 / 15, 4 / 15, 4 / 15, 1 / 5, 0], abs=1e-6)  # here the outsider binds


def test_nobody_gains_against_the_equilibrium_of_any_table() -> None:
    rng = np.random.default_rng(0)
    for n in (2, 5, 12, 30):
        for table in (rng.normal(size=(n, n)), rng.integers(-1, 2, (n, n)).astype(float)):
            table = table - table.T
            weights = nash(table)
            assert weights.sum() == pytest.approx(1) and weights.min() >= 0
            assert (table @ weights).max() < 1e-5 * np.abs(table).max()


def test_the_bots_of_repeated_rock_paper_scissors() -> None:
    names, table = bots()
    golden = json.loads((GOLDEN / "golden.json").read_text())
    assert len(names) == golden["rrps_bots"]
    weights = nash(table)
    assert (table @ weights).max() < 1e-6
    in_it = {name for name, weight in zip(names, weights, strict=True) if weight > 1e-4}
    assert "greenberg" in in_it and "rockbot" not in in_it
    assert names[int(alpha_rank(table).argmax())] in [name for name, _ in golden["rrps_top5_mean"]]
    means = dict(zip(names, 1000 * table.sum(1) / 43, strict=True))
    for name, mean in golden["rrps_top5_mean"]:  # of the table before it was made antisymmetric
        assert means[name] == pytest.approx(mean, abs=golden["rrps_antisym_max"] / 2)


def test_the_masses_of_the_bots_are_those_of_open_spiel() -> None:
    """The equilibrium is the only one: all outside lose to it, and among the five within the table has rank four."""
    names, table = bots()
    golden = json.loads((GOLDEN / "open_spiel.json").read_text())
    weights, theirs = nash(table), np.array(golden["nash"])
    assert golden["bots"] == names and abs(golden["value"]) < 1e-6
    inside = weights > 0
    assert np.abs(weights @ table[:, inside]).max() < 1e-12
    assert (table @ weights)[~inside].max() < -1e-4
    assert inside.sum() == 5 and np.linalg.matrix_rank(table[np.ix_(inside, inside)]) == 4
    assert set(np.flatnonzero(theirs > 1e-6)) == set(np.flatnonzero(inside))
    assert weights == pytest.approx(theirs, rel=0, abs=1e-6)
    for alpha, shares in golden["alpha_rank"].items():
        assert alpha_rank(table, alpha=float(alpha), population=50) == pytest.approx(shares, rel=0, abs=1e-6)


def test_open_spiel_still_says_of_the_bots_what_is_kept_of_it() -> None:
    found, kept = open_spiel_of_bots(), json.loads((GOLDEN / "open_spiel.json").read_text())
    assert found["bots"] == kept["bots"]
    assert found["nash"] == pytest.approx(kept["nash"], abs=1e-6)
    assert found["alpha_rank"].keys() == kept["alpha_rank"].keys()
    for alpha, shares in found["alpha_rank"].items():
        assert shares == pytest.approx(kept["alpha_rank"][alpha], abs=1e-9)


# --- diversity ------------------------------------------------------------------------------------------------------


def test_effective_diversity_by_hand() -> None:
    assert effective_diversity(RPS) == pytest.approx(3 * (1 / 3) ** 2)
    assert effective_diversity(RPS / 2) == pytest.approx(1 / 6)
    assert effective_diversity(CHAIN) == pytest.approx(0.0)
    assert effective_diversity(np.zeros((3, 3))) == effective_diversity(np.zeros((1, 1))) == 0.0
    # weights 2 : 3 : 1 of 6; each of the three wins adds 6 / 36
    uneven = np.array([[0.0, -1, 3], [1, 0, -2], [-3, 2, 0]])
    assert effective_diversity(uneven) == pytest.approx(1 / 2)


def test_copies_and_the_weak_add_nothing_to_diversity() -> None:
    twice = np.array([0, 0, 0, 1, 2, 2])
    assert effective_diversity(RPS[np.ix_(twice, twice)]) == pytest.approx(1 / 3)
    weak = np.pad(RPS, (0, 1))
    weak[3, :3], weak[:3, 3] = -1, 1
    assert effective_diversity(weak) == pytest.approx(1 / 3)


# --- evolution ------------------------------------------------------------------------------------------------------


def test_alpha_rank_by_hand() -> None:
    assert alpha_rank(RPS) == pytest.approx([1 / 3] * 3)
    assert alpha_rank(CHAIN) == pytest.approx([1, 0, 0, 0], abs=1e-9)
    # of two, whose payoffs differ by d = 2 * 0.01 * alpha: the odds are exp(d (m - 1))
    shares = alpha_rank(np.array([[0, 0.01], [-0.01, 0]]), alpha=1.0, population=6)
    assert shares[0] / shares[1] == pytest.approx(np.exp(0.02 * 5))
    assert alpha_rank(np.zeros((3, 3))) == pytest.approx([1 / 3] * 3)
    with pytest.raises(ValueError, match="antisymmetric"):
        alpha_rank(np.ones((2, 2)))


def test_alpha_rank_is_that_of_open_spiel() -> None:
    alpharank = pytest.importorskip("open_spiel.python.egt.alpharank")
    rng = np.random.default_rng(3)
    for alpha in (0.3, 1.0, 4.0):
        table = rng.uniform(-1, 1, (5, 5))
        table = (table - table.T) / 2
        _, _, theirs, _, _ = alpharank.compute([table], m=20, alpha=alpha)
        # its population of one kind meets the table from the row's side alone
        ours = alpha_rank(table, alpha=alpha, population=20)
        assert ours == pytest.approx(theirs, abs=1e-8)


def test_stationary_shares_by_hand() -> None:
    assert stationary(np.array([[9.0, 3], [1, 9]])) == pytest.approx([0.25, 0.75])
    rates = np.random.default_rng(0).random((6, 6))
    shares = stationary(rates)
    np.fill_diagonal(rates, 0)
    assert shares @ rates == pytest.approx(shares * rates.sum(1))
    assert stationary(np.array([[0, 1e-40], [1, 0]]))[1] == pytest.approx(1e-40)


# --- circles --------------------------------------------------------------------------------------------------------


def test_cycle_share_by_hand() -> None:
    half = np.full((3, 3), 0.5)
    assert cycle_share((RPS + 1) / 2, half) == 1.0
    assert cycle_share((CHAIN + 1) / 2, (CHAIN + 1) / 2) == 0.0
    assert cycle_share(half, half) == 0.0
    # one meeting of three misses by 0.1 what was expected; all are 0.3 from even
    score = np.array([[0.5, 0.8, 0.8], [0.2, 0.5, 0.8], [0.2, 0.2, 0.5]])
    thought = score.copy()
    thought[0, 1], thought[1, 0] = 0.7, 0.3
    assert cycle_share(score, thought) == pytest.approx(0.01 / 0.27)


def played(chance: np.ndarray, games: int) -> float:
    """The cycle share of a round robin with these chances of winning."""
    rng, n = np.random.default_rng(1), len(chance)
    results: dict[Result, float] = {}
    score, number = np.full((n, n), 0.5), np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1, n):
            won = int(rng.binomial(games, chance[i, j]))
            results[Result(str(i), str(j), 1.0)], results[Result(str(i), str(j), 0.0)] = won, games - won
            score[i, j], score[j, i] = won / games, 1 - won / games
            number[i, j] = number[j, i] = games
    rated = rate(results, anchor=None)
    return cycle_share(score, rated.expectations(), number)


def test_cycle_share_of_played_games() -> None:
    strength = np.linspace(-1.5, 1.5, 8)
    transitive = 1 / (1 + np.exp(strength[None, :] - strength[:, None]))
    for games in (20, 1000):
        assert played(transitive, games) < 0.02
    assert played((0.6 * RPS + 1) / 2, 500) > 0.97
    mixed = transitive.copy()
    mixed[:3, :3] = (0.9 * RPS + 1) / 2
    assert 0.1 < played(mixed, 500) < 0.5

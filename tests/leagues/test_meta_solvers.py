"""Projections onto the simplex and replicator dynamics by hand, and that every meta-solver gives a distribution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.registry import resolve
from leagues.meta_solvers import onto_simplex, projected_replicator, uniform
from leagues.roles import SOLVERS

TABLES = {
    "alone": np.zeros((1, 1)),
    "all even": np.zeros((4, 4)),
    "one beats all": np.array([[0, 1, 1], [-1, 0, 0], [-1, 0, 0]]),
    "a ranking": np.sign(np.arange(5)[:, None] - np.arange(5)[None, :]),
    "a circle": np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]),
    "twins": np.array([[0, 0, -1, 1], [0, 0, -1, 1], [1, 1, 0, -1], [-1, -1, 1, 0]]),
    "nearly even": 1e-12 * np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]),
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_gives_a_distribution(solver: str, table: str) -> None:
    odds = resolve(SOLVERS, solver, "meta-solver")(TABLES[table].astype(float))
    assert np.all(np.isfinite(odds))
    assert np.all(odds >= 0)
    assert odds.sum() == pytest.approx(1, abs=1e-9)


def test_the_nearest_distribution_by_hand() -> None:
    assert onto_simplex(np.array([0.5, 0.3, 0.2])) == pytest.approx([0.5, 0.3, 0.2])
    assert onto_simplex(np.array([1.0, 0.6])) == pytest.approx([0.7, 0.3])  # both less 0.3
    assert onto_simplex(np.array([2.0, 0.6, -1.0])) == pytest.approx([1, 0, 0])
    assert onto_simplex(np.array([2.0, 0.0, 0.0]), 0.1) == pytest.approx([0.8, 0.1, 0.1])
    assert onto_simplex(np.array([2.0, 0.0, 0.0]) / 2, 0.1) != pytest.approx([1, 0, 0])


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=8), st.floats(0, 1), st.lists(st.floats(0, 1), min_size=8))
def test_no_distribution_is_nearer(point: list[float], share: float, other: list[float]) -> None:
    at, floor = np.array(point), share / len(point)
    found = onto_simplex(at, floor)
    assert found.sum() == pytest.approx(1)
    assert np.all(found >= floor - 1e-12)
    rest = np.array(other[: at.size]) + 1e-9
    rival = floor + (1 - at.size * floor) * rest / rest.sum()
    assert np.linalg.norm(found - at) <= np.linalg.norm(rival - at) + 1e-9


def test_one_step_of_the_replicator_by_hand() -> None:
    """From (1/2, 1/2), the first winning by 1: gains (1/2, -1/2), mean 0; x = 1/2 (1 +- 0.2 / 2)."""
    table = np.array([[0.0, 1.0], [-1.0, 0.0]])
    assert projected_replicator(table, steps=1, rate=0.2) == pytest.approx([0.55, 0.45])
    # second: gains (0.45, -0.55), mean 0 again; 0.55 (1 + 0.09), 0.45 (1 - 0.11)
    second = np.array([0.5995, 0.4005])
    assert projected_replicator(table, steps=2, rate=0.2) == pytest.approx((np.array([0.55, 0.45]) + second) / 2)


def test_nobody_dies_out() -> None:
    """Who always loses keeps the least share, and comes back when it is needed."""
    table = np.array([[0.0, 1.0], [-1.0, 0.0]])
    odds = projected_replicator(table, steps=4000, rate=0.1, explore=0.2)
    assert odds == pytest.approx([0.9, 0.1], abs=0.01)
    assert projected_replicator(table, steps=4000, rate=0.1)[1] < 0.01


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 8))
def test_the_replicator_is_hard_to_exploit(seed: int, n: int) -> None:
    half = np.random.default_rng(seed).uniform(-1, 1, (n, n))
    table = (half - half.T) / 2
    assert (table @ projected_replicator(table, steps=5000, rate=0.05)).max() < 0.05


def test_uniform_is_not_an_equilibrium() -> None:
    assert uniform(TABLES["one beats all"]) == pytest.approx([1 / 3] * 3)
    assert projected_replicator(TABLES["one beats all"])[0] > 0.95


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_table_of_win_rates_is_refused(solver: str) -> None:
    with pytest.raises(ValueError, match="antisymmetric"):
        resolve(SOLVERS, solver, "meta-solver")(np.full((2, 2), 0.5))
    with pytest.raises(ValueError, match="antisymmetric"):
        resolve(SOLVERS, solver, "meta-solver")(np.zeros((0, 0)))

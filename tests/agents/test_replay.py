"""The replay: what it keeps, in what shares it draws, that it goes on exactly."""

from __future__ import annotations

import numpy as np
import pytest

from agents.replay import Replay


def filled(capacity: int, alpha: float = 1.0) -> Replay:
    replay = Replay(capacity, alpha)
    for start in (0, 4, 8):
        replay.add({"x": np.arange(start, start + 4)})
    return replay


def drawn(replay: Replay, count: int = 4000, beta: float = 0.0, seed: int = 0):
    places, weight = replay.draw(count, beta, np.random.default_rng(seed))
    return replay.take(places)["x"], weight


def test_the_oldest_go_first():
    assert set(drawn(filled(5))[0]) == {7, 8, 9, 10, 11}
    assert set(drawn(filled(12))[0]) == set(range(12))
    assert len(filled(100)) == 12


def test_drawn_in_proportion_to_priority():
    replay = filled(12)
    priority = np.arange(1.0, 13.0)
    replay.reweigh(np.arange(12), priority)
    values, weight = drawn(replay, 60_000, beta=1.0)
    share = np.bincount(values, minlength=12) / len(values)
    np.testing.assert_allclose(share, priority / priority.sum(), atol=0.003)
    # (N p)^-1 over the largest, which is that of the least likely: 1 / priority
    np.testing.assert_allclose(weight, 1.0 / priority[values], rtol=1e-5)


def test_alpha_bends_the_shares_and_0_is_even():
    for alpha, expected in ((0.5, np.sqrt([1.0, 4.0])), (0.0, np.ones(2))):
        replay = Replay(2, alpha)
        replay.add({"x": np.arange(2)})
        replay.reweigh(np.arange(2), np.array([1.0, 4.0]))
        share = np.bincount(drawn(replay, 30_000)[0]) / 30_000
        np.testing.assert_allclose(share, expected / expected.sum(), atol=0.005)


def test_what_comes_in_is_as_likely_as_the_likeliest():
    replay = filled(12)
    replay.reweigh(np.arange(12), np.full(12, 8.0))
    replay.add({"x": np.array([12])})  # in the place of 0
    assert replay.tree[replay.leaves] == 8.0


@pytest.mark.parametrize("capacity", [5, 9, 30])
def test_goes_on_exactly_from_its_state(capacity: int):
    straight = filled(capacity)
    straight.reweigh(np.arange(len(straight)), np.linspace(1, 3, len(straight)))
    other = Replay(capacity, 1.0)
    other.restore({key: np.copy(v) if isinstance(v, np.ndarray) else v for key, v in straight.state().items()})
    for one in (straight, other):
        one.add({"x": np.array([50, 51])})
    assert (drawn(straight, beta=0.5)[0] == drawn(other, beta=0.5)[0]).all()
    assert straight.tree.tobytes() == other.tree.tobytes()


@pytest.mark.parametrize("capacity", [3, 20])
def test_another_size_takes_over_the_newest(capacity: int):
    other = Replay(capacity, 1.0)
    other.restore(filled(7).state())
    assert set(drawn(other)[0]) == set(range(12 - min(7, capacity), 12))
    other.add({"x": np.array([12])})
    assert 12 in drawn(other)[0]

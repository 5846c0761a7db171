"""Population-based training: who gives up, from whom it goes on, and what changes."""

from __future__ import annotations

import numpy as np
import pytest

from leagues.breeding import Breeding, explored, successions

FITNESS = {"a": 0.2, "b": 0.9, "c": 0.5, "d": 0.4, "e": 0.8, "f": 0.1, "g": 0.55, "h": 0.45}


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_worst_quarter_goes_on_from_the_best():
    for seed in range(20):
        found = successions(FITNESS, 0.25, rng(seed))
        assert [loser for loser, _ in found] == ["f", "a"]
        assert {winner for _, winner in found} <= {"b", "e"}
    drawn = {winner for seed in range(20) for _, winner in successions(FITNESS, 0.25, rng(seed))}
    assert drawn == {"b", "e"}


def test_one_at_least_and_never_among_equals():
    assert successions({"a": 0.3, "b": 0.6, "c": 0.5}, 0.25, rng()) == [("a", "b")]
    assert successions({"a": 0.5, "b": 0.5}, 0.5, rng()) == []
    assert successions({"a": 0.5}, 0.5, rng()) == successions({}, 0.5, rng()) == []


def test_settings_change_by_the_factor_alone():
    seen = {explored({"x": 2.0}, 1.25, rng(seed))["x"] for seed in range(20)}
    assert seen == {2.5, 1.6}
    assert {tuple(explored({"x": 1.0, "y": 1.0}, 2.0, rng(s)).values()) for s in range(40)} == {
        (2.0, 2.0), (2.0, 0.5), (0.5, 2.0), (0.5, 0.5)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"every": -1}, "every"),
        ({"share": 0.6}, "share"),
        ({"factor": 1.0}, "factor"),
        ({"every": 5}, "settings"),
    ],
)
def test_what_is_no_breeding_is_refused_by_name(options, name):
    with pytest.raises(ValueError, match=name):
        Breeding(**options)

"""When learners are frozen, and that an exploiter is frozen before it starts anew."""

from __future__ import annotations

import numpy as np
import pytest

from leagues.census import Census, Member
from leagues.payoff import Payoff
from leagues.rating import Result
from leagues.snapshots import checkpoint, verdict

MEMBERS = [
    Member("m", "main", live=True),
    Member("n", "main", live=True),
    Member("x", "main_exploiter", live=True),
    Member("l", "league_exploiter", live=True),
    Member("s", "latest", live=True),
    Member("m@1", "main", parent="m"),
    Member("x@1", "main_exploiter", parent="x"),
    Member("random", "anchor"),
]


def census(*results: tuple[str, str, float]) -> Census:
    return Census(MEMBERS, Payoff(Result(*result) for result in results))


def named(name: str) -> Member:
    return next(member for member in MEMBERS if member.name == name)


ALL_BEATEN = census(
    *((name, other, 0.8) for name in "ml" for other in ("m@1", "x@1")), ("x", "m", 0.8), ("x", "n", 0.8)
)
ONE_LEFT = census(*((name, other, 0.8) for name in "ml" for other in ("m@1",)), ("x", "m", 0.8), ("x", "n", 0.7))


@pytest.mark.parametrize("name", ["m", "x", "l"])
def test_frozen_when_all_are_beaten(name: str) -> None:
    assert not verdict(named(name), ALL_BEATEN, 99, 100, 200).freeze  # too early
    assert verdict(named(name), ALL_BEATEN, 100, 100, 200).freeze
    left = verdict(named(name), ONE_LEFT, 199, 100, 200)
    assert not left.freeze
    assert verdict(named(name), ONE_LEFT, 200, 100, 200).freeze  # at the latest
    hardest = {"m": "x@1 in 50%", "l": "x@1 in 50%", "x": "n in 70%"}[name]
    assert hardest in left.reason


def test_a_main_exploiter_need_not_beat_what_is_frozen() -> None:
    table = census(("x", "m", 0.8), ("x", "n", 0.8), ("x", "m@1", 0.0))
    assert verdict(named("x"), table, 100, 100, 200).freeze
    assert not verdict(Member("x", "league_exploiter", live=True), table, 100, 100, 200).freeze


def test_anchors_need_not_be_beaten() -> None:
    table = census(("m", "m@1", 0.8), ("m", "x@1", 0.8), ("m", "random", 0.0))
    assert verdict(named("m"), table, 100, 100, 200).freeze


def test_other_roles_are_frozen_at_even_distances() -> None:
    assert not verdict(named("s"), ALL_BEATEN, 99, 100, 200).freeze
    assert verdict(named("s"), ONE_LEFT, 100, 100, 200).freeze


def test_a_league_without_a_past_gets_one() -> None:
    alone = Member("m", "main", live=True)
    assert verdict(alone, Census([alone]), 100, 100, 200) == (True, "100 steps done, nobody to beat", 0.0)


def test_who_starts_anew() -> None:
    restarts = {name: verdict(named(name), ONE_LEFT, 200, 100, 200).restarts for name in "mxls"}
    assert restarts == {"m": 0.0, "x": 1.0, "l": 0.25, "s": 0.0}


def test_limits_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(ValueError, match="smaller one first"):
        verdict(named("m"), ONE_LEFT, 0, 200, 100)


def test_an_exploiter_is_frozen_before_it_starts_anew() -> None:
    """The published pseudocode's `MainExploiter.checkpoint` sets the first weights, then takes the snapshot."""

    def as_published(trained: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        learner = trained.copy()
        learner[:] = first
        return learner.copy(), learner

    trained, first = np.array([0.0, 0.2, 0.8]), np.full(3, 1 / 3)
    scores = np.array([[0.5, 0.0, 1.0], [1.0, 0.5, 0.0], [0.0, 1.0, 0.5]])
    main = np.array([0.0, 1.0, 0.0])  # paper; the exploiter learned to play scissors

    frozen, onward = checkpoint(trained, first, restart=True)
    assert frozen @ scores @ main == pytest.approx(0.9)
    assert onward is first
    wrong, _ = as_published(trained, first)
    assert wrong @ scores @ main == pytest.approx(0.5)  # it exploits nobody: this is what the error costs

    frozen, onward = checkpoint(trained, first, restart=False)
    assert frozen is onward is trained


def test_an_oracle_starts_anew_after_each_snapshot_and_plain_self_play_never() -> None:
    oracle = verdict(Member("o", "psro:solver=uniform", live=True), ALL_BEATEN, 100, 100, 200)
    assert oracle.freeze and oracle.restarts == 1.0
    assert verdict(named("s"), ALL_BEATEN, 100, 100, 200).restarts == 0.0

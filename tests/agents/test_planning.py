"""Planning: exact values that are known, small models worked by hand, and what cannot be planned."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.agent import Unable
from agents.exact.planning import (
    Planner,
    Unsettled,
    evaluate,
    greedy_policy,
    pair_values,
    policy_iteration,
    to_horizon,
    value_iteration,
)
from agents.exact.transitions import Model, explore
from agents.play import play_games
from agents.registry import agent
from envs import kernels
from envs.registry import game
from tests.agents.horizons import within

KNOWN: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[1] / "golden" / "planned.json").read_text(encoding="utf-8")
)


@cache
def model(spec: str) -> Model:
    return explore(game(spec))


@pytest.mark.parametrize("spec", sorted(KNOWN))
def test_exact_values(spec: str) -> None:
    """Values that others computed from Gymnasium's transitions, or that the book gives."""
    known, found = KNOWN[spec], model(spec)
    plan = value_iteration(found)
    assert found.start.sum() == pytest.approx(1.0)
    assert found.worth(plan.values) == pytest.approx(known["undiscounted"], abs=1e-8)
    assert found.worth(policy_iteration(found).values) == pytest.approx(known["undiscounted"], abs=1e-8)
    if "discount_0.99" in known:
        assert found.worth(value_iteration(found, 0.99).values) == pytest.approx(known["discount_0.99"], abs=1e-9)
        assert found.worth(policy_iteration(found, 0.99).values) == pytest.approx(known["discount_0.99"], abs=1e-9)
    if "limit_time_aware" in known:
        plies = found.game.max_plies
        assert found.worth(to_horizon(found, plies)[0][plies]) == pytest.approx(known["limit_time_aware"], abs=1e-9)
        stationary = within(found, plan.policy, plies)
        assert found.worth(stationary) == pytest.approx(known["limit_stationary"], abs=1e-7)


def test_a_corridor_by_hand() -> None:
    """S....G pays 1 at the end of five steps; half of it a step further back where a step halves."""
    found = model("maze:layout=corridor")
    assert found.size == 5
    values = value_iteration(found, 0.5).values
    np.testing.assert_allclose(values[np.argsort(found.keys)], [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0])
    dense = found.dense(pair_values(found, values, 0.5))
    assert dense[0].tolist() == [1 / 32, 1 / 16, 1 / 32, 1 / 32]
    assert to_horizon(found, 4)[0][4] @ found.start == 0.0  # four steps do not get there
    assert to_horizon(found, 5)[0][5] @ found.start == 1.0


def test_slipping_by_hand() -> None:
    """S~G over a pit: the step from ~ arrives with 1/2, falls with 1/4, stays with 1/4: (1/2 - 1/4) / (1 - 1/4).

    Stepping against the wall slips to the goal sooner or later and never into the pit.
    """
    found = model("maze:layout=S~G/.P.,slip=0.5")
    assert found.worth(value_iteration(found).values) == pytest.approx(1.0)
    policy = np.array([next(p for p in range(found.pairs[s], found.pairs[s + 1]) if found.action[p] == 1)
                       for s in range(found.size)])  # fmt: skip
    assert found.worth(evaluate(found, policy).values) == pytest.approx(1 / 3)


def test_play_at_random_by_hand() -> None:
    """SG: a random step arrives with 1/4, so undiscounted 1 and with half a step (1/4) / (1 - 3/8) = 2/5."""
    found = explore(game("maze:layout=SG"))
    assert evaluate(found).values.tolist() == pytest.approx([1.0])
    assert evaluate(found, discount=0.5).values.tolist() == pytest.approx([0.4])


def test_sweeps_and_equations_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    found = model("cliff_walking:slippery=true")
    solved = value_iteration(found), policy_iteration(found), evaluate(found, discount=0.9)
    monkeypatch.setattr("agents.exact.planning.MOST_EQUATIONS", 0)
    swept = value_iteration(found), policy_iteration(found, tolerance=1e-10), evaluate(found, discount=0.9)
    for ours, theirs in zip(solved, swept, strict=True):
        np.testing.assert_allclose(ours.values, theirs.values, rtol=1e-7)


def test_among_equals_the_sooner_end_is_taken() -> None:
    """Undiscounted every cell of a maze without a pit is worth 1, and greed alone may walk in circles for ever."""
    found = model("maze")
    plan = value_iteration(found)
    assert within(found, plan.policy, 100) @ found.start == 1.0
    circles = greedy_policy(found, plan.values)
    assert within(found, circles, 100) @ found.start == 0.0


def test_two_seats_play_against_each_other() -> None:
    found = model("tic_tac_toe")
    assert found.size == 4520  # positions with a move to make, of the 5,478
    plan = value_iteration(found)
    assert found.worth(plan.values) == 0.0
    assert set(np.unique(plan.values)) == {-1.0, 0.0, 1.0}
    with pytest.raises(Unable, match="one seat"):
        policy_iteration(found)


def test_values_that_never_settle_are_an_error() -> None:
    """Every step pays 1 and nobody need ever arrive: undiscounted there is no best value."""
    found = explore(game("maze:layout=SG,goal=0,step=1"))
    with pytest.raises(Unsettled, match="discount below 1"):
        value_iteration(found, most=500)
    assert value_iteration(found, 0.5).values.tolist() == pytest.approx([2.0])


def test_games_without_keys_or_odds_are_refused() -> None:
    with pytest.raises(Unable, match="has none"):
        explore(game("connect_four"))


@pytest.mark.parametrize(
    ("spec", "options"),
    [("cliff_walking", {}), ("cliff_walking", {"iteration": "policy"}), ("frozen_lake", {"clock": True})],
)
def test_the_planner_earns_what_it_planned(spec: str, options: dict[str, Any]) -> None:
    rules, planner = game(spec), Planner(**options)
    count = 1 if spec == "cliff_walking" else 1500
    finished = play_games(rules, [planner], np.zeros((count, 1), int), kernels.seeds(5, count))
    paid = np.array([each.reward[0] for each in finished])
    expected = -13.0 if spec == "cliff_walking" else KNOWN[spec]["limit_time_aware"]
    assert abs(paid.mean() - expected) <= 4 * paid.std() / np.sqrt(count)


def test_the_planners_clock_is_the_games_wherever_it_takes_over() -> None:
    rules, planner, found = game("frozen_lake"), Planner(clock=True), model("frozen_lake")
    seeds = kernels.seeds(2, 400)
    late = kernels.random_openings(rules, seeds, 6)
    late = late[~late["done"]]
    late["ply"] += (rules.max_plies - 12) * (np.arange(len(late)) % 2)  # every other one late in the game
    view = kernels.view(rules, late)
    decided = planner.act(view, planner.begin(rules, seeds[: len(late)]))
    states, left = found.find(kernels.keys_of(rules, late)), rules.max_plies - late["ply"].astype(int)
    values, policy = to_horizon(found, rules.max_plies)
    assert len(set(left)) == 2 and (decided.action == found.action[policy[left - 1, states]]).all()
    assert np.array_equal(decided.extra["value"], values[left, states])


def test_the_planner_says_what_is_wrong_with_its_options() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        Planner(discount=1.5)
    with pytest.raises(ValueError, match="true or false"):
        Planner(clock="late")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="value or policy, not values"):
        Planner(iteration="values")
    with pytest.raises(ValueError, match="leave iteration out"):
        Planner(clock=True, iteration="policy")
    assert agent("planner:discount=0.9,iteration=policy").name == "planner:discount=0.9,iteration=policy"
    assert agent("planner:clock=true").name == "planner:clock=true"

"""Rewards by the running spread of the discounted return: its numbers, its unit, and that a run goes on exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.agent import Unable
from agents.experience import Columns
from agents.learn.policy_gradient import heads
from agents.learn.ppo import PPO, PPOSettings
from agents.learn.reward_spread import RewardSpread
from agents.networks import Network
from agents.rollouts import Rollouts, RolloutSettings
from envs.registry import game


def columns(reward: Any, valid: Any, fresh: Any) -> Columns:
    flags = {"valid": np.array(valid, np.bool_), "fresh": np.array(fresh, np.bool_)}
    return {"reward": np.array(reward, np.float32), **flags}


def test_sums_go_on_over_fragments_and_end_with_games() -> None:
    spread = RewardSpread(0.5)
    assert spread.unit == 1.0
    spread.see(columns([[1, 2, 9], [4, 1, 0]], [[1, 1, 0], [1, 1, 1]], [[1, 0, 0], [1, 0, 1]]))
    seen = [1, 2.5, 4, 3, 0]  # what was only looked at is no decision
    assert spread.unit == pytest.approx(np.std(seen))
    spread.see(columns([[2, 1], [8, 3]], [[1, 1], [1, 1]], [[0, 0], [0, 1]]))
    seen += [0.5 * 2.5 + 2, 0.5 * 3.25 + 1, 8, 3]
    assert spread.unit == pytest.approx(np.std(seen))
    spread.see(columns([[1]], [[1]], [[0]]))  # of another number of tracks: a worker has come or gone
    assert spread.unit == pytest.approx(np.std([*seen, 1]))


def test_a_reward_far_out_is_cut_and_whole_hands_are_refused() -> None:
    spread = RewardSpread(1.0)
    reward = np.zeros((1, 1000), np.float32)
    reward[0, 500] = -1000.0
    given = columns(reward, np.ones((1, 1000)), np.ones((1, 1000)))
    seen = spread.see(given)["reward"]
    assert seen.min() == pytest.approx(-10 * np.std(reward)) and given["reward"].min() == -1000 and seen[0, 0] == 0
    with pytest.raises(Unable, match=r"learner\.normalise_rewards"):
        spread.see({**given, "count": reward})


def learner(seed: int = 1) -> PPO:
    rules = game("cart_pole")
    settings = PPOSettings(normalise_rewards=True, batch=32, epochs=2, learning_rate=0.01)
    return PPO(rules, Network(rules, "mlp:width=8", heads(rules), seed=seed), settings, 0)


def played(count: int) -> list[Columns]:
    rollouts = Rollouts(learner().network, RolloutSettings(lanes=4, steps=16), 0)
    return [rollouts.collect(0)[0] for _ in range(count)]


def test_what_is_learned_does_not_depend_on_what_a_point_is_worth() -> None:
    one, other = learner(), learner()
    for fragment in played(3):
        more = {name: fragment[name] * np.float32(1024) for name in ("reward", "value")}
        one.update(fragment, 0.5)
        other.update({**fragment, **more}, 0.5)
    mine, theirs = one.weights(), other.weights()
    scale = theirs.pop("heads.returns.spread") / mine.pop("heads.returns.spread")
    assert scale == pytest.approx(1024) and all(np.allclose(mine[k], theirs[k], atol=1e-5) for k in theirs)
    assert theirs["heads.returns.mean"] == 0 and one.unit > 1


def test_a_run_goes_on_exactly() -> None:
    fragments, through, first, second = played(3), learner(), learner(), learner(seed=2)
    for fragment in fragments[:2]:
        through.update(fragment, 0.5)
        first.update(fragment, 0.5)
    second.restore(first.state())
    for one in (through, second):
        one.update(fragments[2], 0.6)
    assert all(through.weights()[name].tobytes() == value.tobytes() for name, value in second.weights().items())
    assert through.rewards is not None and second.rewards is not None
    mine, theirs = through.rewards.state(), second.rewards.state()
    assert all(np.array_equal(mine[name], theirs[name]) for name in mine)

"""A network's raw policy as an agent."""

from __future__ import annotations

import numpy as np
import pytest

from agents.agent import Unable
from agents.policy import NetworkAgent, masked_softmax
from envs import kernels
from envs.game import View
from envs.registry import game

C4 = game("connect_four")


def agent(logits: list[float], temperature: float = 0.0) -> NetworkAgent:
    def evaluate(obs):
        return np.tile(np.array(logits, np.float32), (len(obs), 1)), np.full(len(obs), 0.25, np.float32)

    return NetworkAgent(evaluate, C4, "fixed", temperature)


def view(lanes: int, illegal: tuple[int, ...] = ()) -> View:
    seen = kernels.view(C4, kernels.new_rows(C4, kernels.seeds(0, lanes)))
    seen.legal[:, list(illegal)] = False
    return seen


def test_masked_softmax_by_hand() -> None:
    logits = np.log(np.array([[1.0, 3.0, 100.0]], np.float32))
    np.testing.assert_allclose(masked_softmax(logits, np.array([[True, True, False]])), [[0.25, 0.75, 0]], rtol=1e-6)
    assert np.isfinite(masked_softmax(np.array([[900.0, -900.0]], np.float32), np.ones((1, 2), bool))).all()


def test_greedy_takes_the_likeliest_legal_move_and_draws_nothing() -> None:
    player = agent([0, 5, 9, 1, 1, 1, 1])
    memory = player.begin(C4, kernels.seeds(3, 4))
    decision = player.act(view(4, illegal=(2,)), memory)
    assert decision.action.tolist() == [1] * 4
    assert np.array_equal(decision.memory["rng"], memory["rng"])
    assert decision.extra["value"].tolist() == [0.25] * 4
    assert decision.extra["policy"][0].tolist() == [0, 1, 0, 0, 0, 0, 0]
    assert 0.9 < decision.extra["prior"][0, 1] < 1 and decision.extra["prior"][0, 2] == 0


def test_sampling_follows_the_tempered_policy() -> None:
    # Odds of 1 : 2 at temperature 1/2 are 1 : 4, so the second of two legal moves comes with 0.8.
    player = agent([0, np.log(2), 9, 9, 9, 9, 9], temperature=0.5)
    seen = view(20_000, illegal=(2, 3, 4, 5, 6))
    decision = player.act(seen, player.begin(C4, kernels.seeds(0, 20_000)))
    share = (decision.action == 1).mean()
    assert abs(share - 0.8) < 5 * (0.8 * 0.2 / 20_000) ** 0.5
    assert abs(share - 2 / 3) > 0.1, "untempered odds would give 2/3"
    np.testing.assert_allclose(decision.extra["policy"][0, :2], [0.2, 0.8], rtol=1e-5)
    np.testing.assert_allclose(decision.extra["prior"][0, :2], [1 / 3, 2 / 3], rtol=1e-5)


def test_a_lane_draws_alike_whatever_sits_beside_it() -> None:
    player = agent([0.0] * 7, temperature=1.0)
    memory = player.begin(C4, kernels.seeds(5, 50))
    whole = player.act(view(50), memory)
    part = player.act(view(5), {"rng": memory["rng"][10:15]})
    assert np.array_equal(whole.action[10:15], part.action)
    assert np.array_equal(whole.memory["rng"][10:15], part.memory["rng"])
    assert not np.array_equal(memory["rng"], whole.memory["rng"])
    assert len(set(whole.action)) > 3


def test_it_plays_its_own_game_alone() -> None:
    with pytest.raises(Unable, match="connect_four"):
        agent([0.0] * 7).begin(game("tic_tac_toe"), kernels.seeds(0, 1))
    with pytest.raises(ValueError, match="temperature"):
        agent([0.0] * 7, temperature=-1.0)

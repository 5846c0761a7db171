"""What is no action, in every way that somebody may write one: refused in a sentence, or lost as illegal."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from envs.adapters.foreign.gymnasium import gym
from envs.adapters.gymnasium import OneSeatEnv, OneSeatVectorEnv
from envs.adapters.pettingzoo import env as aec_env
from envs.adapters.pettingzoo import parallel_env, raw_env
from envs.registry import game

NAN, HUGE = float("nan"), 10**30


@pytest.mark.parametrize("action", [-1, 9, 1.5, NAN, np.inf, 1e300])
def test_a_number_that_is_no_action_loses(action: float) -> None:
    one = OneSeatEnv("tic_tac_toe", seat=0)
    one.reset(seed=0)
    _, reward, over, cut, told = one.step(action)
    assert (reward, over, cut, told["illegal"]) == (-1.0, True, False, True)
    lanes = OneSeatVectorEnv("tic_tac_toe", 2, seat=0)
    lanes.reset(seed=0)
    _, rewards, _, _, told = lanes.step(np.array([4, action]))
    assert rewards.tolist() == [0.0, -1.0] and told["illegal"].tolist() == [False, True]
    both = parallel_env("repeated_rps")
    both.reset(seed=0)
    assert both.step({"player_0": action, "player_1": 0})[1] == {"player_0": -1.0, "player_1": 0.0}


def test_a_whole_number_is_an_action_however_it_is_written() -> None:
    for action in (4, 4.0, np.int8(4), np.uint64(4), np.array(4), np.array([4]), [4]):
        one = OneSeatEnv("tic_tac_toe", seat=0)
        one.reset(seed=0)
        assert not one.step(action)[4]["illegal"]


@pytest.mark.parametrize("action", ["a", None, HUGE, [0, 1]])
def test_what_is_not_even_a_number_is_refused(action: Any) -> None:
    for spec in ("tic_tac_toe", "pendulum"):
        one = OneSeatEnv(spec)
        one.reset(seed=0)
        with pytest.raises(ValueError, match=rf"^{spec} takes (whole )?numbers .*of shape \(1,.*, not .*\.$"):
            one.step(action)
    lanes = OneSeatVectorEnv("tic_tac_toe", 3)
    lanes.reset(seed=0)
    with pytest.raises(ValueError, match=r"^tic_tac_toe takes whole numbers from 0 to 8 of shape \(3,\), not "):
        lanes.step(np.array([0]))  # is not spread over all


def test_vectors_are_brought_within_their_bounds_and_what_is_no_number_loses() -> None:
    def rewards(torques: list[float]) -> list[float]:
        lanes = OneSeatVectorEnv("pendulum", len(torques))
        lanes.reset(seed=[0] * len(torques))
        return lanes.step(np.array(torques)[:, None])[1].tolist()

    most, least, *others = rewards([2.0, -2.0, np.inf, 1e39, 7.0, -np.inf, NAN])
    assert others == [most, most, most, least, -1.0] and most != -1.0 != least
    both = parallel_env("pendulum")
    for vector, lost in (([9.0], False), ([NAN], True), ([0.0, 0.0], True), (None, True)):
        both.reset(seed=0)
        assert both.step({"player_0": vector})[2]["player_0"] is lost


def test_without_guards_what_is_legal_is_named() -> None:
    for spec, action, there in (
        ("tic_tac_toe", 9, "player_0 cannot do 9 in tic_tac_toe: a3, b3, c3, a2, b2, c2, a1, b1, c1 are legal."),
        ("pendulum", None, "player_0 cannot do None in pendulum: torque from -2 to 2 is legal."),
    ):
        table = raw_env(spec)
        table.reset(seed=0)
        with pytest.raises(ValueError, match=f"^{re.escape(there)}$"):
            table.step(action)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: OneSeatEnv("tic_tac_toe", seat=0.5), "so seat=0.5 is not one"),  # pyright: ignore
        (lambda: OneSeatEnv("tic_tac_toe", opponent="random"), "None, not 'random'"),  # pyright: ignore
        (lambda: OneSeatEnv("tic_tac_toe", render_mode="ascii"), "no render mode 'ascii'; did you mean 'ansi'?"),
        (lambda: parallel_env("tic_tac_toe", max_cycles=0), "max_cycles is a whole number from 1 on, not 0"),
        (lambda: aec_env("tic_tac_toe", max_cycles=1.5), "max_cycles is a whole number from 1 on, not 1.5"),  # pyright: ignore
        (lambda: gym("CartPole-v1", seconds=NAN), "seconds=nan is no time limit"),
        (lambda: game("gym:CartPole-v1,seconds=soon"), "'gym:CartPole-v1' takes a number as seconds, not 'soon'"),
        (lambda: game("spiel:go(board_size=9"), "'spiel:go' has no option 'board_size'"),
    ],
)
def test_odd_settings_are_refused(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        make()

"""Our games under Gymnasium and PettingZoo: their own checkers, and that nothing changes on the way."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from envs import kernels
from envs.adapters.gymnasium import OneSeatEnv, OneSeatVectorEnv, names
from envs.adapters.pettingzoo import env as pettingzoo_env
from envs.game import Game, View
from envs.registry import GAMES, game

SPECS = sorted(names().values())
IDS = list(names())


class Counter:
    """An opponent that remembers how many moves it has made, and plays the last legal move."""

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> dict[str, NDArray[Any]]:
        return {"moves": np.zeros(len(seeds), np.int64)}

    def act(self, view: View, memory: dict[str, NDArray[Any]]) -> Any:
        return type("Move", (), {"action": last_legal(view), "memory": {"moves": memory["moves"] + 1}})


def last_legal(view: View) -> NDArray[np.int64]:
    return view.legal.shape[1] - 1 - np.argmax(view.legal[:, ::-1], axis=1)


def pick(mask: NDArray[Any], generator: np.random.Generator) -> NDArray[np.int64]:
    return np.argmax(mask * (1.0 + generator.random(mask.shape)), axis=-1)


def test_every_game_has_a_gymnasium_name() -> None:
    assert set(GAMES) <= set(names().values())
    assert {"arena/ConnectFour-v0", "arena/TicTacToe-v0", "arena/Othello-v0", "arena/Othello6x6-v0"} <= set(IDS)


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("masked", [False, True])
def test_gymnasium_checks_the_game(name: str, masked: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(name, masked=masked, render_mode="ansi").unwrapped)


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("masked", [False, True])
def test_the_compiled_lanes_play_what_single_games_play(name: str, mode: AutoresetMode, masked: bool) -> None:
    ours = gymnasium.make_vec(name, num_envs=4, masked=masked, autoreset_mode=mode)
    theirs = gymnasium.make_vec(
        name, num_envs=4, masked=masked, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode}
    )
    assert ours.metadata["autoreset_mode"] == mode
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    generator = np.random.default_rng(1)
    (obs, infos), expected = ours.reset(seed=5), theirs.reset(seed=5)
    assert data_equivalence((obs, infos), expected, exact=True)
    ended = illegal = 0
    for _ in range(200):
        actions = pick(infos["action_mask"], generator)
        actions[0] = 0  # again and again, so in time against the rules
        obs, reward, over, truncated, infos = ours.step(actions)
        assert data_equivalence((obs, reward, over, truncated, infos), theirs.step(actions), exact=True)
        assert obs in ours.observation_space
        ended += int(over.sum())
        last = infos if mode == AutoresetMode.NEXT_STEP else infos.get("final_info", infos)
        illegal += int((last["illegal"] & over).sum())
    assert ended > 8
    assert illegal > 0


@pytest.mark.parametrize("spec", SPECS)
def test_one_seat_plays_the_game_by_the_rules(spec: str) -> None:
    """The moves of both seats, replayed by the rules alone, lead to the same observations and results."""
    rules = game(spec)
    answers: list[int] = []

    def opponent(view: View) -> NDArray[np.int64]:
        action = last_legal(view)
        answers.extend(action.tolist())
        return action

    for seat in range(rules.seats):
        learner = OneSeatEnv(spec, seat=seat, opponent=opponent)
        generator = np.random.default_rng(seat)
        for episode in range(5):
            answers.clear()
            obs, info = learner.reset(seed=episode)
            row = kernels.new_rows(rules, np.zeros(1, np.uint64))
            over, reward, played = False, 0.0, 0
            while True:
                while not row["done"][0] and row["seat"][0] != seat:
                    kernels.play_rows(rules, row, np.array([answers[played]]))
                    played += 1
                assert over == bool(row["done"][0])
                assert info["seat"] == seat
                if over:
                    break
                np.testing.assert_array_equal(obs, kernels.view(rules, row).obs[0])
                np.testing.assert_array_equal(info["action_mask"], kernels.legal_mask(rules, row)[0])
                np.testing.assert_array_equal(learner.action_masks(), info["action_mask"])
                action = pick(info["action_mask"], generator)
                kernels.play_rows(rules, row, action[None])
                obs, reward, over, truncated, info = learner.step(action)
                assert not truncated
            assert played == len(answers)
            assert reward == row["reward"][0, seat]
            row["seat"] = seat  # the last observation is from the learner's side too
            np.testing.assert_array_equal(obs, kernels.view(rules, row).obs[0])
            assert not info["action_mask"].any()


def test_the_seat_is_drawn_anew_and_both_come_up() -> None:
    envs = OneSeatVectorEnv("tic_tac_toe", num_envs=400)
    _, infos = envs.reset(seed=1)
    assert 150 < infos["seat"].sum() < 250
    assert (OneSeatVectorEnv("tic_tac_toe", 8, seat=1).reset(seed=1)[1]["seat"] == 1).all()


def test_a_lane_depends_on_its_own_seed_alone() -> None:
    many, few = OneSeatVectorEnv("connect_four", 64), OneSeatVectorEnv("connect_four", 2)
    (a, ia), (b, ib) = many.reset(seed=10), few.reset(seed=[40, 41])
    for _ in range(60):
        a_actions = np.argmax(ia["action_mask"], axis=1)
        np.testing.assert_array_equal(np.asarray(a)[30:32], np.asarray(b))
        b_actions = np.argmax(ib["action_mask"], axis=1)
        a, _, _, _, ia = many.step(a_actions)
        b, _, _, _, ib = few.step(b_actions)


def test_an_opponent_may_remember() -> None:
    envs = OneSeatVectorEnv("tic_tac_toe", 3, seat=0, opponent=Counter())
    _, infos = envs.reset(seed=0)
    for _ in range(2):
        _, _, _, _, infos = envs.step(np.argmax(infos["action_mask"], axis=1))
    assert envs._lanes.memory is not None
    assert envs._lanes.memory["moves"].tolist() == [2, 2, 2]
    single = OneSeatEnv("tic_tac_toe", seat=1, opponent=Counter())
    single.reset(seed=0)
    assert single._lane.memory is not None
    assert single._lane.memory["moves"].tolist() == [1]


def test_what_a_user_can_do_wrong_is_said_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="seats 0 to 1"):
        OneSeatEnv("connect_four", seat=2)
    with pytest.raises(ValueError, match="against the rules of tic_tac_toe"):
        OneSeatEnv("tic_tac_toe", seat=1, opponent=lambda view: np.full(len(view.seat), -1)).reset(seed=0)
    with pytest.raises(ValueError, match="NEXT_STEP or SAME_STEP"):
        OneSeatVectorEnv("tic_tac_toe", 2, autoreset_mode=AutoresetMode.DISABLED)
    with pytest.raises(ValueError, match="3 seeds for 2 games"):
        OneSeatVectorEnv("tic_tac_toe", 2).reset(seed=[1, 2, 3])


def test_an_illegal_move_loses_and_ends_the_game() -> None:
    learner = OneSeatEnv("tic_tac_toe", seat=0)
    _, info = learner.reset(seed=0)
    _, _, over, _, info = learner.step(np.int64(4))
    assert not over
    _, reward, over, _, info = learner.step(np.int64(4))
    assert (reward, over, info["illegal"]) == (-1.0, True, True)
    with pytest.raises(gymnasium.error.ResetNeeded):
        learner.step(np.int64(0))
    learner.reset()
    assert not learner.step(np.int64(4))[2]


def test_the_board_can_be_read() -> None:
    learner = OneSeatEnv("tic_tac_toe", seat=0, opponent=last_legal, render_mode="ansi")
    learner.reset(seed=0)
    learner.step(np.int64(1))
    assert learner.render() == " 3 . x .\n 2 . . .\n 1 . . o\n   a b c"


@pytest.mark.filterwarnings("ignore:Observation:UserWarning")
@pytest.mark.parametrize("spec", SPECS)
def test_pettingzoo_checks_the_game(spec: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from pettingzoo.test import api_test, seed_test
    api_test(pettingzoo_env(spec), num_cycles=1000)
    seed_test(lambda: pettingzoo_env(spec), num_cycles=100)


@pytest.mark.parametrize("spec", SPECS)
def test_pettingzoo_agents_see_their_own_side(spec: str) -> None:
    table = pettingzoo_env(spec, render_mode="ansi")
    table.reset(seed=3)
    generator = np.random.default_rng(3)
    for agent in table.agent_iter():
        observation, _, over, _, _ = table.last()
        if over:
            table.step(None)
            continue
        assert observation is not None
        other = next(name for name in table.agents if name != agent)
        assert not table.observe(other)["action_mask"].any()
        np.testing.assert_array_equal(observation["observation"], table.observe(other)["observation"][::-1])
        table.step(int(pick(observation["action_mask"], generator)))
    assert "a b c" in str(table.render())


@pytest.mark.filterwarnings("ignore")
def test_pettingzoo_ends_a_game_on_an_illegal_move() -> None:
    table = pettingzoo_env("tic_tac_toe")
    table.reset(seed=0)
    table.step(0)
    table.step(0)
    assert table.rewards == {"player_0": 0, "player_1": -1}
    assert all(table.terminations.values())

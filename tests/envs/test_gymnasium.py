"""Our games under Gymnasium: its own checkers, and that nothing changes on the way.

Every game of the table is held to this by what it declares, and so are the toys, which have every trait there is.
"""

from __future__ import annotations

import warnings
from copy import deepcopy
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray

from envs import kernels
from envs.adapters.gymnasium import OneSeatEnv, OneSeatVectorEnv, names
from envs.adapters.one_seat import MANY
from envs.game import Game, View
from envs.registry import GAMES, game
from tests.envs import toys
from tests.envs.adapted import MOST, every_game, name_of, pick, rules_of, seen


class Counter:
    """An opponent that remembers how many moves it has made, and plays the last legal move."""

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> dict[str, NDArray[Any]]:
        return {"moves": np.zeros(len(seeds), np.int64)}

    def act(self, view: View, memory: dict[str, NDArray[Any]]) -> Any:
        return type("Move", (), {"action": last_legal(view), "memory": {"moves": memory["moves"] + 1}})


def last_legal(view: View) -> NDArray[Any]:
    if view.game.controls:
        return np.tile(np.array(view.game.controls, np.float32)[:, 0], (len(view.seat), 1))
    return view.legal.shape[1] - 1 - np.argmax(view.legal[:, ::-1], axis=1)


def ends_at_once(row: Any, action: int) -> None:
    row.done = True


def test_every_game_has_a_gymnasium_name() -> None:
    assert set(GAMES) <= set(names().values())
    assert {"arena/ConnectFour-v0", "arena/TicTacToe-v0", "arena/Othello-v0", "arena/Othello6x6-v0"} <= set(names())
    made = gymnasium.make("arena/ConnectFour-v0").unwrapped
    assert isinstance(made, OneSeatEnv) and made.game is game("connect_four")


def test_the_options_of_a_game_are_options_of_its_environment() -> None:
    made = gymnasium.make("arena/Hex-v0", size=5, swap=True).unwrapped
    assert isinstance(made, OneSeatEnv) and made.game is game("hex:size=5,swap=true")
    assert OneSeatEnv("hex:size=5", swap=True).game is made.game
    lanes = gymnasium.make_vec("arena/Hex-v0", num_envs=2, size=5)
    assert isinstance(lanes, OneSeatVectorEnv) and lanes.game.name == "hex:size=5"
    for wrong, sentence in (
        ({"sise": 5}, "did you mean 'size'"),
        ({"size": 99}, "3 to 19"),
        ({"size": "x"}, "whole number"),
    ):
        with pytest.raises(ValueError, match=sentence):
            OneSeatEnv("hex", **wrong)
    with pytest.raises(ValueError, match="made already"):
        OneSeatEnv(game("hex"), size=5)


@pytest.mark.filterwarnings("ignore:.*(infinity|normalized).*")
@every_game
def test_gymnasium_checks_the_game(spec: Any) -> None:
    rules = rules_of(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*(infinity|normalized).*")  # bounds that are the game's own
        check_env(OneSeatEnv(spec, render_mode="ansi"), skip_render_check=True)
        if not rules.controls:
            check_env(OneSeatEnv(spec, masked=True), skip_render_check=True)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@every_game
def test_the_compiled_lanes_play_what_single_games_play(spec: Any, mode: AutoresetMode) -> None:
    rules = rules_of(spec)
    masked = not rules.controls and mode == AutoresetMode.SAME_STEP
    ours = OneSeatVectorEnv(spec, num_envs=3, masked=masked, autoreset_mode=mode)
    theirs = SyncVectorEnv([lambda: OneSeatEnv(spec, masked=masked)] * 3, autoreset_mode=mode)
    assert ours.metadata["autoreset_mode"] == mode
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    generator = np.random.default_rng(1)
    (obs, infos), expected = ours.reset(seed=5), theirs.reset(seed=5)
    assert data_equivalence((obs, infos), expected, exact=True)
    for _ in range(50):
        actions = pick(rules, infos.get("action_mask"), generator, 3)
        actions[0] = 0  # again and again, so in time against the rules of many a game
        obs, reward, over, truncated, infos = ours.step(actions)
        assert data_equivalence((obs, reward, over, truncated, infos), theirs.step(actions), exact=True)
        assert obs in ours.observation_space
        assert not (over & truncated).any()


@every_game
def test_one_seat_plays_the_game_by_the_rules(spec: Any) -> None:
    """The moves of all seats, replayed by the rules alone, lead to the same observations, rewards and ends."""
    rules = rules_of(spec)
    answers: list[Any] = []
    others = np.random.default_rng(9)

    def opponent(view: View) -> NDArray[Any]:
        action = pick(rules, None if rules.controls else view.legal, others, len(view.seat))
        answers.extend(action)
        return action

    for seat in range(rules.seats):
        learner = OneSeatEnv(spec, seat=seat, opponent=opponent)
        generator = np.random.default_rng(seat)
        for episode in range(2):
            answers.clear()
            obs, info = learner.reset(seed=episode)
            row = learner._lane.rows.copy()  # whatever was drawn and played until our seat was first asked
            assert row["seat"][0] == seat and not row["done"][0]
            answers.clear()
            over = cut = False
            for _ in range(MOST):
                assert info["seat"] == seat
                np.testing.assert_array_equal(obs, seen(rules, row, seat))
                if not rules.controls:
                    np.testing.assert_array_equal(info["action_mask"], kernels.legal_mask(rules, row)[0])
                    np.testing.assert_array_equal(learner.action_masks(), info["action_mask"])
                action = pick(rules, info.get("action_mask"), generator)
                answers.clear()
                obs, reward, over, cut, info = learner.step(action)
                paid = np.float32(0.0)
                for move in [action, *answers]:
                    kernels.play_rows(rules, row, np.array([move]))
                    paid += row["reward"][0, seat]
                assert reward == paid
                assert (over, cut) == (row["done"][0] and not row["cut"][0], row["cut"][0])
                if over or cut:
                    break
            if over or cut:
                np.testing.assert_array_equal(obs, seen(rules, row, seat))  # the last one is from its side too
                assert rules.controls or not info["action_mask"].any()


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


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("spec", ["cart_pole:limit=20", "connect_four", *toys.ALL], ids=name_of)
def test_many_lanes_in_one_loop_play_what_few_lanes_play(spec: Any, mode: AutoresetMode) -> None:
    one_loop, few_loops = (OneSeatVectorEnv(spec, MANY, autoreset_mode=mode) for _ in range(2))
    assert one_loop._lanes.whole == (not one_loop.game.foreign)
    one_loop._lanes.whole, few_loops._lanes.whole = True, False
    generator = np.random.default_rng(1)
    told, expected = one_loop.reset(seed=5), few_loops.reset(seed=5)
    assert data_equivalence(told, expected, exact=True)
    kept: list[tuple[Any, Any]] = []
    ends = 0
    for _ in range(60):
        actions = pick(one_loop.game, told[-1].get("action_mask"), generator, MANY)
        actions[0] = np.nan if one_loop.game.controls else -1  # against the rules
        told, expected = one_loop.step(actions), few_loops.step(actions)
        assert data_equivalence(told, expected, exact=True)
        kept.append((told, deepcopy(told)))
        ends += int((told[2] | told[3])[1:].sum())
    assert ends > MANY and all(data_equivalence(now, then, exact=True) for now, then in kept)


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
    for one, action in ((OneSeatVectorEnv("tic_tac_toe", 2), np.zeros(2, np.int64)), (OneSeatEnv("tic_tac_toe"), 0)):
        with pytest.raises(gymnasium.error.ResetNeeded, match=r"call reset\(\) before"):
            one.step(action)
    with pytest.raises(ValueError, match="leave masked out"):
        OneSeatEnv(toys.pull(), masked=True)


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


def test_one_seat_is_paid_along_the_way_and_cut_by_time() -> None:
    learner = OneSeatEnv(toys.walk())
    obs, info = learner.reset(seed=0)
    assert obs.tolist() == [1, 0, 0, 0, 0] and info["action_mask"].tolist() == [0, 1]
    assert [learner.step(1)[1:4] for _ in range(4)] == [(0.5, False, False)] * 3 + [(2.0, True, False)]
    learner.reset()
    steps = [learner.step(action)[1:4] for action in [1, 0] * 5]
    assert steps[:-1] == [(0.5, False, False), (0.0, False, False)] * 4 + [(0.5, False, False)]
    assert steps[-1] == (0.0, False, True)  # by the limit, so it is truncated and not terminated


def test_vectors_are_brought_within_their_bounds_and_what_is_no_number_loses() -> None:
    learner = OneSeatEnv(toys.pull())
    learner.reset(seed=0)
    obs, reward, *_ = learner.step(np.array([-7.0, 9.0], np.float32))  # as (-1, 0.25), from (1, 1)
    assert obs.tolist() == [0.0, 1.25] and reward == -1.25
    _, reward, over, cut, info = learner.step(np.array([np.nan, 0.0], np.float32))
    assert (reward, over, cut, info["illegal"]) == (-1.0, True, False, True)


def test_a_game_that_ends_before_the_seat_is_asked_is_not_shown() -> None:
    """Seat 2 of the toy is not asked where both before it fold: as they do in a quarter of the games."""
    lanes = OneSeatVectorEnv(toys.cards(), 64, seat=2)
    lanes.reset(seed=0)
    assert (lanes._lanes.rows["seat"] == 2).all() and not lanes._lanes.over.any()
    fold = OneSeatEnv(toys.cards(), seat=2, opponent=lambda view: np.ones(len(view.seat), np.int64))
    with pytest.raises(ValueError, match="before our seat is asked"):
        fold.reset(seed=0)
    lone = OneSeatVectorEnv(replace(toys.coins(rounds=1), play=ends_at_once), MANY, seat=1)
    lone._lanes.whole = True
    with pytest.raises(ValueError, match="before our seat is asked"):
        lone.reset(seed=0)


def test_at_once_means_without_seeing_the_other() -> None:
    """Seat 1 moves second in the row, and its observation after seat 0 has chosen is still that of the last round."""
    learner = OneSeatEnv(toys.coins(), seat=1, opponent=lambda view: np.ones(len(view.seat), np.int64))
    obs, _ = learner.reset(seed=0)
    assert obs.tolist() == [1, 0, 0, 0, 0]
    obs, reward, *_ = learner.step(0)
    assert reward == 1.0 and obs.tolist() == [0, 0, 0, 1, 0]


def test_the_board_can_be_read() -> None:
    learner = OneSeatEnv("tic_tac_toe", seat=0, opponent=last_legal, render_mode="ansi")
    learner.reset(seed=0)
    learner.step(np.int64(1))
    assert learner.render() == " 3 . x .\n 2 . . .\n 1 . . o\n   a b c"


def test_the_board_can_be_seen() -> None:
    def pixels(seat: int, move: int) -> NDArray[np.uint8]:
        learner = OneSeatEnv("tic_tac_toe", seat=seat, opponent=last_legal, render_mode="rgb_array")
        learner.reset(seed=0)
        learner.step(np.int64(move))
        return learner.render()

    frame = pixels(0, 1)
    assert frame.dtype == np.uint8 and frame.shape == (480, 480, 3)
    np.testing.assert_array_equal(frame, pixels(0, 1))
    assert (frame != pixels(0, 2)).any()
    lanes = OneSeatVectorEnv("tic_tac_toe", 2, render_mode="rgb_array")
    lanes.reset(seed=0)
    assert len(lanes.render() or ()) == 2


@pytest.mark.parametrize("name", names())
def test_gymnasium_makes_every_game_by_its_name_and_shows_it(name: str) -> None:
    made = gymnasium.make(name, render_mode="rgb_array", disable_env_checker=True)
    made.reset(seed=1)
    frame: Any = made.render()
    assert frame.shape == (480, 480, 3) and frame.std() > 0
    lanes = gymnasium.make_vec(name, num_envs=2)
    assert isinstance(lanes, OneSeatVectorEnv) and lanes.reset(seed=1)[0].shape[0] == 2  # pyright: ignore

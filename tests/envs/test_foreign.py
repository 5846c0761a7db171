"""Other projects' games as ours: what is taken and what is refused, and that a fault costs its own game only."""

from __future__ import annotations

import re
import time
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from agents.play import play_games
from agents.registry import agent
from envs import kernels
from envs.adapters.foreign.programs import PATIENCE, CannotGoBack, programs_of
from envs.adapters.foreign.spaces import Unfit, actions, observations
from envs.game import Game
from envs.registry import game


class Shaky(gymnasium.Env[Any, Any]):
    """Counts its steps; action 0 goes on, 1 raises, 2 gives what is no number, 3 takes long, 4 ends, 5 is cut."""

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None) -> None:
        self.observation_space, self.action_space = spaces.Box(-9, 9, (1,), np.float32), spaces.Discrete(6)
        self.render_mode = render_mode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(1, np.float32), {"action_mask": np.array([1, 1, 1, 1, 1, 0], np.int8)}

    def step(self, action: Any) -> Any:
        self.steps += 1
        if action == 1:
            raise RuntimeError("out of order")
        if action == 3:
            time.sleep(0.3)
        reward = np.nan if action == 2 else float(self.steps)
        return np.full(1, self.steps, np.float32), reward, action == 4, action == 5, {}


if "Shaky-v0" not in gymnasium.registry:
    gymnasium.register("Shaky-v0", Shaky)


def several(rules: Game, count: int) -> np.ndarray:
    return kernels.new_rows(rules, kernels.seeds(0, count))


def test_a_game_of_gymnasium_plays_what_gymnasium_plays() -> None:
    rules = game("gym:CartPole-v1")
    assert (rules.seats, rules.actions, rules.shape, rules.max_plies) == (1, 2, (4,), 500)
    assert rules.foreign and rules.pays == "general" and game(rules.name) is rules
    row = kernels.new_rows(rules, np.array([5], np.uint64))
    again = kernels.new_rows(rules, np.array([5], np.uint64))
    first = kernels.view(rules, row)
    assert first.rows is None and first.legal.all() and np.abs(first.obs).max() <= 0.05
    plain = gymnasium.make("CartPole-v1")
    plain.reset(seed=0)
    plain.unwrapped.state = first.obs[0].astype(np.float64)  # pyright: ignore
    for _ in range(600):
        kernels.play_rows(rules, row, np.ones(1, np.int64))
        kernels.play_rows(rules, again, np.ones(1, np.int64))
        obs, reward, over, *_ = plain.step(1)
        np.testing.assert_allclose(kernels.view(rules, row).obs[0], obs, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(kernels.view(rules, row).obs, kernels.view(rules, again).obs)
        assert (row["reward"][0, 0], bool(row["done"][0])) == (reward, over)
        if over:
            break
    assert row["done"][0] and not row["cut"][0]


def test_a_time_limit_cuts_and_vectors_are_played() -> None:
    rules = game("gym:Pendulum-v1")
    assert rules.actions == 0 and rules.controls == ((-2.0, 2.0),) and rules.max_plies == 200
    (finished,) = play_games(rules, [agent("random")], np.zeros((1, 1), np.int64), kernels.seeds(1, 1))
    assert len(finished.moves) == 200 and len(finished.moves[0]) == 1 and finished.reward[0] < 0
    row = several(rules, 1)
    kernels.random_rows(rules, row, 200)
    assert row["done"][0] and row["cut"][0]


def test_options_and_masks_go_through() -> None:
    slippery, firm = game("gym:FrozenLake-v1"), game("gym:FrozenLake-v1,is_slippery=false")
    assert firm.name == "gym:FrozenLake-v1,is_slippery=false" and firm is not slippery
    row = several(firm, 1)
    for _ in range(3):
        kernels.play_rows(firm, row, np.array([2]))  # to the right, without slipping
    assert np.flatnonzero(kernels.view(firm, row).obs[0]).tolist() == [3]
    taxi = game("gym:Taxi-v3")
    masks = kernels.view(taxi, several(taxi, 8)).legal
    assert masks.any(axis=1).all() and not masks.all()


def test_a_fault_costs_its_own_game_only() -> None:
    rules = game("gym:Shaky-v0,seconds=0.1")
    rows = several(rules, 6)
    assert kernels.legal_mask(rules, rows)[0].tolist() == [True] * 5 + [False]  # by its own action_mask
    kernels.play_rows(rules, rows, np.zeros(6, np.int64))
    kernels.play_rows(rules, rows, np.arange(6))
    assert rows["done"].tolist() == [False, True, True, True, True, True]
    assert rows["cut"].tolist() == [False, True, True, True, False, True]
    assert rows["reward"][:, 0].tolist() == [2.0, 0.0, 0.0, 0.0, 2.0, 2.0]
    programs = programs_of(rules)
    assert programs is not None
    assert [programs.fault(rows[i]) is None for i in range(6)] == [True, False, False, False, True, True]
    words = [fault.words for fault in programs.faults]
    assert "out of order" in words[0] and "no number" in words[1] and "more than 0.1 seconds" in words[2]
    kernels.play_rows(rules, rows, np.zeros(6, np.int64))
    assert rows["reward"][0, 0] == 3.0 and np.isfinite(kernels.view(rules, rows).obs).all()
    fresh = several(rules, 6)  # programs that ended well are used again, the others are replaced
    assert not fresh["done"].any() and (kernels.view(rules, fresh).obs == 0).all()


def test_one_that_does_not_start_costs_its_own_game_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three environments the second raises where it is made and the third where it begins: only the first plays."""
    rules = game("gym:Shaky-v0,seconds=5")
    made = 0

    def make(self: Shaky, render_mode: str | None = None) -> None:
        nonlocal made
        made += 1
        if made == 2:
            raise RuntimeError("no room for another")
        first(self, render_mode)

    def reset(self: Shaky, **more: Any) -> Any:
        if made == 3:
            raise SystemExit("leaves")
        return begin(self, **more)

    first, begin = Shaky.__init__, Shaky.reset
    monkeypatch.setattr(Shaky, "__init__", make)
    monkeypatch.setattr(Shaky, "reset", reset)
    monkeypatch.setattr("envs.adapters.foreign.gymnasium._made", lambda name, options: Shaky())
    rows = several(rules, 3)
    assert rows["done"].tolist() == [False, True, True] and rows["cut"].tolist() == [False, True, True]
    programs = programs_of(rules)
    assert programs is not None and [fault.ply for fault in programs.faults] == [0, 0]
    assert "no room" in programs.faults[0].words and "leaves" in programs.faults[1].words
    kernels.play_rows(rules, rows, np.zeros(3, np.int64))
    assert rows["reward"][:, 0].tolist() == [1.0, 0.0, 0.0] and not kernels.legal_mask(rules, rows)[1:].any()


def test_there_is_a_time_limit_unless_none_is_asked_for() -> None:
    assert game("gym:Shaky-v0").name == "gym:Shaky-v0" and game("gym:Shaky-v0,seconds=60").name == "gym:Shaky-v0"
    assert game("gym:Shaky-v0,seconds=0").name == "gym:Shaky-v0,seconds=0"
    usual, none = programs_of(game("gym:Shaky-v0")), programs_of(game("gym:Shaky-v0,seconds=0"))
    assert usual is not None and none is not None and (usual._seconds, none._seconds) == (PATIENCE, 0.0)


def test_nothing_goes_back() -> None:
    rules = game("gym:CartPole-v1")
    row = several(rules, 1)
    copy = row.copy()
    kernels.play_rows(rules, row, np.zeros(1, np.int64))
    with pytest.raises(CannotGoBack, match="cannot be copied"):
        kernels.play_rows(rules, copy, np.ones(1, np.int64))
    assert not row["done"][0]
    for spec in ("alphabeta", "mcts", "solver"):
        with pytest.raises(ValueError, match=r"looks ahead|solver knows"):
            agent(spec).begin(rules, np.zeros(1, np.uint64))


def test_what_cannot_be_made_is_said_in_a_sentence() -> None:
    for spec, words in (
        ("gym:CartPoll-v1", "Gymnasium cannot make 'CartPoll-v1'"),
        ("gym:", "names no game"),
        ("gym:CartPole-v1,colour=red", "colour"),
        ("gym:CartPole-v1,seconds=-1", "no time limit"),
        ("pz:classic.no_such_v3", "no environment 'classic.no_such_v3'"),
    ):
        with pytest.raises(ValueError, match=words) as told:
            game(spec)
        assert "\n" not in str(told.value)


def test_spaces() -> None:
    image = observations(spaces.Box(0, 255, (4, 5, 3), np.uint8), "x")
    assert image.shape == (3, 4, 5) and image.take(np.full((4, 5, 3), 255, np.uint8)).max() == 1.0
    both = spaces.Dict({"a": spaces.Discrete(3), "b": spaces.Box(-np.inf, np.inf, (2, 2))})
    seen = observations(both, "x")
    assert seen.take({"a": 1, "b": np.arange(4.0).reshape(2, 2)}).tolist() == [0, 1, 0, 0, 1, 2, 3]
    later = actions(spaces.Discrete(3, start=5), "x")
    assert (later.number, later.names, later.give(2)) == (3, ("a0", "a1", "a2"), 7)
    grid = actions(spaces.MultiDiscrete([2, 3]), "x")
    assert (grid.number, grid.names[5], grid.give(5).tolist()) == (6, "1-2", [1, 2])
    assert actions(spaces.MultiBinary(3), "x").give(5).tolist() == [1, 0, 1]
    bounded = actions(spaces.Box(np.array([-1.0, 0.0]), np.array([1.0, 3.0])), "x")
    assert (bounded.number, bounded.controls) == (0, ((-1.0, 1.0), (0.0, 3.0)))
    for space, words in ((spaces.Box(-np.inf, 1, (1,)), "without bounds"), (spaces.Text(3), "has Text actions")):
        with pytest.raises(Unfit, match=words):
            actions(space, "x")
    with pytest.raises(Unfit, match="combinations"):
        actions(spaces.MultiDiscrete([100, 100]), "x")
    with pytest.raises(Unfit, match="kind Sequence"):
        observations(spaces.Sequence(spaces.Discrete(2)), "x")


def test_a_game_of_pettingzoo_plays_by_our_rules_too() -> None:
    """Connect Four in both libraries on the same moves: masks, seats and results agree."""
    theirs, ours = game("pz:classic.connect_four_v3"), game("connect_four")
    assert (theirs.seats, theirs.actions, theirs.shape) == (2, 7, (2, 6, 7))
    generator = np.random.default_rng(0)
    for seed in range(3):
        a, b = (kernels.new_rows(rules, np.array([seed], np.uint64)) for rules in (theirs, ours))
        while not b["done"][0]:
            mask = kernels.legal_mask(ours, b)
            np.testing.assert_array_equal(kernels.legal_mask(theirs, a), mask)
            np.testing.assert_array_equal(kernels.view(theirs, a).obs, kernels.view(ours, b).obs)
            assert a["seat"] == b["seat"]
            move = generator.choice(np.flatnonzero(mask[0]))[None]
            kernels.play_rows(theirs, a, move)
            kernels.play_rows(ours, b, move)
            np.testing.assert_array_equal(a["reward"], b["reward"])
        assert a["done"][0] and not a["cut"][0]


@pytest.mark.filterwarnings("ignore")
def test_seats_of_poker_are_told_their_own_cards_and_no_others() -> None:
    pytest.importorskip("rlcard")
    rules = game("pz:classic.texas_holdem_v4")
    row, programs = several(rules, 1), programs_of(rules)
    assert programs is not None
    told = [programs.told(row[0], seat) or "" for seat in (0, 1)]
    hands = [words.splitlines()[0] for words in told]
    assert all(hand.startswith("hand: ") and len(hand.split()) == 3 for hand in hands)
    assert hands[0] != hands[1]
    for seat in (0, 1):
        assert not set(hands[1 - seat].split()[1:]) & set(told[seat].split())
    kernels.play_rows(rules, row, np.array([np.flatnonzero(kernels.legal_mask(rules, row)[0])[0]]))
    assert programs.told(row[0], 0) != told[0] or row["seat"][0] == 0


def test_a_parallel_environment_is_played_as_hidden_choices_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    from envs.adapters.pettingzoo import parallel_env
    from tests.envs import toys

    module = types.ModuleType("coins_v0")
    module.parallel_env = lambda render_mode=None: parallel_env(toys.coins(rounds=2))  # pyright: ignore
    monkeypatch.setitem(sys.modules, "coins_v0", module)
    rules = game("pz:coins_v0")
    assert rules.simultaneous and rules.hidden and (rules.seats, rules.actions) == (2, 2)
    row = several(rules, 1)
    seats, paid = [], []
    for move in (1, 1, 0, 1):
        seats.append(int(row["seat"][0]))
        kernels.play_rows(rules, row, np.array([move]))
        paid.append(row["reward"][0].tolist())
    assert seats == [0, 1, 0, 1]
    assert paid == [[0, 0], [1, -1], [0, 0], [-1, 1]]
    assert row["done"][0] and not row["cut"][0]


def test_a_game_of_open_spiel() -> None:
    pytest.importorskip("pyspiel")
    kuhn = game("spiel:kuhn_poker")
    assert (kuhn.seats, kuhn.actions, kuhn.pays, kuhn.hidden, kuhn.chance) == (2, 2, "zero-sum", True, True)
    rows = several(kuhn, 8)
    kernels.random_rows(kuhn, rows, 3)
    assert rows["done"].all() and (rows["reward"].sum(axis=1) == 0).all() and rows["reward"].any()
    assert game("spiel:hex(board_size=3)").actions == 9
    programs = programs_of(kuhn)
    assert programs is not None
    fresh = several(kuhn, 1)
    assert {programs.told(fresh[0], seat) for seat in (0, 1)} < {"0", "1", "2"}  # the card of each, and no bet yet
    assert game("spiel:goofspiel(num_cards=3,imp_info=True)").simultaneous
    with pytest.raises(ValueError, match="OpenSpiel has no game 'kuhn_poke'; did you mean 'kuhn_poker'"):
        game("spiel:kuhn_poke")


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyspiel", None)
    with pytest.raises(ValueError, match="OpenSpiel is not installed"):
        game("spiel:tic_tac_toe,seconds=1")


class Rude(Shaky):
    """By its `how`: sees another shape than it said, raises as Ctrl-C does, names its actions badly, or exits."""

    def __init__(self, how: str = "", render_mode: str | None = None) -> None:
        super().__init__(render_mode)
        self.how = how
        if how == "exits":
            raise SystemExit
        self.get_action_meanings = {"alike": lambda: ["UP"] * 6, "names": lambda: list("ABCDEF")}.get(how, self._raise)

    def _raise(self) -> list[str]:
        raise KeyError("no names")

    def step(self, action: Any) -> Any:
        if self.how == "interrupts":
            raise KeyboardInterrupt
        obs, *rest = super().step(action)
        return (np.zeros(2, np.float32) if self.how == "shape" else obs), *rest


if "Rude-v0" not in gymnasium.registry:
    gymnasium.register("Rude-v0", lambda **more: Rude(**more))


@pytest.mark.parametrize(("how", "words"), [("shape", r"of shape \(2,\), not \(1,\)"), ("interrupts", "Keyboard")])
def test_another_shape_and_a_keyboard_interrupt_are_faults_too(how: str, words: str) -> None:
    rules = game(f"gym:Rude-v0,how={how},seconds=5")
    rows = several(rules, 1)
    kernels.play_rows(rules, rows, np.zeros(1, np.int64))
    programs = programs_of(rules)
    assert rows["done"].all() and rows["cut"].all() and programs is not None
    assert len(programs.faults) == 1 and re.search(words, programs.faults[0].words)


def test_names_of_actions_that_are_none_are_passed_over_and_who_exits_is_named() -> None:
    assert game("gym:Rude-v0,how=names").names == tuple("abcdef")
    assert (
        game("gym:Rude-v0,how=alike").names == game("gym:Rude-v0,how=raises").names == tuple(f"a{i}" for i in range(6))
    )
    with pytest.raises(ValueError, match="cannot make 'Rude-v0': SystemExit"):
        game("gym:Rude-v0,how=exits")

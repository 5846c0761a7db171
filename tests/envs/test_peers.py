"""The same moves in other people's implementations: what may be played, what is seen, how it ends."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from envs import kernels
from envs.game import Game, Rows
from envs.registry import game

GAMES_PLAYED = 200


def pick(mask: NDArray[np.bool_], generator: np.random.Generator) -> int:
    return int(generator.choice(np.flatnonzero(mask)))


def play(rules: Game, row: Rows, action: int) -> None:
    kernels.play_rows(rules, row, np.array([action]))


@pytest.mark.parametrize(("spec", "module"), [("connect_four", "connect_four"), ("tic_tac_toe", "tictactoe")])
def test_pettingzoo_plays_the_same_game(spec: str, module: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs: Any = pytest.importorskip(f"pettingzoo.classic.{module}.{module}").raw_env()
    rules, generator = game(spec), np.random.default_rng(11)
    results = set()
    for _ in range(GAMES_PLAYED):
        theirs.reset()
        row = kernels.new_rows(rules, np.zeros(1, np.uint64))
        while not row["done"][0]:
            view = kernels.view(rules, row)
            assert theirs.possible_agents.index(theirs.agent_selection) == view.seat[0]
            seen = theirs.observe(theirs.agent_selection)
            np.testing.assert_array_equal(seen["action_mask"], view.legal[0])
            np.testing.assert_array_equal(np.moveaxis(seen["observation"], -1, 0), view.obs[0])
            action = pick(view.legal[0], generator)
            play(rules, row, action)
            theirs.step(action)
            assert all(theirs.terminations.values()) == row["done"][0]
        assert list(theirs.rewards.values()) == row["reward"][0].tolist()
        results.add(tuple(row["reward"][0].tolist()))
    assert len(results) >= 2


def stones_of(text: str) -> list[str]:
    """The cells of a board as open_spiel prints it, top line first."""
    lines = [re.fullmatch(r"(?:\d )?([xo.\- ]+?)(?: \d)?", line.strip()) for line in str(text).splitlines()]
    return [cell for line in lines if line for cell in line[1] if cell != " "]


@pytest.mark.parametrize("spec", ["tic_tac_toe", "connect_four", "othello"])
def test_open_spiel_plays_the_same_game(spec: str) -> None:
    pyspiel = pytest.importorskip("pyspiel")
    rules, generator = game(spec), np.random.default_rng(12)
    theirs = pyspiel.load_game(spec)
    assert theirs.num_distinct_actions() == rules.actions
    results = set()
    passes = 0
    for _ in range(GAMES_PLAYED):
        state = theirs.new_initial_state()
        row = kernels.new_rows(rules, np.zeros(1, np.uint64))
        while not row["done"][0]:
            mask = kernels.legal_mask(rules, row)[0]
            assert state.current_player() == row["seat"][0]
            assert state.legal_actions() == np.flatnonzero(mask).tolist()
            planes = kernels.view(rules, row).obs[0][:: 1 if row["seat"][0] == 0 else -1]
            cells = ["x" if first else "o" if second else "" for first, second in planes.reshape(2, -1).T]
            assert [cell if cell in "xo" else "" for cell in stones_of(str(state))] == cells
            action = pick(mask, generator)
            passes += rules.names[action] == "pass"
            play(rules, row, action)
            state.apply_action(action)
            assert state.is_terminal() == row["done"][0]
        assert state.returns() == row["reward"][0].tolist()
        results.add(tuple(state.returns()))
    assert len(results) >= 2
    assert passes > 0 or "pass" not in rules.names

"""Breakthrough: steps and captures, both ways to win, known counts of moves, and open_spiel's games."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from envs import kernels
from envs.boards.breakthrough import breakthrough
from envs.game import Game, Rows
from envs.registry import game
from tests.envs.counts import count_sequences

KNOWN = json.loads((Path(__file__).parents[1] / "golden" / "games.json").read_text(encoding="utf-8"))


def position(rules: Game, board: str, seat: int) -> Rows:
    """A position drawn line by line from the top, x for seat 0's pawns."""
    row = kernels.new_rows(rules, np.zeros(1, np.uint64))
    cells = "".join(board.split())
    for stones, mark in enumerate("xo"):
        row["stones"][0, stones] = sum(1 << i for i, cell in enumerate(cells) if cell == mark)
    row["seat"] = seat
    return row


def moves(rules: Game, row: Rows) -> set[str]:
    return {rules.names[a] for a in np.flatnonzero(kernels.legal_mask(rules, row)[0])}


@pytest.mark.parametrize(("spec", "depth"), [
    ("breakthrough", 4), ("breakthrough:width=6,height=6", 5), ("breakthrough:width=5,height=5", 5),
])  # fmt: skip
def test_move_sequences_are_those_counted_elsewhere(spec: str, depth: int) -> None:
    sequences, _ = count_sequences(game(spec), depth)
    assert sequences[1:] == KNOWN[spec]["perft"][:depth]


def test_a_pawn_steps_to_empty_cells_and_takes_slantwise_only() -> None:
    rules = breakthrough(4, 5)
    row = position(rules, "o...  .oo.  .x.x  x...  ....", 0)
    assert moves(rules, row) == {"b3a4", "b3c4", "d3d4", "d3c4", "a2a3"}  # b4 is held: not straight; c4 is taken
    row["seat"] = 1
    assert moves(rules, row) == {"a5a4", "b4a3", "b4c3", "c4b3", "c4c3", "c4d3"}


def test_a_taken_pawn_is_gone() -> None:
    rules = breakthrough(4, 5)
    row = position(rules, "o...  .oo.  .x.x  x...  ....", 0)
    kernels.play_rows(rules, row, np.array([rules.action("b3c4")]))
    np.testing.assert_array_equal(row["stones"], position(rules, "o...  .ox.  ...x  x...  ....", 1)["stones"])
    assert (row["seat"][0], bool(row["done"][0])) == (1, False)


@pytest.mark.parametrize(("board", "seat", "move"), [
    ("o...  ..x.  ....  ....  ....", 0, "c4c5"),  # through
    (".o..  ..x.  ....  ....  ....", 0, "c4b5"),  # through, and the last pawn taken
    ("....  ....  .o..  x...  ....", 0, "a2b3"),  # the last pawn taken
    ("x...  ....  ....  ...o  ....", 1, "d2c1"),
    ("....  o...  .x..  ....  ....", 1, "a4b3"),
])  # fmt: skip
def test_getting_through_or_taking_all_wins(board: str, seat: int, move: str) -> None:
    rules = breakthrough(4, 5)
    row = position(rules, board, seat)
    kernels.play_rows(rules, row, np.array([rules.action(move)]))
    assert row["done"][0]
    assert row["reward"][0, seat] == 1.0
    assert row["reward"][0, 1 - seat] == -1.0


def test_the_mover_sees_his_pawns_and_which_way_he_goes() -> None:
    rules = breakthrough(2, 4)
    row = kernels.new_rows(rules, np.zeros(1, np.uint64))
    first = kernels.view(rules, row).obs[0]
    assert first[0].tolist() == [[0, 0], [0, 0], [1, 1], [1, 1]]
    assert first[1].tolist() == [[1, 1], [1, 1], [0, 0], [0, 0]]
    assert first[2].min() == 1
    row["seat"] = 1
    second = kernels.view(rules, row).obs[0]
    np.testing.assert_array_equal(second[:2], first[1::-1])
    assert second[2].max() == 0


def test_the_guess_counts_pawns_and_how_far_they_are() -> None:
    rules = breakthrough(4, 5)
    guess = rules.heuristic
    assert guess is not None
    assert guess(kernels.new_rows(rules, np.zeros(1, np.uint64)).view(np.recarray)[0]) == pytest.approx(0.0)
    row = position(
        rules, "....  .ox.  ....  ....  x...", 0
    )  # 2 pawns to 1; on lines 4 and 1, to line 4 of 5 from above
    assert guess(row.view(np.recarray)[0]) == pytest.approx(np.tanh(0.3 * (0.5 + 0.02 * (9 - 1))))
    row["seat"] = 1
    assert guess(row.view(np.recarray)[0]) == pytest.approx(-np.tanh(0.3 * (0.5 + 0.02 * (9 - 1))))


def test_options_out_of_range_are_refused() -> None:
    for spec, words in (
        ("breakthrough:width=1", "width of breakthrough is a whole number from 2 to 8"),
        ("breakthrough:height=9", "4 to 8"),
    ):
        with pytest.raises(ValueError, match=words):
            game(spec)
    assert game("breakthrough:width=8").name == "breakthrough"
    assert game("breakthrough:height=6,width=5").name == "breakthrough:width=5,height=6"


@pytest.mark.parametrize(("width", "height"), [(8, 8), (5, 6), (3, 7)])
def test_open_spiel_plays_the_same_game(width: int, height: int) -> None:
    """Theirs begins at the top, so lines are counted from the other end; under six lines it has fewer pawns."""
    pyspiel = pytest.importorskip("pyspiel")
    rules, generator = breakthrough(width, height), np.random.default_rng(4)
    peer = pyspiel.load_game(f"breakthrough(rows={height},columns={width})")
    results = set()
    for _ in range(20):
        state, row = peer.new_initial_state(), kernels.new_rows(rules, np.zeros(1, np.uint64))
        while not row["done"][0]:
            assert state.current_player() == row["seat"][0]
            theirs = {}
            for action in state.legal_actions():
                name = state.action_to_string(action).rstrip("*")
                theirs["".join(name[i] + str(height + 1 - int(name[i + 1])) for i in (0, 2))] = action
            assert set(theirs) == moves(rules, row)
            name = str(generator.choice(sorted(theirs)))
            kernels.play_rows(rules, row, np.array([rules.action(name)]))
            state.apply_action(theirs[name])
            assert state.is_terminal() == row["done"][0]
        assert state.returns() == row["reward"][0].tolist()
        results.add(tuple(state.returns()))
    assert len(results) == 2

"""m,n,k games and Gomoku: lines and overlines, tic-tac-toe as one of them, and other people's implementations."""

from __future__ import annotations

import numpy as np
import pytest

from envs import kernels
from envs.boards.mnk import chances, gomoku, mnk
from envs.game import Game, Rows
from envs.registry import game
from tests.envs.counts import count_sequences


def played(rules: Game, moves: str) -> Rows:
    return kernels.replay(rules, 0, [rules.action(name) for name in moves.split()])[-1:]


def test_three_three_three_is_tic_tac_toe() -> None:
    ours, theirs = game("mnk:m=3,n=3,k=3"), game("tic_tac_toe")
    assert count_sequences(ours, 9) == count_sequences(theirs, 9)
    assert (ours.name, ours.names, ours.shape) == ("mnk", theirs.names, theirs.shape)
    generator = np.random.default_rng(0)
    rows, peers = kernels.new_rows(ours, kernels.seeds(0, 500)), kernels.new_rows(theirs, kernels.seeds(0, 500))
    while not rows["done"].all():
        view, other = kernels.view(ours, rows), kernels.view(theirs, peers)
        np.testing.assert_array_equal(view.obs, other.obs)
        np.testing.assert_array_equal(view.legal, other.legal)
        actions = np.argmax(view.legal * (1.0 + generator.random(view.legal.shape)), axis=1)
        kernels.play_rows(ours, rows, actions)
        kernels.play_rows(theirs, peers, actions)
        for field in ("done", "reward", "seat", "ply"):
            np.testing.assert_array_equal(rows[field], peers[field])


@pytest.mark.parametrize("line", ["a1 b1 c1 d1 e1", "o15 o14 o13 o12 o11", "d4 e5 f6 g7 h8", "a5 b4 c3 d2 e1"])
@pytest.mark.parametrize("last", [0, 2, 4])
def test_five_in_any_direction_win_wherever_the_last_one_falls(line: str, last: int) -> None:
    rules, cells = gomoku(), line.split()
    cells.append(cells.pop(last))
    others = [name for name in rules.names if name[0] in "km" and name not in cells][::2]
    moves = " ".join(f"{cell} {other}" for cell, other in zip(cells[:4], others, strict=False))
    row = played(rules, moves)
    assert not row["done"][0]
    row = played(rules, f"{moves} {cells[4]}")
    assert row["done"][0]
    assert row["reward"][0].tolist() == [1.0, -1.0]


def test_a_line_does_not_go_on_at_the_other_side_of_the_board() -> None:
    row = played(mnk(5, 4, 3), "d4 a1 e4 a2 a3 c1")  # d4 e4 and then a3: cells in a row, but not in a line
    assert not row["done"][0]
    row = played(mnk(5, 4, 3), "d4 b1 e3 a2 a1")  # d4 e3 would go on off the board
    assert not row["done"][0]


OVERLINE = "a1 a9 b1 c9 c1 e9 e1 g9 f1 i9 d1"
"""The last stone makes six of three and two."""


def test_an_overline_wins_the_free_game_and_nothing_in_the_standard_one() -> None:
    free, standard = gomoku(9), gomoku(9, "standard")
    assert played(free, OVERLINE)["reward"][0].tolist() == [1.0, -1.0]
    assert not played(standard, OVERLINE)["done"][0]
    assert played(standard, OVERLINE.replace(" f1 i9 d1", " d1"))["done"][0]  # exactly five
    assert not played(game("mnk:m=9,n=9,k=5,exact=true"), OVERLINE)["done"][0]


def test_five_count_in_the_standard_game_though_an_overline_crosses_them() -> None:
    moves = "a1 a9 b1 c9 c1 e9 e1 g9 f1 i9 d2 b8 d3 d8 d4 f8 d5 h8 d1"  # six along the line, five up the column
    row = played(gomoku(9, "standard"), moves)
    assert row["done"][0]
    assert row["reward"][0].tolist() == [1.0, -1.0]


def test_a_full_board_without_a_line_is_a_draw() -> None:
    rules = mnk(2, 3, 3)
    assert rules.names == ("a3", "b3", "a2", "b2", "a1", "b1")
    row = played(rules, "a3 a2 b3 b2 a1 b1")
    assert row["done"][0]
    assert not row["reward"].any()


def test_the_mover_sees_his_own_stones_first() -> None:
    obs = kernels.view(mnk(4, 3, 3), played(mnk(4, 3, 3), "a3 d1 b2")).obs[0]
    assert obs.tolist() == [
        [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]],
        [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]],
    ]


def test_chances_to_complete_a_line() -> None:
    """x on the centre and a corner of 3 x 3: five lines of x, of which one holds both; o on b3 spoils b1 b2 b3."""
    rules = mnk()
    cells = played(rules, "b2 b3 a1")["cells"][0]
    ours, theirs = chances(cells, 1, 3, 3, 3)
    assert ours == 1 + 0.25 * 4  # a1 b2 c3; a2 b2 c2, a3 b2 c1, a1 a2 a3, a1 b1 c1
    assert theirs == 0.25  # a3 b3 c3
    assert chances(cells, 2, 3, 3, 3) == (theirs, ours)
    guess = rules.heuristic
    assert guess is not None
    assert guess(played(rules, "b2 b3 a1").view(np.recarray)[0]) == pytest.approx(
        0.99 * np.tanh(0.25 * (1.5 * 0.25 - 2.0))
    )


def longest(cells: np.ndarray, cell: int, columns: int) -> list[int]:
    """How long the lines through a cell's stone are in each direction, cut out of the board as strings of marks."""
    board = cells.reshape(-1, columns)
    r, c = divmod(cell, columns)
    flipped, mirrored = board[:, ::-1], columns - 1 - c
    lines = [(board[r], c), (board[:, c], r), (board.diagonal(c - r), min(r, c))]
    lines.append((flipped.diagonal(mirrored - r), min(r, mirrored)))
    found = []
    for line, at in lines:
        marks = "".join(map(str, line))
        before = marks[:at].rpartition(str(3 - board[r, c]))[2].rpartition("0")[2]
        after = marks[at + 1 :].partition(str(3 - board[r, c]))[0].partition("0")[0]
        found.append(len(before) + 1 + len(after))
    return found


@pytest.mark.parametrize("spec", ["mnk:m=6,n=5,k=4,exact=true", "mnk:m=6,n=5", "gomoku:size=7,rule=standard"])
def test_games_end_with_the_first_line_and_not_before(spec: str) -> None:
    """Against lines cut out of the board with NumPy, in whole random games."""
    rules, generator = game(spec), np.random.default_rng(2)
    k, exact = (5, True) if "gomoku" in spec else (4, True) if "exact" in spec else (3, False)
    overlines = wins = 0
    for _ in range(80):
        row = kernels.new_rows(rules, np.zeros(1, np.uint64))
        while not row["done"][0]:
            action = int(generator.choice(np.flatnonzero(kernels.legal_mask(rules, row)[0])))
            seat = int(row["seat"][0])
            kernels.play_rows(rules, row, np.array([action]))
            lengths = longest(row["cells"][0], action, rules.shape[2])
            won = k in lengths or (not exact and max(lengths) > k)
            overlines += max(lengths) > k and not won
            wins += won
            assert (row["reward"][0, seat] == 1.0) == won
            assert row["done"][0] == (won or row["ply"][0] == rules.max_plies)
    assert wins > 10
    assert overlines > 0 or not exact or k == 5


def test_options_out_of_range_are_refused() -> None:
    for spec, words in (
        ("mnk:m=1", "m of mnk is a whole number from 2 to 19"),
        ("mnk:n=20", "n of mnk is a whole number from 2 to 19"),
        ("mnk:m=4,n=3,k=5", "k of mnk is a whole number from 2 to 4, not 5; write for example mnk:k=3,m=4,n=3"),
        ("mnk:exact=1", "true or false"),
        ("gomoku:size=4", "size of gomoku is a whole number from 5 to 19"),
        ("gomoku:rule=renju", "rule of gomoku is free or standard"),
    ):
        with pytest.raises(ValueError, match=words):
            game(spec)
    assert game("gomoku:size=15,rule=free").name == "gomoku"
    assert game("mnk:exact=true,k=4,n=6,m=7").name == "mnk:m=7,n=6,k=4,exact=true"


@pytest.mark.parametrize(("m", "n", "k"), [(15, 15, 5), (7, 4, 4), (3, 5, 3)])
def test_open_spiel_plays_the_same_game(m: int, n: int, k: int) -> None:
    pyspiel = pytest.importorskip("pyspiel")
    rules, generator, peer = mnk(m, n, k), np.random.default_rng(4), pyspiel.load_game(f"mnk(m={m},n={n},k={k})")
    assert peer.num_distinct_actions() == rules.actions
    results = set()
    for _ in range(20):
        state, row = peer.new_initial_state(), kernels.new_rows(rules, np.zeros(1, np.uint64))
        while not row["done"][0]:
            mask = kernels.legal_mask(rules, row)[0]
            assert state.current_player() == row["seat"][0]
            assert state.legal_actions() == np.flatnonzero(mask).tolist()
            assert [mark for mark in str(state) if mark in ".xo"] == [".xo"[cell] for cell in row["cells"][0]]
            action = int(generator.choice(np.flatnonzero(mask)))
            kernels.play_rows(rules, row, np.array([action]))
            state.apply_action(action)
            assert state.is_terminal() == row["done"][0]
        assert state.returns() == row["reward"][0].tolist()
        results.add(tuple(state.returns()))
    assert len(results) >= 2

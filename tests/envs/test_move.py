"""Boards in words: what is told of them, and which moves are best."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from envs import kernels
from envs.language import task
from envs.language.move import looking, move, named, told
from envs.language.vocabulary import END, decode, encode
from envs.registry import game

NAMES = ("a3", "b3", "c3", "a2", "b2", "c2", "a1", "b1", "c1")


def after(rules, moves):
    """Rows of depth + 1, the first after these moves by name."""
    rows = np.zeros(10, rules.row)
    kernels.reset_rows(rules, rows[:1], np.zeros(1, np.uint64))
    for name in moves.split():
        kernels.play_rows(rules, rows[:1], np.array([rules.action(name)]))
    return rows


def test_a_board_is_told_from_the_side_that_moves():
    rules = game("tic_tac_toe")
    rows = after(rules, "b2 a3 c1")  # o to move: its a3 is mine
    assert decode(told(kernels.view(rules, rows[:1]).obs)[0]) == "x../.o./..o:"


@pytest.mark.parametrize(
    ("moves", "depth", "wins", "draws"),
    [
        ("a3 a1 b3 b1", 1, {"c3"}, 4),  # beyond one ply everything looks drawn
        ("a3 a1 b3 b1", 9, {"c3"}, 0),  # but whoever does not win at once loses to c1
        ("a3 c1", 9, {"c3", "a1"}, None),
        ("", 9, set(), 9),
    ],
)
def test_values_of_moves_by_hand(moves, depth, wins, draws):
    rules = game("tic_tac_toe")
    values = np.empty(9)
    rows = after(rules, moves)
    looking(rules, depth)(rows, values)
    assert {NAMES[a] for a in range(9) if values[a] == 1} >= wins
    assert {NAMES[a] for a in range(9) if values[a] == -2} == set(moves.split())
    if draws is not None:
        assert (values == 0).sum() == draws


def answered(rules, rows, names):
    tokens = np.zeros((len(rows), 4), np.uint8)
    length = np.empty(len(rows), np.int64)
    for i, name in enumerate(names):
        word = encode(name)
        tokens[i, : len(word)], tokens[i, len(word)], length[i] = word, END, len(word) + 1
    rows = rows.copy()
    task.write(rules, rows, tokens, length)
    return task.judged(rules, rows)


def test_a_move_is_right_if_perfect_play_agrees():
    rules = move(split="all")
    rows = task.posed(rules, kernels.seeds(3, 40), np.full(40, 8))
    for action, name in enumerate(NAMES):
        form, right = answered(rules, rows, [name] * 40)
        assert (form == 1).all()
        for i, row in enumerate(rows):
            cells = decode(row["text"][: row["prompted"] - 1]).replace("/", "")
            assert right[i] == (action in best(cells))


LINES = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]


@cache
def worth(cells, me, other):
    """The value of a position to `me`, who moves."""
    if any(all(cells[i] == other for i in line) for line in LINES):
        return -1
    if "." not in cells:
        return 0
    return max(-worth(cells[:i] + me + cells[i + 1 :], other, me) for i in range(9) if cells[i] == ".")


def best(cells):
    values = {i: -worth(cells[:i] + "x" + cells[i + 1 :], "o", "x") for i in range(9) if cells[i] == "."}
    return {i for i, value in values.items() if value == max(values.values())}


@pytest.mark.parametrize("text", ["a4", "d1", "a", "a33", "", "3a"])
def test_what_names_no_move_is_malformed(text):
    rules = move()
    rows = task.posed(rules, kernels.seeds(0, 2), np.full(2, 3))
    form, right = answered(rules, rows, [text] * 2)
    assert not form.any() and not right.any()


def test_levels_are_early_positions():
    rules = move(plies=6)
    for level, plies in ((1, {5}), (3, {3, 4, 5})):
        rows = task.posed(rules, kernels.seeds(1, 64), np.full(64, level))
        stones = [sum(decode(row["text"]).count(c) for c in "xo") for row in rows]
        assert set(stones) == plies


@pytest.mark.parametrize("spec", ["breakthrough", "gomoku", "kuhn", "cart_pole"])
def test_games_that_cannot_be_told_are_refused(spec):
    with pytest.raises(ValueError, match=r"move (tells|names)"):
        named(game(spec))

"""Pictures of games that hide something: what a seat may not know is not drawn for it, and is drawn for the hall."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from arena.viewers.layout import layout
from arena.viewers.memory.stream import held
from arena.viewers.pictures import picture_of
from arena.viewers.shapes import Shape
from envs import kernels
from envs.game import Game, Rows
from envs.registry import game
from tests.arena.viewers.draw_lists import to_json

WHERE = layout(1280, 720)


def unmet(row: Any) -> None:
    row["stones"][1] = row["met"][0]


def without_ships(row: Any) -> None:
    row["fleet"][1][row["shots"][0] == 0] = 0


def other_memory(row: Any) -> None:
    row["kept"] = (row["kept"] + 1) % 2
    if row["answer"] >= 0:
        row["answer"] = 1 - min(1, row["answer"])


def other_values(row: Any) -> None:
    row["values"] = (row["values"] + 1) % 8
    row["answer"] = (row["answer"] + 1) % 8


def other_sign(row: Any) -> None:
    row["sign"] = 3 - row["sign"]


def other_means(row: Any) -> None:
    row["means"] = 1.0 - row["means"]


def other_goal(row: Any) -> None:
    row["goal"] = -row["goal"]


def other_room(row: Any) -> None:
    row["goal"] = (row["goal"] + 1) % 16


HIDDEN: dict[str, tuple[int, Callable[[Any], None]]] = {
    "phantom_tic_tac_toe": (8, unmet),
    "dark_hex": (8, unmet),
    "battleship:size=4,ships=32": (8, without_ships),
    "copy": (16, other_memory),
    "recall": (5, other_values),
    "repeat_previous": (30, other_memory),
    "n_back": (30, other_memory),
    "parentheses": (11, other_memory),
    "t_maze": (20, other_sign),
    "bandit": (20, other_means),
    "point_mass": (20, other_goal),
    "maze_family": (3, other_room),
}


def drawn(rules: Game, rows: Rows, seen_by: int | None) -> list[Shape]:
    draw: Any = picture_of(rules)
    return draw(rules, rows[0], WHERE.board, WHERE, seen_by=seen_by).shapes


@pytest.mark.parametrize("spec", list(HIDDEN))
def test_what_a_seat_may_not_know_is_not_drawn_for_it(spec: str) -> None:
    rules, (plies, change) = game(spec), HIDDEN[spec]
    told = False
    for seed in range(12):
        rows = kernels.random_openings(rules, np.array([seed], np.uint64), plies)
        if rows["done"][0]:
            continue
        other = rows.copy()
        change(other[0])
        assert to_json(drawn(rules, rows, 0)) == to_json(drawn(rules, other, 0))
        told |= to_json(drawn(rules, rows, None)) != to_json(drawn(rules, other, None))
    assert told


def test_what_a_perfect_memory_holds() -> None:
    rules = game("copy")
    rows = kernels.new_rows(rules, np.zeros(1, np.uint64))
    rows["kept"] = [[3, 1, 4, 1, 5]]
    rows["ply"], rows["answer"] = 2, -1
    assert held(rules, rows[0]).tiles == [(3,), (1,), (4,)]
    rows["ply"], rows["answer"] = 16, 1
    assert held(rules, rows[0]).wanted == 1
    rules = game("n_back")
    rows = kernels.new_rows(rules, np.zeros(1, np.uint64))
    rows["kept"] = [[7, 5, 6]]  # ply 3 took the place of ply 0; plies 1 and 2 are 5 and 6
    rows["ply"], rows["answer"] = 3, 0
    assert held(rules, rows[0]).tiles == [(5,), (6,), (7,)]
    assert held(rules, rows[0]).wanted == 0
    rules = game("parentheses")
    rows = kernels.new_rows(rules, np.zeros(1, np.uint64))
    rows["kept"] = -1
    rows["kept"][0, :2] = [2, 0]
    rows["height"], rows["answer"] = 2, 1
    assert held(rules, rows[0]).tiles == [(2,), (0,), (1,)]
    assert held(rules, rows[0]).wanted == 2


def test_ships_are_placed_across_by_the_upper_half_of_a_cell_and_down_by_the_lower() -> None:
    rules = game("battleship:size=4,ships=32")
    rows = kernels.new_rows(rules, np.zeros(1, np.uint64))
    hits = picture_of(rules)(rules, rows[0], WHERE.board, WHERE).hits
    across, down = hits[rules.action("b2-right")], hits[rules.action("b2-down")]
    assert across.bottom == pytest.approx(down.y)
    assert across.x == down.x
    assert rules.action("b2") not in hits
    rows = kernels.random_openings(rules, np.zeros(1, np.uint64), 5)
    sea = picture_of(rules)(rules, rows[0], WHERE.board, WHERE).hits
    assert sorted(sea) == list(range(16))
    assert sea[0].x < WHERE.board.cx  # seat 1 shoots at seat 0's sea, on the left

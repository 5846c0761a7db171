"""Go counted and solved: how many positions are legal, and what small boards are worth, by search without shortcuts."""

from __future__ import annotations

import itertools
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from envs import kernels
from envs.boards.go import on_any_board
from envs.game import Game, Rows
from envs.kernels import Loop, legal, play

KNOWN = json.loads((Path(__file__).resolve().parents[1] / "golden" / "games.json").read_text(encoding="utf-8"))["go"]


@Loop
def proves(
    rows: Rows, masks: NDArray[np.bool_], order: NDArray[np.int64], seat: int, least: float, depth: int, nodes: int
) -> int:
    """Whether `seat` can get `least` within `depth` more plies, whatever the other side does: 1 yes, 0 no, -1 unknown.

    Depth first, without a table, since what superko allows depends on the way. rows is [depth + 1], rows[0] the start;
    masks [depth + 1, A]. Moves are tried in `order`, but a pass that ends the game first.
    """
    actions = masks.shape[1]
    tried = np.zeros(depth + 1, np.int64)
    legal(rows[0], masks[0])
    d, result, returned = 0, False, False
    while True:
        if returned:  # with `result` from one level below
            mine = rows[d].seat == seat
            if result == mine:  # one good move is enough for the prover, one refutation for the other side
                if d == 0:
                    return int(result)
                d -= 1
                continue
        returned = False
        move = -1
        while tried[d] <= actions:
            i = tried[d]
            tried[d] += 1
            if i == 0 and rows[d].passes == 1:
                move = actions - 1
            elif i > 0 and not (rows[d].passes == 1 and order[i - 1] == actions - 1) and masks[d, order[i - 1]]:
                move = order[i - 1]
            if move >= 0:
                break
        if move < 0:  # all tried: none served the seat to move
            result, returned = rows[d].seat != seat, True
            if d == 0:
                return int(result)
            d -= 1
            continue
        nodes -= 1
        if nodes < 0:
            return -1
        rows[d + 1] = rows[d]
        play(rows[d + 1], move)
        if rows[d + 1].done or d + 1 == depth:
            result, returned = bool(rows[d + 1].done and rows[d + 1].reward[seat] >= least), True
        else:
            d += 1
            tried[d] = 0
            legal(rows[d], masks[d])


def forces(rules: Game, seat: int, least: float) -> bool:
    """Whether the seat can force a result of `least`, found by ever deeper proofs."""
    lines, columns = rules.shape[1:]
    middle = [
        (abs(2 * (p // columns) - lines + 1) + abs(2 * (p % columns) - columns + 1), p) for p in range(lines * columns)
    ]
    order = np.array([point for _, point in sorted(middle)] + [lines * columns])
    for depth in range(4, 26, 2):
        rows = np.zeros(depth + 1, rules.row)
        rows[:1] = kernels.new_rows(rules, np.zeros(1, np.uint64))
        masks = np.zeros((depth + 1, rules.actions), np.bool_)
        found = proves(rules, rows, masks, order, seat, least, depth, 3_000_000)
        if found:
            return found == 1
    return False


@cache
def small(lines: int, columns: int) -> Game:
    """Go with the board's exact value as komi, so that perfect play draws."""
    komi = KNOWN["area_value"][f"{lines}x{columns}"]
    return on_any_board(f"go on {lines} x {columns}", lines, columns, komi=komi, limit=60)


@pytest.mark.parametrize("board", ["2x2", "2x3", "3x3"])
def test_small_boards_are_worth_what_is_known(board: str) -> None:
    """Under positional superko each side can hold the draw at the known komi, and white no more than that."""
    lines, columns = map(int, board.split("x"))
    rules = small(lines, columns)
    assert forces(rules, 0, 0.0)
    if KNOWN["area_value"][board] < lines * columns:  # nobody can have more than the whole board
        assert forces(rules, 1, 0.0)
    if board == "2x2":  # the negative control: the draw is not a win
        assert not forces(rules, 1, 1.0)


@pytest.mark.parametrize("size", [2, 3])
def test_legal_positions_are_counted(size: int) -> None:
    """Of all colourings, those in which every chain has a liberty: stones put down in any order never take any.

    A colouring with a chain that has no liberty cannot be put down: its last stone is forbidden, or takes something.
    """
    rules, points = small(size, size), size * size
    colourings = np.array(list(itertools.product((0, 1, 2), repeat=points)), np.uint8)
    rows = kernels.new_rows(rules, np.zeros(len(colourings), np.uint64))
    whole = np.ones(len(colourings), np.bool_)
    for point in range(points):
        for seat in (0, 1):
            stone = colourings[:, point] == seat + 1
            whole &= kernels.legal_mask(rules, rows)[:, point] | ~stone
            kernels.play_rows(rules, rows, np.where(stone & whole, point, points))
            rows["passes"] = 0
    whole &= (rows["colour"][:, :points] == colourings).all(axis=1)
    assert whole.sum() == KNOWN["legal"][str(size)]

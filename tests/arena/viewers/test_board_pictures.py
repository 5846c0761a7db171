"""Pictures of Hex, m,n,k games, Breakthrough and Nim: what is struck through, and what a click means."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from arena.viewers.boards.hex import winning_chain
from arena.viewers.boards.mnk import longest_lines
from arena.viewers.layout import layout
from arena.viewers.pictures import Picture, picture_of
from envs import kernels
from envs.game import Game, Rows
from envs.registry import game

WHERE = layout(1280, 720)


def drawn(rules: Game, rows: Rows, *, flipped: bool = False) -> Picture:
    return picture_of(rules)(rules, rows[-1], WHERE.board, WHERE, flipped=flipped)


def replayed(rules: Game, moves: str) -> Rows:
    return kernels.replay(rules, 0, [rules.action(name) for name in moves.split()])


def test_the_chain_that_won_at_hex_is_the_shortest_one() -> None:
    rules = game("hex:size=3")
    rows = replayed(rules, "b1 a1 b2 a2 c1 c3 a3")  # c1 and b1 both touch b2
    assert rows["done"][-1]
    chain = [rules.names[a] for a in winning_chain(rows["cells"][-1], 3)]
    assert chain in (["a3", "b2", "b1"], ["a3", "b2", "c1"])
    assert winning_chain(rows["cells"][-2], 3) == []


def test_the_line_that_won_is_struck_through() -> None:
    rules = game("mnk:m=5,n=4,k=4")
    rows = replayed(rules, "a1 a2 b2 b3 c3 c4 d4")
    (line,) = longest_lines(rows["cells"][-1], 5, 4)
    assert [rules.names[a] for a in line] == ["d4", "c3", "b2", "a1"]


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("plies", [0, 1, 17, 30])
def test_every_step_of_breakthrough_has_a_place_of_its_own(plies: int, flipped: bool) -> None:
    rules = game("breakthrough")
    rows = kernels.random_openings(rules, np.array([3], np.uint64), plies)
    steps = np.flatnonzero(kernels.legal_mask(rules, rows)[0]).tolist()
    picture = drawn(rules, rows, flipped=flipped)
    for a, b in combinations(steps, 2):
        box, other = picture.hits[a], picture.hits[b]
        assert not (other.holds(box.cx, box.cy) or box.holds(other.cx, other.cy))
    for a in steps:
        box, spot = picture.hits[a], picture.spots[a]
        assert box.holds(spot.x, spot.y)
        sideways = (ord(rules.names[a][2]) - ord(rules.names[a][0])) * (-1 if flipped else 1)
        middle = WHERE.board.cx + (ord(rules.names[a][2]) - ord("d") - 0.5) * picture.cell * (-1 if flipped else 1)
        assert round(3 * (spot.x - middle) / picture.cell) == -sideways  # thirds: on the side from which the pawn comes


def test_a_click_on_a_match_takes_it_and_all_to_its_right() -> None:
    rules = game("nim")
    rows = replayed(rules, "d2")
    picture = drawn(rules, rows)
    left = [picture.hits[rules.action(f"d{taken}")].x for taken in (5, 4, 3, 2, 1)]
    assert left == sorted(left)
    assert picture.hits[rules.action("d5")].x == picture.hits[rules.action("c5")].x  # the first match of its heap


def test_the_first_stone_of_hex_is_taken_over_by_a_button() -> None:
    rules = game("hex:size=5,swap=true")
    swap = rules.action("swap")
    before, after = drawn(rules, replayed(rules, "")), drawn(rules, replayed(rules, "c3"))
    words = [shape for shape in after.shapes if getattr(shape, "text", "") == "swap"]
    assert len(words) == 1
    assert words[0] not in before.shapes
    box = after.hits[swap]
    assert not any(other.holds(box.cx, box.cy) for action, other in after.hits.items() if action != swap)

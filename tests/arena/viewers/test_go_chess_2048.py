"""The pictures of Go, minichess and 2048: what moved, whose each point is, and where a click means what."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.play import illegal
from agents.registry import agent
from arena.viewers.arcade.game_2048 import kinds, moved, slide
from arena.viewers.boards.go import areas, stars
from arena.viewers.describe import described
from arena.viewers.layout import layout
from arena.viewers.overlays import last_move
from arena.viewers.pictures import picture_of
from arena.viewers.shapes import Group, Poly, Ring, Text
from arena.viewers.snapshot import Candidate, Ply
from arena.viewers.sources import GameRecord, replayed
from arena.viewers.table import log_lines
from arena.viewers.tree import tree
from arena.viewers.ui import UI
from envs import kernels
from envs.arcade.game_2048 import STEPS
from envs.boards.gardner_chess import ACTIONS
from envs.registry import game

WHERE = layout(1280, 720)


def random_position(spec: str, plies: int, seed: int = 3) -> tuple[np.void, np.void]:
    """A position and the one before it."""
    rules = game(spec)
    rows = kernels.new_rows(rules, np.array([seed], np.uint64))
    before = rows.copy()
    for _ in range(plies):
        before = rows.copy()
        kernels.random_rows(rules, rows, 1)
    return rows[0], before[0]


def test_tiles_go_where_the_rules_take_them() -> None:
    rules = game("game_2048")
    assert rules.chances is not None
    explained = 0
    for plies in range(1, 60):
        row, before = random_position("game_2048", plies)
        old, new = kinds(before["board"]), kinds(row["board"])
        for action, step in enumerate(STEPS):
            after = np.array([before], rules.row).view(np.recarray)
            rules.chances.act(after[0], action)
            assert slide(old, step)[1] == kinds(after[0].board)
        paths = moved(old, new)
        assert paths is not None
        assert sorted(paths) == [cell for cell, kind in enumerate(old) if kind]
        explained += len(set(paths.values())) < len(paths)  # something merged
    assert explained > 10
    assert moved([1, 1] + [0] * 14, [15] * 16) is None


def test_areas_are_what_the_rules_count() -> None:
    """X . O . over X . O O over . X O . : one point of black's, two of white's, and two open to both."""
    colours = [1, 0, 2, 0, 1, 0, 2, 2, 0, 1, 2, 0]
    assert areas(colours, 3, 4) == {3: 1, 8: 0, 11: 1}
    assert stars(19) == [3, 9, 15]
    assert stars(13) == [3, 6, 9]
    assert stars(9) == [2, 4, 6]
    assert stars(5) == [2]


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("plies", [0, 1, 24])
def test_every_legal_move_of_chess_has_a_place_of_its_own_on_its_cell(plies: int, flipped: bool) -> None:
    rules = game("gardner_chess")
    row, _ = random_position("gardner_chess", plies)
    picture = picture_of(rules)(rules, row, WHERE.board, WHERE, flipped=flipped)
    legal = np.flatnonzero(kernels.legal_mask(rules, np.array([row], rules.row))[0]).tolist()
    assert sorted(picture.hits) == sorted(picture.spots) == legal
    boxes = list(picture.hits.values())
    for i, box in enumerate(boxes):
        assert not any(other.holds(box.cx, box.cy) for other in boxes[:i] + boxes[i + 1 :])
    shares = [sum(ACTIONS[b][1] == ACTIONS[a][1] for b in legal) for a in legal]
    sizes = [round(picture.cell / box.w) ** 2 for box in picture.hits.values()]
    assert all(size >= share for size, share in zip(sizes, [shares[legal.index(a)] for a in picture.hits], strict=True))


def test_a_move_is_shown_on_its_way_and_at_its_end() -> None:
    for spec, plies in (("go", 40), ("gardner_chess", 9), ("game_2048", 30)):
        rules = game(spec)
        row, before = random_position(spec, plies)
        draw = picture_of(rules)
        start = draw(rules, row, WHERE.board, WHERE, before, 0.3).shapes
        end = draw(rules, row, WHERE.board, WHERE, before, 1.0).shapes
        assert start != end
        assert end == draw(rules, row, WHERE.board, WHERE).shapes


@pytest.mark.parametrize("spec", ["gardner_chess", "breakthrough"])
def test_the_ring_of_the_last_move_lies_in_the_middle_of_a_cell_that_moves_share(spec: str) -> None:
    rules = game(spec)
    start = kernels.new_rows(rules, np.zeros(1, np.uint64))
    picture = picture_of(rules)(rules, start[0], WHERE.board, WHERE)
    columns = {shape.text: shape.box.cx for shape in picture.shapes if isinstance(shape, Text)}
    shared = 0
    for action in np.flatnonzero(kernels.legal_mask(rules, start)[0]).tolist():
        snapshot = replayed(GameRecord(rules, (action,), ("random", "random")))
        (ring,) = last_move(snapshot, UI(ply=1), picture, shown=False)
        assert isinstance(ring, Ring)
        assert ring.x == pytest.approx(columns[rules.names[action][2]])
        shared += ring.x != picture.spots[action].x
    assert shared > 1


def test_pieces_are_shapes_and_no_letters() -> None:
    rules = game("gardner_chess")
    row, _ = random_position("gardner_chess", 0)
    shapes = picture_of(rules)(rules, row, WHERE.board, WHERE).shapes
    assert {shape.text for shape in shapes if isinstance(shape, Text)} == set("abcde12345")
    assert sum(isinstance(shape, Poly) for shape in shapes) >= 40  # a foot and a body for each of 20 pieces


def test_moves_of_chess_are_told_as_they_are_on_the_board_whoever_makes_them() -> None:
    rules = game("gardner_chess")
    b2b3, d2d3 = rules.action("b2b3"), rules.action("d2d3")
    made = replayed(GameRecord(rules, (b2b3, d2d3), ("ann", "bob"), opening=1))
    told = described(made)
    assert "1. b2b3 by ann" in told and "2. d4d3 by bob" in told and "d2d3" not in told
    assert [words for what, words in log_lines(made) if what in ("opening", "move 2")] == ["b2b3", "d4d3"]
    thought = Ply(d2d3, 1, candidates=(Candidate(d2d3, 3, value=0.0, pv=(d2d3, b2b3), rows=made.rows[1:3]),))
    thinking = replace(made, plies=(made.plies[0], thought))
    (group,) = tree(thinking, UI(ply=1), WHERE, WHERE.board)
    assert isinstance(group, Group)
    texts = [shape.text for shape in group.shapes if isinstance(shape, Text)]
    assert "d4d3" in texts and "b2b3" in texts and "d2d3" not in texts
    assert "The analyst gives d4d3" in described(thinking, 1) and "d2d3" not in described(thinking, 1)


def test_whoever_breaks_the_rules_of_chess_is_told_so_by_the_board() -> None:
    rules = game("gardner_chess")
    b2b3, d2d3, e2e4 = (rules.action(name) for name in ("b2b3", "d2d3", "e2e4"))
    with pytest.raises(ValueError, match=r"is against the rules: .*d4d3"):
        kernels.replay(rules, 0, [b2b3, e2e4])
    rows = kernels.replay(rules, 0, [b2b3, d2d3])
    for seat, chosen, legal in ((1, "e4e2", "d4d3"), (0, "e2e4", "b3a4")):
        view = kernels.view(rules, rows[1:2] if seat else rows[2:3])
        (forfeit,) = illegal(agent("random"), view, np.array([e2e4])).values()
        assert f"({chosen}) in gardner_chess" in forfeit.text and legal in forfeit.text

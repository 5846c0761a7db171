"""Pictures of card games: a button for every move, all inside, and nothing shown to who may not know it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from arena.viewers.layout import layout
from arena.viewers.pictures import look
from arena.viewers.shapes import Shape, Text, bounds
from envs import kernels
from envs.registry import game

SPECS = [
    "kuhn", "kuhn:players=4", "leduc", "leduc:players=6", "liars_dice", "liars_dice:dice=3,sides=6", "goofspiel",
    "goofspiel:cards=13,order=random", "matrix", "matrix:game=battle_of_sexes", "repeated_rps",
]  # fmt: skip
SIZES = [(1280, 720), (1024, 768), (720, 1280)]


def shapes_of(spec: str, row: Any, seen_by: int | None = None, size: tuple[int, int] = SIZES[0]) -> list[Shape]:
    return look(game(spec), row, layout(*size), seen_by=seen_by).shapes


@pytest.mark.parametrize("spec", SPECS)
def test_every_move_has_a_button_of_its_own_flipped_or_not(spec: str) -> None:
    played, where = game(spec), layout(1280, 720)
    row = kernels.random_openings(played, kernels.seeds(1, 1), 1)[0]
    plain, turned = (look(played, row, where, flipped=flipped) for flipped in (False, True))
    for picture in (plain, turned):
        assert set(picture.hits) == set(range(played.actions))
        boxes = list(picture.hits.values())
        for i, box in enumerate(boxes):
            assert not any(other.holds(box.cx, box.cy) for other in boxes[i + 1 :])
        assert all(picture.hits[action].holds(spot.x, spot.y) for action, spot in picture.spots.items())
    assert plain.hits[0] == turned.hits[played.actions - 1]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("spec", SPECS)
def test_nothing_leaves_the_board(spec: str, size: tuple[int, int]) -> None:
    board = layout(*size).board.inset(-1.5)
    for plies in (0, 3, 40):
        row = kernels.random_openings(game(spec), kernels.seeds(plies, 1), plies)[0]
        for shape in shapes_of(spec, row, size=size):
            box = bounds(shape)
            assert box.x >= board.x and box.right <= board.right, shape
            assert box.y >= board.y and box.bottom <= board.bottom, shape


HIDDEN = [("kuhn", "cards", 1, [0, 1]), ("leduc", "cards", 1, [0, 5]), ("goofspiel", "hand", 1, [1, 2])]


@pytest.mark.parametrize(("spec", "field", "seat", "values"), HIDDEN)
def test_what_the_other_holds_changes_nothing_that_is_seen(spec: str, field: str, seat: int, values: list[int]) -> None:
    seen, whole = set(), set()
    for value in values:
        row = kernels.new_rows(game(spec), np.zeros(1, np.uint64))
        row[field][0, seat] = value
        seen.add(str(shapes_of(spec, row[0], 1 - seat)))
        whole.add(str(shapes_of(spec, row[0])))
    assert len(seen) == 1
    assert len(whole) == 2


def test_dice_lie_under_the_cup() -> None:
    rules = game("liars_dice")
    row = kernels.new_rows(rules, np.zeros(1, np.uint64))
    seen, whole = set(), set()
    for face in (0, 3):
        row["faces"][0, 1] = np.arange(6) == face
        seen.add(str(shapes_of("liars_dice", row[0], 0)))
        whole.add(str(shapes_of("liars_dice", row[0])))
    assert (len(seen), len(whole)) == (1, 2)


@pytest.mark.parametrize("spec", ["goofspiel", "matrix", "repeated_rps"])
def test_the_first_choice_is_hidden_from_the_second(spec: str) -> None:
    rules = game(spec)
    seen, whole = set(), set()
    for action in (0, 1):
        row = kernels.new_rows(rules, np.zeros(1, np.uint64))
        kernels.play_rows(rules, row, np.array([action]))
        seen.add(str(shapes_of(spec, row[0], 1)))
        whole.add(str(shapes_of(spec, row[0])))
    assert (len(seen), len(whole)) == (1, 2)


def test_hands_are_shown_at_the_end_and_what_was_paid() -> None:
    rules = game("kuhn")
    rows = kernels.new_rows(rules, np.zeros(1, np.uint64))
    rows["cards"][0] = 0, 2
    for _ in range(2):
        kernels.play_rows(rules, rows, np.array([1]))
    words = {shape.text for shape in shapes_of("kuhn", rows[0], 0) if isinstance(shape, Text)}
    assert {"J", "K", "+2", "−2", "4"} <= words

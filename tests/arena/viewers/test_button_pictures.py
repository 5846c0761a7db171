"""Pictures of control tasks and arcade games: everything in its place, a button for every action."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from arena.viewers.layout import layout
from arena.viewers.pictures import Picture, picture_of
from arena.viewers.shapes import Disc, Line, Poly, Rect, bounds
from arena.viewers.theme import SEATS
from envs import kernels
from envs.game import Game, Rows
from envs.registry import game
from tests.arena.viewers.draw_lists import to_json

WHERE = layout(1280, 720)
CONTROL = ["cart_pole", "acrobot", "mountain_car", "mountain_car_continuous", "pendulum"]
ARCADE = ["breakout", "asterix", "freeway", "seaquest", "space_invaders", "pong", "snake", "pixel_breakout"]


def drawn(rules: Game, row: Rows, **how: Any) -> Picture:
    return picture_of(rules)(rules, row[0], WHERE.board, WHERE, **how)


def position(rules: Game, plies: int = 0, **fields: Any) -> Rows:
    row = kernels.random_openings(rules, np.array([4], np.uint64), plies)
    for field, value in fields.items():
        row[field] = value
    return row


@pytest.mark.parametrize("spec", [*CONTROL, *ARCADE, "pong:seats=2"])
def test_everything_is_on_the_panel_and_every_action_has_a_button(spec: str) -> None:
    rules, room = game(spec), WHERE.board.inset(-0.01)
    frames = set()
    for plies in range(0, 40, 4):
        row = position(rules, plies)
        picture = drawn(rules, row)
        frames.add(to_json(picture.shapes))
        for shape in picture.shapes:
            box = bounds(shape)
            if getattr(shape, "fill", None) != "shadow":
                assert room.holds(box.x, box.y), shape
                assert room.holds(box.right, box.bottom), shape
        assert set(picture.hits) == set(picture.spots) == set(range(rules.actions))
        for action, box in picture.hits.items():
            assert box.holds(picture.spots[action].x, picture.spots[action].y)
        for box, other in combinations(picture.hits.values(), 2):
            assert not box.holds(other.cx, other.cy)
    assert len(frames) > 2


@pytest.mark.parametrize("spec", [*CONTROL, *ARCADE])
def test_a_ply_carried_out_looks_like_the_next_position(spec: str) -> None:
    rules = game(spec)
    before, after = position(rules, 3), position(rules, 4)
    assert to_json(drawn(rules, after, before=before[0], part=1.0).shapes) == to_json(drawn(rules, after).shapes)
    drawn(rules, after, before=before[0], part=0.5)


def lines(picture: Picture, colour: str) -> list[tuple[tuple[float, float], ...]]:
    return [shape.points for shape in picture.shapes if isinstance(shape, Line) and shape.colour == colour]


def test_a_pendulum_turns_counter_clockwise() -> None:
    rules = game("pendulum")
    picture = drawn(rules, position(rules, angle=math.pi / 2, spin=0, torque=0))
    ((hub, tip),) = lines(picture, SEATS[0])
    assert tip[0] < hub[0]
    assert tip[1] == pytest.approx(hub[1])
    pushed = drawn(rules, position(rules, angle=0, spin=0, torque=2))
    arc = max(lines(pushed, SEATS[0]), key=len)
    assert arc[-1][0] < arc[0][0]  # over the hub from right to left
    assert lines(drawn(rules, position(rules, angle=0, spin=0, torque=-2)), SEATS[1])


def test_an_acrobot_hangs_and_a_pole_leans_to_its_side() -> None:
    acrobot = game("acrobot")
    picture = drawn(acrobot, position(acrobot, state=(0.0, math.pi / 2, 0.0, 0.0)))
    (((x, y), elbow),) = lines(picture, "white stone")
    ((start, tip),) = lines(picture, SEATS[0])
    assert start == elbow
    assert (elbow[0], elbow[1] > y) == (pytest.approx(x), True)
    assert (tip[0] > elbow[0], tip[1]) == (True, pytest.approx(elbow[1]))
    cart_pole = game("cart_pole")
    poles = []
    for lean in (0.1, -0.1):
        shapes = drawn(cart_pole, position(cart_pole, x=0, angle=lean)).shapes
        (pole,) = [shape for shape in shapes if isinstance(shape, Poly) and shape.fill == SEATS[0] and shape.alpha == 1]
        poles.append(min(pole.points, key=lambda point: point[1])[0])
    middle = WHERE.board.cx
    assert poles[0] > middle > poles[1]


def test_arcade_fields_show_what_is_there() -> None:
    invaders = game("space_invaders")
    shapes = drawn(invaders, position(invaders)).shapes
    assert sum(isinstance(shape, Poly) and shape.fill == "purple" for shape in shapes) == 24
    sea = game("seaquest")
    row = position(sea, n_fish=2, divers_aboard=3)
    row["fish"][0, :2, :2] = ((2, 3), (7, 5))
    shapes = drawn(sea, row).shapes
    assert sum(isinstance(shape, Poly) and shape.fill == "orange" for shape in shapes) == 2
    assert sum(isinstance(shape, Disc) and shape.fill2 == "white stone" for shape in shapes) == 3
    pixels = game("pixel_breakout")
    half = drawn(pixels, position(pixels, bricks=np.uint64((1 << 30) - 1))).shapes
    whole = drawn(pixels, position(pixels)).shapes
    assert sum(isinstance(shape, Rect) for shape in whole) - sum(isinstance(shape, Rect) for shape in half) == 30

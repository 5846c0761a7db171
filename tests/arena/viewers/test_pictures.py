"""Every picture of the table and the frame around it, by what its game declares; the toys have every trait there is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from arena.viewers import foreign
from arena.viewers.describe import described
from arena.viewers.layout import layout
from arena.viewers.match import caption_lines, scene
from arena.viewers.pictures import PICTURES, look
from arena.viewers.shapes import OVERLAY, Group, Shape, Text, bounds
from arena.viewers.snapshot import Snapshot, amount, opinions, to_player_1
from arena.viewers.sources import GameRecord, replayed
from arena.viewers.ui import UI, Key, eyes, secret, update
from envs import kernels
from envs.adapters.foreign.programs import programs_of
from envs.game import Game
from envs.registry import game
from tests.arena.viewers.draw_lists import to_json
from tests.arena.viewers.scripted import begun
from tests.envs import toys

TOYS = toys.ALL
SPECS = [*sorted(PICTURES), *TOYS]
SIZES = ((1280, 720), (720, 1280))

every_picture = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec if isinstance(spec, str) else spec.name)


def shown(spec: Any) -> Snapshot:
    return begun(game(spec) if isinstance(spec, str) else spec)


def flat(shapes: Iterable[Shape]) -> list[Shape]:
    return [inner for shape in shapes for inner in (flat(shape.shapes) if isinstance(shape, Group) else [shape])]


@every_picture
def test_a_picture_stays_in_its_room_and_can_be_read(spec: Any) -> None:
    snapshot = shown(spec)
    for size in SIZES:
        where = layout(*size)
        for k in {0, snapshot.length // 2, snapshot.length}:
            before = snapshot.rows[k - 1] if k else None
            picture = look(snapshot.game, snapshot.rows[k], where, before)
            shapes = flat(picture.shapes)
            assert shapes and len(shapes) <= 4000
            for shape in shapes:
                box = bounds(shape)
                soft = 2.0 if getattr(shape, "blur", 0) else 0.05
                assert box.x >= where.board.x - 2 - soft and box.right <= where.board.right + 2 + soft, shape
                assert box.y >= 0 and box.bottom <= 101.5, shape
                assert not isinstance(shape, Text) or shape.size >= 1.2, shape


@every_picture
@pytest.mark.parametrize("flipped", [False, True])
def test_every_legal_move_can_be_clicked_and_none_lies_on_another(spec: Any, flipped: bool) -> None:
    """But vectors, pictures of words alone, and steps of a walk against a wall, where there is nothing to click."""
    snapshot, where = shown(spec), layout(1280, 720)
    rules = snapshot.game
    for k in {0, snapshot.length // 2}:
        picture = look(rules, snapshot.rows[k], where, flipped=flipped)
        legal = np.flatnonzero(kernels.legal_mask(rules, snapshot.rows[k : k + 1])[0]).tolist()
        assert set(picture.spots) | set(picture.hits) <= set(range(rules.actions))
        walk = rules.seats == 1 and rules.keys > 0
        if (isinstance(spec, str) and not walk) or len(picture.hits) == rules.actions:
            assert set(legal) <= set(picture.hits)
        assert picture.hits or not isinstance(spec, str) or rules.controls
        areas = [picture.hits[action] for action in legal if action in picture.hits]
        for i, a in enumerate(areas):
            assert a.x >= where.board.x - 0.05 and a.right <= where.board.right + 0.05
            assert not any(b.holds(a.cx, a.cy) for b in areas[i + 1 :])
        for action in set(legal) & set(picture.spots):
            assert picture.hits[action].inset(-0.01).holds(picture.spots[action].x, picture.spots[action].y)
        assert picture.cell > 0
    assert look(rules, snapshot.rows[0], where, part=0.5).shapes


@every_picture
def test_the_same_position_gives_the_same_picture(spec: Any) -> None:
    snapshot, where = shown(spec), layout(1280, 720)
    for k in {snapshot.length // 2, snapshot.length}:
        twice = [to_json(look(snapshot.game, snapshot.rows[k].copy(), where).shapes) for _ in range(2)]
        assert twice[0] == twice[1]
        assert look(snapshot.game, snapshot.rows[k], where, flipped=True).shapes


HIDDEN = [spec for spec in SPECS if (game(spec) if isinstance(spec, str) else spec).hidden]


@pytest.mark.parametrize("spec", HIDDEN, ids=lambda spec: spec if isinstance(spec, str) else spec.name)
def test_a_seat_is_shown_nothing_that_it_may_not_know(spec: Any) -> None:
    """Two games in which a seat has seen, done and been paid the same are drawn alike for it."""
    rules, where = shown(spec).game, layout(1280, 720)
    generator = np.random.default_rng(0)
    rows = kernels.new_rows(rules, kernels.seeds(2, 32))
    told = [[b""] * rules.seats for _ in rows]
    drawn: dict[tuple[int, bytes], str] = {}
    for _ in range(5):
        for seat in range(rules.seats):
            looking = rows.copy()
            looking["seat"] = seat
            view = kernels.view(rules, looking)
            for i in np.flatnonzero(~rows["done"]):
                told[i][seat] += view.obs[i].tobytes() + view.legal[i].tobytes() + bytes([rows[i]["seat"]])
                now = to_json(look(rules, rows[i], where, seen_by=seat).shapes)
                assert drawn.setdefault((seat, told[i][seat]), now) == now
        mask = kernels.legal_mask(rules, rows)
        if rules.controls:
            actions = np.tile(np.array(rules.controls, np.float32)[:, 1], (len(rows), 1))
        else:
            actions = np.argmax(mask * (1.0 + generator.random(mask.shape)), axis=1)
        movers = rows["seat"].copy()
        kernels.play_rows(rules, rows, actions)
        for i, seat in enumerate(movers):
            told[i][seat] += actions[i].tobytes()
            told[i] = [words + paid.tobytes() for words, paid in zip(told[i], rows[i]["reward"], strict=True)]


@every_picture
def test_the_frame_around_it_holds(spec: Any) -> None:
    """Words are large enough, inside the window and not on one another, whatever the game pays and to how many."""
    snapshot = shown(spec)
    views = [UI(ply=snapshot.length // 2, tab="moves"), UI(ply=snapshot.length, tab="log")]
    if isinstance(spec, Game):
        views += [replace(views[0], lecture=True, tab="tree"), replace(views[0], eyes=0), replace(views[1], text=4)]
    for size in SIZES:
        for ui in views:
            where = layout(*size, (0.8, 1.0, 1.25, 1.6, 2.0)[ui.text], lecture=ui.lecture)
            shapes = flat(scene(snapshot, ui, where))
            board = {id(s) for s in shapes if where.board.holds(bounds(s).x + 0.01, bounds(s).y + 0.01)}
            texts = [s for s in shapes if isinstance(s, Text) and s.text and s.layer != OVERLAY and id(s) not in board]
            boxes = [(bounds(text), text.text) for text in texts]
            for i, (a, words) in enumerate(boxes):
                assert a.x >= -0.01 and a.right <= where.w + 0.01 and a.bottom <= 100.01, words
                assert texts[i].size >= 2.0
                for b, others in boxes[i + 1 :]:
                    across = a.right <= b.x + 0.05 or b.right <= a.x + 0.05
                    assert across or a.bottom <= b.y + 0.05 or b.bottom <= a.y + 0.05, (words, others)


@every_picture
def test_captions_say_something_short(spec: Any) -> None:
    snapshot = shown(spec)
    for ply in range(snapshot.length + 1):
        lines = caption_lines(snapshot, UI(ply=ply), True)
        assert 1 <= len(lines) <= 2 and all(0 < len(line) <= 120 for line in lines)
    assert described(snapshot, snapshot.length)


def played(rules: Game, *moves: Any, names: tuple[str, ...] = ("ada", "bob", "cid")) -> Snapshot:
    return replayed(GameRecord(rules, moves, names[: rules.seats]))


def texts(snapshot: Snapshot, ui: UI) -> list[str]:
    return [s.text for s in flat(scene(snapshot, ui, layout(1280, 720))) if isinstance(s, Text)]


def test_columns_of_a_position_in_words_stand_under_one_another() -> None:
    snapshot = played(toys.walk(), 1)
    words = [s for s in flat(look(snapshot.game, snapshot.rows[1], layout(1280, 720)).shapes) if isinstance(s, Text)]
    assert words
    assert {word.weight for word in words} == {"mono"}


def test_one_seat_is_shown_by_its_return() -> None:
    walk = toys.walk()
    snapshot = played(walk, 1, 0, 1)
    assert snapshot.scored and snapshot.returns[:, 0].tolist() == [0, 0.5, 0.5, 1.0] and snapshot.result is None
    assert "1" in texts(snapshot, UI(ply=3)) and "0.5" in texts(snapshot, UI(ply=2))
    whole = played(walk, 1, 1, 1, 1)
    assert whole.result == (3.5,)
    assert caption_lines(whole, UI(ply=4), True) == ["Over with a return of 3.5 after 4 moves."]
    cut = played(walk, *[1, 0] * 5)
    assert caption_lines(cut, UI(ply=10), True) == ["Cut off with a return of 2.5 after 10 moves."]
    assert not any(words.endswith(" %") for words in texts(whole, UI(ply=2)))
    assert "No search tree for this position." not in texts(whole, UI(ply=2))  # nobody searches: the moves instead
    assert texts(whole, UI(ply=2, tab="tree")) == texts(whole, UI(ply=2, tab="moves"))


def test_a_value_is_what_is_expected_on_top_of_what_was_paid() -> None:
    snapshot = played(toys.walk(), 1, 1)
    plies = tuple(replace(ply, value=3.0 - k) for k, ply in enumerate(snapshot.plies))
    (series,) = opinions(replace(snapshot, plies=plies))
    assert series.points == ((0, 3.0), (1, 2.5))


def test_values_of_many_are_nobody_elses() -> None:
    assert to_player_1(2.0, 1, toys.cards()) == 2.0  # three seats: no sign is turned
    assert to_player_1(0.5, 1, game("connect_four")) == -0.5
    snapshot = begun(toys.cards())
    assert {ply.seat for ply in snapshot.plies} <= {0, 1, 2}
    assert {series.voice for series in opinions(snapshot)} == {ply.seat for ply in snapshot.plies}


def test_vectors_are_named_and_shown_as_bars() -> None:
    snapshot = played(toys.pull(), (-1.0, 0.25), (0.5, -0.5))
    assert snapshot.plies[0].action == (-1.0, 0.25)
    words = texts(snapshot, UI(ply=1))
    assert "x +0.5, y −0.5 by ada." in words and {"x", "y", "+0.5", "−0.5"} <= set(words)


def test_numbers_of_any_size() -> None:
    assert [amount(v) for v in (0.0, -0.0, 3.0, -2.5, 0.12345, 1234.5, -98765.0)] == [
        "0", "0", "3", "−2.5", "0.123", "1 234", "−98 765",
    ]  # fmt: skip
    assert [amount(v, plus=True) for v in (0.5, -0.5)] == ["+0.5", "−0.5"]


def test_what_a_seat_may_not_know_is_not_told() -> None:
    """In a game with a person only their own side is shown, and the others' hidden moves have no names."""
    snapshot = replace(played(toys.coins(), 1, 0, 1), person=1, live=True, thinking=1)
    assert eyes(snapshot, UI()) == 1 and secret(snapshot, UI(), 0) and not secret(snapshot, UI(), 1)
    words = texts(snapshot, UI(ply=3, tab="moves"))
    assert words.count("·") == 2 and "heads" in words and "tails" not in words
    free = replace(snapshot, person=None)
    assert "tails" in texts(free, UI(ply=3, tab="moves"))


def test_a_key_changes_whose_side_is_shown() -> None:
    snapshot, where = played(toys.coins(), 1, 0), layout(1280, 720)
    ui, seen = UI(), []
    for _ in range(3):
        ui = update(ui, Key("o"), snapshot, where)
        seen.append(ui.eyes)
    assert seen == [0, 1, None] and ui.message == "Everything is shown."
    plain = played(toys.walk(), 1)
    assert update(UI(), Key("o"), plain, where).message == "This game hides nothing."
    mine = replace(snapshot, person=0, live=True, thinking=0)
    assert update(UI(), Key("o"), mine, where).eyes is None


@pytest.mark.filterwarnings("ignore")
def test_another_projects_game_is_drawn_by_its_program_and_remembered() -> None:
    from arena.viewers.shapes import Pixels

    rules = game("gym:CartPole-v1")
    snapshot, where = begun(rules, 6), layout(1280, 720)
    drawn = [look(rules, snapshot.rows[k], where).shapes[0] for k in range(snapshot.length + 1)]
    assert all(isinstance(shape, Pixels) and shape.columns == 600 for shape in drawn)
    assert len({shape.dots for shape in drawn if isinstance(shape, Pixels)}) > 1
    lost = snapshot.rows[:1].copy()
    lost["handle"] = 10**9
    gone = look(rules, lost[0], where)
    assert [s.text for s in gone.shapes if isinstance(s, Text)] == ["This position was not kept.", "1  a0", "2  a1"]
    assert set(gone.hits) == {0, 1}


def test_of_many_actions_of_another_project_those_have_buttons_that_may_be_played(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rules = game("gym:FrozenLake-v1")
    row, where = begun(rules, 1).rows[0], layout(1280, 720)
    assert set(look(rules, row, where).hits) == {0, 1, 2, 3}
    monkeypatch.setattr(foreign, "MOST", 2)
    assert set(look(rules, row, where).hits) == {0, 1}


def test_words_that_tell_everything_are_not_shown_to_a_seat(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = game("gym:FrozenLake-v1")
    row, where = begun(rules, 1).rows[0], layout(1280, 720)
    monkeypatch.setattr(programs_of(rules), "picture", lambda row: "both hands")
    for seat, told in ((None, True), (0, False)):
        shown = foreign.picture(rules, row, where.board, where, seen_by=seat)
        assert any(isinstance(s, Text) and s.text == "both hands" for s in shown.shapes) == told


def test_a_seat_is_shown_what_its_program_tells_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = game("gym:FrozenLake-v1")
    row, where = begun(rules, 1).rows[0], layout(1280, 720)
    programs = programs_of(rules)
    monkeypatch.setattr(programs, "told", lambda row, seat: f"hand of {seat}")
    for seat, words in ((1, ["hand of 1"]), (None, [])):
        shown = foreign.picture(rules, row, where.board, where, seen_by=seat)
        assert [s.text for s in shown.shapes if isinstance(s, Text) and "hand" in s.text] == words


@pytest.mark.filterwarnings("ignore")
def test_a_picture_for_all_seats_says_so_to_a_person() -> None:
    rules = game("pz:classic.connect_four_v3")
    row, where = begun(rules, 1).rows[0], layout(1280, 720)
    for seat, warned in ((0, True), (None, False)):
        shown = foreign.picture(rules, row, where.board, where, seen_by=seat)
        assert any(isinstance(s, Text) and s.text == foreign.WARNING for s in shown.shapes) == warned

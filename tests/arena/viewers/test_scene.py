"""The match view of every game: what must hold for any size, and the exact draw list of a few."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from arena.viewers import keys, pages
from arena.viewers.layout import layout
from arena.viewers.match import caption_lines, scene
from arena.viewers.overlays import threats
from arena.viewers.pictures import PICTURES, picture_of
from arena.viewers.shapes import OVERLAY, Box, Group, Shape, Text, bounds, hit_at
from arena.viewers.snapshot import Snapshot
from arena.viewers.sources import GameRecord, replayed
from arena.viewers.ui import DOES, OVERLAYS, UI
from envs import kernels
from envs.registry import GAMES, game
from tests.arena.viewers.draw_lists import to_json
from tests.arena.viewers.scripted import SPECS, finished

GOLDEN = Path(__file__).with_name("golden")
SAME = {
    "action": "return", "row": "down", "ply": "right", "move": "right", "tab": "tab", "key": "?", "card": "escape",
}  # fmt: skip
"""What can be pointed at (the part of a `hit` before its colon) and a key that does the same."""
SIZES = ((1280, 720), (1920, 1080), (1024, 768), (720, 1280), (640, 480), (320, 240))
VIEWS = {
    "plain": UI(ply=4),
    "all marks": UI(ply=4, overlays=frozenset(OVERLAYS), candidates=2, tab="moves"),
    "pointing": UI(ply=4, hover="row:2", tab="log", bookmark=3),
    "the end": UI(ply=999),
    "lecture": UI(ply=5, lecture=True),
    "presentation": UI(ply=5, presentation=True),
    "large text": UI(ply=5, text=4),
    "help": UI(ply=4, help=True),
    "flipped": UI(ply=6, flipped=True),
}


def shown(snapshot: Snapshot, ui: UI, size: tuple[int, int]) -> list[Shape]:
    ui = replace(ui, ply=min(ui.ply, snapshot.length))
    scale = (0.8, 1.0, 1.25, 1.6, 2.0)[ui.text]
    return scene(snapshot, ui, layout(*size, scale, lecture=ui.lecture, presentation=ui.presentation))


def flat(shapes: Iterable[Shape]) -> list[Shape]:
    return [inner for shape in shapes for inner in (flat(shape.shapes) if isinstance(shape, Group) else [shape])]


def test_every_game_has_a_picture() -> None:
    assert set(PICTURES) == set(GAMES)
    for name in GAMES:
        picture_of(game(name))


@pytest.mark.parametrize("spec", SPECS)
def test_a_flipped_board_is_clicked_where_it_is_seen(spec: str) -> None:
    """Turned round, a move lies where its mirror image was: every place is taken once, the outermost ones swapped."""
    played, where = game(spec), layout(1280, 720)
    row = kernels.new_rows(played, np.zeros(1, np.uint64))[0]
    draw = picture_of(played)
    plain, turned = draw(played, row, where.board, where), draw(played, row, where.board, where, flipped=True)
    cells = sorted(plain.spots)
    for one, other in zip(cells, reversed(cells), strict=True):
        a, b = plain.spots[one], turned.spots[other]
        assert (a.x, a.y) == pytest.approx((b.x, b.y))
    for action, spot in turned.spots.items():
        assert turned.hits[action].holds(spot.x, spot.y)


def test_who_would_win_where_at_once() -> None:
    four = game("connect_four")
    row = kernels.replay(four, 0, [0, 6, 0, 6, 0, 6])[-1]  # three in column a for player 1, in g for player 2
    assert threats(four, row) == [(0, 0), (1, 6)]
    assert threats(four, kernels.replay(four, 0, [0, 6, 0, 6])[-1]) == []
    assert threats(four, kernels.replay(four, 0, [0, 6, 0, 6, 0, 6, 0])[-1]) == []  # it is over


def test_a_full_column_has_no_place() -> None:
    four, where = game("connect_four"), layout(1280, 720)
    row = kernels.replay(four, 0, [0] * 6)[-1]
    assert set(picture_of(four)(four, row, where.board, where).spots) == set(range(1, 7))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_cut_small_or_outside(snapshot: Snapshot, view: str, size: tuple[int, int]) -> None:
    shapes = flat(shown(snapshot, VIEWS[view], size))
    window = layout(*size).window
    assert len(shapes) <= 1500
    for shape in shapes:
        box = bounds(shape)
        assert box.x >= -0.01 and box.y >= -0.01, shape
        assert box.right <= window.w + 0.01, shape
        assert box.bottom <= 101.5 if getattr(shape, "blur", 0) else box.bottom <= 100.01, shape
        if isinstance(shape, Text):
            assert shape.size >= 2.0, shape
            assert box.w <= shape.box.w + 0.05, shape
            assert shape.box.h >= 0.7 * shape.size, shape


@pytest.mark.parametrize("view", [view for view in VIEWS if view != "help"])
@pytest.mark.parametrize("size", SIZES[:5])
def test_words_do_not_lie_on_words(snapshot: Snapshot, view: str, size: tuple[int, int]) -> None:
    texts = [s for s in flat(shown(snapshot, VIEWS[view], size)) if isinstance(s, Text) and s.layer != OVERLAY]
    boxes = [(bounds(text), text.text) for text in texts if text.text]
    for i, (a, words) in enumerate(boxes):
        for b, others in boxes[i + 1 :]:
            apart = a.right <= b.x + 0.05 or b.right <= a.x + 0.05 or a.bottom <= b.y + 0.05 or b.bottom <= a.y + 0.05
            assert apart, (words, others)


@pytest.mark.parametrize("view", VIEWS)
def test_whatever_can_be_clicked_has_a_key(snapshot: Snapshot, view: str) -> None:
    known = {key for binding in keys.KEYS for key in binding.keys}
    for shape in flat(shown(snapshot, VIEWS[view], (1280, 720))):
        if shape.hit is not None:
            kind, _, rest = shape.hit.partition(":")
            assert SAME[kind] in known, shape.hit
            assert kind != "key" or rest in known


def test_keys_are_unique_and_all_do_something() -> None:
    every = [key for binding in keys.KEYS for key in binding.keys]
    assert len(every) == len(set(every))
    assert {binding.does for binding in keys.KEYS} - {"digit"} == set(DOES)


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (1024, 768)])
def test_help_shows_every_key_and_every_mark(size: tuple[int, int]) -> None:
    words = " ".join(s.text for s in flat(pages.help_page(UI(help=True), layout(*size))) if isinstance(s, Text))
    for binding in keys.KEYS:
        assert binding.says.split()[0] in words, binding
    assert words.count("e disc: area") == 1
    assert "lost 0.1, 0.2, 0.3 or more for its mover" in " ".join(words.split())


@pytest.mark.parametrize("size", [(1280, 720), (1024, 768)])
@pytest.mark.parametrize("spec", SPECS)
def test_draw_list_is_exactly_this(spec: str, size: tuple[int, int]) -> None:
    """Words and clickable places are compared as text, everything else by a digest. ARENA_GOLDEN=1 writes them anew."""
    found = []
    for view in ("plain", "all marks", "the end"):
        shapes = flat(shown(finished(spec), VIEWS[view], size))
        digest = hashlib.sha256(to_json(shapes).encode()).hexdigest()[:16]
        found.append(f"# {view}: {len(shapes)} shapes, {digest}")
        found += [f"{s.box.x:.1f} {s.box.y:.1f} {s.size:.1f} {s.text}" for s in shapes if isinstance(s, Text)]
        found += [f"hit {s.hit} {' '.join(f'{side:.1f}' for side in bounds(s))}" for s in shapes if s.hit]
    file = GOLDEN / f"{spec.replace(':', '-').replace('=', '-')}-{size[0]}.txt"
    if os.environ.get("ARENA_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text("\n".join(found) + "\n", encoding="utf-8")
    assert "\n".join(found) + "\n" == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("size", SIZES)
def test_cells_are_whole_pixels(size: tuple[int, int]) -> None:
    where = layout(*size)
    grid, cell = where.grid(where.board, 7, 6)
    assert cell * where.px == pytest.approx(round(cell * where.px))
    assert grid.x * where.px == pytest.approx(round(grid.x * where.px))
    assert grid.right <= where.board.right + 1 / where.px


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lecture", [False, True])
def test_parts_do_not_overlap(size: tuple[int, int], lecture: bool) -> None:
    where = layout(*size, lecture=lecture)
    parts = [where.header, where.gauge, where.board, where.panel, where.timeline, where.caption]
    boxes = [box for box in parts if box is not None]
    for i, a in enumerate(boxes):
        assert a.x >= 0 and a.right <= where.w + 1e-9 and a.bottom <= 100
        for b in boxes[i + 1 :]:
            across = a.right <= b.x + 1e-9 or b.right <= a.x + 1e-9
            assert across or a.bottom <= b.y + 1e-9 or b.bottom <= a.y + 1e-9, (a, b)


def test_the_table_gives_way_in_small_windows() -> None:
    assert layout(1920, 1080).wide and not layout(1024, 768).wide
    assert layout(1024, 768).panel is not None
    assert layout(720, 1280).panel is None
    assert layout(1280, 720, presentation=True).timeline is None


def test_what_is_seen_is_what_is_clicked(connect_four: Snapshot) -> None:
    person = replace(connect_four, person=0, thinking=0, forced=None)
    start = replace(person, plies=(), rows=person.rows[:1], legal=person.legal[:1])
    where = layout(1280, 720)
    shapes = scene(start, UI(), where)
    picture = picture_of(start.game)(start.game, start.rows[0], where.board, where)
    for action, spot in picture.spots.items():
        assert hit_at(shapes, spot.x, spot.y) == f"action:{action}"
        assert hit_at(shapes, spot.x, spot.y - 3 * picture.cell) == f"action:{action}"


def texts(shapes: Iterable[Shape]) -> list[str]:
    return [shape.text for shape in flat(shapes) if isinstance(shape, Text)]


def test_values_are_hidden_from_a_person_until_the_end(connect_four: Snapshot) -> None:
    middle = replace(connect_four, person=0, plies=connect_four.plies[:6], rows=connect_four.rows[:7])
    assert any("hidden" in words.lower() for words in texts(shown(middle, UI(ply=5), (1280, 720))))
    assert not any(words.endswith(" %") for words in texts(shown(middle, UI(ply=5), (1280, 720))))
    assert any(words.endswith(" %") for words in texts(shown(middle, UI(ply=5, zen=True), (1280, 720))))
    assert any(words.endswith(" %") for words in texts(shown(connect_four, UI(ply=5), (1280, 720))))


def test_table_graph_and_header_tell_one_value(connect_four: Snapshot) -> None:
    thought = connect_four.plies[4]
    best = max(thought.candidates, key=lambda c: c.visits)
    assert thought.value == best.value
    words = texts(shown(connect_four, UI(ply=4), (1280, 720)))
    assert thought.value is not None
    assert f"{round(50 * (thought.value + 1))} %" in words
    assert caption_lines(connect_four, UI(ply=4), True)[-1].endswith(
        f"value {'+' if thought.value > 0 else '−'}{abs(thought.value):.2f}."
    )


def test_a_game_without_opinions_says_so() -> None:
    snapshot = replayed(GameRecord(game("connect_four"), (3, 3, 2), ("random", "random")))
    words = texts(shown(snapshot, UI(ply=2), (1280, 720)))
    assert "random names no candidates here." in words
    assert "Nobody said what the game is worth." in words


def test_captions_are_short(snapshot: Snapshot) -> None:
    for ply in range(snapshot.length + 1):
        lines = caption_lines(snapshot, UI(ply=ply), True)
        assert 1 <= len(lines) <= 2
        assert all(len(line) <= 90 for line in lines)


def test_a_piece_on_its_way_is_not_yet_there(connect_four: Snapshot) -> None:
    half = to_json(shown(connect_four, UI(ply=3, part=0.5), (1280, 720)))
    assert half != to_json(shown(connect_four, UI(ply=3), (1280, 720)))
    assert half != to_json(shown(connect_four, UI(ply=2), (1280, 720)))


def test_box() -> None:
    box = Box(1, 2, 10, 4)
    assert (box.right, box.bottom, box.cx, box.cy) == (11, 6, 6, 4)
    assert box.inset(1) == Box(2, 3, 8, 2)
    assert box.holds(1, 2) and not box.holds(11, 2)

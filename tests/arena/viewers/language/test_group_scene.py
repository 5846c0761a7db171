"""The group view's draw list: what is seen, where, and in which colours."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from arena.viewers.export import CannotExport
from arena.viewers.language.choices import KEYS, Choices, begun
from arena.viewers.language.detail import detail
from arena.viewers.language.export import described, export_group, views
from arena.viewers.language.group import GroupSnapshot
from arena.viewers.language.scene import scene
from arena.viewers.shapes import Box, Group, Line, Rect, Shape, Text, bounds
from arena.viewers.theme import SMALL, cividis, contrast, diverging
from tests.arena.viewers.language.hand_made import shown

SIZES = ((1280, 720), (1920, 1080), (720, 1280), (640, 480))
WIDE = (1280, 720)


def flat(shapes: Iterable[Shape]) -> list[Shape]:
    return [inner for shape in shapes for inner in (flat(shape.shapes) if isinstance(shape, Group) else [shape])]


def words(shapes: Iterable[Shape]) -> list[str]:
    return [shape.text for shape in flat(shapes) if isinstance(shape, Text)]


def chips(shapes: Iterable[Shape], row: int) -> list[Rect]:
    return [s for s in flat(shapes) if isinstance(s, Rect) and (s.hit or "").startswith(f"token:0:{row}:")]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("snapshot", [shown(0.5), shown(0.5, 0.9), shown(0.9, texts=("ccc",) * 30)])
def test_everything_is_on_the_page_and_large_enough_to_read(snapshot: GroupSnapshot, size: tuple[int, int]) -> None:
    first = begun(snapshot)
    others = (
        replace(first, stage=2),
        replace(first, attention=True),
        replace(first, help=True),
        replace(first, text=4),
    )
    for chosen in (first, *others):
        for shape in scene(snapshot, chosen, size):
            box = bounds(shape)
            assert box.y >= -0.5 and box.bottom <= 100.5 and box.x >= -0.5
            assert box.right <= 100 * size[0] / size[1] + 0.5
            assert not isinstance(shape, Text) or shape.size >= SMALL - 1e-9


def test_rows_stand_by_reward_and_bars_on_their_side_of_the_mean() -> None:
    snapshot = shown(0.5)
    shapes = flat(scene(snapshot, begun(snapshot), WIDE))
    (line,) = [s for s in shapes if isinstance(s, Line) and len(s.points) == 2 and s.colour == "text"]
    mean = line.points[0][0]
    bars = sorted((s for s in shapes if isinstance(s, Rect) and s.fill in ("sky", "orange")), key=lambda s: s.y)
    assert [bar.fill for bar in bars[:1]] == ["sky"] and bars[0].x == pytest.approx(mean)
    below = [bar for bar in bars if bar.fill == "orange"]
    assert len(below) == 3 and all(bar.x + bar.w == pytest.approx(mean) for bar in below)
    assert below[0].w / bars[0].w == pytest.approx(1 / 3)  # -1/sqrt(3) beside sqrt(3)
    assert {"+1.73", "−0.58", "1.1", "well formed, right", "well formed, wrong"} <= set(words(shapes))


def test_tints_are_advantages_and_then_changes_of_probability() -> None:
    snapshot = shown(0.5, 0.25)
    paid = scene(snapshot, replace(begun(snapshot), stage=snapshot.longest + 1, side="before"), WIDE)
    assert {chip.fill for chip in chips(paid, 0)} == {diverging(1.0)}
    assert [chip.fill for chip in chips(paid, 1)] == [diverging(-1 / 3)] * 4
    assert [chip.fill for chip in chips(paid, 2)] == ["panel"] + [diverging(-1 / 3)] * 3  # its c stands above
    asked = scene(snapshot, replace(begun(snapshot), side="before"), WIDE)
    assert {chip.fill for chip in chips(asked, 0)} == {diverging(-1.0)}
    assert "tint: 2× less to 2× likelier" in words(asked)
    plain = scene(snapshot, replace(begun(snapshot), side="before", tint=False), WIDE)
    assert {chip.fill for chip in chips(plain, 0)} == {"raised"}
    assert "0.06 →" in words(asked) and "4e−3" in words(asked)


def test_an_underline_is_the_probability() -> None:
    for share in (0.1, 0.8):
        snapshot = shown(share)
        colours = {s.fill for s in flat(scene(snapshot, begun(snapshot), WIDE)) if isinstance(s, Rect)}
        assert cividis(math.exp(math.log(share))) in colours
    assert contrast(cividis(1.0), "panel") > 3


def test_a_wasted_group_is_hatched_and_said() -> None:
    for texts, wasted in ((("ccc",) * 4, True), (("ccc", "cba"), False)):
        snapshot = shown(0.5, texts=texts)
        shapes = scene(snapshot, begun(snapshot), WIDE)
        assert any(isinstance(shape, Group) for shape in shapes) == wasted
        assert any("the group is wasted" in text for text in words(shapes)) == wasted


def test_nothing_is_told_before_it_is_known() -> None:
    snapshot = shown(0.5, 0.9)
    start, half = (replace(begun(snapshot), stage=stage) for stage in (0, 2))
    first, later = scene(snapshot, start, WIDE), scene(snapshot, half, WIDE)
    assert not chips(first, 0) and len(chips(later, 0)) == 2
    for shapes in (first, later):
        assert not {"wanted", "1.1", "right", "well formed, right", "before → after"} & set(words(shapes)) - {"right"}
        assert "wanted" not in words(shapes) and "1.1" not in words(shapes)
    assert "wanted" in words(scene(snapshot, begun(snapshot), WIDE))


def test_two_models_stand_side_by_side_or_one_above_the_other() -> None:
    snapshot = shown(0.5, 0.9)

    def titles(size: tuple[int, int], chosen: Choices) -> list[Box]:
        found = [s for s in scene(snapshot, chosen, size) if isinstance(s, Text) and s.text.startswith("answers of")]
        return [s.box for s in found]

    left, right = titles(WIDE, begun(snapshot))
    assert left.y == right.y and left.x < right.x
    upper, lower = titles((720, 1280), begun(snapshot))
    assert upper.x == lower.x and upper.y < lower.y
    assert len(titles(WIDE, replace(begun(snapshot), side="after"))) == 1
    assert any(w.startswith("1 of 4 right before, 4 of 4 after") for w in words(scene(snapshot, begun(snapshot), WIDE)))


def test_attention_is_arcs_whose_opacity_is_weight() -> None:
    snapshot = shown(0.5)
    room = Box(2, 76, 170, 14)
    arcs = [s for s in detail(snapshot, replace(begun(snapshot), attention=True), room, 1.0) if isinstance(s, Line)]
    assert [round(arc.alpha, 2) for arc in arcs] == [0.34, 0.78]  # 0.12 + 0.88 of 1/4 and 3/4
    assert not [s for s in detail(snapshot, begun(snapshot), room, 1.0) if isinstance(s, Line)]


def test_likely_tokens_have_a_bar_a_model_as_long_as_they_are_likely() -> None:
    snapshot = shown(0.5, 0.9)
    bars = [s for s in detail(snapshot, begun(snapshot), Box(2, 76, 170, 14), 1.0) if isinstance(s, Rect)]
    sand, teal = ([s.w for s in bars if s.fill == colour] for colour in ("sand", "teal"))
    assert teal[0] / sand[0] == pytest.approx(0.9 / 0.5)


def test_the_help_page_names_every_key() -> None:
    snapshot = shown(0.5)
    said = words(scene(snapshot, replace(begun(snapshot), help=True), WIDE))
    assert all(any(binding.says == text for text in said) for binding in KEYS)


def test_exports_are_what_is_seen(tmp_path: Path) -> None:
    snapshot = shown(0.5, 0.9)
    path = export_group(snapshot, tmp_path / "g.png", size=(480, 270))
    assert Image.open(path).size == (480, 270) and '"advantage": 1.73' in path.with_name("g.png.json").read_text()
    again = export_group(snapshot, tmp_path / "h.png", size=(480, 270))
    assert path.read_bytes() == again.read_bytes()
    film = export_group(snapshot, tmp_path / "g.gif", size=(320, 180))
    with Image.open(film) as frames:
        assert getattr(frames, "n_frames", 0) == len(list(views(snapshot, begun(snapshot), 12))) == snapshot.stages + 1
    with pytest.raises(CannotExport, match=r"end it in \.png"):
        export_group(snapshot, tmp_path / "g.bmp")
    assert np.asarray(Image.open(path)).std() > 5


def test_in_words_it_says_the_same() -> None:
    text = described(shown(0.5, 0.25))
    assert "prompt: abc=" in text and "wanted: cba" in text and "answers of after" in text
    assert "1.1     +1.73      well formed, right  0.06 → 4e−3  cba" in text

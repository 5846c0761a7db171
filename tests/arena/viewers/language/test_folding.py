"""Long answers: what has no room is folded into a strip, and what an answer comes to stays in sight."""

from __future__ import annotations

from dataclasses import replace

import pytest

from arena.viewers.language.chips import FOLD, GAP, Chip, lined, row_of, shown_of, wide
from arena.viewers.language.choices import begun
from arena.viewers.language.scene import scene
from arena.viewers.shapes import Box, Rect, Shape, Text, bounds
from arena.viewers.theme import SMALL
from envs.language.vocabulary import END, SPOKEN, THINK, encode
from tests.arena.viewers.language.hand_made import shown

ROOM = Box(10, 10, 48, 6)
DIGITS = encode("0123456789" * 6).tolist()
THOUGHT = [THINK, *DIGITS, SPOKEN, *encode("5703").tolist(), END]


def chips(tokens: list[int], faint: int = 0, ring: int = -1) -> list[Chip]:
    return [
        Chip(token, 0.5, "sky" if i % 2 else "orange", i < faint, f"t:{i}", i == ring) for i, token in enumerate(tokens)
    ]


def hit(shapes: list[Shape]) -> dict[int, Box]:
    """Where the tokens stand that are drawn by themselves."""
    rects = [s for s in shapes if isinstance(s, Rect) and s.hit and s.radius]
    return {int(str(s.hit).split(":")[1]): Box(s.x, s.y, s.w, s.h) for s in rects}


def labels(shapes: list[Shape]) -> list[str]:
    return [s.text for s in shapes if isinstance(s, Text) and s.text.startswith("+") and len(s.text) > 1]


def test_what_fits_is_not_folded() -> None:
    some = chips(DIGITS[:8])
    assert shown_of(some, ROOM.w, SMALL, 1) == (8, 8)
    shapes, middles = row_of(some, ROOM, SMALL)
    assert not labels(shapes) and sorted(hit(shapes)) == list(range(8)) and middles == sorted(middles)


@pytest.mark.parametrize("lines", [1, 2])
def test_a_long_thought_is_folded_and_its_answer_is_read(lines: int) -> None:
    head, tail = shown_of(chips(THOUGHT), ROOM.w, SMALL, lines)
    assert tail == THOUGHT.index(SPOKEN) and head >= 1
    shapes, middles = row_of(chips(THOUGHT), ROOM, SMALL, lines)
    assert labels(shapes) == [f"+{tail - head}"]
    assert sorted(hit(shapes)) == [*range(head), *range(tail, len(THOUGHT))] and len(middles) == len(THOUGHT)
    assert len({round(box.y, 3) for box in hit(shapes).values()}) == lines
    for shape in shapes:
        assert bounds(shape).right <= ROOM.right + 0.3 and bounds(shape).x >= ROOM.x - 0.3
    needs = [wide(token, SMALL) + GAP * SMALL for token in THOUGHT]
    assert len(lined([*needs[: head + 1], FOLD, *needs[tail:]], ROOM.w)) > lines  # one more would not fit


def test_without_a_thought_a_third_is_the_end_and_where_it_is_as_above_all_that_is_not() -> None:
    head, tail = shown_of(chips(DIGITS), ROOM.w, SMALL, 1)
    end = sum(wide(token, SMALL) + GAP * SMALL for token in DIGITS[tail:])
    assert head >= 3 and ROOM.w / 4 < end <= ROOM.w / 3
    assert shown_of(chips(DIGITS, faint=52), ROOM.w, SMALL, 1)[1] == 52
    assert shown_of(chips(DIGITS, faint=5), ROOM.w, SMALL, 1) == (head, tail)  # what is not as above has no room
    assert shown_of(chips(DIGITS, faint=len(DIGITS)), ROOM.w, SMALL, 1) == (head, tail)


def test_the_strip_has_the_tints_of_what_is_folded_and_a_mark_where_one_is_looked_at() -> None:
    head, tail = shown_of(chips(DIGITS), ROOM.w, SMALL, 1)
    shapes, middles = row_of(chips(DIGITS, ring=head + 3), ROOM, SMALL)
    strip = [s for s in shapes if isinstance(s, Rect) and s.hit and not s.radius]
    assert [s.fill for s in strip] == ["sky" if i % 2 else "orange" for i in range(head, tail)]
    assert sum(s.w for s in strip) == pytest.approx(FOLD - 0.6)
    (mark,) = [s for s in shapes if isinstance(s, Rect) and s.stroke == "yellow"]
    assert mark.x < middles[head + 3] < mark.x + mark.w
    plain, _ = row_of(chips(DIGITS), ROOM, SMALL)
    assert not [s for s in plain if isinstance(s, Rect) and s.stroke == "yellow"]


def test_a_page_of_long_answers_shows_how_each_ends() -> None:
    snapshot = shown(0.5, texts=tuple("abc" * 60 + end for end in ("x", "y", "z")))
    first = begun(snapshot)
    for size in ((1280, 720), (640, 480)):
        said = [s.text for s in scene(snapshot, first, size) if isinstance(s, Text)]
        assert {"x", "y", "z"} <= set(said)
        assert not {"x", "y"} & {s.text for s in scene(snapshot, replace(first, stage=50), size) if isinstance(s, Text)}

"""The picture of language tasks: prompt, answer, verdict and keys, inside the board's slot and large enough to read."""

from __future__ import annotations

import numpy as np
import pytest

from arena.viewers.layout import layout
from arena.viewers.pictures import Picture, picture_of
from arena.viewers.shapes import Text, bounds
from arena.viewers.theme import SMALL
from envs.game import Game, Rows
from envs.kernels import seeds
from envs.language import task
from envs.language.vocabulary import END, encode
from envs.registry import game


def answered(rules: Game, level: int, text: str | None, ended: bool = True) -> Rows:
    """A row answered by a text, or by a right one where it is None."""
    rows = task.posed(rules, seeds(1, 1), np.array([level]))
    tokens, length = task.solved(rules, rows)
    if text is not None:
        tokens = np.append(encode(text), END)[None]
        length = np.array([tokens.shape[1] - (not ended)])
    task.write(rules, rows, tokens, length)
    rows["done"] = ended
    return rows


def drawn(rules: Game, rows: Rows, size: tuple[int, int] = (1280, 720)) -> Picture:
    where = layout(*size)
    return picture_of(rules)(rules, rows[0], where.board, where)


def words(picture: Picture) -> list[str]:
    return [shape.text for shape in picture.shapes if isinstance(shape, Text)]


@pytest.mark.parametrize("spec", ["reverse"])
def test_the_answer_stands_there_token_by_token_and_the_verdict_at_its_end(spec: str) -> None:
    rules = game(spec)
    keys = 64
    before = words(drawn(rules, answered(rules, 3, "", ended=False)))
    assert before[:2] == ["level 3 of 12", "0 of 13 tokens"] and "nothing written yet" in before
    prompt = before[2]
    assert len(prompt) == 4 and prompt.endswith("=")
    half = words(drawn(rules, answered(rules, 3, prompt[2], ended=False)))
    assert half[3:5] == [prompt[2], "end"] and half[4:][:keys] == before[4:]  # one chip, then the keys
    for answer, verdict in ((None, "right"), ("aaa", "well formed, but wrong"), ("a%", "malformed")):
        shown = words(drawn(rules, answered(rules, 3, answer)))
        assert verdict in shown
        assert (f"right would be {prompt[2::-1]}" in shown) == (answer is not None)


@pytest.mark.parametrize("spec", ["reverse", "maze_text"])
@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (720, 1280), (640, 480)])
def test_everything_lies_in_the_slot_and_can_be_read(spec: str, size: tuple[int, int]) -> None:
    rules = game(spec)
    assert rules.language is not None
    room = layout(*size).board
    for text in (None, "<think>" * (rules.language.answer - 1)):
        picture = drawn(rules, answered(rules, rules.language.levels, text), size)
        for shape in picture.shapes:
            box = bounds(shape)
            assert box.x >= room.x - 0.1 and box.right <= room.right + 0.1, shape
            assert box.y >= room.y - 0.1 and box.bottom <= room.bottom + 0.1, shape
            if isinstance(shape, Text):
                assert shape.size >= SMALL - 1e-9 and box.w <= shape.box.w + 0.1, shape
        assert sorted(picture.hits) == sorted(picture.spots) == list(range(64))
        boxes = list(picture.hits.values())
        assert len({(round(box.x, 3), round(box.y, 3)) for box in boxes}) == 64
        assert all(boxes[i].right <= boxes[i + 1].x for i in range(63) if i % 16 != 15)
        for action, spot in picture.spots.items():
            assert picture.hits[action].holds(spot.x, spot.y)

"""Keys and clicks in the group view, and the window on a pretended screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from arena.viewers.language.choices import (
    DOES,
    KEYS,
    STAGE_SECONDS,
    TOKEN_SECONDS,
    Choices,
    begun,
    cursor,
    order,
    scored,
    update,
)
from arena.viewers.language.group import GroupSnapshot
from arena.viewers.language.source import Groups
from arena.viewers.language.window import GroupWindow
from arena.viewers.paint import pygame
from arena.viewers.ui import Key, Move, Press, Tick
from tests.arena.viewers.language.hand_made import shown

TWO = shown(0.5, 0.9)


def after(chosen: Choices, *keys: str, snapshot: GroupSnapshot = TWO) -> Choices:
    for key in keys:
        chosen = update(chosen, Key(key), snapshot)
    return chosen


def test_every_key_does_something_and_none_does_two_things() -> None:
    assert {binding.does for binding in KEYS} == set(DOES)
    keys = [key for binding in KEYS for key in binding.keys]
    assert len(keys) == len(set(keys))


def test_a_token_more_and_a_token_less() -> None:
    start = replace(begun(TWO), stage=0)
    assert after(start, ".", ".").stage == 2 and after(start, ".", ".", ",").stage == 1
    assert after(start, ",").stage == 0 and after(start, "end", ".").stage == TWO.stages == 6
    assert not scored(TWO, after(start, *"....")) and scored(TWO, after(start, *"....."))
    assert order(TWO, after(start, "."), TWO.groups[0]) == (0, 1, 2, 3)
    assert order(TWO, after(start, "end"), TWO.groups[0]) == (2, 0, 1, 3)


def test_space_writes_on_by_itself_to_the_end() -> None:
    playing = after(begun(TWO), "space")
    assert playing.stage == 0 and playing.playing
    assert update(playing, Tick(TOKEN_SECONDS / 2), TWO).stage == 0
    for _ in range(TWO.stages):
        playing = update(playing, Tick(STAGE_SECONDS), TWO)
    assert playing.stage == TWO.stages and not playing.playing
    assert not after(replace(playing, stage=1, playing=True), "space").playing


def test_rows_and_tokens_are_chosen() -> None:
    chosen = begun(TWO)
    assert after(chosen, "down", "down").row == 2
    over = after(chosen, "up")
    assert (over.group, over.row) == (1, 3) and cursor(TWO, over) is not None  # on to the other model's answers
    assert after(begun(shown(0.5)), "up", snapshot=shown(0.5)).row == 3
    assert cursor(TWO, after(chosen, "]")) == (2, 1) and cursor(TWO, after(chosen, "[")) == (2, 0)
    assert cursor(TWO, replace(chosen, stage=0)) is None
    clicked = update(chosen, Press("token:1:3:2", 0, 0), TWO)
    assert (clicked.group, clicked.row, clicked.cursor) == (1, 3, 2)
    assert update(chosen, Press("row:0:1", 0, 0), TWO).row == 1
    assert update(chosen, Move("row:0:1", 0, 0), TWO) == chosen == update(chosen, Move(None, 0, 0), TWO)
    assert cursor(TWO, update(chosen, Move("token:0:1:3", 0, 0), TWO)) == (0, 3)


def test_toggles_and_sizes() -> None:
    chosen = begun(TWO)
    assert not after(chosen, "t").tint and after(chosen, "t", "t").tint
    assert after(chosen, "a").attention and after(chosen, "h").attention
    assert [after(chosen, *"b" * n).side for n in range(4)] == ["both", "before", "after", "both"]
    assert "name a second agent" in after(begun(shown(0.5)), "b", snapshot=shown(0.5)).message
    assert after(chosen, *"+" * 9).text == 4 and after(chosen, *"-" * 9).text == 0
    assert after(chosen, "?").help and not after(chosen, "?", "escape").help
    assert after(chosen, "n", "s", "ctrl+q").asks == ("next", "save png", "quit")
    assert replace(begun(replace(TWO, head=(2, 3))), stage=0).layer == 1


class Dealt:
    """Stands in for the models: every prompt is the same."""

    def snapshot(self, number: int) -> GroupSnapshot:
        return replace(TWO, number=number)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    yield
    pygame.display.quit()


def test_the_window_obeys(screen: None, tmp_path: Path) -> None:
    window = GroupWindow(cast(Groups, Dealt()), 4, (640, 360), tmp_path)

    def press(key: int, typed: str = "", modifiers: int = 0) -> None:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key, unicode=typed, mod=modifiers))
        window.turn(0.0)

    window.turn(0.0)
    assert window.shapes and window.snapshot.number == 4
    press(pygame.K_n, "n")
    assert window.snapshot.number == 5 and window.chosen.stage == TWO.stages
    press(pygame.K_COMMA, ",")
    assert window.chosen.stage == TWO.stages - 1
    press(pygame.K_s, "s")
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [
        ".png",
        ".json",
    ] and "Saved" in window.chosen.message
    window.turn_to(-1)
    assert window.chosen.message == "This is the first prompt."
    press(pygame.K_q, "", pygame.KMOD_CTRL)
    assert not window.open

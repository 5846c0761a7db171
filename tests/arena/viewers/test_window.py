"""The real window on a pretended screen: pygame's events in, the record out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arena.viewers import dials
from arena.viewers.play import Duel
from arena.viewers.shapes import Text
from arena.viewers.sources import GameRecord, Replay
from arena.viewers.ui import UI
from arena.viewers.window import Window, key_name, pygame
from envs.registry import game
from tests.arena.viewers.scripted import Thinker

FOUR = game("connect_four")


@pytest.fixture(autouse=True)
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    yield
    pygame.display.quit()


def key(name: int, typed: str = "", modifiers: int = 0) -> None:
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=name, unicode=typed, mod=modifiers))


def test_keys_and_clicks_reach_the_record(tmp_path: Path) -> None:
    window = Window(Replay(GameRecord(FOUR, (3, 3, 2), ("a", "b"))), UI(playing=False), (960, 540), tmp_path)
    window.turn(0.0)
    key(pygame.K_RIGHT)
    key(pygame.K_SLASH, "?", pygame.KMOD_SHIFT)
    window.turn(0.0)
    assert window.ui.ply == 1 and window.ui.help
    key(pygame.K_ESCAPE)
    key(pygame.K_s, "s")
    window.turn(0.0)
    assert [p.suffix for p in sorted(tmp_path.iterdir())] == [".png", ".json"]
    assert "Saved" in window.ui.message
    key(pygame.K_q, "", pygame.KMOD_CTRL)
    window.turn(0.0)
    assert not window.open


def test_a_film_is_announced_before_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing it takes seconds in which the window does not move: it seemed to hang."""
    window = Window(Replay(GameRecord(FOUR, (3, 3, 2), ("a", "b"))), UI(playing=False), (960, 540), tmp_path)
    shown: list[str] = []

    def written(*_: Any, ui: UI, **__: Any) -> None:
        shown.extend(shape.text for shape in window.shapes if isinstance(shape, Text))
        assert not ui.message  # what is written does not have the sentence in it

    monkeypatch.setattr("arena.viewers.window.export", written)
    key(pygame.K_s, "S", pygame.KMOD_SHIFT)
    window.turn(0.0)
    assert any(words.startswith("Writing connect_four-") and "4 positions" in words for words in shown)
    assert window.ui.message.startswith("Saved connect_four-")


def test_a_person_wins_by_clicking(tmp_path: Path) -> None:
    duel = Duel(FOUR, Thinker("agent"), seat=0, seed=1)
    window = Window(duel, UI(), (960, 540), tmp_path)
    for _ in range(400):
        window.turn(0.2)
        snapshot = duel.newest()
        if snapshot.result is not None and window.ui.ply == snapshot.length:
            break
        places = [s for s in window.shapes if s.hit and s.hit.startswith("action:")]
        if snapshot.thinking == 0 and window.ui.ply == snapshot.length and places:
            box, px = places[0], window.layout().px
            at = (round((box.x + 1) * px), round((box.y + 1) * px))  # pyright: ignore
            pygame.event.post(pygame.event.Event(pygame.MOUSEMOTION, pos=at, rel=(0, 0), buttons=(0, 0, 0)))
            pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=at, button=1))
            pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONUP, pos=at, button=1))
        time.sleep(0.002)
    assert duel.newest().result is not None
    duel.close()


@pytest.mark.parametrize("spec", ["pendulum", "point_mass"])
def test_a_person_gives_numbers_with_the_mouse_and_the_keys(spec: str, tmp_path: Path) -> None:
    """One number is played when the dial is let go; of several each is set, and Enter plays them."""
    rules = game(spec)
    low, high = rules.controls[0]
    duel = Duel(rules, Thinker("agent"), seat=0, seed=1)
    window = Window(duel, UI(), (960, 540), tmp_path)

    def mouse(kind: int, at: tuple[int, int]) -> None:
        more: dict[str, Any] = {"rel": (0, 0), "buttons": (1, 0, 0)} if kind == pygame.MOUSEMOTION else {"button": 1}
        pygame.event.post(pygame.event.Event(kind, pos=at, **more))

    def played(count: int) -> tuple[float, ...]:
        for _ in range(400):
            window.turn(0.2)
            if duel.newest().length == count and window.ui.ply == count and window.ui.part == 1.0:
                return duel.newest().plies[-1].action
            time.sleep(0.002)
        raise AssertionError("the move was not made")

    window.turn(0.0)
    where, px = dials.track(rules, window.layout().board, 0), window.layout().px
    mouse(pygame.MOUSEBUTTONDOWN, (round(where.cx * px), round(where.cy * px)))
    window.turn(0.0)
    assert window.ui.dials[0] == pytest.approx((low + high) / 2, abs=0.02 * (high - low))
    mouse(pygame.MOUSEMOTION, (round((where.x + 0.75 * where.w) * px), round(where.cy * px)))
    mouse(pygame.MOUSEBUTTONUP, (round((where.x + 0.75 * where.w) * px), round(where.cy * px)))
    if len(rules.controls) > 1:
        window.turn(0.2)
        assert duel.newest().length == 0
        key(pygame.K_2, "2")
        key(pygame.K_DOWN)
        key(pygame.K_RETURN, "\r")
    action = played(1)
    assert action[0] == pytest.approx(low + 0.75 * (high - low), abs=0.02 * (high - low))
    assert action[1:] == ((pytest.approx(-0.2),) if len(rules.controls) > 1 else ())
    key(pygame.K_2 if len(rules.controls) > 1 else pygame.K_1, "1")
    for _ in range(30):
        key(pygame.K_UP)
    key(pygame.K_RETURN, "\r")
    assert played(2)[0] == high  # as far as it goes
    duel.close()


def test_nothing_is_painted_when_nothing_changed(tmp_path: Path) -> None:
    window = Window(Replay(GameRecord(FOUR, (3, 3), ("a", "b"))), UI(playing=False), (640, 480), tmp_path)
    window.turn(0.1)
    first = window.shapes
    window.turn(0.1)
    assert window.shapes is first
    key(pygame.K_RIGHT)
    window.turn(0.1)
    assert window.shapes is not first


def test_the_window_can_be_resized_to_anything(tmp_path: Path) -> None:
    window = Window(Replay(GameRecord(FOUR, (3, 3), ("a", "b"))), UI(), (960, 540), tmp_path)
    for size in ((200, 100), (300, 900), (2000, 300), (1280, 720)):
        window.surface = pygame.display.set_mode(size, pygame.RESIZABLE)
        window.turn(0.3)


@pytest.mark.parametrize(
    ("key", "typed", "modifiers", "name"),
    [
        (pygame.K_LEFT, "", 0, "left"),
        (pygame.K_LEFT, "", pygame.KMOD_LSHIFT, "shift+left"),
        (pygame.K_LEFT, "", pygame.KMOD_LCTRL, "ctrl+left"),
        (pygame.K_n, "N", pygame.KMOD_LSHIFT, "N"),
        (pygame.K_RETURN, "\r", 0, "return"),
        (pygame.K_q, "\x11", pygame.KMOD_LCTRL, "ctrl+q"),
        (pygame.K_LSHIFT, "", pygame.KMOD_LSHIFT, ""),
    ],
)
def test_names_of_keys(key: int, typed: str, modifiers: int, name: str) -> None:
    assert key_name(key, typed, modifiers) == name

"""The window: the only place with a clock, a mouse and a display. It takes the newest snapshot and never waits."""

from __future__ import annotations

import os
import re
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path

from arena.viewers.export import CannotExport, export
from arena.viewers.layout import SMALLEST, Layout, layout
from arena.viewers.match import scene
from arena.viewers.paint import Painter, pygame
from arena.viewers.shapes import Shape, hit_at
from arena.viewers.snapshot import Snapshot
from arena.viewers.sources import Source
from arena.viewers.ui import TEXT_SIZES, UI, Event, Key, Move, Press, Release, Tick, Wheel, say, update

FPS = 60
IDLE_FPS = 20
"""How often events are looked at while nothing moves."""


class NoDisplay(ValueError):
    """There is no screen to open a window on."""


INSTEAD = "Add --export FILE.png, .gif or .mp4 to write it to a file instead."


def open_display(size: tuple[int, int], title: str, mend: str = INSTEAD) -> pygame.Surface:
    """Opens a resizable window; raises NoDisplay where there is no screen, with what to do instead."""
    posix = sys.platform.startswith("linux")
    if posix and not any(os.environ.get(v) for v in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")):
        raise NoDisplay(f"No display was found, so no window can be opened. {mend}")
    try:
        pygame.display.init()
        if pygame.display.get_driver() == "offscreen":
            raise pygame.error("there is none")
        surface = pygame.display.set_mode(size, pygame.RESIZABLE)
    except pygame.error as error:
        raise NoDisplay(f"The display could not be opened ({error}). {mend}") from error
    pygame.display.set_caption(title)
    pygame.key.set_repeat(350, 40)
    return surface


class Screen(ABC):
    """A window with its events, until it is closed; what it shows is said by those who inherit."""

    def __init__(self, size: tuple[int, int], caption: str, mend: str) -> None:
        self.painter = Painter()
        self.shapes: list[Shape] = []
        self.drawn: object = None
        self.open = True
        self.full = False
        self.size = size
        self.surface = open_display(size, caption, mend)

    def run(self) -> None:
        """Handles events and draws until the window is closed."""
        clock, before = pygame.time.Clock(), time.monotonic()
        try:
            while self.open:
                now = time.monotonic()
                self.turn(min(now - before, 0.25))
                before = now
                clock.tick(FPS if self.moving() else IDLE_FPS)
        finally:
            self.close()
            pygame.display.quit()

    @abstractmethod
    def close(self) -> None:
        """Lets go of what is shown."""

    @abstractmethod
    def moving(self) -> bool:
        """Whether something on the screen changes by itself."""

    @abstractmethod
    def turn(self, seconds: float) -> None:
        """One round: events, time, and a new picture if anything has changed."""

    def translated(self, event: pygame.event.Event, px: float) -> list[Event]:
        """A pygame event as events of `ui`, with what it hit; px is how many pixels a u has."""
        if event.type == pygame.QUIT:
            self.open = False
        elif event.type in (pygame.VIDEORESIZE, pygame.WINDOWEXPOSED):
            self.surface, self.drawn = pygame.display.get_surface() or self.surface, None
        elif event.type == pygame.KEYDOWN:
            name = key_name(event.key, event.unicode, event.mod)
            return [Key(name)] if name else []
        elif event.type == pygame.MOUSEWHEEL:
            return [Wheel(event.y)]
        elif event.type == pygame.MOUSEBUTTONUP and event.button == 1:
            return [Release()]
        elif event.type in (pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN):
            x, y = event.pos[0] / px, event.pos[1] / px
            hit = hit_at(self.shapes, x, y)
            if event.type == pygame.MOUSEMOTION:
                return [Move(hit, x, y)]
            if event.button == 1:
                return [Press(hit, x, y)]
        return []

    def show(self, shapes: list[Shape]) -> None:
        """Paints shapes on the screen."""
        self.shapes = shapes
        self.painter.paint(shapes, self.surface)
        pygame.display.flip()

    def toggle(self) -> None:
        """Changes between the whole screen and a window."""
        self.full = not self.full
        if self.full:
            self.size = self.surface.get_size()
            self.surface = pygame.display.set_mode((0, 0), pygame.FULLSCREEN)
        else:
            self.surface = pygame.display.set_mode(self.size, pygame.RESIZABLE)
        self.drawn = None


class Window(Screen):
    """Shows one source until it is closed."""

    def __init__(self, source: Source, ui: UI, size: tuple[int, int], folder: Path, mend: str = INSTEAD) -> None:
        self.source, self.ui, self.folder = source, ui, folder
        self.kept = source.newest()
        super().__init__(size, title(self.kept), mend)

    def close(self) -> None:
        self.source.close()

    def moving(self) -> bool:
        """Whether something on the screen changes by itself."""
        return self.ui.part < 1 or self.ui.dragging or (self.ui.playing and self.ui.speed > 3)

    def turn(self, seconds: float) -> None:
        """One round: events, time, and a new picture if anything has changed."""
        snapshot = self.source.newest()
        self.ui = update(self.ui, Tick(seconds), snapshot, self.layout())
        for event in pygame.event.get():
            where = self.layout()
            for translated in self.translated(event, where.px):
                self.ui = update(self.ui, translated, snapshot, where)
        self.obey(snapshot)
        if self.open:
            self.draw(snapshot)

    def layout(self) -> Layout:
        """The rectangles for the window as it is now."""
        ui, (w, h) = self.ui, self.surface.get_size()
        return layout(
            max(w, SMALLEST[0]), max(h, SMALLEST[1]), TEXT_SIZES[ui.text],
            lecture=ui.lecture, presentation=ui.presentation, captions=ui.captions,
        )  # fmt: skip

    def draw(self, snapshot: Snapshot) -> None:
        """Paints the scene, unless the screen shows it already."""
        quiet = replace(self.ui, clock=0.0, message_left=0.0)
        state = (quiet, id(snapshot), self.surface.get_size())
        if state == self.drawn:
            return
        if self.drawn is None or snapshot.names != self.kept.names:
            pygame.display.set_caption(title(snapshot))
        self.drawn, self.kept = state, snapshot  # `kept` keeps the id from being used again
        self.show(scene(snapshot, self.ui, self.layout()))

    def obey(self, snapshot: Snapshot) -> None:
        """Does what the record asks for."""
        asks, self.ui = self.ui.asks, replace(self.ui, asks=())
        for what, number in asks:
            if what == "quit":
                self.open = False
            elif what == "fullscreen" or (what == "window" and self.full):
                self.toggle()
            elif what.startswith("save "):
                self.save(snapshot, what.removeprefix("save "), number)
            elif what != "window":
                answer = self.source.ask(what, number)
                self.ui = say(self.ui, answer) if answer else self.ui

    def save(self, snapshot: Snapshot, kind: str, ply: int) -> None:
        """Writes a picture of the ply shown, or a film, into the folder under a name not taken."""
        stem = f"{re.sub(r'[^A-Za-z0-9_.]+', '-', snapshot.game.name)}-{snapshot.seed % 10**6:06d}-{ply:03d}"
        path = next(p for i in range(1, 10**6) if not (p := self.folder / f"{stem}-{i}.{kind}").exists())
        if kind != "png":  # seconds, or a minute of a long game, in which nothing on the screen moves
            before, self.ui = self.ui, say(self.ui, f"Writing {path.name}: {snapshot.length + 1} positions ...")
            self.draw(snapshot)
            self.ui = before
        try:
            export(snapshot, path, size=self.surface.get_size(), ui=self.ui, ply=ply if kind == "png" else None)
            self.ui = say(self.ui, f"Saved {path.name} in {self.folder.resolve()}.")
        except CannotExport as error:
            self.ui = say(self.ui, str(error))


def title(snapshot: Snapshot) -> str:
    """The words in the window's frame."""
    return f"{' – '.join(snapshot.names)}   {snapshot.game.name}"


NAMES = {
    pygame.K_LEFT: "left", pygame.K_RIGHT: "right", pygame.K_UP: "up", pygame.K_DOWN: "down",
    pygame.K_HOME: "home", pygame.K_END: "end", pygame.K_PAGEUP: "pageup", pygame.K_PAGEDOWN: "pagedown",
    pygame.K_SPACE: "space", pygame.K_RETURN: "return", pygame.K_KP_ENTER: "return", pygame.K_ESCAPE: "escape",
    pygame.K_TAB: "tab", pygame.K_BACKSPACE: "backspace", pygame.K_F1: "f1", pygame.K_F11: "f11",
}  # fmt: skip


def key_name(key: int, typed: str, modifiers: int) -> str:
    """How `keys.KEYS` writes a key: named keys and ctrl with their modifiers, all others by what was typed."""
    named = NAMES.get(key)
    if modifiers & pygame.KMOD_CTRL:
        return f"ctrl+{named or pygame.key.name(key)}"
    if named:
        return f"shift+{named}" if modifiers & pygame.KMOD_SHIFT and named in ("left", "right") else named
    return typed if typed.isprintable() else ""

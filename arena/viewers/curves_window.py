"""A run's curves on a screen, growing while it trains."""

from __future__ import annotations

from pathlib import Path

from arena.viewers.paint import pygame
from arena.viewers.run_curves import Events, picture, title_of
from arena.viewers.ui import Key
from arena.viewers.window import INSTEAD, Screen

EVERY = 3.0
"""Seconds between two looks at the events."""


class CurvesWindow(Screen):
    """Shows a run's curves until it is closed: Ctrl+Q, or Escape; F11 fills the screen."""

    def __init__(self, folder: Path, size: tuple[int, int] = (1280, 720)) -> None:
        self.title, self.events, self.waited = title_of(folder), Events(folder), 0.0
        self.curves = self.events.curves()
        super().__init__(size, self.title, INSTEAD)

    def close(self) -> None:
        """There is nothing to let go of."""

    def moving(self) -> bool:
        return False

    def turn(self, seconds: float) -> None:
        self.waited += seconds
        if self.waited >= EVERY:
            self.waited, self.curves = 0.0, self.events.curves()
        for event in pygame.event.get():
            for told in self.translated(event, 1.0):
                if isinstance(told, Key) and told.name == "f11":
                    self.toggle()
                elif isinstance(told, Key) and told.name in ("ctrl+q", "escape"):
                    self.open = False
        state = (id(self.curves), self.surface.get_size())
        if self.open and state != self.drawn:
            self.drawn = state
            self.show(picture(self.title, self.curves, self.surface.get_size()))

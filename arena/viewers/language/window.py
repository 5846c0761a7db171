"""The group view on a screen: prompt after prompt, chosen with the keyboard and the mouse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from arena.text import folder_name
from arena.viewers.export import CannotExport
from arena.viewers.language.choices import begun, say, update
from arena.viewers.language.export import export_group
from arena.viewers.language.scene import scene
from arena.viewers.language.source import Groups
from arena.viewers.layout import SMALLEST
from arena.viewers.paint import pygame
from arena.viewers.ui import Tick
from arena.viewers.window import INSTEAD, Screen


class GroupWindow(Screen):
    """Shows the groups of a task until it is closed."""

    def __init__(self, groups: Groups, number: int, size: tuple[int, int], folder: Path) -> None:
        self.groups, self.folder = groups, folder
        self.snapshot = groups.snapshot(number)
        self.chosen = begun(self.snapshot)
        super().__init__(size, f"{' – '.join(self.snapshot.models)}   {self.snapshot.task}", INSTEAD)

    def close(self) -> None:
        """There is nothing to let go of."""

    def moving(self) -> bool:
        return False

    def turn(self, seconds: float) -> None:
        self.chosen = update(self.chosen, Tick(seconds), self.snapshot)
        px = max(self.surface.get_height(), SMALLEST[1]) / 100
        for event in pygame.event.get():
            for translated in self.translated(event, px):
                self.chosen = update(self.chosen, translated, self.snapshot)
        self.obey()
        state = (replace(self.chosen, clock=0.0, message_left=0.0), self.snapshot.number, self.surface.get_size())
        if self.open and state != self.drawn:
            self.drawn = state
            self.show(scene(self.snapshot, self.chosen, self.surface.get_size()))

    def obey(self) -> None:
        """Does what the record asks for."""
        asks, self.chosen = self.chosen.asks, replace(self.chosen, asks=())
        for what in asks:
            if what == "quit":
                self.open = False
            elif what == "fullscreen" or (what == "window" and self.full):
                self.toggle()
            elif what in ("next", "previous"):
                self.turn_to(self.snapshot.number + (1 if what == "next" else -1))
            elif what.startswith("save "):
                self.save(what.removeprefix("save "))

    def turn_to(self, number: int) -> None:
        """Another prompt, with its answers still to be written if these are."""
        if number < 0:
            self.chosen = say(self.chosen, "This is the first prompt.")
            return
        ended = self.chosen.stage >= self.snapshot.stages
        self.snapshot = self.groups.snapshot(number)
        stage = self.snapshot.stages if ended else 0
        self.chosen = replace(self.chosen, stage=stage, row=0, cursor=None, group=0, playing=False, clock=0.0)

    def save(self, kind: str) -> None:
        """Writes a picture of what is shown, or a film, into the folder under a name not taken."""
        stem = f"{folder_name(self.snapshot.task)}-group-{self.snapshot.number:03d}"
        path = next(p for i in range(1, 10**6) if not (p := self.folder / f"{stem}-{i}.{kind}").exists())
        try:
            export_group(self.snapshot, path, self.chosen, size=self.surface.get_size())
            self.chosen = say(self.chosen, f"Saved {path.name} in {self.folder.resolve()}.")
        except CannotExport as error:
            self.chosen = say(self.chosen, str(error))

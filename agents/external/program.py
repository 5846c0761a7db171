"""Programs as agents: `exec:COMMAND` plays over its standard input and output by the protocol of README.md."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.agent import Memory, Unable
from agents.external.outside import Outside, Times, understood
from agents.external.process import Process
from agents.external.protocols import engine_of
from agents.external.sandbox import Limits, boxed, bubblewrap, limited, own_files
from agents.registry import RUN_BY
from envs.game import Game, View


@dataclass(frozen=True)
class Settings(Times):
    """How a program is run.

    memory, disk, processes   see Limits
    protocol  arena: that of README.md; gtp: the Go Text Protocol; uci: that of chess engines
    box     auto: in a box where one can be made; yes: refuse to run without; no: never
    folder  shown to the program in its box, and where it is started
    log     a file to which all that it hears and says is added
    """

    memory: int = 1024
    disk: int = 64
    processes: int = 64
    protocol: str = "arena"
    box: str = "auto"
    folder: str = ""
    log: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least, most in (("memory", 16, 1 << 20), ("disk", 1, 1 << 20), ("processes", 1, 4096)):
            number = getattr(self, name)
            if not isinstance(number, int) or not least <= number <= most:
                raise self.wrong(f"{name} is a whole number from {least} to {most}", f"{name}=64")
        engine_of(self.protocol)
        if self.box not in ("auto", "yes", "no"):
            raise self.wrong("box is auto, yes or no", "box=yes")
        if self.folder and not Path(str(self.folder)).is_dir():
            raise Unable(f"exec: there is no folder '{self.folder}'; make it, or name another.")
        if self.log and (Path(str(self.log)).is_dir() or not Path(str(self.log)).parent.is_dir()):
            raise self.wrong("log is a file in a folder that there is", "log=bot.log")

    @property
    def limits(self) -> Limits:
        return Limits(self.memory, self.disk, self.processes)


def program(command: str, settings: str = "") -> Program:
    """The agent of a command line; settings as key=value,key=value."""
    return Program(command, Settings.read(settings))


class Program(Outside):
    """A program that is started when it is first to move, and again when it has ended; a process for each game."""

    def __init__(self, command: str, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        try:
            self._command = shlex.split(command)
        except ValueError as error:
            raise Unable(f"'{command}' is no command line ({str(error).lower()}).") from None
        if not self._command:
            raise Unable("exec: needs a command, as in exec:./mybot or 'exec:python bots/mybot.py --fast'.")
        super().__init__(self.settings, self.settings.called(command.strip()))
        engine = engine_of(self.settings.protocol)
        self._engine = engine() if engine else None
        self._words()

    def _words(self) -> list[str]:
        """What is run; raises Unable if it cannot be."""
        settings = self.settings
        folder = Path(str(settings.folder)) if settings.folder else None
        if (wrong := _unrunnable(self._command)) is not None:
            raise Unable(wrong)
        bwrap, why = (None, "") if settings.box == "no" else bubblewrap()
        if bwrap is not None:
            if Path(str(shutil.which(self._command[0]))).parent.name == "shims":  # of pyenv, asdf, nodenv ...
                raise Unable(
                    f"'{self._command[0]}' is a version manager's stand-in, which finds nothing in a box: "
                    f"name the program itself (`pyenv which {self._command[0]}` says where it is)."
                )
            return boxed(bwrap, self._command, settings.limits, folder)
        if settings.box == "yes":
            raise Unable(f"{why} exec,box=yes asks for one.")
        self.unboxed = why or "box=no: this program runs without a box, under limits alone."
        return limited(self._command, settings.limits, boxed=False)

    def digest(self) -> str:
        """What its command is known by, with all that is in the files of its own: SHA-256; edited, it is another.

        What is kept of its games (`log`) is none of them, wherever it lies.
        """
        folder = Path(str(self.settings.folder)) if self.settings.folder else None
        found = hashlib.sha256(repr([word for word in self._command if not Path(word).is_file()]).encode())
        log = Path(str(self.settings.log)).resolve()
        for name, path in own_files(self._command, folder):
            if path.resolve() == log:
                continue
            with path.open("rb") as file:
                found.update(name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
        return found.hexdigest()

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        self._words()
        if self._engine is not None:
            self._engine.check(game)
        return super().begin(game, seeds)

    def open(self, game: Game) -> Process:
        return Process(self._words(), self.settings.limits, str(self.settings.log))

    def greet(self, line: Process, game: Game) -> None:
        if self._engine is not None:
            self._engine.begin(line, game, self.settings.move, self.settings.start)
        else:
            super().greet(line, game)

    def answer(self, line: Process, view: View, lane: int, number: int, seconds: float, board: str) -> Any:
        if self._engine is not None:
            return understood(view, lane, self._engine.move(line, view, lane, number, seconds))
        return super().answer(line, view, lane, number, seconds, board)


def _unrunnable(command: Sequence[str]) -> str | None:
    """Why a command cannot be run, and what to write; None if it can."""
    word = command[0]
    path, found = Path(word), shutil.which(word)
    by = RUN_BY.get(path.suffix)
    in_front = f"put what runs it in front: exec:{by} {shlex.join(command)}" if by else ""
    if found is None:
        mend = "name its file, as in exec:./mybot"
        if path.exists() and os.access(path, os.X_OK):
            mend = f"its file is named with its folder, as in exec:./{word}"
        elif path.exists():
            mend = "it cannot be run; `chmod +x` lets it"
            if not _says_what_runs_it(path):
                mend += f" if it begins with a line `#!`; {'or ' + in_front if by else 'a script needs one'}"
        return f"There is no program '{word}' to be run: {mend}."
    if by and not _says_what_runs_it(Path(found)):
        return f"'{word}' does not begin with a line `#!` that says what runs it: add one, or {in_front}."
    return None


def _says_what_runs_it(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return False

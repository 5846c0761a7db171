"""Programs as agents: `exec:COMMAND` plays over its standard input and output by the protocol of README.md."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.agent import Decision, Forfeit, Memory, Unable
from agents.external.engines import check, protocol_of
from agents.external.process import Fault, Process, quoted
from agents.external.sandbox import Limits, boxed, bubblewrap, limited
from envs.game import Game, View
from envs.registry import check_options, parse
from envs.text import planes_text

PROTOCOL = 1
"""Changes whenever a program written for the one before would no longer play."""

STRIKES = 3
"""After so many faults in a row that cost a start, the other games that wait for a move are lost with the last."""


@dataclass(frozen=True)
class Settings:
    """How a program is run, all by the referee's clock.

    move    seconds for one move
    game    seconds for all moves of one game; 0 = as many as they take
    start   seconds from its start to its first line
    memory, disk, processes   see Limits
    protocol  arena: that of README.md; gtp: the Go Text Protocol
    box     auto: in a box where one can be made; yes: refuse to run without; no: never
    folder  shown to the program in its box, and where it is started
    name    what it goes by; '' = its command
    """

    move: float = 2.0
    game: float = 0.0
    start: float = 10.0
    memory: int = 1024
    disk: int = 64
    processes: int = 64
    protocol: str = "arena"
    box: str = "auto"
    folder: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        for name in ("move", "start"):
            seconds = getattr(self, name)
            if not isinstance(seconds, (int, float)) or not 0 < seconds <= 86_400:
                raise Unable(f"exec: {name} is a number of seconds above 0, as in exec,{name}=5:./mybot.")
        if not isinstance(self.game, (int, float)) or not 0 <= self.game <= 86_400:
            raise Unable("exec: game is a number of seconds, or 0 for no limit, as in exec,game=60:./mybot.")
        for name, least, most in (("memory", 16, 1 << 20), ("disk", 1, 1 << 20), ("processes", 1, 4096)):
            number = getattr(self, name)
            if not isinstance(number, int) or not least <= number <= most:
                raise Unable(f"exec: {name} is a whole number from {least} to {most}, as in exec,{name}=64:./mybot.")
        protocol_of(self.protocol)
        if self.box not in ("auto", "yes", "no"):
            raise Unable("exec: box is auto, yes or no, as in exec,box=yes:./mybot.")
        if self.folder and not Path(str(self.folder)).is_dir():
            raise Unable(f"exec: there is no folder '{self.folder}'.")

    @property
    def limits(self) -> Limits:
        return Limits(self.memory, self.disk, self.processes)


def program(command: str, settings: str = "") -> Program:
    """The agent of a command line; settings as key=value,key=value."""
    _, options = parse(f"exec:{settings}")
    check_options(options, [field.name for field in fields(Settings)], "exec")
    return Program(command, Settings(**options))  # type: ignore[arg-type]


class Program:
    """A program that is started when it is first to move, and again when it has ended; a process for each game.

    What it does wrong loses the game in which it did so. What is wrong here (no such program, no box) is raised, so
    that it never becomes a result.
    """

    def __init__(self, command: str, settings: Settings | None = None) -> None:
        settings = settings or Settings()
        try:
            self._command = shlex.split(command)
        except ValueError as error:
            raise Unable(f"'{command}' is no command line ({str(error).lower()}).") from None
        if not self._command:
            raise Unable("exec: needs a command, as in exec:./mybot or 'exec:python bots/mybot.py --fast'.")
        changed = (f"{f.name}={getattr(settings, f.name)}" for f in fields(settings) if f.name in ("move", "game"))
        plain = {f"{f.name}={f.default}" for f in fields(settings)}
        self.name = str(settings.name) or ",".join([command.strip(), *(one for one in changed if one not in plain)])
        self.settings, self.unboxed = settings, ""
        self._processes: dict[str, Process] = {}
        engine = protocol_of(settings.protocol)
        self._engine = engine() if engine else None
        self._games = 0
        self._line()

    def _line(self) -> list[str]:
        """What is run; raises Unable if it cannot be."""
        settings = self.settings
        folder = Path(str(settings.folder)) if settings.folder else None
        if shutil.which(self._command[0]) is None:
            found = Path(self._command[0]).exists()
            mend = "it cannot be run; `chmod +x` lets it" if found else "name its file, as in exec:./mybot"
            raise Unable(f"There is no program '{self._command[0]}' to be run: {mend}.")
        bwrap, why = (None, "") if settings.box == "no" else bubblewrap()
        if bwrap is not None:
            return boxed(bwrap, self._command, settings.limits, folder)
        if settings.box == "yes":
            raise Unable(f"{why} exec,box=yes asks for one.")
        self.unboxed = why or "box=no: this program runs without a box, under limits alone."
        return limited(self._command, settings.limits, boxed=False)

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        self._line()
        if self._engine is not None:
            check(game)
        first, self._games = self._games + 1, self._games + len(seeds)
        return {"game": np.arange(first, first + len(seeds)), "spent": np.zeros(len(seeds))}

    def act(self, view: View, memory: Memory) -> Decision:
        actions, spent = _any_move(view), memory["spent"].copy()
        forfeits: dict[int, Forfeit] = {}
        strikes, boards = 0, boards_of(view)
        for lane in range(len(view.seat)):
            if strikes == STRIKES:
                forfeits[lane] = forfeits[lane - 1]
                continue
            begun = time.monotonic()
            try:
                actions[lane] = self._move(view, lane, int(memory["game"][lane]), float(spent[lane]), boards[lane])
                strikes = 0
            except Fault as fault:
                forfeits[lane] = Forfeit(fault.kind, fault.text)
                strikes += fault.fatal
            spent[lane] += time.monotonic() - begun
        return Decision(actions, {**memory, "spent": spent}, {}, forfeits)

    def _move(self, view: View, lane: int, number: int, spent: float, board: str) -> Any:
        seconds = self.settings.move
        if self.settings.game:
            seconds = min(seconds, self.settings.game - spent)
            if seconds <= 0:
                raise Fault("late", f"it had used up its {self.settings.game:g} s for the game.", fatal=False)
        process = self._started(view.game)
        if self._engine is not None:
            return understood(view, lane, self._engine.move(process, view, lane, number, seconds))
        answer = process.ask(turn(view, lane, number, seconds, board), seconds)
        return understood(view, lane, answer)

    def _started(self, game: Game) -> Process:
        """The process that plays a game's rules, started anew if it has ended."""
        process = self._processes.get(game.name)
        if process is None or not process.kill.alive:
            process = Process(self._line(), self.settings.limits)
            try:
                self._greet(process, game)
            except Fault as fault:
                raise Fault("start", f"when started, {fault.text}") from None
            self._processes[game.name] = process
        return process

    def _greet(self, process: Process, game: Game) -> None:
        if self._engine is not None:
            self._engine.begin(process, game, self.settings.move, self.settings.start)
            return
        answer = process.ask(hello(game, self.settings.move), self.settings.start)
        if answer.split()[:1] != ["ready"]:
            process.kill()
            raise Fault("nonsense", f"it answered hello with {quoted(answer.encode())} and not with ready.")

    def close(self) -> None:
        """Ends its processes; it may be asked for moves again."""
        for process in self._processes.values():
            process.kill()


# --- the protocol ---------------------------------------------------------------------------------------------------


def hello(game: Game, seconds: float) -> bytes:
    """What a program is told when it is started."""
    return (
        f"arena {PROTOCOL}\ngame {game.name}\nrules {game.version}\nseats {game.seats}\nseconds {seconds:g}\nhello\n"
    ).encode()


def turn(view: View, lane: int, number: int, seconds: float, board: str) -> bytes:
    """What a program is told when it is to move."""
    game = view.game
    lines = [f"turn {number} {view.seat[lane]}", f"seconds {seconds:g}"]
    if view.moves is not None and not game.controls:
        lines.append(" ".join(["moves", *(game.names[move] for move in view.moves[lane])]))
    if game.controls:
        lines.append(" ".join(["controls", *(f"{low:g} {high:g}" for low, high in game.controls)]))
    else:
        lines.append(" ".join(["legal", *(game.names[a] for a in np.flatnonzero(view.legal[lane]).tolist())]))
    lines += [f"board {line}" for line in board.splitlines()]
    return ("\n".join(lines) + "\ngo\n").encode()


def understood(view: View, lane: int, answer: str) -> Any:
    """The action that an answer means; raises Fault if it is none, or not legal."""
    game, shown = view.game, quoted(answer.encode())
    if game.controls:
        return _numbers(game, answer)
    words = answer.split()
    if len(words) != 1 or words[0] not in game.names:
        raise Fault("nonsense", f"it answered {shown}, which is no move of {game.name}.", fatal=False)
    action = game.names.index(words[0])
    if not view.legal[lane, action]:
        raise Fault("illegal", f"it answered {shown}, which is not legal there.", fatal=False)
    return action


def _numbers(game: Game, answer: str) -> NDArray[np.float32]:
    shown = quoted(answer.encode())
    try:
        numbers = np.array([float(word) for word in answer.split()], np.float32)
    except ValueError:
        raise Fault("nonsense", f"it answered {shown}, and not with numbers.", fatal=False) from None
    if len(numbers) != len(game.controls) or not np.isfinite(numbers).all():
        raise Fault("nonsense", f"it answered {shown}, and not with {len(game.controls)} finite numbers.", fatal=False)
    low, high = np.array(game.controls, np.float32).T
    if not ((low <= numbers) & (numbers <= high)).all():
        raise Fault("illegal", f"it answered {shown}, which is outside the bounds.", fatal=False)
    return numbers


def _any_move(view: View) -> NDArray[Any]:
    if view.game.controls:
        low = np.array([low for low, _ in view.game.controls], np.float32)
        return np.repeat(low[None, :], len(view.seat), axis=0)
    return view.legal.argmax(axis=1).astype(np.int64)


def boards_of(view: View) -> Sequence[str]:
    """[B] the positions in lines of text, of hidden things what the seats to move may know."""
    return [planes_text(obs) if view.text is None else view.text(lane) for lane, obs in enumerate(view.obs)]

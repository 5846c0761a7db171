"""What plays outside of this process: how it is asked for moves, against the clock, and what its answers mean."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from agents.agent import Decision, Forfeit, Memory, Unable
from agents.clock import DAY, Clock, any_move
from agents.external.process import Fault, quoted
from agents.play import legal_named
from envs.game import Game, View
from envs.registry import check_options, parse
from envs.text import planes_text

PROTOCOL = 1
"""Changes whenever a program written for the one before would no longer play."""

STRIKES = 3
"""After so many faults in a row that cost a start, the other games that wait for a move are lost with the last."""


@dataclass(frozen=True)
class Times:
    """How long it may take, all by the referee's clock, and what it is called.

    move    seconds for one move
    game    seconds for all moves of one game; 0 = as many as they take
    start   seconds from its start to its first line
    name    what it goes by in tables; '' = its command or address
    """

    KIND: ClassVar[str] = "exec"
    EXAMPLE: ClassVar[str] = "./mybot"

    move: float = 2.0
    game: float = 0.0
    start: float = 10.0
    name: str = ""

    def __post_init__(self) -> None:
        for name in ("move", "start"):
            seconds = getattr(self, name)
            if not isinstance(seconds, (int, float)) or not 0 < seconds <= DAY:
                raise self.wrong(f"{name} is a number of seconds above 0", f"{name}=5")
        if not isinstance(self.game, (int, float)) or not 0 <= self.game <= DAY:
            raise self.wrong("game is a number of seconds, or 0 for no limit", "game=60")

    def wrong(self, said: str, example: str) -> Unable:
        """What is raised of a setting that cannot be."""
        return Unable(f"{self.KIND}: {said}, as in {self.KIND},{example}:{self.EXAMPLE}.")

    @classmethod
    def read(cls, written: str) -> Any:
        """The settings written as key=value,key=value."""
        _, options = parse(f"{cls.KIND}:{written}")
        check_options(options, [field.name for field in fields(cls)], cls.KIND)
        return cls(**options)  # type: ignore[arg-type]

    def called(self, what: str) -> str:
        """The name of who is started or reached so: by its settings if they matter for how strong it is."""
        changed = (f"{f.name}={getattr(self, f.name)}" for f in fields(self) if f.name in ("move", "game"))
        plain = {f"{f.name}={f.default}" for f in fields(self)}
        return str(self.name) or ",".join([what, *(one for one in changed if one not in plain)])


class Line(Protocol):
    """What can be spoken to."""

    @property
    def alive(self) -> bool:
        """Whether it may be asked again, or must be begun anew."""
        ...

    def ask(self, message: bytes, seconds: float) -> str:
        """Sends a message and returns what answers it; raises Fault."""
        ...

    def kill(self) -> Any:
        """Ends it."""
        ...


class Outside(ABC):
    """An agent that is begun when it is first to move, and again when it has ended; one line for each game's rules.

    What it does wrong loses the game in which it did so. What is wrong here (no such program, no box) is raised, so
    that it never becomes a result.

    unboxed  one sentence why it runs here without a box; empty if it has one, or does not run here
    """

    unboxed = ""

    def __init__(self, settings: Times, name: str) -> None:
        self.times, self.name = settings, name
        self._lines: dict[str, Any] = {}
        self._games = 0

    def digest(self) -> str | None:
        """What it is known by beside its spec; None where nothing of it lies here."""
        return None

    @abstractmethod
    def open(self, game: Game) -> Line:
        """A line to it that was just begun, no word said; raises Fault."""

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        first, self._games = self._games + 1, self._games + len(seeds)
        return {"game": np.arange(first, first + len(seeds)), "spent": np.zeros(len(seeds))}

    def act(self, view: View, memory: Memory) -> Decision:
        actions, spent = any_move(view), memory["spent"].copy()
        forfeits: dict[int, Forfeit] = {}
        strikes, boards = 0, boards_of(view)
        for lane in range(len(view.seat)):
            if strikes == STRIKES:
                forfeits[lane] = forfeits[lane - 1]
                continue
            begun = time.monotonic()
            try:
                actions[lane] = self.move(view, lane, int(memory["game"][lane]), float(spent[lane]), boards[lane])
                strikes = 0
            except Fault as fault:
                forfeits[lane] = Forfeit(fault.kind, fault.text)
                strikes += fault.fatal
            spent[lane] += time.monotonic() - begun
        return Decision(actions, {**memory, "spent": spent}, {}, forfeits)

    def move(self, view: View, lane: int, number: int, spent: float, board: str) -> Any:
        """Its move in one game, of which it has spent so many seconds; raises Fault."""
        seconds = Clock(self.times.move, self.times.game).left(spent)
        if seconds <= 0:
            raise Fault("late", f"it had used up its {self.times.game:g} s for the game.", fatal=False)
        return self.answer(self.started(view.game), view, lane, number, seconds, board)

    def answer(self, line: Any, view: View, lane: int, number: int, seconds: float, board: str) -> Any:
        """Its move in one game, by the arena's own protocol; raises Fault."""
        answer = line.ask(turn(view, lane, number, seconds, board), seconds)
        return understood(view, lane, answer)

    def greet(self, line: Any, game: Game) -> None:
        """Says hello to what was just begun; raises Fault."""
        answer = line.ask(hello(game, self.times.move), self.times.start)
        if answer.split()[:1] != ["ready"]:
            line.kill()
            raise Fault("nonsense", f"it answered hello with {quoted(answer.encode())} and not with ready.")

    def started(self, game: Game) -> Any:
        """The line on which a game's rules are played, begun anew if it has ended; raises Fault."""
        line = self._lines.get(game.name)
        if line is None or not line.alive:
            try:
                line = self.open(game)
                self.greet(line, game)
            except Fault as fault:
                raise Fault("start", f"when started, {fault.text}") from None
            self._lines[game.name] = line
        return line

    def close(self) -> None:
        """Ends all lines; it may be asked for moves again."""
        for line in self._lines.values():
            line.kill()


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
        moves = (game.told(ply % game.seats)[move] for ply, move in enumerate(view.moves[lane]))
        lines.append(" ".join(["moves", *moves]))
    if game.controls:
        lines.append(" ".join(["controls", *(f"{low:g} {high:g}" for low, high in game.controls)]))
    else:
        names = game.told(int(view.seat[lane]))
        lines.append(" ".join(["legal", *(names[a] for a in np.flatnonzero(view.legal[lane]).tolist())]))
    lines += [f"board {line}" for line in board.splitlines()]
    return ("\n".join(lines) + "\ngo\n").encode()


def understood(view: View, lane: int, answer: str) -> Any:
    """The action that an answer means, by the name that was told; raises Fault if it is none, or not legal."""
    game, shown = view.game, quoted(answer.encode())
    if game.controls:
        return _numbers(game, answer)
    names, words, there = game.told(int(view.seat[lane])), answer.split(), legal_named(view, lane)
    if len(words) != 1 or words[0] not in names:
        raise Fault("nonsense", f"it answered {shown}, which is no move of {game.name}{there}.", fatal=False)
    action = names.index(words[0])
    if not view.legal[lane, action]:
        raise Fault("illegal", f"it answered {shown}, which is not legal{there}.", fatal=False)
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


def boards_of(view: View) -> Sequence[str]:
    """[B] the positions in lines of text, of hidden things what the seats to move may know."""
    return [planes_text(obs) if view.text is None else view.text(lane) for lane, obs in enumerate(view.obs)]

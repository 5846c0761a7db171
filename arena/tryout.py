"""The test kit for programs: has one play its games, and says what is wrong with it, where, and how to mend it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.agent import Forfeit, Memory
from agents.external.outside import Line, Outside, boards_of, hello, turn, understood
from agents.external.process import Fault
from agents.external.program import Program
from agents.play import play_games, read_forfeit
from agents.registry import agent
from arena.verify import Report
from envs import kernels
from envs.game import Game, View
from envs.registry import game as game_of

ROUNDS = 3
"""Games in each seat, all side by side: a program must tell them apart."""

ROUNDS_UNSEEN = 10
"""So many where a game hides something: there a turn stands for itself only within its game."""

POSITIONS, PLAYED, AT_ONCE = 200, 16, 20
"""Single turns that are asked about, of how many games played at random, and so many before the clock is looked at."""

SPAN = 20.0
"""Seconds after which no more of them are asked."""

PATIENCE = 2.0
"""Seconds for a program to end when its input has."""

SHOWN = 60
"""Lines of what it was told when it failed."""

MEND = {
    "start": "Answer the line `hello` with the line `ready` and flush it.",
    "late": "Flush every answer and end it with a newline; else choose faster, or ask for more time (exec,move=5:...).",
    "illegal": "Choose among the moves of the last `legal` line (or within its `controls`), not from memory.",
    "nonsense": "Write one line to standard output for each `go`, the move alone; write what else you have to say to "
    "standard error.",
    "crash": "The reason it gave on standard error is quoted; run it by hand and paste the lines below into it; "
    "exec,log=bot.log:... keeps all that is said.",
    "flood": "Write the move alone, and little to standard error.",
    "limit": "Use less, or ask for more (exec,memory=2048,processes=128:...).",
}
ENDED = "It ended before it answered; run `{command}` by hand."
GREETING = "It must answer as the protocol {protocol} has it; run `{command}` by hand."


class Tried(Outside):
    """A program whose turns are noted: how many, the slowest, and what it was told when it first failed in each way."""

    def __init__(self, program: Outside, command: str = "") -> None:
        super().__init__(program.times, program.name)
        self.program, self.command, self.turns, self.slowest = program, command, 0, 0.0
        self.protocol = program.settings.protocol if isinstance(program, Program) else "arena"
        self.told: dict[str, str] = {}
        self.unstarted: Fault | None = None
        self.ended = False

    def open(self, game: Game) -> Line:
        return self.program.open(game)

    def greet(self, line: Any, game: Game) -> None:
        try:
            self.program.greet(line, game)
        except Fault as fault:
            self.ended = fault.kind == "crash"
            raise

    def started(self, game: Game) -> Any:
        """Who has once not started is not waited for again."""
        if self.unstarted is not None:
            raise self.unstarted
        try:
            return super().started(game)
        except Fault as fault:
            self.unstarted = fault
            raise

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        return self.program.begin(game, seeds)

    def answer(self, line: Any, view: View, lane: int, number: int, seconds: float, board: str) -> Any:
        return self.program.answer(line, view, lane, number, seconds, board)

    def move(self, view: View, lane: int, number: int, spent: float, board: str) -> Any:
        self.started(view.game)  # or its start would count as thinking
        self.turns += 1
        begun = time.monotonic()
        try:
            return super().move(view, lane, number, spent, board)
        except Fault as fault:
            told = turn(view, lane, number, self.times.move, board)
            first = hello(view.game, self.times.move) if fault.kind == "crash" else b""
            self.told.setdefault(fault.kind, (first + told).decode())
            raise
        finally:
            self.slowest = max(self.slowest, time.monotonic() - begun)

    def mend(self, kind: str) -> str:
        """How to mend what it did wrong."""
        if kind != "start":
            return MEND.get(kind, "")
        if self.ended and self.command:
            return ENDED.format(command=self.command)
        greeting = GREETING.format(command=self.command, protocol=self.protocol)
        return MEND["start"] if self.protocol == "arena" else greeting


def try_out(spec: str, game: str, heard: Callable[[int, int], None] = lambda done, total: None) -> Report:
    """Plays a program's games against `random` in every seat, and tries what else the protocol asks of it."""
    rules, found = game_of(game), agent(spec)
    assert isinstance(found, Outside)
    started_here = isinstance(found, Program)
    player, report = Tried(found, spec.partition(":")[2] if started_here else ""), Report(spec, "program")
    if found.unboxed:
        report.notes.append(found.unboxed)
    try:
        _play(rules, player, report, heard)
        if report.whole and not (rules.hidden or rules.controls or rules.foreign):
            _positions(rules, player, report, heard)
        if report.whole:
            if player.protocol == "arena":
                _unknown_line(rules, player, report)
            if started_here:
                _end_of_input(rules, player, report)
    finally:
        player.close()
    return report


def _play(rules: Game, player: Tried, report: Report, heard: Callable[[int, int], None]) -> None:
    rounds = ROUNDS_UNSEEN if rules.hidden else ROUNDS
    seating = np.ones((rounds * rules.seats, rules.seats), np.int64)
    seating[np.arange(len(seating)), np.arange(len(seating)) % rules.seats] = 0
    games = play_games(rules, [player, agent("random")], seating, kernels.seeds(1, len(seating)), on_ply=heard)
    report.checked |= {"games": len(games), "turns": player.turns, "ms at the slowest": round(1000 * player.slowest)}
    lost = [forfeit[1] for forfeit in (read_forfeit(played.reason) for played in games) if forfeit is not None]
    _tell(lost, f"of {len(games)} games", player, report)
    if report.whole and player.slowest > player.times.move / 2:
        report.notes.append(
            f"Its slowest answer took {player.slowest:.2f} s of {player.times.move:g} s; "
            "on a busy machine that is late."
        )


def _positions(rules: Game, player: Tried, report: Report, heard: Callable[[int, int], None]) -> None:
    """Asks about single turns of games played at random, those with few legal moves among them.

    Against `random` a game is over soon, and who never looks at the legal moves may meet no turn in which it matters.
    """
    seeds = kernels.seeds(3, PLAYED)
    games = play_games(rules, [agent("random")], np.zeros((PLAYED, rules.seats), np.int64), seeds)
    rows = np.concatenate([kernels.replay(rules, played.seed, played.moves)[:-1] for played in games])
    moves = [played.moves[:ply] for played in games for ply in range(len(played.moves))]
    choices = kernels.legal_mask(rules, rows).sum(axis=1)
    few, evenly = np.argsort(choices, kind="stable")[: POSITIONS // 2], np.linspace(0, len(rows) - 1, POSITIONS // 2)
    chosen = np.unique(np.concatenate([few, evenly.round().astype(np.int64)]))
    lost: list[Forfeit] = []
    asked, until = 0, time.monotonic() + SPAN
    for start in range(0, len(chosen), AT_ONCE):
        some = chosen[start : start + AT_ONCE]
        view = kernels.view(rules, rows[some])
        if view.rows is not None:
            view = view._replace(moves=[moves[one] for one in some.tolist()])
        lost += player.act(view, player.begin(rules, kernels.seeds(4, len(some)))).forfeits.values()
        asked += len(some)
        heard(asked, len(chosen))
        if time.monotonic() > until:
            break
    report.checked["positions"] = asked
    _tell(lost, f"of {asked} positions", player, report)


def _tell(lost: Sequence[Forfeit], among: str, player: Tried, report: Report) -> None:
    """Notes each kind of what went wrong once, with how to mend it and what had been told."""
    for kind in dict.fromkeys(forfeit.kind for forfeit in lost):
        some = [forfeit for forfeit in lost if forfeit.kind == kind]
        lines = player.told.get(kind, "").splitlines() if player.protocol == "arena" else []
        shown = [*lines[:SHOWN], *(["..."] if len(lines) > SHOWN else [])]
        after = "\n".join([" It had been told:", *shown]) if shown else ""
        report.fault(f"{kind} in {len(some)} {among}: {some[0].text} {player.mend(kind)}{after}")


def _unknown_line(rules: Game, player: Tried, report: Report) -> None:
    """Later versions of the protocol will say more: who knows nothing of it must pass over it."""
    rows = kernels.new_rows(rules, kernels.seeds(2, 1))
    view = kernels.view(rules, rows)
    view = view._replace(moves=None if view.rows is None else [[]])
    message = b"weather sunny 21\n" + turn(view, 0, 10**6, player.times.move, boards_of(view)[0])
    report.checked["unknown lines"] = 1
    try:
        understood(view, 0, player.started(rules).ask(message, player.times.move))
    except Fault as fault:
        report.fault(f"an unknown line: told `weather sunny 21` before a turn, {fault.text} Pass over unknown words.")


def _end_of_input(rules: Game, player: Tried, report: Report) -> None:
    """A program that goes on when nobody is left is ended, but it should see to that itself."""
    try:
        ended = player.started(rules).ends(PATIENCE)
    except Fault as fault:
        report.fault(f"{fault.kind}: started again, {fault.text}")
        return
    report.checked["end of input"] = int(ended)
    if not ended:
        report.notes.append(
            f"It had not ended {PATIENCE:g} s after its input ended; it is killed then, but end when reading does."
        )

"""The test kit for programs: has one play its games, and says what is wrong with it, where, and how to mend it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.agent import Forfeit, Memory
from agents.external.outside import Line, Outside, boards_of, turn, understood
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

PATIENCE = 2.0
"""Seconds for a program to end when its input has."""

SHOWN = 400
"""Characters of what it was told when it failed."""

MEND = {
    "start": "Answer the line `hello` with the line `ready` and flush it.",
    "late": "Flush every answer and end it with a newline; else choose faster, or ask for more time (exec,move=5:...).",
    "illegal": "Choose among the moves of the last `legal` line (or within its `controls`), not from memory.",
    "nonsense": "Write one line to standard output for each `go`, the move alone; write what else you have to say to "
    "standard error.",
    "crash": "The last line of its standard error is quoted; run it by hand and type the lines below.",
    "flood": "Write the move alone, and little to standard error.",
    "limit": "Use less, or ask for more (exec,memory=2048,processes=128:...).",
}


class Tried(Outside):
    """A program whose turns are noted: how many, the slowest, and what it was told when it first failed in each way."""

    def __init__(self, program: Outside) -> None:
        super().__init__(program.times, program.name)
        self.program, self.turns, self.slowest = program, 0, 0.0
        self.told: dict[str, str] = {}

    def open(self, game: Game) -> Line:
        return self.program.open(game)

    def greet(self, line: Any, game: Game) -> None:
        self.program.greet(line, game)

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
            told = turn(view, lane, number, self.times.move, board).decode()
            self.told.setdefault(fault.kind, told)
            raise
        finally:
            self.slowest = max(self.slowest, time.monotonic() - begun)


def try_out(spec: str, game: str, heard: Callable[[int, int], None] = lambda done, total: None) -> Report:
    """Plays a program's games against `random` in every seat, and tries what else the protocol asks of it."""
    rules, found = game_of(game), agent(spec)
    assert isinstance(found, Outside)
    player, report = Tried(found), Report(spec, "program")
    started_here = isinstance(found, Program)
    if started_here and found.unboxed:
        report.notes.append(found.unboxed)
    try:
        _play(rules, player, report, heard)
        if report.whole:
            if not started_here or found.settings.protocol == "arena":
                _unknown_line(rules, player, report)
            if started_here:
                _end_of_input(rules, player, report)
    finally:
        player.close()
    return report


def _play(rules: Game, player: Tried, report: Report, heard: Callable[[int, int], None]) -> None:
    seating = np.ones((ROUNDS * rules.seats, rules.seats), np.int64)
    seating[np.arange(len(seating)), np.arange(len(seating)) % rules.seats] = 0
    games = play_games(rules, [player, agent("random")], seating, kernels.seeds(1, len(seating)), on_ply=heard)
    report.checked |= {"games": len(games), "turns": player.turns, "ms at the slowest": round(1000 * player.slowest)}
    lost: dict[str, list[Forfeit]] = {}
    for forfeit in filter(None, (read_forfeit(played.reason) for played in games)):
        lost.setdefault(forfeit[1].kind, []).append(forfeit[1])
    for kind, some in lost.items():
        told = player.told.get(kind, "")
        shown = told if len(told) <= SHOWN else f"{told[:SHOWN]} ..."
        after = f" It had been told: {' | '.join(shown.splitlines())}" if told else ""
        report.fault(f"{kind} in {len(some)} of {len(games)} games: {some[0].text} {MEND.get(kind, '')}{after}")
    if report.whole and player.slowest > player.times.move / 2:
        report.notes.append(
            f"Its slowest answer took {player.slowest:.2f} s of {player.times.move:g} s; "
            "on a busy machine that is late."
        )


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
    report.checked["end of input"] = 1
    try:
        ended = player.started(rules).ends(PATIENCE)
    except Fault as fault:
        report.fault(f"{fault.kind}: started again, {fault.text}")
        return
    if not ended:
        report.notes.append(
            f"It had not ended {PATIENCE:g} s after its input ended; it is killed then, but end when reading does."
        )

"""Engines that speak GTP, the Go Text Protocol (Farnebäck, version 2): `exec,protocol=gtp:gnugo --mode gtp`.

The engine is told the board and all moves so far, or those that are new, and asked for its move. Moves go by the names
they have here: in Go those are GTP's own, elsewhere a column's letter and a line's number, no letter left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from agents.agent import Unable
from agents.external.process import Fault, Process, quoted
from envs.game import Game, View
from envs.registry import parse

GAMES = ("go", "hex", "othello", "connect_four", "gomoku", "mnk", "tic_tac_toe", "breakthrough")
"""Games of two that take turns move by move, Black first, with nothing hidden or drawn."""

SIZED = ("go", "hex", "othello", "gomoku")
"""Of these those whose engines are told the size of the board."""

MOST = 1 << 16
"""Bytes of all that an engine answers in one turn."""


class Gtp:
    """What is remembered of a dialogue by GTP: whose game the engine stands in, and after which moves."""

    def __init__(self) -> None:
        self._at: tuple[Process, int, list[int]] | None = None

    def check(self, game: Game) -> None:
        """Raises Unable unless engines can play the game by this protocol."""
        if parse(game.name)[0] not in GAMES:
            raise Unable(
                f"GTP is for {', '.join(GAMES)}, not for {game.name}; the arena's own protocol plays any game."
            )

    def begin(self, process: Process, game: Game, move: float, seconds: float) -> None:
        """Says hello to an engine that was just started, and how long it has for each move; raises Fault."""
        spoken = _spoken(process, [f"time_settings 0 {max(1, int(move))} 1", "protocol_version"], seconds)
        if not spoken[1][0]:
            raise Fault("nonsense", f"it answered protocol_version with {quoted(spoken[1][1].encode())}.")

    def move(self, process: Process, view: View, lane: int, number: int, seconds: float) -> str:
        """The engine's move by its name; raises Fault."""
        game = view.game
        assert view.moves is not None
        moves = [int(move) for move in view.moves[lane]]
        commands = self._caught_up(process, game, number, moves)
        ask = f"genmove {'bw'[int(view.seat[lane])]}"
        self._at = None  # until it has answered well
        replies = _spoken(process, [*commands, ask], seconds)
        for command, (good, text) in zip([*commands, ask], replies, strict=True):
            if not good:
                raise Fault("nonsense", f"it answered '{command}' with {quoted(b'? ' + text.encode())}.", fatal=False)
        said = replies[-1][1].strip().lower()
        if said == "resign":
            raise Fault("resigned", "it resigned.", fatal=False)
        name = "swap" if said == "swap-pieces" else said
        if name in game.names:
            self._at = (process, number, [*moves, game.names.index(name)])
        return name

    def _caught_up(self, process: Process, game: Game, number: int, moves: list[int]) -> list[str]:
        """The commands after which the engine has heard of all moves."""
        known: list[int] | None = None
        if self._at is not None and self._at[0] is process and self._at[1] == number:
            known = self._at[2]
        if known is not None and moves[: len(known)] == known:
            return [_play(game, ply, moves[ply]) for ply in range(len(known), len(moves))]
        return [*_board(game), *(_play(game, ply, move) for ply, move in enumerate(moves))]


def _board(game: Game) -> list[str]:
    """The commands for an empty board."""
    name, options = parse(game.name)
    size = [f"boardsize {game.shape[-1]}"] if name in SIZED else []
    komi = [f"komi {options.get('komi', 7.5)}"] if name == "go" else []
    return [*size, "clear_board", *komi]


def _play(game: Game, ply: int, move: int) -> str:
    name = game.names[move]
    return f"play {'bw'[ply % 2]} {'swap-pieces' if name == 'swap' else name}"


def _spoken(process: Process, commands: list[str], seconds: float) -> list[tuple[bool, str]]:
    """(understood, text) of the answer to each command; raises Fault."""
    message = "".join(f"{command}\n" for command in commands).encode()
    answer = process.ask(message, seconds, ended_after(len(commands)), MOST).replace("\r", "")
    found = []
    for text in re.split(r"\n\n+", answer.strip("\n"))[: len(commands)]:
        if text[:1] not in ("=", "?"):
            said = quoted(text.encode())
            raise Fault("nonsense", f"it wrote {said}, and an answer of GTP begins with = or ?.", fatal=False)
        found.append((text[0] == "=", text[1:].lstrip("0123456789").strip()))
    return found


def ended_after(count: int) -> Callable[[bytes], int]:
    """Where so many answers of GTP end, each with an empty line; 0 while they do not."""

    def ended(answer: bytes) -> int:
        at = 0
        for _ in range(count):
            found = re.compile(rb"\r?\n\r?\n+").search(answer, at)
            if found is None:
                return 0
            at = found.end()
        return at

    return ended

"""Engines that speak UCI, the Universal Chess Interface: `exec,protocol=uci:fairy-stockfish` plays gardner_chess.

UCI names every promotion by its piece; here a pawn that becomes a queen needs no letter. Which chess it is the engine
is told by the option UCI_Variant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from agents.agent import Unable
from agents.external.process import Fault, Process, quoted
from envs import kernels
from envs.boards.gardner_chess import PAWN, SIZE
from envs.game import Game, Rows, View
from envs.registry import parse

VARIANTS = {"gardner_chess": "gardner"}
"""Games that engines play by this protocol, and what UCI_Variant calls them."""

MOST = 1 << 20
"""Bytes of all that an engine says in one turn: it thinks aloud."""

SHARE, MARGIN = 0.9, 0.02
"""Of the time for a move an engine is given this share, less so many seconds: it stops a little after it is due."""

MOVE = re.compile(rf"([a-e])([1-{SIZE}])([a-e])([1-{SIZE}])([qrbn]?)")


class Uci:
    """What is remembered of a dialogue by UCI: which games the engine has heard of."""

    def __init__(self) -> None:
        self._known: tuple[Process | None, int] = (None, 0)

    def check(self, game: Game) -> None:
        """Raises Unable unless engines can play the game by this protocol."""
        if parse(game.name)[0] not in VARIANTS:
            raise Unable(f"UCI is for {', '.join(VARIANTS)}, not for {game.name}; the arena's own protocol plays any.")

    def begin(self, process: Process, game: Game, move: float, seconds: float) -> None:
        """Says hello to an engine that was just started, and which chess is played; raises Fault."""
        variant = VARIANTS[parse(game.name)[0]]
        offered = process.ask(b"uci\n", seconds, ended_by("uciok"), MOST, greets=True)
        option = re.search(r"^option name UCI_Variant type combo\b(.*)$", offered, re.MULTILINE)
        if option is None or f" var {variant} " not in f"{option[1].rstrip()} ":
            raise Fault("nonsense", f"it does not offer {variant} as its UCI_Variant.")
        chosen = f"setoption name UCI_Variant value {variant}\nisready\n"
        process.ask(chosen.encode(), seconds, ended_by("readyok"), MOST)

    def move(self, process: Process, view: View, lane: int, number: int, seconds: float) -> str:
        """The engine's move by its name; raises Fault."""
        assert view.moves is not None
        moves = [int(move) for move in view.moves[lane]]
        said = " ".join(["position startpos", *(["moves", *spelt(view.game, moves)] if moves else [])])
        lines = [said, f"go movetime {max(1, int(1000 * (SHARE * seconds - MARGIN)))}"]
        if self._known[0] is not process or number > self._known[1]:
            lines.insert(0, "ucinewgame")
            self._known = (process, number)
        heard = process.ask("".join(f"{line}\n" for line in lines).encode(), seconds, ended_by("bestmove"), MOST)
        answer = heard.replace("\r", "").split("\n")[-1]
        found = MOVE.fullmatch(answer.split()[1]) if len(answer.split()) > 1 else None
        if found is None:
            raise Fault("nonsense", f"it answered {quoted(answer.encode())}, which names no move.", fatal=False)
        return found[0].removesuffix("q")


def spelt(game: Game, moves: Sequence[int]) -> list[str]:
    """A game's moves since the first position as UCI has them."""
    before = kernels.replay(game, 0, moves)
    words = []
    for i, move in enumerate(moves):
        name, word = game.names[move], game.told(i % 2)[move]
        queen = len(name) == 4 and name[3] == str(SIZE) and _piece(before, i, word) == PAWN
        words.append(word + "q" * queen)
    return words


def _piece(rows: Rows, i: int, word: str) -> int:
    """The kind of the piece that a move of position i takes up."""
    return abs(int(rows[i]["cells"][(SIZE - int(word[1])) * SIZE + ord(word[0]) - ord("a")]))


def ended_by(word: str) -> Callable[[bytes], int]:
    """Where the line ends that begins with a word; 0 while there is none."""
    line = re.compile(rb"^" + word.encode() + rb"\b[^\n]*\n", re.MULTILINE)

    def ended(answer: bytes) -> int:
        found = line.search(answer)
        return found.end() if found else 0

    return ended

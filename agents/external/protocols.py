"""The protocols that engines speak: `exec,protocol=gtp:COMMAND`, `exec,protocol=uci:COMMAND`."""

from __future__ import annotations

from typing import Any, Protocol

from agents.agent import Unable
from agents.external.gtp import Gtp
from agents.external.process import Process
from agents.external.uci import Uci
from envs.game import Game, View


class Engine(Protocol):
    """What is remembered of a dialogue with an engine; one for each agent."""

    def check(self, game: Game) -> None:
        """Raises Unable unless engines can play the game by this protocol."""
        ...

    def begin(self, process: Process, game: Game, move: float, seconds: float) -> None:
        """Says hello to an engine that was just started, with `seconds` for it and `move` for moves; raises Fault."""
        ...

    def move(self, process: Process, view: View, lane: int, number: int, seconds: float) -> str:
        """The engine's move by its name; raises Fault."""
        ...


PROTOCOLS: dict[str, type[Engine]] = {"gtp": Gtp, "uci": Uci}


def engine_of(protocol: Any) -> type[Engine] | None:
    """What speaks a protocol by its name; None for the arena's own. Raises Unable for a name that is none."""
    if protocol != "arena" and protocol not in PROTOCOLS:
        raise Unable("exec: protocol is arena, gtp or uci, as in exec,protocol=gtp:gnugo --mode gtp.")
    return PROTOCOLS.get(protocol)

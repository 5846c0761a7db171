"""Go on 5 x 5 to 19 x 19: chains without liberties are taken; stones and the points they enclose are counted.

Tromp-Taylor rules with komi for white (seat 1), suicide forbidden unless it is allowed, and ko either by position (a
move may not bring back any earlier position) or simple (a single stone that took a single stone may not be taken back
at once). Two passes end the game. So does the limit on plies, as in the self-play of AlphaGo Zero (Silver et al. 2017);
then too the board is counted as it stands: the limit is a rule of the game here, and nothing is cut off.
"""

from __future__ import annotations

from typing import Any

from envs.boards.go.chains import neighbours
from envs.boards.go.ko import SIMPLE, positional
from envs.boards.go.rules import board
from envs.game import Game
from envs.options import choice, flag, number, spec, whole

__all__ = ["go", "on_any_board"]


def go(
    size: int = 9, komi: float = 7.5, ko: str = "positional", suicide: bool = False, history: int = 1, limit: int = 0
) -> Game:
    """Go on size x size; `history` positions are seen, the newest first; `limit` 0 is two plies for every point."""
    whole("go", "size", size, 5, 19, 13)
    whole("go", "history", history, 1, 8, 4)
    whole("go", "limit", limit, 0, 4000, 200)
    number("go", "komi", komi, -size * size, size * size, 6.5)
    if komi * 2 % 1:
        raise ValueError(f"The option komi of go is a whole or half number, not {komi}; write for example go:komi=6.5.")
    choice("go", "ko", ko, ("positional", "simple"))
    flag("go", "suicide", suicide)
    name = spec(
        "go", size=(size, 9), komi=(komi, 7.5), ko=(ko, "positional"), suicide=(suicide, False),
        history=(history, 1), limit=(limit, 0),
    )  # fmt: skip
    return on_any_board(name, size, size, komi=komi, ko=ko, suicide=suicide, history=history, limit=limit)


def on_any_board(name: str, lines: int, columns: int, **options: Any) -> Game:
    """Go on lines x columns, from 1 x 2, for exact counts and values."""
    komi, suicide, history = options.get("komi", 0.0), options.get("suicide", False), options.get("history", 1)
    limit = options.get("limit") or 2 * lines * columns
    by_position = options.get("ko", "positional") == "positional"
    ko = positional(lines * columns, limit, suicide, neighbours(lines, columns)) if by_position else SIMPLE
    return board(name, lines, columns, komi=komi, ko=ko, suicide=suicide, history=history, limit=limit)

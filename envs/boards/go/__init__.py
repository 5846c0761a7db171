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

__all__ = ["go", "on_any_board"]


def go(
    size: int = 9, komi: float = 7.5, ko: str = "positional", suicide: bool = False, history: int = 1, limit: int = 0
) -> Game:
    """Go on size x size; `history` positions are seen, the newest first; `limit` 0 is two plies for every point."""
    for option, value, least, most in (("size", size, 5, 19), ("history", history, 1, 8), ("limit", limit, 0, 4000)):
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(
                f"The option {option} of go is {least} to {most}, not {value}; "
                "write for example go:size=9,history=4,limit=200."
            )
    if isinstance(komi, bool) or not isinstance(komi, (int, float)) or komi * 2 % 1 or abs(komi) > size * size:
        raise ValueError(f"The option komi of go is a whole or half number, not {komi}; write for example go:komi=6.5.")
    if ko not in ("simple", "positional"):
        raise ValueError(f"The option ko of go is simple or positional, not {ko}; write for example go:ko=simple.")
    if not isinstance(suicide, bool):
        raise ValueError(
            f"The option suicide of go is true or false, not {suicide}; write for example go:suicide=true."
        )
    given = {"size": size, "komi": komi, "ko": ko, "suicide": suicide, "history": history, "limit": limit}
    usual = {"size": 9, "komi": 7.5, "ko": "positional", "suicide": False, "history": 1, "limit": 0}
    options = ",".join(f"{key}={str(value).lower()}" for key, value in given.items() if value != usual[key])
    return on_any_board(f"go:{options}".rstrip(":"), size, size, **{key: given[key] for key in list(given)[1:]})


def on_any_board(name: str, lines: int, columns: int, **options: Any) -> Game:
    """Go on lines x columns, from 1 x 2, for exact counts and values."""
    komi, suicide, history = options.get("komi", 0.0), options.get("suicide", False), options.get("history", 1)
    limit = options.get("limit") or 2 * lines * columns
    by_position = options.get("ko", "positional") == "positional"
    ko = positional(lines * columns, limit, suicide, neighbours(lines, columns)) if by_position else SIMPLE
    return board(name, lines, columns, komi=komi, ko=ko, suicide=suicide, history=history, limit=limit)

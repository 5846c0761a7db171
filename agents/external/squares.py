"""Moves as who plays outside reads and writes them: where squares are named from the mover's side, as White sees them.

The board is shown as White sees it, so `b2a3` of Black's own side would be a move from where nothing stands.
"""

from __future__ import annotations

from functools import cache

from envs.boards.gardner_chess import SIZE
from envs.game import Game
from envs.registry import parse

TURNED = ("gardner_chess",)
"""Games whose moves are named from the mover's side."""


def told_names(game: Game, seat: int) -> tuple[str, ...]:
    """The names of a game's actions for one seat."""
    return _turned(game.names) if seat and parse(game.name)[0] in TURNED else game.names


@cache
def _turned(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(seen(name[:4], 1) + name[4:] for name in names)


def seen(word: str, seat: int) -> str:
    """Two squares as the seat sees them, from White's side and back: lines count from the other end for Black."""
    if seat == 0:
        return word
    return f"{word[0]}{SIZE + 1 - int(word[1])}{word[2]}{SIZE + 1 - int(word[3])}"

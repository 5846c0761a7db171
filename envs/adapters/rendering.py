"""How a position is rendered, by the names that Gymnasium and PettingZoo use."""

from __future__ import annotations

from typing import Any

from envs.game import Game, Rows
from envs.registry import resolve

RENDERERS: dict[str, str] = {
    "ansi": "envs.text:text_seen",
    "rgb_array": "arena.viewers.frames:frame",
}
"""Render mode -> "module:function" of (game, rows [1], seat that looks or None for everything)."""


def rendered(mode: str | None, game: Game, rows: Rows, seat: int | None = None) -> Any:
    """The first of these rows as text or as pixels uint8 [height, width, 3]; None where no mode was asked for."""
    if mode not in RENDERERS:
        return None
    return resolve(RENDERERS, mode, "render mode")(game, rows[:1], seat)

"""How a position is rendered, by the names that Gymnasium and PettingZoo use."""

from __future__ import annotations

from typing import Any

from envs.game import Game, Rows
from envs.registry import Unknown, nearest, resolve

RENDERERS: dict[str, str] = {
    "ansi": "envs.text:text_seen",
    "rgb_array": "arena.viewers.frames:frame",
}
"""Render mode -> "module:function" of (game, rows [1], seat that looks or None for everything)."""


def render_mode_of(mode: str | None) -> str | None:
    """A mode that there is, or None, or "human", which others show; raises Unknown for any other."""
    if mode not in (None, "human", *RENDERERS):
        raise Unknown(f"There is no render mode '{mode}'; {nearest(str(mode), RENDERERS)}")
    return mode


def rendered(mode: str | None, game: Game, rows: Rows, seat: int | None = None) -> Any:
    """The first of these rows as text or as pixels uint8 [height, width, 3]; None where no mode was asked for."""
    if mode not in RENDERERS:
        return None
    return resolve(RENDERERS, mode, "render mode")(game, rows[:1], seat)

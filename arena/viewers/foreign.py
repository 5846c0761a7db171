"""The picture of another project's game: the pixels or the words that its program gave of each position."""

from __future__ import annotations

import numpy as np

from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture
from arena.viewers.plain import in_words, piece
from arena.viewers.shapes import Box, Pixels
from envs import kernels
from envs.adapters.foreign.programs import programs_of
from envs.game import Game, Row
from envs.text import text_seen


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """What the program drew, as large as it fits; where it draws nothing, the numbers of its observation."""
    programs = programs_of(game)
    if programs is None:
        return in_words(text_seen(game, np.array([row]), seen_by), room)
    shown = programs.picture(row)
    if isinstance(shown, np.ndarray):
        height, width = shown.shape[:2]
        scale = min(room.w / width, room.h / height)
        w, h = width * scale, height * scale
        dots = Pixels(room.cx - w / 2, room.cy - h / 2, w, h, shown.tobytes(), width, height)
        return Picture([dots], {}, {}, piece, 5.0)
    if isinstance(shown, str):
        return in_words(shown, room)
    if programs.gone(row):
        return in_words("This position was not kept.", room)
    numbers = np.array2string(kernels.view(game, np.array([row])).obs[0], precision=2, threshold=60, max_line_width=40)
    return in_words(numbers, room)

"""One position as pixels, for whoever wants a frame and not a window: Gymnasium's and PettingZoo's rgb_array."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from arena.viewers.layout import Layout
from arena.viewers.paint import Painter, pygame
from arena.viewers.pictures import look
from arena.viewers.shapes import GROUND, Box, Rect
from envs.game import Game, Rows

SIDE = 480
"""Pixels of a frame's side."""


def frame(game: Game, rows: Rows, seat: int | None = None, side: int = SIDE) -> NDArray[np.uint8]:
    """[side, side, 3] the first of these rows as the viewers draw it; of hidden things, what `seat` may know."""
    whole, nothing = Box(0, 0, 100, 100), Box(0, 0, 1, 1)
    where = Layout(100.0, side / 100, 1.0, False, nothing, nothing, whole.inset(1), None, None, None)
    picture = look(game, rows[0], where, seen_by=seat)
    surface = pygame.Surface((side, side))
    _painter().paint([Rect(*whole, "ground", layer=GROUND), *picture.shapes], surface)
    return np.ascontiguousarray(pygame.surfarray.array3d(surface).swapaxes(0, 1))


@cache
def _painter() -> Painter:
    return Painter()

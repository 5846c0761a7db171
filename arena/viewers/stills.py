"""Any list of shapes as a PNG, painted without a display."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from arena.viewers.paint import Painter, pygame
from arena.viewers.shapes import Box, Shape


def still(shapes: Iterable[Shape], page: Box, file: Path, wide: int = 1600) -> Path:
    """Writes shapes on a page of u into a picture `wide` pixels wide."""
    from PIL import Image

    u = wide / page.w
    surface = pygame.Surface((wide, round(100 * u)))  # a painter's u is a hundredth of the height
    Painter().paint(shapes, surface)
    dots = pygame.surfarray.array3d(surface).swapaxes(0, 1)[: round(page.h * u)]
    Image.fromarray(np.ascontiguousarray(dots)).save(file, "PNG")
    return file

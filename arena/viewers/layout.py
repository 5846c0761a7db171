"""Where everything is: window size and text size in, named rectangles out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from arena.viewers.shapes import Box

SMALLEST = (320, 240)
"""The least window, in pixels; a smaller one is laid out as this."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The rectangles of a view, in u; a part that has no room is None.

    `px` is how many pixels one u has, `text` the factor on every text size, `wide` whether the table has room for
    all its columns.
    """

    w: float
    px: float
    text: float
    wide: bool
    header: Box
    gauge: Box
    board: Box
    panel: Box | None
    timeline: Box | None
    caption: Box | None

    @property
    def window(self) -> Box:
        """The whole window."""
        return Box(0, 0, self.w, 100)

    def grid(self, room: Box, columns: int, rows: int) -> tuple[Box, float]:
        """The largest board of square cells in the middle of `room`, and its cell, a whole number of pixels."""
        cell = max(1, int(min(room.w / columns, room.h / rows) * self.px)) / self.px
        w, h = cell * columns, cell * rows
        x = round((room.x + (room.w - w) / 2) * self.px) / self.px
        y = round((room.y + (room.h - h) / 2) * self.px) / self.px
        return Box(x, y, w, h), cell


@cache
def layout(
    width: int, height: int, text: float = 1.0, *, lecture: bool = False, presentation: bool = False,
    captions: bool = True,
) -> Layout:  # fmt: skip
    """The rectangles for a window of so many pixels.

    Heights add up to 100 u: header 6, board 70, timeline 12, caption 8 and the gaps; a lecture has larger words and
    captions, a presentation only board and caption. Below 640 pixels or in portrait the panel goes.
    """
    width, height = max(width, SMALLEST[0]), max(height, SMALLEST[1])
    px, w = height / 100, 100 * width / height
    text = text * (1.4 if lecture else 1.0)
    narrow = width < 640 or width < height
    caption_h = (12.0 if lecture else 8.0) if captions else 0.0
    bottom = 99.0 - caption_h
    caption = Box(1, bottom, w - 2, caption_h) if captions else None
    timeline = None
    if not presentation:
        timeline = Box(1, bottom - 13, w - 2, 12)
        bottom -= 14
    header = Box(1, 0.75, w - 2, 5.5)
    top = 7.0
    room = bottom - top
    side = min(room, w - 6)
    if narrow or presentation:
        left = (w - side - 3) / 2
        gauge = Box(left, top, 2, room)
        return Layout(w, px, text, False, header, gauge, Box(left + 3, top, side, room), None, timeline, caption)
    side = min(room, w * 0.46)
    gauge, board = Box(1, top, 2, room), Box(4, top, side, room)
    panel = Box(board.right + 1.5, top, w - board.right - 2.5, room)
    return Layout(w, px, text, panel.w >= 85 * text, header, gauge, board, panel, timeline, caption)

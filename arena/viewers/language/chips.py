"""Tokens as chips: a letter on a tint, underlined by its probability; lines of them that fit into a room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from arena.viewers.language.group import name_of
from arena.viewers.lettering import width
from arena.viewers.shapes import OVERLAY, PIECES, Box, Rect, Shape, Text
from arena.viewers.theme import SMALL, Colour, cividis, contrast, ink_on

PAD, GAP, TALL = 0.44, 0.14, 1.62
"""Around a letter, between two chips, and the height of a chip, in letter sizes."""
LARGEST, LEAST = 0.56, 1.36
"""The size of letters in heights of their line at most, and the height of a line in sizes of letters at least."""
WORD = 0.8
"""The size of a token that is a word, in sizes of one that is a letter."""

LEGIBLE = 4.5
"""The contrast below which a letter gets a halo."""


@dataclass(frozen=True, slots=True)
class Chip:
    """How a token is drawn.

    share   its probability, as an underline; None: none is drawn
    tint    the colour of its ground
    faint   whether it only repeats what stands above
    """

    token: int
    share: float | None = None
    tint: Colour = "raised"
    faint: bool = False
    hit: str | None = None
    ring: bool = False


def letters(token: int, size: float) -> float:
    """The size at which a token's name is written."""
    return size if len(name_of(token)) == 1 else max(SMALL, size * WORD)


def wide(token: int, size: float) -> float:
    """The width of a token's chip."""
    return width(name_of(token), letters(token, size), "mono") + PAD * size


def along(tokens: Sequence[int], size: float) -> float:
    """The width of a line of chips."""
    return sum(wide(token, size) + GAP * size for token in tokens)


def fitting(tokens: Sequence[int], room: float, size: float) -> float:
    """The largest size, from `size` down to the smallest there is, at which some tokens fit on a line."""
    at_one = along(tokens, 1.0)
    size = max(SMALL, min(size, room / at_one if at_one else size))
    while size > SMALL and along(tokens, size) > room:  # words shrink no further than letters may
        size -= 0.1
    return max(SMALL, size)


def set_into(tokens: Sequence[int], room: Box, size: float) -> tuple[float, int]:
    """The size, and on how many lines, that some tokens are best written in a room: on one if they fit."""
    size = fitting(tokens, room.w, min(size, LARGEST * room.h))
    if along(tokens, size) <= room.w:
        return size, 1
    most = max(1, int(room.h / (LEAST * SMALL)))
    return SMALL, min(most, len(broken(tokens, room.w, SMALL)))


def broken(tokens: Sequence[int], room: float, size: float) -> list[int]:
    """How many tokens stand on each line."""
    counts, left = [0], room
    for token in tokens:
        need = wide(token, size) + GAP * size
        if need > left and counts[-1]:
            counts.append(0)
            left = room
        counts[-1] += 1
        left -= need
    return counts


def row_of(chips: Sequence[Chip], room: Box, size: float, lines: int = 1) -> tuple[list[Shape], list[float]]:
    """Chips on up to so many lines in the middle of a room, and the middle of each; what has no room is counted."""
    counts = broken([chip.token for chip in chips], room.w, size)
    shown = counts[: max(1, lines)]
    left_out = len(chips) - sum(shown)
    if left_out:
        reserve = width(f"+{left_out}", SMALL) + 1
        shown[-1] = broken([c.token for c in chips[sum(shown[:-1]) :]], room.w - reserve, size)[0]
        left_out = len(chips) - sum(shown)
    tall = min(TALL * size, room.h * 0.94 / len(shown) - 0.1 * size)
    y = room.cy - (tall + 0.1 * size) * len(shown) / 2 + 0.05 * size
    shapes: list[Shape] = []
    middles: list[float] = []
    first, last = 0, room
    for count in shown:
        x = room.x
        for chip in chips[first : first + count]:
            box = Box(x, y, wide(chip.token, size), tall)
            shapes += drawn(chip, box, size)
            middles.append(box.cx)
            x = box.right + GAP * size
        first, last = first + count, Box(x + 0.4, y, room.right - x, tall)
        y += tall + 0.1 * size
    if left_out:
        shapes.append(Text(f"+{left_out}", last, SMALL, "muted", layer=PIECES))
    return shapes, middles


def drawn(chip: Chip, box: Box, size: float) -> list[Shape]:
    """One chip."""
    name = name_of(chip.token)
    ground = "panel" if chip.faint else chip.tint
    ink, halo = ("line" if chip.faint else ink_on(ground)), None
    if not chip.faint and contrast(ink, ground) < LEGIBLE:  # half tinted
        ink, halo = "text", "ink"
    line = max(0.3, 0.105 * box.h)
    tight = box.h < 0.9 * TALL * size  # what hangs below a line of letters must not touch the underline
    above = Box(box.x, box.y - (0.1 * size if tight else 0.0), box.w, box.h - line)
    shapes: list[Shape] = [
        Rect(*box, ground, radius=0.2 * size, layer=PIECES, hit=chip.hit),
        Text(name, above, letters(chip.token, size), ink, "centre", "mono", halo, layer=PIECES),
    ]
    if chip.share is not None:
        colour, edge = cividis(chip.share), 0.12 * size
        shapes.append(Rect(box.x + edge, box.bottom - line, box.w - 2 * edge, line, colour, layer=PIECES))
    if chip.ring:
        around = box.inset(-0.25)
        shapes.append(Rect(*around, None, radius=0.3 * size, stroke="yellow", stroke_width=0.3, layer=OVERLAY))
    return shapes

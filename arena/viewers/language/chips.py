"""Tokens as chips: a letter on a tint, underlined by its probability; lines of them that fit into a room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from arena.viewers.language.group import name_of
from arena.viewers.lettering import width
from arena.viewers.shapes import OVERLAY, PIECES, Box, Rect, Shape, Text
from arena.viewers.theme import SMALL, Colour, cividis, contrast, ink_on
from envs.language.vocabulary import SPOKEN

PAD, GAP, TALL = 0.44, 0.14, 1.62
"""Around a letter, between two chips, and the height of a chip, in letter sizes."""
LARGEST, LEAST = 0.56, 1.36
"""The size of letters in heights of their line at most, and the height of a line in sizes of letters at least."""
WORD = 0.8
"""The size of a token that is a word, in sizes of one that is a letter."""

FOLD = 8.0
"""The width of what stands for chips that have no room."""

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
    return lined([wide(token, size) + GAP * size for token in tokens], room)


def lined(widths: Sequence[float], room: float) -> list[int]:
    """How many things of these widths stand on each line."""
    counts, left = [0], room
    for need in widths:
        if need > left and counts[-1]:
            counts.append(0)
            left = room
        counts[-1] += 1
        left -= need
    return counts


def shown_of(chips: Sequence[Chip], room: float, size: float, lines: int) -> tuple[int, int]:
    """(head, tail): of chips that do not fit on so many lines the first `head` and those from `tail` on are shown.

    At the end stands what an answer comes to: what is not as above, if there is room for all of it, else what follows
    a thought, else as much as fills a third. The rest of the room is the beginning's.
    """
    count, widths = len(chips), [wide(chip.token, size) + GAP * size for chip in chips]
    if len(lined(widths, room)) <= lines:
        return count, count

    def fits(head: int, tail: int) -> bool:
        return len(lined([*widths[:head], FOLD, *widths[tail:]], room)) <= lines

    fresh = next((i for i, chip in enumerate(chips) if not chip.faint), count)
    spoken = next((i for i in range(count - 1, -1, -1) if chips[i].token == SPOKEN), count)
    third = next(i for i in range(count + 1) if sum(widths[i:]) <= lines * room / 3)
    tail = next((i for i in (fresh, spoken, third) if 0 < i < count and fits(0, i)), count)
    head = next((i for i in range(tail - 1, 0, -1) if fits(i, tail)), 0)
    return head, tail


def row_of(chips: Sequence[Chip], room: Box, size: float, lines: int = 1) -> tuple[list[Shape], list[float]]:
    """Chips on up to so many lines in the middle of a room, and the middle of each; what has no room is folded."""
    lines = max(1, lines)
    head, tail = shown_of(chips, room.w, size, lines)
    widths = [wide(chip.token, size) for chip in chips]
    items = (
        [(i, i + 1) for i in range(head)]
        + [(head, tail)] * (head < tail)
        + [(i, i + 1) for i in range(tail, len(chips))]
    )
    needs = [(FOLD if b - a > 1 or head == a < tail else widths[a] + GAP * size) for a, b in items]
    counts = lined(needs, room.w)
    tall = min(TALL * size, room.h * 0.94 / len(counts) - 0.1 * size)
    y = room.cy - (tall + 0.1 * size) * len(counts) / 2 + 0.05 * size
    shapes: list[Shape] = []
    middles: list[float] = []
    first = 0
    for number in counts:
        x = room.x
        for (a, b), need in zip(items[first : first + number], needs[first : first + number], strict=True):
            if a == head < tail:
                fold = Box(x, y, need - 0.6, tall)
                shapes += folded(chips[a:b], fold)
                middles += [fold.x + (i + 0.5) * fold.w / (b - a) for i in range(b - a)]
            else:
                box = Box(x, y, widths[a], tall)
                shapes += drawn(chips[a], box, size)
                middles.append(box.cx)
            x += need
        first += number
        y += tall + 0.1 * size
    return shapes, middles


def folded(chips: Sequence[Chip], box: Box) -> list[Shape]:
    """Chips for which there is no room: how many, and a strip of their tints, with a mark where one is looked at."""
    count, each = len(chips), box.w / len(chips)
    strip = Box(box.x, box.y + 0.66 * box.h, box.w, 0.34 * box.h)
    label = Text(f"+{count}", Box(box.x, box.y, box.w, 0.66 * box.h), SMALL, "muted", "centre", layer=PIECES)
    shapes: list[Shape] = [label]
    first = 0
    for colour, some in groupby(chips, key=lambda chip: "line" if chip.faint else chip.tint):
        run = list(some)
        place = Box(strip.x + first * each, strip.y, each * len(run), strip.h)
        shapes.append(Rect(*place, colour, layer=PIECES, hit=run[0].hit))
        first += len(run)
    for i, chip in enumerate(chips):
        if chip.ring:
            mark = Box(strip.x + i * each - 0.15, strip.y - 0.2, max(each, 0.3) + 0.3, strip.h + 0.4)
            shapes.append(Rect(*mark, None, radius=0.2, stroke="yellow", stroke_width=0.3, layer=OVERLAY))
    return shapes


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

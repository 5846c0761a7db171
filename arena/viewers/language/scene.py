"""The group view: a prompt on top, its answers as rows by what they are paid, and one token looked at below."""

from __future__ import annotations

from arena.viewers.help import grouped, key_page
from arena.viewers.language.chips import Chip, fitting, row_of, set_into
from arena.viewers.language.choices import (
    GROUPS,
    KEYS,
    Choices,
    compared,
    group_looked_at,
    scored,
    shown_groups,
)
from arena.viewers.language.detail import detail
from arena.viewers.language.group import GroupSnapshot, sentence, told
from arena.viewers.language.rows import MODELS, panel
from arena.viewers.layout import SMALLEST
from arena.viewers.lettering import cut, lines, width
from arena.viewers.shapes import BOARD, CAPTION, GROUND, Box, Rect, Shape, Text
from arena.viewers.theme import BODY, CORNER, LABEL, SMALL
from arena.viewers.ui import TEXT_SIZES

SIDE_BY_SIDE = 120.0
"""A page at least so wide has two groups beside one another; else they are one above the other."""


def scene(snapshot: GroupSnapshot, chosen: Choices, size: tuple[int, int]) -> list[Shape]:
    """Everything on the screen of so many pixels, from what is known and what was chosen; pure."""
    wide, tall = max(size[0], SMALLEST[0]), max(size[1], SMALLEST[1])
    page = Box(0, 0, 100 * wide / tall, 100)
    text = TEXT_SIZES[chosen.text]
    shapes: list[Shape] = [Rect(*page, "ground", layer=GROUND)]
    shapes += _header(snapshot, Box(2, 1, page.w - 4, 5.5), text)
    shapes += _prompt(snapshot, chosen, Box(2, 7, page.w - 4, 10), text)
    groups = shown_groups(snapshot, chosen)
    for index, room in enumerate(_rooms(Box(2, 18, page.w - 4, 57), len(groups))):
        shapes += panel(snapshot, chosen, groups[index], index, room, text)
    shapes += detail(snapshot, chosen, Box(2, 76.5, page.w - 4, 14), text)
    shapes += _caption(snapshot, chosen, Box(2, 91.5, page.w - 4, 7.5), text)
    return shapes + (key_page(grouped(KEYS, GROUPS), page, text, "help") if chosen.help else [])


def _rooms(room: Box, count: int) -> list[Box]:
    """Where each group stands."""
    if count == 1:
        return [room]
    if room.w >= SIDE_BY_SIDE:
        half = (room.w - 3) / 2
        return [Box(room.x, room.y, half, room.h), Box(room.x + half + 3, room.y, half, room.h)]
    half = (room.h - 1) / 2
    return [Box(room.x, room.y, room.w, half), Box(room.x, room.y + half + 1, room.w, half)]


def _header(snapshot: GroupSnapshot, room: Box, text: float) -> list[Shape]:
    """Who answers, and what is asked."""
    size = max(SMALL, LABEL * min(text, 1.25))
    facts = (
        f"{snapshot.task}   level {snapshot.level}   prompt {snapshot.number}   temperature {snapshot.temperature:g}"
    )
    small = max(SMALL, BODY * min(text, 1.25))
    facts = cut(facts, room.w * 0.5, small) if room.w > SIDE_BY_SIDE / 2 else ""
    left = room.w - width(facts, small) - 3
    shapes: list[Shape] = [Text(facts, room, small, "muted", "right")]
    x = room.x
    for k, name in enumerate(snapshot.models):
        if k:
            shapes.append(Text("→", Box(x, room.y, 3, room.h), size, "muted"))
            x += 4
        name = cut(name, left / len(snapshot.models) - 4, size, "bold")
        colour = MODELS[k] if len(snapshot.models) > 1 else "text"
        shapes.append(Text(name, Box(x, room.y, room.w, room.h), size, colour, weight="bold"))
        x += width(name, size, "bold") + 1.5
    return shapes


def _prompt(snapshot: GroupSnapshot, chosen: Choices, room: Box, text: float) -> list[Shape]:
    """The prompt, and, when all answers are in, a right one."""
    small = max(SMALL, BODY * min(text, 1.25))
    right = snapshot.wanted if scored(snapshot, chosen) else ()
    head = max(width("prompt", small), width("wanted", small)) + 2
    shapes: list[Shape] = [Rect(*room, "panel", radius=CORNER, layer=BOARD)]
    inner = room.inset(1.5, 0.6)
    beside = inner.w * 0.5 - head
    both = bool(snapshot.wanted) and all(
        fitting(tokens, beside, 3.0 * text) > 2.4 for tokens in (snapshot.prompt, snapshot.wanted)
    )
    parts = [("prompt", snapshot.prompt, inner)]
    if both:
        half = inner.w / 2
        parts = [("prompt", snapshot.prompt, Box(inner.x, inner.y, half, inner.h))]
        parts += [("wanted", right, Box(inner.x + half, inner.y, half, inner.h))] if right else []
    elif right:
        parts = [("prompt", snapshot.prompt, Box(inner.x, inner.y, inner.w, inner.h / 2)),
                 ("wanted", right, Box(inner.x, inner.cy, inner.w, inner.h / 2))]  # fmt: skip
    for name, tokens, box in parts:
        place = Box(box.x + head, box.y, box.w - head - 1, box.h)
        size, count = set_into(tokens, place, min(4.0 * text, place.h / 1.9))
        shapes.append(Text(name, Box(box.x, box.y, head, box.h), small, "muted"))
        shapes += row_of([Chip(token) for token in tokens], place, size, count)[0]
    return shapes


def _caption(snapshot: GroupSnapshot, chosen: Choices, room: Box, text: float) -> list[Shape]:
    """What is to be seen, in words: a line about each group."""
    said = chosen.message
    if not said:
        said = _said(snapshot, chosen)
    size = max(SMALL, min(3.0 * text, 3.4))
    broken = lines(said, room.w, size, most=3)
    while len(broken) * size * 1.2 > room.h and size > SMALL:
        size -= 0.1
        broken = lines(said, room.w, size, most=3)
    row = min(room.h / max(1, len(broken)), size * 1.3)
    return [
        Text(line, Box(room.x, room.y + k * row, room.w, row), size, "text", layer=CAPTION)
        for k, line in enumerate(broken)
    ]


def _said(snapshot: GroupSnapshot, chosen: Choices) -> str:
    """The sentence of this stage."""
    group = group_looked_at(snapshot, chosen)
    size = len(group.answers)
    if chosen.stage == 0:
        return f"One prompt, {size} answers drawn from the same model. Which will it be taught?"
    if not scored(snapshot, chosen):
        return f"Token {chosen.stage} of {snapshot.longest}: an answer that ends is checked and paid at once."
    if not compared(snapshot, chosen):
        return sentence(group)
    if len(shown_groups(snapshot, chosen)) == 1:
        return f"{told(group)} Sky: likelier than before; orange: less likely."
    before, after = (sum(answer.right > 0 for answer in one.answers) for one in snapshot.groups)
    return f"{before} of {size} right before, {after} of {size} after. {told(group)}"

"""The page of keys that lies over a view: sections of keys and what they do, as large as all of it fits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from arena.viewers.keys import Binding
from arena.viewers.lettering import cut, lines
from arena.viewers.shapes import CARD, Box, Rect, Shape, Text, lifted
from arena.viewers.theme import SMALL

Section = tuple[str, Sequence[tuple[str, str]]]
"""A title, and (key, what it does) each."""


def grouped(bindings: Iterable[Binding], groups: Sequence[tuple[str, str]]) -> list[Section]:
    """A section for each (group, title)."""
    known = list(bindings)
    return [(title, [(_keys(b), b.says) for b in known if b.group == group]) for group, title in groups]


def key_page(sections: Sequence[Section], window: Box, text: float, hit: str) -> list[Shape]:
    """The sections on a card over the window, in the sizes of `text`; a press on the card hits `hit`."""
    wide = min(window.w - 4, 170.0)
    box = Box((window.w - wide) / 2, 3, wide, 94)
    shapes: list[Shape] = [
        Rect(*window, "shadow", alpha=0.6),
        Rect(*box, "panel", radius=1.6, stroke="line", stroke_width=0.2, hit=hit),
    ]
    columns = 3 if wide >= 115 else 2 if wide >= 78 else 1
    for size, pitch in ((2.6, 1.5), (2.2, 1.42), (2.1, 1.36), (2.0, 1.3), (2.0, 1.22)):  # as large as all of it fits
        words, whole = _entries(sections, box, columns, max(SMALL, min(size, size * text)), pitch)
        if whole:
            break
    return lifted(shapes + words, CARD)


def _entries(
    sections: Sequence[Section], box: Box, columns: int, size: float, pitch: float
) -> tuple[list[Shape], bool]:
    """The sections in columns, and whether there was room for all of them; what has no room is left out."""
    row, column_w = size * pitch, (box.w - 4) / columns
    shapes: list[Shape] = []
    x, y, bottom, whole = box.x + 2, box.y + 2, box.bottom - 2, True
    for title, entries in sections:
        wrapped = [(head, lines(says, column_w - 13.5, size)) for head, says in entries]
        tall = row * (1 + sum(len(said) for _, said in wrapped))
        if y + tall > bottom and y > box.y + 2:  # a section stays together
            x, y = x + column_w, box.y + 2
        if x + column_w > box.right:
            return shapes, False
        shapes.append(Text(title, Box(x, y, column_w - 2, row), size, "yellow", weight="bold"))
        y += row
        for head, said in wrapped:
            if y + row * len(said) > bottom:
                whole = False
                break
            shapes.append(Text(cut(head, 11.5, size, "bold"), Box(x, y, 11.5, row), size, "text", weight="bold"))
            for words in said:
                shapes.append(Text(words, Box(x + 12, y, column_w - 13.5, row), size, "muted"))
                y += row
        y += row * 0.6
    return shapes, whole


def _keys(binding: Binding) -> str:
    """The keys as they are printed; a capital is left out beside its shift+letter, a long alternative too."""
    if binding.does == "digit":
        return "1 … 9"
    names = [_shown(key) for key in binding.keys if not (len(key) == 1 and key.isupper())]
    return "  ".join(names[:2]) if len("".join(names[:2])) <= 7 else names[0]


def _shown(key: str) -> str:
    signs = {"left": "←", "right": "→", "up": "↑", "down": "↓", "escape": "Esc", "return": "Enter", "space": "Space"}
    *before, last = key.split("+") if key != "+" else ["+"]
    last = signs.get(last, last.title() if len(last) > 1 else last)
    return "+".join([*(part.title() for part in before), last])

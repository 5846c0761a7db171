"""How wide a text is, read from the bundled fonts, so that a scene can lay out words without a screen."""

from __future__ import annotations

import struct
from functools import cache
from importlib import resources

FONTS = {"regular": "NotoSans-Regular.ttf", "bold": "NotoSans-Bold.ttf", "mono": "NotoSansMono-Regular.ttf"}
ASCENT, DESCENT, CAPITAL = 1.069, 0.293, 0.714
"""Of every bundled font, in ems: the line above and below the baseline, and the height of a capital."""


def font_file(weight: str) -> bytes:
    """The bytes of a bundled font."""
    return resources.files("arena.viewers").joinpath("fonts", FONTS[weight]).read_bytes()


@cache
def advances(weight: str) -> dict[int, float]:
    """The width of every character of a font, in ems, by code point (OpenType tables cmap format 4, hmtx)."""
    font = font_file(weight)
    tables = {
        font[at : at + 4]: struct.unpack_from(">II", font, at + 8)
        for at in range(12, 12 + 16 * struct.unpack_from(">H", font, 4)[0], 16)
    }
    (em,) = struct.unpack_from(">H", font, tables[b"head"][0] + 18)
    (metrics,) = struct.unpack_from(">H", font, tables[b"hhea"][0] + 34)
    hmtx = tables[b"hmtx"][0]
    return {
        character: struct.unpack_from(">H", font, hmtx + 4 * min(glyph, metrics - 1))[0] / em
        for character, glyph in _characters(font, tables[b"cmap"][0]).items()
    }


def _characters(font: bytes, cmap: int) -> dict[int, int]:
    count = struct.unpack_from(">H", font, cmap + 2)[0]
    starts = [cmap + struct.unpack_from(">I", font, cmap + 8 + 8 * record)[0] for record in range(count)]
    start = next(at for at in starts if struct.unpack_from(">H", font, at)[0] == 4)
    segments = struct.unpack_from(">H", font, start + 6)[0] // 2
    glyphs: dict[int, int] = {}
    for i in range(segments):
        ends, firsts = start + 14 + 2 * i, start + 16 + 2 * (segments + i)
        deltas, offsets = firsts + 2 * segments, firsts + 4 * segments
        first, last = struct.unpack_from(">H", font, firsts)[0], struct.unpack_from(">H", font, ends)[0]
        delta, offset = struct.unpack_from(">H", font, deltas)[0], struct.unpack_from(">H", font, offsets)[0]
        for character in range(first, min(last, 0xFFFE) + 1):
            glyph = character
            if offset:
                (glyph,) = struct.unpack_from(">H", font, offsets + offset + 2 * (character - first))
            if glyph or not offset:
                glyphs[character] = (glyph + delta) & 0xFFFF
    return glyphs


@cache
def width(text: str, size: float, weight: str = "regular") -> float:
    """The width of one line of text, in the unit of `size`."""
    table = advances(weight)
    return size * sum(table.get(ord(letter), 0.6) for letter in text)


@cache
def cut(text: str, room: float, size: float, weight: str = "regular") -> str:
    """The text, or as much of its beginning as fits into `room`, ending in '…'."""
    if width(text, size, weight) <= room:
        return text
    while text and width(text + "…", size, weight) > room:
        text = text[:-1]
    return text.rstrip() + "…" if text else ""


@cache
def lines(text: str, room: float, size: float, weight: str = "regular", most: int = 9) -> tuple[str, ...]:
    """The text broken at spaces into lines that fit into `room`; what is beyond `most` lines is cut with '…'."""
    broken: list[str] = []
    for word in text.split():
        if broken and width(f"{broken[-1]} {word}", size, weight) <= room:
            broken[-1] = f"{broken[-1]} {word}"
        else:
            broken.append(word)
    if len(broken) > most:
        broken[most - 1 :] = [" ".join(broken[most - 1 :])]
    return tuple(cut(line, room, size, weight) for line in broken)

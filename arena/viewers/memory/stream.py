"""The tasks of remembering symbols: what is shown now, large; what a perfect memory holds; the answers below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from arena.viewers.control.stage import Stage, stage, steps
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture
from arena.viewers.shapes import OVERLAY, PIECES, Box, Rect, Shape, Text
from arena.viewers.theme import CORNER, LABEL, cividis, ink_on, mix
from envs.game import Game, Row
from envs.registry import parse

GLYPHS = {"round": "( )", "square": "[ ]", "curly": "{ }", "angle": "< >"}
MOST = 9
"""So many tiles of what is remembered are drawn."""


@dataclass(frozen=True)
class Held:
    """What a perfect memory holds: tiles in order, (key, value) in recall; `wanted` is the one asked for, or -1."""

    tiles: list[tuple[int, ...]]
    wanted: int


def held(game: Game, row: Row) -> Held:
    """What must be remembered at this ply to answer its question and all that follow."""
    name, ply, asked = parse(game.name)[0], int(row["ply"]), int(row["answer"]) >= 0
    if name == "recall":
        pairs = [(int(k), int(v)) for k, v in zip(row["keys"], row["values"], strict=False)][: ply + 1]
        return Held(pairs, [key for key, _ in pairs].index(int(row["shown"])) if asked else -1)
    kept = [int(k) for k in row["kept"]]
    if name == "copy":
        return Held([(k,) for k in kept[: ply + 1]], ply - (game.max_plies - len(kept)) if asked else -1)
    if name == "parentheses":
        stack = [(k,) for k in kept[: int(row["height"])]]
        return Held([*stack, (int(row["answer"]),)], len(stack)) if asked else Held(stack, -1)
    latest = [kept[(ply - back) % len(kept)] for back in range(len(kept) - 1, -1, -1)]
    return Held([(k,) for k in latest if k >= 0], 0 if asked else -1)


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """A symbol or nothing, a question or none; the memory and the right answer are not for `seen_by`."""
    name, asked = parse(game.name)[0], int(row["answer"]) >= 0
    symbols = (game.shape[0] - 1) // (2 if name == "recall" else 1)
    signs = [GLYPHS[kind][0] for kind in game.names] if name == "parentheses" else list(ascii_lowercase[:symbols])
    made = stage(game, room, layout, steps(game, row), f"{int(row['right'])} right", pad=2.0)
    scene, words = made.scene, LABEL * 1.4 * layout.text
    side = min(scene.h * 0.36, scene.w / 3)
    shown = tuple(k for k in (int(row["shown"]), int(row["beside"])) if k >= 0)
    now = Box(scene.x, scene.y + 1, scene.w, side)
    if shown:
        made.shapes += tile(shown, signs, Box(now.cx - side * len(shown) / 2, now.y, side * len(shown), side))
    else:
        empty = Box(now.cx - side / 2, now.y, side, side)
        made.shapes.append(Rect(*empty, None, radius=1.5, stroke="line", stroke_width=0.3, alpha=0.6, layer=PIECES))
        sign, colour = ("?", "yellow") if asked else ("·", "line")
        made.shapes.append(Text(sign, empty, side * 0.6, colour, "centre", "bold", layer=PIECES))
    line = Box(scene.x, now.bottom + 0.6, scene.w, words * 1.5)
    said = question(name, len(row["kept"]) - 1 if "kept" in (game.row.names or ()) else 0) if asked else "remember"
    if row["done"]:
        said = "over"
    made.shapes.append(Text(said, line, words, "yellow" if asked else "muted", "centre", "bold", layer=PIECES))
    made.shapes += _verdict(row, before, Box(scene.x, now.y, scene.w, words * 1.5), words)
    if seen_by is None and not row["done"]:
        below = Box(scene.x, line.bottom + 0.6, scene.w, scene.bottom - line.bottom - 1.2)
        made.shapes += _memory(held(game, row), signs, below, layout)
    _label_buttons(made, name, game, int(row["answer"]) if seen_by is None else -1)
    return made.picture()


def question(name: str, back: int) -> str:
    """What is asked, in words."""
    ago = f"{back} {'ply' if back == 1 else 'plies'} ago"
    return {
        "copy": "say them in order",
        "recall": "what came with it?",
        "repeat_previous": f"which was it {ago}?",
        "n_back": f"the same as {ago}?",
        "parentheses": "which bracket closes?",
    }[name]


def tile(symbols: Sequence[int], signs: Sequence[str], box: Box, *, layer: int = PIECES) -> list[Shape]:
    """One symbol on a coloured tile, or several side by side; letters tell them apart, colours help."""
    shapes: list[Shape] = []
    wide = box.w / len(symbols)
    for i, k in enumerate(symbols):
        colour = cividis(0.25 + 0.75 * k / max(1, len(signs) - 1))
        at = Box(box.x + i * wide, box.y, wide, box.h).inset(0.05 * wide, 0.05 * box.h)
        size = min(at.w, at.h) * 0.62
        shapes.append(Rect(*at, colour, mix(colour, "shadow", 0.2), radius=0.16 * at.w, layer=layer))
        shapes.append(Text(signs[k], at, size, ink_on(colour), "centre", "bold", layer=layer))
    return shapes


def _memory(memory: Held, signs: Sequence[str], room: Box, layout: Layout) -> list[Shape]:
    """The tiles of what is held, around the one that is wanted where they are too many."""
    size = LABEL * layout.text
    head = Box(room.x, room.y, room.w, size * 1.4)
    shapes: list[Shape] = [Text("what a perfect memory holds", head, size, "muted", "centre", layer=PIECES)]
    count = len(memory.tiles)
    first = min(max(0, (memory.wanted if memory.wanted >= 0 else count) - MOST // 2), max(0, count - MOST))
    some = memory.tiles[first : first + MOST]
    if not some:
        return shapes
    high = len(some[0])
    left = Box(room.x, room.y + size * 1.8, room.w, room.h - size * 1.8)
    side = min(left.w / (len(some) + 1.2), left.h / high, 11.0)
    x, y = left.cx - side * len(some) / 2, left.cy - side * high / 2
    for i, symbols in enumerate(some):
        for j, k in enumerate(symbols):
            shapes += tile((k,), signs, Box(x + i * side, y + j * side, side, side))
        if first + i == memory.wanted:
            ring = Box(x + i * side, y, side, side * high)
            shapes.append(Rect(*ring, None, radius=0.2 * side, stroke="text", stroke_width=0.5, layer=OVERLAY))
    for there, at in ((first > 0, x - side * 0.6), (first + MOST < count, x + side * len(some))):
        if there:
            shapes.append(Text("…", Box(at, y, side * 0.6, side * high), size * 1.4, "muted", "centre", layer=PIECES))
    return shapes


def _verdict(row: Row, before: Row | None, line: Box, size: float) -> list[Shape]:
    """Whether the last answer was right, where one was asked."""
    if before is None or int(before["answer"]) < 0:
        return []
    right = float(row["reward"][0]) > 0
    return [
        Text("right" if right else "wrong", line, size, "teal" if right else "purple", "right", "bold", layer=PIECES)
    ]


def _label_buttons(made: Stage, name: str, game: Game, answer: int) -> None:
    """The answers on their buttons; the right one is framed."""
    for action, box in made.hits.items():
        if name == "n_back":
            made.shapes.append(Rect(*box, "raised", radius=1.0, layer=PIECES))
            made.shapes.append(Text("=" if action else "≠", box, box.h * 0.6, "text", "centre", "bold", layer=PIECES))
        elif name == "parentheses":
            made.shapes += tile((action,), [GLYPHS[kind] for kind in game.names], box)
        else:
            made.shapes += tile((action,), game.names, box)
        if action == answer:
            frame = box.inset(-0.3)
            made.shapes.append(Rect(*frame, None, radius=CORNER, stroke="text", stroke_width=0.5, layer=OVERLAY))

"""Nim: heaps of matches in lines; a click on a match takes it and all to its right."""

from __future__ import annotations

from arena.viewers.boards.connect_four import stone
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot
from arena.viewers.shapes import BOARD, PIECES, Box, Disc, Rect, Shape, Text
from arena.viewers.theme import mix
from envs.game import Game, Row

WOOD, HEAD = "#E3C08A", "#D9644A"


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """A line for each heap, with how many it holds; matches that are gone leave their outline."""
    _, heaps, largest = game.shape
    body = room.inset(max(1.0, 0.03 * room.w))
    tall = min(body.h / heaps, 16.0)
    words = min(3.4 * layout.text, 0.4 * tall)
    step = min((body.w - 4.2 * words) / largest, 0.75 * tall)
    top, left = body.cy - tall * heaps / 2, body.cx - (step * largest) / 2
    order = range(heaps)[:: -1 if flipped else 1]
    line_of = {heap: line for line, heap in enumerate(order)}
    tray = Box(body.x, top - 0.5, body.w, tall * heaps + 1)
    shapes: list[Shape] = [
        Rect(tray.x, tray.y + 0.8, tray.w, tray.h, "shadow", radius=2.5, alpha=0.5, blur=2.5, layer=BOARD),
        Rect(*tray, mix("raised", "text", 0.12), mix("raised", "shadow", 0.2), radius=2.2, layer=BOARD),
        Rect(*tray.inset(0.18), "raised", mix("raised", "ground", 0.55), radius=2.0, layer=BOARD),
    ]
    sizes = [sum(name[0] == letter for name in game.names) for letter in "abcdefgh"[:heaps]]

    def place(heap: int, match: int) -> Box:
        at = largest - 1 - match if flipped else match
        return Box(left + at * step, top + line_of[heap] * tall, step, tall)

    for heap, size in enumerate(sizes):
        held, held_before = int(row["heaps"][heap]), int((row if before is None else before)["heaps"][heap])
        y = top + line_of[heap] * tall
        name, count = Box(tray.x, y, left - tray.x, tall), Box(left + largest * step, y, left - tray.x, tall)
        shapes.append(Text("abcdefgh"[heap], name, words, "muted", "centre", "bold", layer=BOARD))
        shapes.append(Text(str(held), count, words, "text", "centre", "bold", layer=BOARD))
        for match in range(size):
            there = match < held or (match < held_before and part < 1)
            shapes += _match(place(heap, match), (1.0 if match < held else 1 - part) if there else 0.0)
    hits, spots, heap, taken = {}, {}, -1, 0
    for action, name in enumerate(game.names):
        heap, taken = "abcdefgh".index(name[0]), int(name[1:])
        match = max(0, int(row["heaps"][heap])) - taken
        box = place(heap, match if match >= 0 else sizes[heap] - taken)
        hits[action] = box
        spots[action] = Spot(box.cx, box.cy, 0.42 * min(step, tall))
    return Picture(shapes, hits, spots, stone, min(step, tall))


def _match(box: Box, alpha: float) -> list[Shape]:
    """A match with its head up, or only its outline."""
    thick, long = min(0.30 * box.w, 0.16 * box.h), 0.72 * box.h
    x, y = box.cx - thick / 2, box.cy - long / 2
    shapes: list[Shape] = [
        Rect(x, y, thick, long, radius=thick / 2, stroke="line", stroke_width=0.15, alpha=0.35, layer=BOARD)
    ]
    if alpha > 0:
        shapes += [
            Rect(x + 0.15, y + 0.4, thick, long, "shadow", radius=0.4, alpha=0.4 * alpha, blur=0.6, layer=PIECES),
            Rect(x, y + thick * 0.4, thick, long - thick * 0.4, mix(WOOD, "text", 0.2), mix(WOOD, "shadow", 0.25), 0.3,
                 alpha=alpha, layer=PIECES),
            Disc(box.cx, y + thick * 0.8, thick * 0.85, mix(HEAD, "text", 0.2), mix(HEAD, "shadow", 0.2), alpha),
        ]  # fmt: skip
    return shapes

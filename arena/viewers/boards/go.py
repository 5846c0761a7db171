"""Go: a wooden board with star points, stones on its crossings, what was taken on the rim, whose area at the end."""

from __future__ import annotations

from arena.viewers.boards.othello import stone
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot
from arena.viewers.shapes import BOARD, MAP, Box, Disc, Line, Rect, Shape, Text
from arena.viewers.theme import mix
from envs.boards.go.chains import neighbours
from envs.game import Game, Row

WOOD, INK = "#C79A54", "#4A3718"


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Size x size crossings; a click on the rim below passes. Once a game is over, squares show whose each point is."""
    _, lines, columns = game.shape
    points = lines * columns
    words = min(2.4 * layout.text, 1.6 * room.w / columns)
    side, foot = 1.3 * words, 3.0 * layout.text + 0.4
    inner = Box(room.x + side, room.y + side, room.w - 2 * side, room.h - 2 * side - foot)
    grid, cell = layout.grid(inner, columns, lines)
    places = range(points)[:: -1 if flipped else 1]
    spots = {
        a: Spot(grid.x + (at % columns + 0.5) * cell, grid.y + (at // columns + 0.5) * cell, 0.47 * cell)
        for a, at in enumerate(places)
    }
    below = Box(grid.x - side, grid.bottom + side, grid.w + 2 * side, foot)
    shapes = _board([game.names[a] for a in places], grid, cell, side, foot, words)
    colours = [int(c) for c in row["colour"][:points]]
    old = colours if before is None else [int(c) for c in before["colour"][:points]]
    for a, at in spots.items():
        if colours[a]:
            fresh = 1.0 if old[a] else part
            shapes += stone(colours[a] - 1, Spot(at.x, at.y, at.r * (0.6 + 0.4 * fresh)), max(0.25, fresh))
        elif old[a] and part < 1:  # taken: it fades away
            shapes += stone(old[a] - 1, at, 1 - part)
        elif row["barred"][a] and part >= 1 and not row["done"]:
            r = 0.24 * cell
            corners = ((at.x - r, at.y - r), (at.x + r, at.y - r), (at.x + r, at.y + r), (at.x - r, at.y + r))
            shapes.append(Line((*corners, corners[0]), max(0.15, 0.05 * cell), INK, layer=MAP))
    if row["done"] and part >= 1:
        for a, owner in areas(colours, lines, columns).items():
            r = 0.17 * cell
            fill = ("black stone", "white stone")[owner]
            shapes.append(Rect(spots[a].x - r, spots[a].y - r, 2 * r, 2 * r, fill, stroke=INK, layer=MAP))
    shapes += _taken(row, below, layout)
    hits = {a: Box(s.x - cell / 2, s.y - cell / 2, cell, cell) for a, s in spots.items()}
    return Picture(shapes, {**hits, points: below}, spots, stone, cell)


def areas(colours: list[int], lines: int, columns: int) -> dict[int, int]:
    """Whose each empty point is: the seat whose stones alone are reached from it; open points are missing."""
    beside = neighbours(lines, columns)
    found: dict[int, int] = {}
    seen: set[int] = set()
    for start, colour in enumerate(colours):
        if colour or start in seen:
            continue
        region, left = {start}, [start]
        reached: set[int] = set()
        while left:
            for other in (int(p) for p in beside[left.pop()] if p < len(colours)):
                if colours[other]:
                    reached.add(colours[other])
                elif other not in region:
                    region.add(other)
                    left.append(other)
        seen |= region
        if len(reached) == 1:
            owner = reached.pop() - 1
            found.update(dict.fromkeys(region, owner))
    return found


def stars(size: int) -> list[int]:
    """The lines on which the star points of a board lie, counted from 0."""
    edge = 3 if size >= 12 else 2
    middle = [size // 2] if size % 2 else []
    return sorted({edge, size - 1 - edge, *middle}) if size >= 7 else middle


def _board(names: list[str], grid: Box, cell: float, side: float, foot: float, words: float) -> list[Shape]:
    columns, lines = round(grid.w / cell), round(grid.h / cell)
    body = Box(grid.x - side, grid.y - side, grid.w + 2 * side, grid.h + 2 * side)
    left, right = grid.x + cell / 2, grid.right - cell / 2
    top, bottom = grid.y + cell / 2, grid.bottom - cell / 2
    thin = max(0.12, 0.025 * cell)
    shapes: list[Shape] = [
        Rect(body.x, body.y + 0.8, body.w, body.h, "shadow", radius=1.2, alpha=0.55, blur=2.5, layer=BOARD),
        Rect(*body, mix(WOOD, "text", 0.25), mix(WOOD, "shadow", 0.35), radius=1.0, layer=BOARD),
        Rect(*body.inset(0.18), mix(WOOD, "text", 0.06), mix(WOOD, "shadow", 0.08), radius=0.9, layer=BOARD),
    ]
    for i in range(lines):
        y = top + i * cell
        shapes.append(Line(((left, y), (right, y)), thin * (2 if i in (0, lines - 1) else 1), INK, layer=BOARD))
        number = names[i * columns][1:]
        for x in (body.x, grid.right):
            shapes.append(Text(number, Box(x, y - cell / 2, side, cell), words, INK, "centre", layer=BOARD))
    for i in range(columns):
        x = left + i * cell
        shapes.append(Line(((x, top), (x, bottom)), thin * (2 if i in (0, columns - 1) else 1), INK, layer=BOARD))
        letter = names[i][0]
        for y in (body.y, grid.bottom):
            shapes.append(Text(letter, Box(x - cell / 2, y, cell, side), words, INK, "centre", layer=BOARD))
    for r in stars(lines):
        for c in stars(columns):
            shapes.append(Disc(left + c * cell, top + r * cell, max(0.35, 0.1 * cell), INK, layer=BOARD))
    return shapes


def _taken(row: Row, below: Box, layout: Layout) -> list[Shape]:
    """How many stones each side has taken, beside a stone of its own."""
    size, r = 2.4 * layout.text, 0.3 * below.h
    shapes: list[Shape] = []
    for seat in (0, 1):
        x = below.cx + (-18 if seat == 0 else 3) * layout.text
        shapes += stone(seat, Spot(x, below.cy, r), 1.0)
        words = Box(x + r + 0.8, below.y, 14 * layout.text, below.h)
        shapes.append(Text(f"took {int(row['taken'][seat])}", words, size, "text", layer=BOARD))
    return shapes

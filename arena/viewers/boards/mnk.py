"""m,n,k games and Gomoku: a wooden board of lines, stones on their crossings, the winning line struck through."""

from __future__ import annotations

from arena.viewers.boards.othello import stone
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot
from arena.viewers.shapes import BOARD, OVERLAY, Box, Disc, Line, Rect, Shape, Text
from arena.viewers.theme import mix
from envs.game import Game, Row

WOOD, INK = "#C79A54", "#4A3718"


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Columns x lines crossings; black, who begins, is player 1."""
    _, lines, columns = game.shape
    rim = 1.8 * layout.text + 0.8
    grid, cell = layout.grid(room.inset(rim), columns, lines)
    places = range(lines * columns)[:: -1 if flipped else 1]
    spots = {
        a: Spot(grid.x + (at % columns + 0.5) * cell, grid.y + (at // columns + 0.5) * cell, 0.44 * cell)
        for a, at in enumerate(places)
    }
    shapes = _board([game.names[a] for a in places], columns, lines, grid, cell, rim)
    for action, at in spots.items():
        owner = int(row["cells"][action])
        if owner:
            new = before is not None and not before["cells"][action]
            grown = 0.4 + 0.6 * part if new else 1.0
            shapes += stone(owner - 1, Spot(at.x, at.y, at.r * grown), max(0.2, part) if new else 1.0)
    if row["done"] and part >= 1:
        for line in longest_lines(row["cells"], columns, lines) if row["reward"].any() else []:
            a, b = spots[line[0]], spots[line[-1]]
            for wide, colour in ((0.20, "ink"), (0.12, "yellow")):
                shapes.append(Line(((a.x, a.y), (b.x, b.y)), max(0.5, wide * cell), colour, layer=OVERLAY))
    hits = {a: Box(s.x - cell / 2, s.y - cell / 2, cell, cell) for a, s in spots.items()}
    return Picture(shapes, hits, spots, stone, cell)


def _board(names: list[str], columns: int, lines: int, grid: Box, cell: float, rim: float) -> list[Shape]:
    body = grid.inset(-rim)
    shapes: list[Shape] = [
        Rect(body.x, body.y + 0.8, body.w, body.h, "shadow", radius=1.6, alpha=0.55, blur=2.5, layer=BOARD),
        Rect(*body, mix(WOOD, "text", 0.25), mix(WOOD, "shadow", 0.35), radius=1.2, layer=BOARD),
        Rect(*body.inset(0.2), mix(WOOD, "text", 0.06), mix(WOOD, "shadow", 0.06), radius=1.0, layer=BOARD),
    ]
    first_x, first_y, thin = grid.x + cell / 2, grid.y + cell / 2, max(0.18, 0.03 * cell)
    last_x, last_y = grid.right - cell / 2, grid.bottom - cell / 2
    for c in range(columns):
        x = first_x + c * cell
        shapes.append(Line(((x, first_y), (x, last_y)), thin * (1.8 if c in (0, columns - 1) else 1), INK, layer=BOARD))
    for r in range(lines):
        y = first_y + r * cell
        shapes.append(Line(((first_x, y), (last_x, y)), thin * (1.8 if r in (0, lines - 1) else 1), INK, layer=BOARD))
    for c in _stars(columns):
        for r in _stars(lines):
            shapes.append(Disc(first_x + c * cell, first_y + r * cell, 0.11 * cell, INK, layer=BOARD))
    size = min(rim * 0.9, 2.2)
    for c in range(columns):
        box = Box(grid.x + c * cell, grid.bottom - 0.05 * rim, cell, rim)
        shapes.append(Text(names[c][0], box, size, INK, "centre", "bold", layer=BOARD))
    for r in range(lines):
        box = Box(body.x, grid.y + r * cell, rim, cell)
        shapes.append(Text(names[r * columns][1:], box, size, INK, "centre", "bold", layer=BOARD))
    return shapes


def _stars(count: int) -> tuple[int, ...]:
    """Where the dots are along a side: in the middle, and on large boards near the ends."""
    if count < 5:
        return ()
    return (3, count // 2, count - 4) if count >= 11 and count % 2 else (3, count - 4) if count >= 11 else (count // 2,)


def longest_lines(cells: list[int], columns: int, lines: int) -> list[list[int]]:
    """The lines of one side's stones that are the longest on the board, if longer than two, from end to end."""
    found: list[list[int]] = []
    for r in range(lines):
        for c in range(columns):
            for dr, dc in ((0, 1), (1, 0), (1, 1), (1, -1)):
                run, y, x = [], r, c
                while 0 <= y < lines and 0 <= x < columns and cells[y * columns + x] == cells[r * columns + c] != 0:
                    run.append(y * columns + x)
                    y, x = y + dr, x + dc
                found.append(run)
    most = max(map(len, found))
    return [run for run in found if len(run) == most > 2]

"""2048: tiles that slide and merge, brighter the more they are worth, with their numbers."""

from __future__ import annotations

from functools import cache

from arena.viewers.layout import Layout
from arena.viewers.lettering import width
from arena.viewers.pictures import Picture, Spot
from arena.viewers.shapes import BOARD, PIECES, Box, Disc, Poly, Rect, Shape, Text
from arena.viewers.theme import SEATS, Colour, cividis, ink_on, mix
from envs.arcade.game_2048 import STEPS
from envs.game import Game, Row

SLIDES = 0.75
"""The share of a ply in which tiles slide; in the rest merged ones swell and the new one grows."""


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Sixteen cells; a click on an edge slides towards it. There is nothing to see from another side."""
    rim = max(3.0, 2.4 * layout.text + 1.2)
    grid, cell = layout.grid(room.inset(rim), 4, 4)
    body = grid.inset(-0.04 * cell)
    shapes: list[Shape] = [
        Rect(body.x, body.y + 0.8, body.w, body.h, "shadow", radius=2.0, alpha=0.55, blur=2.5, layer=BOARD),
        Rect(*body, mix("raised", "text", 0.10), mix("raised", "shadow", 0.15), radius=2.0, layer=BOARD),
    ]
    places = [Box(grid.x + i % 4 * cell, grid.y + i // 4 * cell, cell, cell) for i in range(16)]
    shapes += [Rect(*place.inset(0.05 * cell), "panel", radius=1.2, layer=BOARD) for place in places]
    new = kinds(row["board"])
    paths = None if before is None or part >= 1 else moved(kinds(before["board"]), new)
    if before is not None and paths is not None and part < SLIDES:
        old, share = kinds(before["board"]), part / SLIDES
        share = share * (2 - share)
        for i, j in sorted(paths.items()):
            at = places[i]
            at = at._replace(x=at.x + (places[j].x - at.x) * share, y=at.y + (places[j].y - at.y) * share)
            shapes += tile(old[i], at, 1.0)
    else:
        swell = 1.0 if part >= 1 else (part - SLIDES) / (1 - SLIDES)
        arrived = list(paths.values()) if paths is not None else list(range(16))
        for i, kind in enumerate(new):
            if kind:
                merged = 1.0 + (0.12 * (1 - swell) if arrived.count(i) == 2 else 0.0)
                shapes += tile(kind, places[i], max(0.2, swell) if i not in arrived else merged)
    hits = {
        0: Box(grid.x - rim, grid.y, rim, grid.h),
        1: Box(grid.x, grid.y - rim, grid.w, rim),
        2: Box(grid.right, grid.y, rim, grid.h),
        3: Box(grid.x, grid.bottom, grid.w, rim),
    }
    spots = {action: Spot(box.cx, box.cy, 0.42 * rim) for action, box in hits.items()}
    shapes += [arrow(action, at) for action, at in spots.items()]
    if row["done"] and part >= 1:
        shapes.append(Rect(*body, "ground", radius=2.0, alpha=0.3, layer=PIECES))
    return Picture(shapes, hits, spots, piece, cell)


def kinds(board: int) -> list[int]:
    """The sixteen cells of a position: 0, or n for the tile 2**n."""
    return [int(board) >> 4 * cell & 15 for cell in range(16)]


def moved(old: list[int], new: list[int]) -> dict[int, int] | None:
    """From which cell to which each old tile went, if one slide and one new tile explain the new position."""
    for step in STEPS:
        paths, left = slide(old, step)
        if left != old and sum(a != b for a, b in zip(left, new, strict=True)) == 1:
            return paths
    return None


def slide(old: list[int], step: tuple[int, int]) -> tuple[dict[int, int], list[int]]:
    """From which cell to which each tile goes when all slide by `step`, and what is then on the sixteen cells."""
    paths, left = {}, [0] * 16
    for line in range(4):
        cells = [4 * line + i if step[0] == 0 else 4 * i + line for i in range(4)]
        if sum(step) > 0:
            cells.reverse()
        place, last = 0, 0
        for cell in cells:
            kind = old[cell]
            if kind and kind == last and kind < 15:
                place, last = place - 1, 0
                left[cells[place]] = kind + 1
            elif kind:
                left[cells[place]] = last = kind
            else:
                continue
            paths[cell] = cells[place]
            place += 1
    return paths, left


@cache
def colour(kind: int) -> Colour:
    """Brighter and yellower with every doubling, and never as dark as an empty cell."""
    return mix(cividis(0.12 + 0.88 * (kind - 1) / 12), "orange", max(0.0, (kind - 13) * 0.3))


def tile(kind: int, at: Box, size: float) -> list[Shape]:
    """A tile in its cell, `size` times as large as it is at rest."""
    face, box = colour(kind), at.inset(at.w * (0.5 - 0.45 * size))
    digits = str(1 << kind)
    large = min(0.5 * box.h, 0.8 * box.w / width(digits, 1.0, "bold"))
    ink = ink_on(face)
    return [
        Rect(box.x, box.y + 0.3, box.w, box.h, "shadow", radius=1.2, alpha=0.4, blur=0.8, layer=PIECES),
        Rect(*box, mix(face, "text", 0.14), mix(face, "shadow", 0.10), radius=1.2, layer=PIECES),
        Text(digits, box, large, ink, "centre", "bold", layer=PIECES),
    ]


def arrow(action: int, at: Spot) -> Shape:
    """The head of an arrow on the rim, where a click slides."""
    y, x = STEPS[action]
    r = 0.7 * at.r
    tip = (at.x + r * x, at.y + r * y)
    return Poly((tip, (at.x - r * (x + y), at.y - r * (y + x)), (at.x - r * (x - y), at.y - r * (y - x))), "line",
                0.8, layer=BOARD)  # fmt: skip


def piece(seat: int, at: Spot, alpha: float) -> list[Shape]:
    """A disc in the player's colour."""
    return [Disc(at.x, at.y, at.r, SEATS[seat], mix(SEATS[seat], "shadow", 0.3), alpha)]

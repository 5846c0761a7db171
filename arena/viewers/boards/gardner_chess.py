"""Gardner's minichess: a chequered board, pieces cut out of plain shapes."""

from __future__ import annotations

import math

import numpy as np

from arena.viewers.boards.othello import stone
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot
from arena.viewers.shapes import BOARD, OVERLAY, PIECES, Box, Disc, Line, Point, Poly, Rect, Ring, Shape, Text
from arena.viewers.theme import SEATS, mix
from envs import kernels
from envs.boards.gardner_chess import ACTIONS, FLIP, KING, SIZE
from envs.game import Game, Row

CELLS = SIZE * SIZE
FOOT = ((-0.60, 0.86), (-0.52, 0.62), (0.52, 0.62), (0.60, 0.86))
OUTLINES: tuple[tuple[tuple[Point, ...], ...], ...] = (
    (),
    (((-0.40, 0.62), (-0.20, -0.10), (0.20, -0.10), (0.40, 0.62)),),
    (((-0.44, 0.62), (-0.36, 0.28), (-0.06, -0.02), (-0.10, -0.12), (-0.42, 0.10), (-0.62, 0.08), (-0.72, -0.12),
      (-0.36, -0.56), (-0.30, -0.86), (-0.08, -0.70), (0.24, -0.60), (0.48, -0.26), (0.56, 0.18), (0.50, 0.62)),),
    (((-0.44, 0.62), (-0.18, 0.02), (0.18, 0.02), (0.44, 0.62)),
     ((0.0, -0.80), (0.20, -0.58), (0.34, -0.28), (0.30, -0.06), (0.18, 0.06),
      (-0.18, 0.06), (-0.30, -0.06), (-0.34, -0.28), (-0.20, -0.58))),
    (((-0.46, 0.62), (-0.36, -0.26), (0.36, -0.26), (0.46, 0.62)),
     ((-0.58, -0.78), (-0.32, -0.78), (-0.32, -0.58), (-0.13, -0.58), (-0.13, -0.78), (0.13, -0.78), (0.13, -0.58),
      (0.32, -0.58), (0.32, -0.78), (0.58, -0.78), (0.50, -0.26), (-0.50, -0.26))),
    (((-0.48, 0.62), (-0.78, -0.46), (-0.42, -0.02), (-0.40, -0.70), (-0.14, -0.12), (0.0, -0.80), (0.14, -0.12),
      (0.40, -0.70), (0.42, -0.02), (0.78, -0.46), (0.48, 0.62)),),
    (((-0.08, -0.96), (0.08, -0.96), (0.08, -0.82), (0.24, -0.82), (0.24, -0.66), (0.08, -0.66), (0.08, -0.20),
      (-0.08, -0.20), (-0.08, -0.66), (-0.24, -0.66), (-0.24, -0.82), (-0.08, -0.82)),
     ((-0.46, 0.62), (-0.72, 0.0), (-0.66, -0.30), (-0.40, -0.42), (-0.14, -0.34), (0.0, -0.14), (0.14, -0.34),
      (0.40, -0.42), (0.66, -0.30), (0.72, 0.0), (0.46, 0.62))),
)  # fmt: skip
"""Of each kind, in halves of a cell: what stands on the foot."""
BALLS: tuple[tuple[tuple[float, float, float], ...], ...] = (
    (), ((0.0, -0.36, 0.32),), (), ((0.0, -0.86, 0.11),), (),
    ((-0.78, -0.50, 0.10), (-0.40, -0.74, 0.10), (0.0, -0.84, 0.10), (0.40, -0.74, 0.10), (0.78, -0.50, 0.10)), (),
)  # fmt: skip
CUTS: tuple[tuple[tuple[Point, ...], ...], ...] = (
    (), (), (((-0.26, -0.40), (-0.22, -0.42)),), (((0.02, -0.46), (0.16, -0.26)),), (((-0.36, -0.26), (0.36, -0.26)),),
    (((-0.52, 0.34), (0.52, 0.34)),), (((-0.54, 0.34), (0.54, 0.34)),),
)  # fmt: skip
"""Lines in the other colour: an eye, a slit, the edge of a tower, the bands of crowns."""


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False,
) -> Picture:  # fmt: skip
    """Five by five. A click on a cell moves there; where several moves end on it, each has its share of the cell."""
    rim = max(2.0, 2.4 * layout.text) + 0.8
    grid, cell = layout.grid(room.inset(rim), SIZE, SIZE)
    places = range(CELLS)[:: -1 if flipped else 1]
    spots = [Spot(grid.x + (at % SIZE + 0.5) * cell, grid.y + (at // SIZE + 0.5) * cell, 0.42 * cell) for at in places]
    shapes = _board(grid, cell, rim, layout, flipped)
    cells = [int(kind) for kind in row["cells"]]
    old = cells if before is None or part >= 1 else [int(kind) for kind in before["cells"]]
    left = next((a for a in range(CELLS) if old[a] and not cells[a]), None)
    for a, kind in enumerate(cells):
        if left is not None and kind != old[a] and kind:
            if old[a]:
                shapes += man(old[a], spots[a], 1 - part)
            start, end, share = spots[left], spots[a], part * (2 - part)
            at = Spot(start.x + (end.x - start.x) * share, start.y + (end.y - start.y) * share, end.r)
            shapes += man(old[left] if part < 0.8 else kind, at, 1.0)
        elif kind:
            shapes += man(kind, spots[a], 1.0)
    if row["done"] and part >= 1 and row["reward"].any():
        at = spots[cells.index(-KING if row["reward"][0] > 0 else KING)]
        shapes.append(Ring(at.x, at.y, 0.48 * cell, 0.05 * cell, "yellow", layer=OVERLAY))
    hits, ends, rests = _targets(game, row, spots, cell)
    return Picture(shapes, hits, ends, stone, cell, rests)


def _targets(
    game: Game, row: Row, spots: list[Spot], cell: float
) -> tuple[dict[int, Box], dict[int, Spot], dict[int, Spot]]:
    """Where each legal move is clicked and marked, on the cell it leads to or its share of it; and that cell."""
    rows = np.zeros(1, game.row)
    rows[0] = row
    arrivals: dict[int, list[int]] = {}
    for action in np.flatnonzero(kernels.legal_mask(game, rows)[0]).tolist():
        target = ACTIONS[action][1]
        arrivals.setdefault(int(FLIP[target]) if row["seat"] else target, []).append(action)
    hits, ends, rests = {}, {}, {}
    for target, actions in arrivals.items():
        across = math.ceil(math.sqrt(len(actions)))
        size = cell / across
        for i, action in enumerate(actions):
            x = spots[target].x - cell / 2 + i % across * size
            y = spots[target].y - cell / 2 + i // across * size
            hits[action] = Box(x, y, size, size)
            ends[action] = Spot(x + size / 2, y + size / 2, 0.42 * size)
            rests[action] = spots[target]
    return hits, ends, rests


def _board(grid: Box, cell: float, rim: float, layout: Layout, flipped: bool) -> list[Shape]:
    body, words = grid.inset(-rim), layout.text * 2.4
    wood = mix("ground", "felt", 0.30)
    light, dark = mix("felt", "white stone", 0.72), mix("felt", "white stone", 0.22)
    shapes: list[Shape] = [
        Rect(body.x, body.y + 0.8, body.w, body.h, "shadow", radius=2.0, alpha=0.55, blur=2.5, layer=BOARD),
        Rect(*body, mix(wood, "text", 0.18), mix(wood, "shadow", 0.3), radius=1.6, layer=BOARD),
        Rect(*body.inset(0.18), wood, mix(wood, "shadow", 0.25), radius=1.4, layer=BOARD),
    ]
    for at in range(CELLS):
        x, y = grid.x + at % SIZE * cell, grid.y + at // SIZE * cell
        shapes.append(Rect(x, y, cell, cell, dark if at % 2 == 0 else light, layer=BOARD))
    for i in range(SIZE):
        letter, number = ("abcde"[4 - i], i + 1) if flipped else ("abcde"[i], SIZE - i)
        below = Box(grid.x + i * cell, grid.bottom, cell, rim)
        left = Box(body.x, grid.y + i * cell, rim, cell)
        shapes.append(Text(letter, below, words, "muted", "centre", layer=BOARD))
        shapes.append(Text(str(number), left, words, "muted", "centre", layer=BOARD))
    return shapes


def man(kind: int, at: Spot, alpha: float) -> list[Shape]:
    """A piece: positive kinds are seat 0's, white; negative ones seat 1's, black; the foot has the player's colour."""
    seat = 0 if kind > 0 else 1
    face, edge = ("white stone", "#2A2622") if seat == 0 else ("#23262A", "#D9D4C8")
    kind, thick = abs(kind), 0.10 * at.r

    def placed(points: tuple[Point, ...]) -> tuple[Point, ...]:
        return tuple((at.x + x * at.r, at.y + y * at.r) for x, y in points)

    outlines = [placed(points) for points in (FOOT, *OUTLINES[kind])]
    balls = [(at.x + x * at.r, at.y + y * at.r, r * at.r) for x, y, r in BALLS[kind]]
    shapes: list[Shape] = [
        Disc(at.x, at.y + 0.80 * at.r, 0.55 * at.r, "shadow", alpha=0.25 * alpha, blur=0.25 * at.r, layer=PIECES)
    ]
    shapes += [Line((*points, points[0]), 2 * thick, edge, alpha, layer=PIECES) for points in outlines]
    shapes += [Disc(x, y, r + thick, edge, alpha=alpha, layer=PIECES) for x, y, r in balls]
    shapes += [Poly(points, face, alpha, layer=PIECES) for points in outlines[1:]]
    shapes += [Disc(x, y, r, face, alpha=alpha, layer=PIECES) for x, y, r in balls]
    shapes += [Line(placed(points), 0.9 * thick, edge, alpha, layer=PIECES) for points in CUTS[kind]]
    shapes.append(Poly(outlines[0], SEATS[seat], alpha, layer=PIECES))
    return shapes

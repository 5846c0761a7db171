"""What pictures of games with buttons share: a panel with a line of words above, the scene, the buttons below."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from arena.viewers import dials
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture, Spot
from arena.viewers.shapes import BOARD, PIECES, Box, Disc, Line, Poly, Rect, Ring, Shape, Text
from arena.viewers.theme import CORNER, LABEL, SEATS, Colour, mix
from envs.game import Game, Row

TURNS = {"left": 180, "up": 270, "right": 0, "down": 90}
"""Where the arrow on a button points, in degrees clockwise from the right."""


@dataclass
class Stage:
    """A panel being filled: shapes are appended to `shapes`, the scene is drawn into `scene`."""

    scene: Box
    shapes: list[Shape]
    hits: dict[int, Box] = field(default_factory=dict)
    spots: dict[int, Spot] = field(default_factory=dict)
    cell: float = 5.0

    def picture(self) -> Picture:
        """The finished picture."""
        return Picture(self.shapes, self.hits, self.spots, piece, self.cell)


def stage(game: Game, room: Box, layout: Layout, left: str, right: str, *, pad: float = 1.5) -> Stage:
    """The panel with words at the left and right of its upper edge, and a button for every action."""
    size = LABEL * layout.text
    head, foot = 2.0 * size, 8.0 if game.actions else dials.foot(game)
    words = Box(room.x + 2, room.y + 0.6, room.w - 4, head)
    shapes: list[Shape] = [
        Rect(room.x, room.y + 0.6, room.w, room.h, "shadow", radius=CORNER, alpha=0.5, blur=2.0, layer=BOARD),
        Rect(*room, "panel", mix("panel", "ground", 0.5), radius=CORNER, layer=BOARD),
        Text(left, words, size, "muted", layer=BOARD),
        Text(right, words, size, "text", "right", "bold", layer=BOARD),
    ]
    scene = Box(room.x + pad, room.y + head + 0.8, room.w - 2 * pad, room.h - head - foot - 1.6)
    made = Stage(scene, shapes)
    if game.actions:
        _add_buttons(made, game, Box(room.x, room.bottom - foot - 0.4, room.w, foot))
    return made


def _add_buttons(made: Stage, game: Game, room: Box) -> None:
    side = min(room.h - 1.0, (room.w - 2) / game.actions - 1.0)
    x = room.cx - (game.actions * (side + 1.0) - 1.0) / 2
    for action, name in enumerate(game.names):
        box = Box(x + action * (side + 1.0), room.cy - side / 2, side, side)
        at = Spot(box.cx, box.cy, 0.42 * side)
        made.shapes.append(Rect(*box, "raised", mix("raised", "ground", 0.3), radius=1.0, layer=BOARD))
        made.shapes += _glyph(name, at)
        made.hits[action], made.spots[action] = box, at
    made.cell = side


def _glyph(name: str, at: Spot) -> list[Shape]:
    """An arrow for a direction, a burst for fire, a dot for doing nothing."""
    if name in TURNS:
        r, turn = 0.62 * at.r, math.radians(TURNS[name])
        corners = ((1.0, 0.0), (-0.7, -0.85), (-0.7, 0.85))
        return [Poly(tuple(turned(at.x, at.y, r * x, r * y, turn) for x, y in corners), "line", layer=BOARD)]
    if name == "fire":
        rays = [turned(at.x, at.y, at.r * 0.75, 0.0, k * math.pi / 4) for k in range(8)]
        lines: list[Shape] = [Line(((at.x, at.y), ray), 0.3, "line", layer=BOARD) for ray in rays]
        return [*lines, Disc(at.x, at.y, 0.32 * at.r, "line", layer=BOARD)]
    return [Ring(at.x, at.y, 0.4 * at.r, 0.35, "line", layer=BOARD)]


def turned(x: float, y: float, dx: float, dy: float, angle: float) -> tuple[float, float]:
    """The point (dx, dy) from (x, y) after a turn of the offset, clockwise on the screen."""
    cos, sin = math.cos(angle), math.sin(angle)
    return x + dx * cos - dy * sin, y + dx * sin + dy * cos


def block(x: float, y: float, angle: float, box: Box, fill: Colour, layer: int = PIECES) -> Shape:
    """A rectangle given around (0, 0), turned clockwise and put at (x, y)."""
    corners = ((box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom))
    return Poly(tuple(turned(x, y, dx, dy, angle) for dx, dy in corners), fill, layer=layer)


def torque(x: float, y: float, r: float, share: float) -> list[Shape]:
    """A bent arrow around a motor, the longer the stronger: counter-clockwise in sky, clockwise in orange."""
    if abs(share) < 0.02:
        return []
    colour, way = (SEATS[0], -1.0) if share > 0 else (SEATS[1], 1.0)
    sweep = way * abs(share) * 1.5 * math.pi / 2
    start = -math.pi / 2 - sweep / 2
    arc = [turned(x, y, r, 0.0, start + sweep * k / 16) for k in range(17)]
    head = 0.28 * r * min(1.0, 0.4 + abs(share))
    tip = start + sweep
    corners = (
        turned(x, y, r, way * 1.4 * head, tip), turned(x, y, r - head, 0.0, tip), turned(x, y, r + head, 0.0, tip),
    )  # fmt: skip
    return [Line(tuple(arc), 0.9, colour, layer=PIECES), Poly(corners, colour, layer=PIECES)]


def tween(before: Row | None, row: Row, part: float) -> Callable[[str], float]:
    """field -> its value on the way from `before` to `row`."""

    def value(name: str) -> float:
        now = float(row[name])
        return now if before is None else float(before[name]) + (now - float(before[name])) * part

    return value


def steps(game: Game, row: Row) -> str:
    """How far the episode is."""
    return f"step {int(row['ply'])} of {game.max_plies}"


def piece(seat: int, at: Spot, alpha: float) -> list[Shape]:
    """A disc in the player's colour."""
    return [Disc(at.x, at.y, at.r, SEATS[seat], mix(SEATS[seat], "shadow", 0.3), alpha)]

"""What pictures of arcade games share: a field of cells with the score above it and the buttons below."""

from __future__ import annotations

import math

from arena.viewers.control.stage import Stage, stage
from arena.viewers.layout import Layout
from arena.viewers.pictures import Picture
from arena.viewers.shapes import BOARD, PIECES, Box, Disc, Poly, Rect, Shape
from arena.viewers.theme import Colour, mix
from envs.game import Game, Row


class Field:
    """Cells of a grid to be filled with shapes; columns and lines count from the upper left and may be fractions."""

    def __init__(
        self, game: Game, row: Row, room: Box, layout: Layout, columns: int, lines: int, right: str = ""
    ) -> None:
        words = right or f"ply {int(row['ply'])}"
        self.made: Stage = stage(game, room, layout, words, f"score {int(row['score'])}")
        self.grid, self.cell = layout.grid(self.made.scene.inset(0.4), columns, lines)
        self.made.shapes += [
            Rect(*self.grid.inset(-0.35), mix("ground", "text", 0.14), radius=0.6, layer=BOARD),
            Rect(*self.grid, "ground", layer=BOARD),
        ]
        if lines <= 16:
            for k in range(lines * columns):
                if (k // columns + k % columns) % 2:
                    box = self.at(k % columns, k // columns)
                    self.made.shapes.append(Rect(*box, "panel", alpha=0.6, layer=BOARD))

    def picture(self) -> Picture:
        """The finished picture."""
        return self.made.picture()

    def add(self, *shapes: Shape) -> None:
        """Adds shapes."""
        self.made.shapes += shapes

    def at(self, column: float, line: float, columns: float = 1.0, lines: float = 1.0) -> Box:
        """A rectangle of cells."""
        return Box(
            self.grid.x + column * self.cell, self.grid.y + line * self.cell, columns * self.cell, lines * self.cell
        )

    def brick(self, column: float, line: float, colour: Colour, columns: float = 1.0, lines: float = 1.0) -> None:
        """A shaded block that fills its cells but for a seam."""
        seam = 0.05 * self.cell * max(1.0, 1.5 * min(columns, lines))
        box = self.at(column, line, columns, lines).inset(seam)
        self.add(Rect(*box, mix(colour, "text", 0.15), mix(colour, "shadow", 0.15), 2.5 * seam, layer=PIECES))

    def ball(self, column: float, line: float, colour: Colour, size: float = 0.36, alpha: float = 1.0) -> None:
        """A disc in the middle of a cell."""
        box = self.at(column, line)
        self.add(Disc(box.cx, box.cy, size * self.cell, mix(colour, "text", 0.3), colour, alpha, layer=PIECES))

    def trail(self, column: float, line: float) -> None:
        """A faint dot where something was."""
        self.ball(column, line, "line", 0.14, 0.7)

    def poly(self, column: float, line: float, colour: Colour, corners: str, flip: bool = False) -> None:
        """A polygon in a cell, its corners x,y in tenths of the cell, mirrored left to right if `flip`."""
        box = self.at(column, line)
        points = [tuple(int(n) / 10 for n in pair.split(",")) for pair in corners.split()]
        placed = tuple((box.x + self.cell * (1 - x if flip else x), box.y + self.cell * y) for x, y in points)
        self.add(Poly(placed, colour, layer=PIECES))

    def star(self, column: float, line: float, colour: Colour, points: int = 5) -> None:
        """A star in a cell."""
        box = self.at(column, line)
        corners = []
        for k in range(2 * points):
            r, turn = self.cell * (0.44 if k % 2 == 0 else 0.2), math.pi * (k / points - 0.5)
            corners.append((box.cx + r * math.cos(turn), box.cy + r * math.sin(turn)))
        self.add(Poly(tuple(corners), colour, layer=PIECES))


def between(before: Row | None, row: Row, name: str, part: float) -> float:
    """A place on its way from `before` to `row`; a leap of more than two cells is made at once."""
    now = float(row[name])
    old = now if before is None else float(before[name])
    return now if abs(now - old) > 2 else old + (now - old) * part

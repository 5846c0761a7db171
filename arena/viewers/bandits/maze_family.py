"""A maze of the family: walls, the start, the goal, and how many episodes of the trial are over."""

from __future__ import annotations

from arena.viewers.control.stage import stage, steps
from arena.viewers.layout import Layout
from arena.viewers.memory.t_maze import star
from arena.viewers.pictures import Picture
from arena.viewers.shapes import BOARD, OVERLAY, PIECES, Box, Disc, Line, Poly, Rect, Ring, Shape
from arena.viewers.theme import mix
from envs.game import Game, Row
from envs.registry import parse


def picture(
    game: Game, row: Row, room: Box, layout: Layout, before: Row | None = None, part: float = 1.0,
    *, flipped: bool = False, seen_by: int | None = None,
) -> Picture:  # fmt: skip
    """Rooms that `seen_by` has not entered are dark to it, and the goal too until it has been found."""
    options = parse(game.name)[1]
    size, episodes = int(options.get("size", 4)), int(options.get("episodes", 3))
    running = min(episodes, int(row["episode"]) + 1)
    made = stage(
        game, room, layout, steps(game, row), f"episode {running} of {episodes}, goal found {int(row['found'])}×"
    )
    grid, cell = layout.grid(made.scene.inset(1.0), size, size)
    known = [seen_by is None or bool(int(row["entered"]) >> r & 1) for r in range(size * size)]

    def centre(place: float, other: float) -> tuple[float, float]:
        return grid.x + (other + 0.5) * cell, grid.y + (place + 0.5) * cell

    shapes: list[Shape] = [Rect(*grid, "ground", layer=BOARD)]
    for r in range(size * size):
        if known[r]:
            x, y = grid.x + r % size * cell, grid.y + r // size * cell
            entered = int(row["entered"]) >> r & 1
            shapes.append(Rect(x, y, cell, cell, mix("raised", "sky", 0.16) if entered else "raised", layer=BOARD))
    shapes += _walls(row, size, grid, cell, known)
    start = centre(*divmod(int(row["start"]), size))
    shapes.append(Ring(*start, 0.34 * cell, 0.35, "line", dashes=10, layer=PIECES))
    if seen_by is None or row["found"]:
        shapes.append(Poly(star(*centre(*divmod(int(row["goal"]), size)), 0.34 * cell), "yellow", layer=PIECES))
    here = divmod(int(row["room"]), size)
    if before is not None and part < 1 and before["episode"] == row["episode"]:
        was = divmod(int(before["room"]), size)
        here = (was[0] + (here[0] - was[0]) * part, was[1] + (here[1] - was[1]) * part)
    shapes.append(Disc(*centre(*here), 0.24 * cell, "sky", mix("sky", "shadow", 0.3), rim="ink", layer=OVERLAY))
    made.shapes += shapes
    return made.picture()


def _walls(row: Row, size: int, grid: Box, cell: float, known: list[bool]) -> list[Shape]:
    """A line where there is no door, as far as one of the two rooms is known; all around the maze."""
    wide = max(0.5, 0.07 * cell)
    shapes: list[Shape] = []
    for r in range(size * size):
        x, y = grid.x + (r % size + 1) * cell, grid.y + (r // size + 1) * cell
        if r % size < size - 1 and not int(row["eastern"]) >> r & 1 and (known[r] or known[r + 1]):
            shapes.append(Line(((x, y - cell), (x, y)), wide, "line", layer=PIECES))
        if r < size * (size - 1) and not int(row["southern"]) >> r & 1 and (known[r] or known[r + size]):
            shapes.append(Line(((x - cell, y), (x, y)), wide, "line", layer=PIECES))
    corners = (
        (grid.x, grid.y),
        (grid.right, grid.y),
        (grid.right, grid.bottom),
        (grid.x, grid.bottom),
        (grid.x, grid.y),
    )
    return [*shapes, Line(corners, wide, "line", layer=PIECES)]

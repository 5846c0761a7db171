"""Layouts of mazes as text: the format, the ones that come along, and random ones.

One character a cell, one line a row, all lines of one length; lines are ended by newlines or by / (so that a layout
fits in one word):

    #  wall          .  floor          S  start (of several, each is as likely)
    G  goal          P  pit            ~  slippery floor

What lies outside is wall. There are a start and a goal, and from every start some goal can be walked to.
"""

from __future__ import annotations

import random

LAYOUTS: dict[str, str] = {
    "small": "S.#/..G",
    "corridor": "S....G",
    "open": "S..../...../...../...../....G",
    "cross": "..#../..#../S...G/..#../..#..",
    "pits": "S....P../.##..#../.#P..#P./.#...#../...P.#../.###..../..~~.##./P....#.G",
    "ice": "S~~~~/~P~#~/~~~P~/#~~~~/~~P~G",
    "lecture": "S..#..../.#.#.##./.#...#../.####.#./......#./.##.#P#./..#.#.#./#...#..G",
}
"""name -> layout."""
LEAST, MOST = 2, 64


class BadLayout(ValueError):
    """A text is no layout; it says where and why."""


def parse_layout(text: str) -> tuple[str, ...]:
    """The lines of a layout, checked; raises `BadLayout`."""
    lines = tuple(line.strip() for line in text.strip().replace("/", "\n").splitlines())
    if not lines or not lines[0]:
        raise BadLayout("A layout has at least one line of cells; write for example S.#/..G.")
    for number, line in enumerate(lines, 1):
        if len(line) != len(lines[0]):
            raise BadLayout(
                f"Line {number} of the layout has {len(line)} cells and line 1 has {len(lines[0])}; make them equal."
            )
        for column, sign in enumerate(line, 1):
            if sign not in "#.SGP~":
                raise BadLayout(
                    f"'{sign}' in line {number}, column {column} of the layout is no cell; use # wall, . floor, "
                    "S start, G goal, P pit, ~ slippery floor."
                )
    if max(len(lines), len(lines[0])) > MOST:
        raise BadLayout(f"A layout has at most {MOST} lines of {MOST} cells, not {len(lines)} of {len(lines[0])}.")
    for sign, what in (("S", "a start"), ("G", "a goal")):
        if not any(sign in line for line in lines):
            raise BadLayout(f"The layout is without {what}; write {sign} where it is.")
    away = distances(lines)
    for cell, sign in enumerate("".join(lines)):
        if sign == "S" and away[cell] < 0:
            line, column = divmod(cell, len(lines[0]))
            raise BadLayout(
                f"No goal can be walked to from the S in line {line + 1}, column {column + 1}; open a wall."
            )
    return lines


def distances(lines: tuple[str, ...], goals: str = "G") -> list[int]:
    """The steps from each cell to the nearest goal, line by line; -1 where there is no way past walls and pits."""
    cells = "".join(lines)
    width = len(lines[0])
    away = [0 if sign in goals else -1 for sign in cells]
    reached = [cell for cell, steps in enumerate(away) if steps == 0]
    for cell in reached:  # grows while it is walked over
        line, column = divmod(cell, width)
        for down, right in ((-1, 0), (0, 1), (1, 0), (0, -1)):
            if 0 <= line + down < len(lines) and 0 <= column + right < width:
                near = cell + down * width + right
                if away[near] < 0 and cells[near] not in "#PG":
                    away[near] = away[cell] + 1
                    reached.append(near)
    return away


def random_layout(width: int, height: int, seed: int, *, loops: float, pits: int, slippery: bool) -> str:
    """A maze whose floor is a tree of corridors, carved by a random walk that turns back at dead ends.

    Rooms are every second cell, so width and height are odd. The start is the upper left corner, the goal the cell
    farthest from it. `loops` of the remaining walls between rooms are opened; `pits` dead ends become pits, or all.
    """
    for name, value in (("width", width), ("height", height)):
        if not (isinstance(value, int) and 3 <= value <= MOST - 1 and value % 2):
            raise ValueError(
                f"A random maze's {name} is an odd number of cells from 3 to {MOST - 1}, not {value}; "
                "write for example maze:width=9,height=9."
            )
    generator = random.Random(seed)  # of its methods random() alone is the same for a seed in every version
    cells = [["#"] * width for _ in range(height)]
    cells[0][0] = "."
    path = [(0, 0)]
    while path:
        line, column = path[-1]
        around = [(line + 2 * d, column + 2 * r) for d, r in ((-1, 0), (0, 1), (1, 0), (0, -1))]
        fresh = [(a, b) for a, b in around if 0 <= a < height and 0 <= b < width and cells[a][b] == "#"]
        if not fresh:
            path.pop()
            continue
        to = fresh[int(generator.random() * len(fresh))]
        cells[to[0]][to[1]] = cells[(line + to[0]) // 2][(column + to[1]) // 2] = "."
        path.append(to)
    for line in range(height):
        for column in range(width):
            if (line + column) % 2 and cells[line][column] == "#" and generator.random() < loops:
                cells[line][column] = "."
    cells[0][0] = "S"
    away = distances(tuple("".join(line) for line in cells), "S")
    goal = max(range(width * height), key=lambda cell: away[cell])
    cells[goal // width][goal % width] = "G"
    ends = [(a, b) for a in range(height) for b in range(width) if cells[a][b] == "." and _dead_end(cells, a, b)]
    for _ in range(min(pits, len(ends))):
        line, column = ends.pop(int(generator.random() * len(ends)))
        cells[line][column] = "P"
    text = "/".join("".join(line) for line in cells)
    return text.replace(".", "~") if slippery else text


def _dead_end(cells: list[list[str]], line: int, column: int) -> bool:
    around = [(line - 1, column), (line, column + 1), (line + 1, column), (line, column - 1)]
    ways = [cells[a][b] for a, b in around if 0 <= a < len(cells) and 0 <= b < len(cells[0])]
    return len(ways) - ways.count("#") == 1

"""m,n,k games: k stones in a line on m columns of n lines win; Gomoku is the one of five on 15 x 15.

Free Gomoku is won by five or more; the standard game, like any m,n,k game with exact=true, by exactly that many: a
longer line (an overline) counts for nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.boards.squares import square_symmetries
from envs.game import Game, Row, Symmetry, row_dtype, rule
from envs.options import choice, flag, spec, whole
from envs.views import as_planes

STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""(lines, columns) of one step along each of the four directions."""


def mnk(m: int = 3, n: int = 3, k: int = 3, exact: bool = False) -> Game:
    """k in a line on m columns of n lines, each 2 to 19; with `exact` a longer line does not win."""
    whole("mnk", "m", m, 2, 19, "7,n=6,k=4")
    whole("mnk", "n", n, 2, 19, "6,m=7,k=4")
    whole("mnk", "k", k, 2, max(m, n), f"{min(m, n)},m={m},n={n}")
    flag("mnk", "exact", exact)
    return lines_of_stones(spec("mnk", m=(m, 3), n=(n, 3), k=(k, 3), exact=(exact, False)), m, n, k, exact)


def gomoku(size: int = 15, rule: str = "free") -> Game:
    """Five in a line on size x size, 5 to 19; by the `standard` rule exactly five."""
    whole("gomoku", "size", size, 5, 19, 9)
    choice("gomoku", "rule", rule, ("free", "standard"))
    return lines_of_stones(spec("gomoku", size=(size, 15), rule=(rule, "free")), size, size, 5, rule == "standard")


def lines_of_stones(name: str, columns: int, lines: int, k: int, exact: bool) -> Game:
    """The game of k in a line under the name by which it was asked for."""
    cells = columns * lines

    @rule
    def reset(row: Row) -> None:
        row.cells[:] = 0

    @rule
    def play(row: Row, action: int) -> None:
        seat = row.seat
        row.cells[action] = seat + 1
        row.ply += 1
        row.seat = 1 - seat
        if wins(row.cells, action, columns, lines, k, exact):
            row.done = True
            row.reward[seat] = 1.0
            row.reward[1 - seat] = -1.0
        else:
            row.done = row.ply == cells

    @rule
    def legal(row: Row, out: NDArray[np.bool_]) -> None:
        for cell in range(cells):
            out[cell] = row.cells[cell] == 0

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """Two planes: the mover's stones, the other's."""
        planes = as_planes(out, 2, cells)
        own = row.seat + 1
        for cell in range(cells):
            planes[0, cell] = row.cells[cell] == own
            planes[1, cell] = row.cells[cell] == 3 - own

    @rule
    def heuristic(row: Row) -> float:
        """The chances of either side to complete a line, the mover's counting half as much again."""
        own, other = chances(row.cells, row.seat + 1, columns, lines, k)
        return 0.99 * np.tanh(0.25 * (1.5 * own - other))

    return Game(
        name=name,
        seats=2,
        actions=cells,
        shape=(2, lines, columns),
        row=row_dtype(2, cells=(np.int8, (cells,))),
        reset=reset,
        play=play,
        legal=legal,
        observe=observe,
        names=tuple(f"{chr(ord('a') + c)}{lines - r}" for r in range(lines) for c in range(columns)),
        max_plies=cells,
        symmetries=symmetries(columns, lines),
        heuristic=heuristic,
    )


def symmetries(columns: int, lines: int) -> tuple[Symmetry, ...]:
    """Seven on a square, else the two mirrors and the half turn."""
    if columns == lines:
        return square_symmetries(columns)
    board = np.arange(columns * lines).reshape(lines, columns)
    ways = (("mirror", board[:, ::-1]), ("mirror turn 180", board[::-1]), ("turn 180", board[::-1, ::-1]))
    return tuple(Symmetry(name, way.reshape(-1).copy(), way.reshape(-1).copy()) for name, way in ways)


@rule
def wins(cells: NDArray[np.int8], cell: int, columns: int, lines: int, k: int, exact: bool) -> bool:
    """Whether the stone on a cell stands in a line of k, or, unless `exact`, of more."""
    own, line, column = cells[cell], cell // columns, cell % columns
    for i in range(4):
        down, along = STEPS[i]
        length = 1
        for way in (1, -1):
            r, c = line + way * down, column + way * along
            while 0 <= r < lines and 0 <= c < columns and cells[r * columns + c] == own:
                length += 1
                r += way * down
                c += way * along
        if length == k or (length > k and not exact):
            return True
    return False


@rule
def chances(cells: NDArray[np.int8], own: int, columns: int, lines: int, k: int) -> tuple[float, float]:
    """What k cells in a line that hold stones of one side alone are worth to it: 1 where one is missing, 1/4 two ..."""
    ours, theirs = 0.0, 0.0
    for i in range(4):
        down, along = STEPS[i]
        for r in range(lines):
            for c in range(columns):
                if r + (k - 1) * down >= lines or not 0 <= c + (k - 1) * along < columns:
                    continue
                mine, others = 0, 0
                for j in range(k):
                    stone = cells[(r + j * down) * columns + c + j * along]
                    mine += stone == own
                    others += stone == 3 - own
                if mine and not others:
                    ours += 0.25 ** (k - 1 - mine)
                elif others and not mine:
                    theirs += 0.25 ** (k - 1 - others)
    return ours, theirs

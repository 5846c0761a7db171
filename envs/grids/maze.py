"""Maze: walls, pits, slippery cells and a goal, in a layout of text or a random one (`envs.grids.layouts`).

The goal and the pits end the game. On a slippery cell a step goes to either side of what was meant with half the
probability `slip` each. A step into a wall stays where it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from envs.game import Game
from envs.grids.layouts import LAYOUTS, parse_layout, random_layout
from envs.grids.walks import Outcome, planes_of, table_of, walker
from envs.options import number, spec, whole
from envs.registry import nearest

STEPS = ((-1, 0), (0, 1), (1, 0), (0, -1))
DEFAULT = "lecture"


def outcomes(
    picture: Sequence[str], state: int, action: int, slip: float, pays: tuple[float, float, float]
) -> Sequence[Outcome]:
    """Where a step may lead; `pays` for the goal, for a pit and for any step."""
    height, width = len(picture), len(picture[0])
    line, column = divmod(state, width)
    slips = picture[line][column] == "~" and slip > 0.0
    found = []
    for turn, odds in ((0, 1.0 - slip), (-1, slip / 2), (1, slip / 2)) if slips else ((0, 1.0),):
        down, right = STEPS[(action + turn) % 4]
        to_line, to_column = line + down, column + right
        inside = 0 <= to_line < height and 0 <= to_column < width
        if not inside or picture[to_line][to_column] == "#":
            to_line, to_column = line, column
        sign = picture[to_line][to_column]
        reward = pays[2] + (pays[0] if sign == "G" else pays[1] if sign == "P" else 0.0)
        found.append(Outcome(odds, to_line * width + to_column, reward, sign in "GP"))
    return found


def maze(
    layout: str = "", width: int = 0, height: int = 0, seed: int = 0, slip: float = -1.0, loops: float = 0.0,
    pits: int = 0, goal: float = 1.0, pit: float = -1.0, step: float = 0.0, limit: int = 1000,
) -> Game:  # fmt: skip
    """A maze: `layout` is a name or rows of cells joined by /; `width` and `height` make a random one of `seed`.

    slip    the probability of slipping on slippery cells, 0.2; where a random maze is given it, every cell is slippery
    loops   the share of a random maze's inner walls that are opened; 0 leaves one way between any two cells
    pits    how many dead ends of a random maze are pits, at most
    goal, pit, step  what they pay
    """
    if slip != -1.0:
        number("maze", "slip", slip, 0, 1)
    number("maze", "loops", loops, 0, 1)
    for option, value in (("goal", goal), ("pit", pit), ("step", step)):
        number("maze", option, value, -1000, 1000)
    for option, value in (("seed", seed), ("pits", pits)):
        whole("maze", option, value, 0, 2**31)
    if layout and (width or height):
        raise ValueError("A maze has a layout or a width and a height, not both; leave one out.")
    if width or height:
        given = {"width": (width, 0), "height": (height, 0), "seed": (seed, 0), "loops": (float(loops), 0.0),
                 "pits": (pits, 0)}  # fmt: skip
        text = random_layout(width or height, height or width, seed, loops=loops, pits=pits, slippery=slip > 0.0)
    else:
        given = {"layout": (layout or DEFAULT, DEFAULT)}
        text = text_of(layout or DEFAULT)
    picture = parse_layout(text)
    chance = 0.2 if slip == -1.0 else float(slip)
    pays = float(goal), float(pit), float(step)
    starts = [cell for cell, sign in enumerate("".join(picture)) if sign == "S"]
    return walker(
        name=spec(
            "maze", **given, slip=(float(slip), -1.0), goal=(pays[0], 1.0), pit=(pays[1], -1.0), step=(pays[2], 0.0),
            limit=(limit, 1000),
        ),
        table=table_of(
            len(picture) * len(picture[0]), 4, lambda state, action: outcomes(picture, state, action, chance, pays),
            {cell: 1.0 / len(starts) for cell in starts},
        ),
        names=("up", "right", "down", "left"),
        limit=limit,
        ground=planes_of(picture, "#GP~"),
        picture=picture,
    )  # fmt: skip


def text_of(layout: str) -> str:
    """The text of a layout: the one that comes along under this name, or the layout itself, in one word."""
    if layout in LAYOUTS:
        return LAYOUTS[layout]
    if "/" in layout or "S" in layout:
        return layout
    raise ValueError(f"There is no layout '{layout}'; {nearest(layout, LAYOUTS)}")

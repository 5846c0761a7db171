"""Four rooms joined by four doors; a step may slip, and the goal pays 1 (Sutton, Precup & Singh 1999, section 3).

A step goes as meant with probability 1 - slip, and else to one of the other three sides, each as likely; into a wall
it stays. The paper's goal G1 is the eastern door.
"""

from __future__ import annotations

from collections.abc import Sequence

from envs.game import Game
from envs.grids.walks import Outcome, planes_of, table_of, walker
from envs.options import choice, number, spec

PICTURE = (
    "#############",
    "#S....#.....#",
    "#.....#.....#",
    "#...........#",
    "#.....#.....#",
    "#.....#.....#",
    "##.####.....#",
    "#.....###G###",
    "#.....#.....#",
    "#.....#.....#",
    "#...........#",
    "#.....#.....#",
    "#############",
)
SIZE = 13
STEPS = ((-1, 0), (0, 1), (1, 0), (0, -1))
FLOOR = [cell for cell, sign in enumerate("".join(PICTURE)) if sign in ".S"]
START = "".join(PICTURE).index("S")


def outcomes(state: int, action: int, slip: float) -> Sequence[Outcome]:
    """The step as meant, then the other three where it slips."""
    found = []
    for turn in range(4 if slip > 0.0 else 1):
        down, right = STEPS[(action + turn) % 4]
        to = state + down * SIZE + right
        if not 0 <= to < SIZE * SIZE or PICTURE[to // SIZE][to % SIZE] == "#":
            to = state
        goal = PICTURE[to // SIZE][to % SIZE] == "G"
        found.append(Outcome(1.0 - slip if turn == 0 else slip / 3.0, to, float(goal), goal))
    return found


def four_rooms(slip: float = 1.0 / 3.0, start: str = "corner", limit: int = 500) -> Game:
    """Four rooms on 13 x 13, walls and all; start in the upper left "corner" or evenly "anywhere" but at the goal."""
    number("four_rooms", "slip", slip, 0, 1)
    choice("four_rooms", "start", start, ("corner", "anywhere"))
    first = {START: 1.0} if start == "corner" else {cell: 1.0 / len(FLOOR) for cell in FLOOR}
    return walker(
        name=spec("four_rooms", slip=(float(slip), 1.0 / 3.0), start=(start, "corner"), limit=(limit, 500)),
        table=table_of(SIZE * SIZE, 4, lambda state, action: outcomes(state, action, slip), first),
        names=("up", "right", "down", "left"),
        limit=limit,
        ground=planes_of(PICTURE, "#G"),
        picture=PICTURE,
    )

"""Cliff walking: the shortest way runs along a cliff, and falling costs 100 (Sutton & Barto 2018, example 6.6).

Equal to Gymnasium 1.2.2's CliffWalking-v1. Every step pays -1; a fall pays -100 and leads back to the start.
"""

from __future__ import annotations

from collections.abc import Sequence

from envs.game import Game
from envs.grids.walks import Outcome, planes_of, table_of, walker
from envs.options import flag, spec

PICTURE = (
    "............",
    "............",
    "............",
    "SCCCCCCCCCCG",
)
HEIGHT, WIDTH = 4, 12
START, GOAL = 36, 47
STEPS = ((-1, 0), (0, 1), (1, 0), (0, -1))


def outcomes(state: int, action: int, slippery: bool) -> Sequence[Outcome]:
    """One step as meant or, where it is slippery, as likely to either side of it."""
    turns = (-1, 0, 1) if slippery else (0,)
    found = []
    for turn in turns:
        down, right = STEPS[(action + turn) % 4]
        line = min(max(state // WIDTH + down, 0), HEIGHT - 1)
        column = min(max(state % WIDTH + right, 0), WIDTH - 1)
        if PICTURE[line][column] == "C":
            found.append(Outcome(1.0 / len(turns), START, -100.0, False))
        else:
            to = line * WIDTH + column
            found.append(Outcome(1.0 / len(turns), to, -1.0, to == GOAL))
    return found


def cliff_walking(slippery: bool = False, limit: int = 1000) -> Game:
    """Cliff walking on 4 x 12; where it is `slippery` two steps in three go to the side."""
    flag("cliff_walking", "slippery", slippery)
    return walker(
        name=spec("cliff_walking", slippery=(slippery, False), limit=(limit, 1000)),
        table=table_of(HEIGHT * WIDTH, 4, lambda state, action: outcomes(state, action, slippery), {START: 1.0}),
        names=("up", "right", "down", "left"),
        limit=limit,
        ground=planes_of(PICTURE, "CG"),
        picture=PICTURE,
    )

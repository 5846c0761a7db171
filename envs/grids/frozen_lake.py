"""Frozen lake: over slippery ice to the goal, past holes; 1 for getting there, nothing for anything else.

Equal to Gymnasium 1.2.2's FrozenLake-v1 and FrozenLake8x8-v1, with their limits of 100 and 200 plies.
"""

from __future__ import annotations

from collections.abc import Sequence

from envs.episode import MOST_PLIES
from envs.game import Game
from envs.grids.walks import Outcome, planes_of, table_of, walker
from envs.options import choice, flag, spec, whole

PICTURES = {
    4: ("SFFF", "FHFH", "FFFH", "HFFG"),
    8: ("SFFFFFFF", "FFFFFFFF", "FFFHFFFF", "FFFFFHFF", "FFFHFFFF", "FHHFFFHF", "FHFFHFHF", "FFFHFFFG"),
}
LIMITS = {4: 100, 8: 200}
STEPS = ((0, -1), (1, 0), (0, 1), (-1, 0))


def outcomes(picture: Sequence[str], state: int, action: int, slippery: bool) -> Sequence[Outcome]:
    """One step as meant or, where it is slippery, as likely to either side of it; holes and goal keep who is there."""
    size = len(picture)
    if picture[state // size][state % size] in "GH":
        return [Outcome(1.0, state, 0.0, True)]
    turns = (-1, 0, 1) if slippery else (0,)
    found = []
    for turn in turns:
        down, right = STEPS[(action + turn) % 4]
        line = min(max(state // size + down, 0), size - 1)
        column = min(max(state % size + right, 0), size - 1)
        cell = picture[line][column]
        found.append(Outcome(1.0 / len(turns), line * size + column, float(cell == "G"), cell in "GH"))
    return found


def frozen_lake(size: int = 4, slippery: bool = True, limit: int = 0) -> Game:
    """The frozen lake of 4 x 4 or 8 x 8; limit 0 is Gymnasium's, 100 plies or 200."""
    flag("frozen_lake", "slippery", slippery)
    choice("frozen_lake", "size", size, tuple(PICTURES))
    whole("frozen_lake", "limit", limit, 0, MOST_PLIES)
    picture, limit = PICTURES[size], limit or LIMITS[size]
    return walker(
        name=spec("frozen_lake", size=(size, 4), slippery=(slippery, True), limit=(limit, LIMITS[size])),
        table=table_of(size * size, 4, lambda state, action: outcomes(picture, state, action, slippery), {0: 1.0}),
        names=("left", "down", "right", "up"),
        limit=limit,
        ground=planes_of(picture, "HG"),
        picture=picture,
    )

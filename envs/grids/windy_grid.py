"""Windy grid: walking to a goal through a wind that blows upwards (Sutton & Barto 2018, example 6.5, exercises 6.9-10).

Every step pays -1. The wind of the column that is left carries one or two cells further up. The shortest way takes 15
steps, and 7 with a king's moves.
"""

from __future__ import annotations

from collections.abc import Sequence

from envs.game import Game
from envs.grids.walks import Outcome, planes_of, table_of, walker
from envs.options import flag, spec

HEIGHT, WIDTH = 7, 10
WIND = (0, 0, 0, 1, 1, 1, 2, 2, 1, 0)
START, GOAL = 30, 37
PICTURE = tuple(
    "".join("S" if line * WIDTH + c == START else "G" if line * WIDTH + c == GOAL else "." for c in range(WIDTH))
    for line in range(HEIGHT)
)
STEPS = ((-1, 0), (0, 1), (1, 0), (0, -1))
KING = (*STEPS, (-1, 1), (1, 1), (1, -1), (-1, -1))
NAMES = ("up", "right", "down", "left", "up-right", "down-right", "down-left", "up-left")


def outcomes(state: int, action: int, stochastic: bool) -> Sequence[Outcome]:
    """A step and the wind at once; a stochastic wind is as likely one cell weaker or stronger as it is as usual."""
    line, column = divmod(state, WIDTH)
    down, right = KING[action]
    gusts = (-1, 0, 1) if stochastic and WIND[column] else (0,)
    found = []
    for gust in gusts:
        to_line = min(max(line + down - WIND[column] - gust, 0), HEIGHT - 1)
        to = to_line * WIDTH + min(max(column + right, 0), WIDTH - 1)
        found.append(Outcome(1.0 / len(gusts), to, -1.0, to == GOAL))
    return found


def windy_grid(king: bool = False, stochastic: bool = False, limit: int = 1000) -> Game:
    """The windy grid of 7 x 10; `king` adds the four diagonal steps, `stochastic` makes the wind vary by a cell."""
    flag("windy_grid", "king", king)
    flag("windy_grid", "stochastic", stochastic)
    count = len(KING) if king else len(STEPS)
    wind = planes_of(tuple("".join(map(str, WIND)) for _ in range(HEIGHT)), "12")
    ground = planes_of(PICTURE, "GGG")
    ground[1:] = wind
    return walker(
        name=spec("windy_grid", king=(king, False), stochastic=(stochastic, False), limit=(limit, 1000)),
        table=table_of(HEIGHT * WIDTH, count, lambda state, action: outcomes(state, action, stochastic), {START: 1.0}),
        names=NAMES[:count],
        limit=limit,
        ground=ground,
        picture=PICTURE,
    )

"""T-maze: a sign at the start of a corridor says which arm at its far end pays (Bakker 2001).

The right arm pays 1, the wrong one -1, and so does not to have chosen after 4 * (length + 1) plies. At the junction
both signs look alike, and to stay away costs as much as to be wrong: no agent without memory is paid more than 0 on
average, and to choose by chance is paid 0. One that remembers is paid 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.episode import anything
from envs.game import Game, Row, row_dtype, rule
from envs.options import spec, whole
from envs.randomness import below, draw

FORWARD, UP, DOWN = range(3)


def t_maze(length: int = 10) -> Game:
    """A T-maze whose corridor takes `length` plies, 1 to 999: the sign is to be remembered for as many."""
    whole("t_maze", "length", length, 1, 999)
    limit = 4 * (length + 1)

    @rule
    def reset(row: Row) -> None:
        row.sign = UP + below(draw(row), 2)
        row.place = 0
        row.arm = 0

    @rule
    def play(row: Row, action: int) -> None:
        row.reward[0] = 0.0
        row.ply += 1
        if row.place < length:
            row.place += action == FORWARD
        elif action != FORWARD:
            row.arm = action
            row.done = True
            row.reward[0] = 1.0 if action == row.sign else -1.0
        if row.ply == limit and not row.done:
            row.done = True
            row.reward[0] = -1.0

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """Four flags: the sign up and the sign down, seen at the start alone; corridor; junction."""
        out[0] = row.place == 0 and row.sign == UP
        out[1] = row.place == 0 and row.sign == DOWN
        out[2] = row.place < length
        out[3] = row.place == length

    def text(row: Row, seen_by: int | None = None) -> str:
        if seen_by is not None:
            where = "you are in the corridor" if row.place < length else "you are at the junction"
            return where + (f", where a sign says {'up' if row.sign == UP else 'down'}" if row.place == 0 else "")
        middle = "".join("@" if c == row.place and not row.arm else "." for c in range(length + 1))
        upper, lower = ("@" if row.arm == arm else "+" if row.sign == arm else "." for arm in (UP, DOWN))
        return f"{' ' * length}{upper}\n{middle}\n{' ' * length}{lower}"

    return Game(
        name=spec("t_maze", length=(length, 10)),
        seats=1,
        actions=3,
        shape=(4,),
        row=row_dtype(1, place=np.int16, sign=np.int8, arm=np.int8),
        reset=reset,
        play=play,
        legal=anything(3),
        observe=observe,
        names=("forward", "up", "down"),
        max_plies=limit,
        pays="general",
        text=text,
        hidden=True,
        chance=True,
    )

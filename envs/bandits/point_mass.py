"""Point mass: a point in the plane is steered to a goal that it cannot see; a seed is a task (MAML's navigation, 2017).

The goal is drawn evenly from the square of -0.5 to 0.5; the point starts in the middle, moves by 0.1 times the action
and stays in the square of -1 to 1. Each ply pays the distance from the goal, negative; differs from the paper, which
pays its square. Who ignores what is paid gets at best -0.3826 a ply (the mean distance of a square's points from its
middle, (sqrt 2 + log(1 + sqrt 2)) / 6), by standing still; three payments tell where the goal is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.bandits.tasks import ANY, check_task, of_task
from envs.game import Game, Row, row_dtype, rule, unbarred
from envs.options import spec, whole
from envs.randomness import draw, unit

STEP = 0.1
GOALS, EDGE = 0.5, 1.0


@rule
def lay(row: Row) -> None:
    for axis in range(2):
        row.goal[axis] = GOALS * (2.0 * unit(draw(row)) - 1.0)


def point_mass(steps: int = 100, task: int = ANY) -> Game:
    """A point mass for `steps` plies; `task` fixes the goal."""
    whole("point_mass", "steps", steps, 1, 10_000)
    check_task("point_mass", task)
    begin = of_task(task, lay)

    @rule
    def reset(row: Row) -> None:
        begin(row)
        for axis in range(2):
            row.place[axis] = 0.0
            row.last[axis] = 0.0

    @rule
    def play(row: Row, action: NDArray[np.float32]) -> None:
        square = 0.0
        for axis in range(2):
            place = np.float64(row.place[axis]) + STEP * np.float64(action[axis])
            place = min(max(place, -EDGE), EDGE)
            row.place[axis] = place
            row.last[axis] = action[axis]
            square += (place - np.float64(row.goal[axis])) ** 2
        row.reward[0] = -np.sqrt(square)
        row.ply += 1
        row.done = row.ply == steps

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """[6]: the place (x, y), the last action (x, y), what it paid, the share of the steps that are over."""
        for axis in range(2):
            out[axis] = row.place[axis]
            out[2 + axis] = row.last[axis]
        out[4] = row.reward[0]
        out[5] = row.ply / steps

    def text(row: Row, seen_by: int | None = None) -> str:
        (x, y), (to_x, to_y) = row.place, row.goal
        if seen_by is not None:
            paid = f", paid {row.reward[0]:+.4f}" if row.ply else ""
            return f"{row.ply} of {steps}: at ({x:+.2f}, {y:+.2f}){paid}"
        return f"{row.ply} of {steps}: at ({x:+.2f}, {y:+.2f}), goal ({to_x:+.2f}, {to_y:+.2f})"

    return Game(
        name=spec("point_mass", steps=(steps, 100), task=(task, ANY)),
        seats=1,
        actions=0,
        shape=(6,),
        row=row_dtype(1, place=(np.float32, (2,)), goal=(np.float32, (2,)), last=(np.float32, (2,))),
        reset=reset,
        play=play,
        legal=unbarred,
        observe=observe,
        names=("x", "y"),
        max_plies=steps,
        pays="general",
        controls=((-1.0, 1.0), (-1.0, 1.0)),
        text=text,
        hidden=True,
        chance=True,
    )

"""What families of tasks share: a task drawn from the row's own generator, or fixed by its number; normal numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from envs.game import Row, rule
from envs.options import whole
from envs.randomness import draw, mix, unit

ANY = -1
"""The option `task` where every reset draws a task of its own."""


def check_task(game: str, task: object) -> None:
    """Raises ValueError where `task` numbers none."""
    whole(game, "task", task, ANY, 2**31 - 1)


def of_task(task: int, lay: Callable[[Row], None]) -> Callable[[Row], None]:
    """`lay(row)`, which draws a task, with the row's generator or with one that the task's number starts."""
    if task == ANY:
        return lay
    begin = np.uint64(task)

    @rule
    def fixed(row: Row) -> None:
        kept = row.rng
        row.rng = mix(begin)
        lay(row)
        row.rng = kept

    return fixed


@rule
def normal(row: Row) -> float:
    """A number of mean 0 and deviation 1 from two draws (Box & Muller 1958)."""
    radius = np.sqrt(-2.0 * np.log(1.0 - unit(draw(row))))
    return radius * np.cos(2.0 * np.pi * unit(draw(row)))

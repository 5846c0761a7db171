"""What arcade games share: the six buttons, the one that sticks, grids written as letters, games played by buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.episode import MOST_PLIES, anything
from envs.game import Game, Row, rule
from envs.options import number, whole
from envs.randomness import draw, unit

NONE, LEFT, UP, RIGHT, DOWN, FIRE = range(6)
NAMES = ("none", "left", "up", "right", "down", "fire")

STICKY = 0.1
"""How often MinAtar presses the last button again instead of the chosen one."""
LIMIT = 5000
"""MinAtar's games go on for as long as they are played; ours must end."""


def check(game: str, sticky: float, limit: int) -> None:
    """Raises ValueError unless both options are within their bounds."""
    number(game, "sticky", sticky, 0, 1, 0.25)
    whole(game, "limit", limit, 1, MOST_PLIES, 1000)


def buttons(minimal: bool, useful: tuple[int, ...]) -> tuple[int, ...]:
    """The buttons that the actions stand for: those with an effect of their own, or all six."""
    return useful if minimal else (NONE, LEFT, UP, RIGHT, DOWN, FIRE)


def presses(pressed: tuple[int, ...], sticky: float) -> Callable[[Row, int], int]:
    """The rule that says which button an action presses: with probability `sticky` the one pressed last.

    It needs the row's field `last`, the button. Machado et al. 2018.
    """

    @rule
    def press(row: Row, action: int) -> int:
        button = pressed[action]
        if sticky > 0.0:
            button = row.last if unit(draw(row)) < sticky else button
            row.last = button
        return button

    return press


def lettered(
    observe: Callable[[Row, NDArray[np.float32]], None], shape: tuple[int, ...], marks: str
) -> Callable[[Row], str]:
    """The `text` of a grid: marks[p] where plane p has something, the first such plane's; then the score."""
    plain: Any = getattr(observe, "py_func", observe)

    def text(row: Row) -> str:
        planes = np.zeros(shape, np.float32)
        plain(row, planes)
        cells = [
            "".join(next((marks[p] for p in np.flatnonzero(planes[:, line, c])), ".") for c in range(shape[2]))
            for line in range(shape[1])
        ]
        return "\n".join([*cells, f"score {row.score}"])

    return text


def cabinet(
    name: str, pressed: tuple[int, ...], limit: int, marks: str, *, shape: tuple[int, ...], row: np.dtype[Any],
    reset: Callable[[Row], None], play: Callable[[Row, int], None],
    observe: Callable[[Row, NDArray[np.float32]], None], chance: bool = True,
) -> Game:  # fmt: skip
    """The game of one seat whose actions press these buttons, any of them at any time; `marks` as in `lettered`."""
    return Game(
        name=name,
        seats=1,
        actions=len(pressed),
        shape=shape,
        row=row,
        reset=reset,
        play=play,
        legal=anything(len(pressed)),
        observe=observe,
        names=tuple(NAMES[button] for button in pressed),
        max_plies=limit,
        pays="general",
        text=lettered(observe, shape, marks),
        chance=chance,
    )

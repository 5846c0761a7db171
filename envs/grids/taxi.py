"""Taxi: fetch a passenger at one of four stands and bring him to another (Dietterich 2000).

Equal to Gymnasium 1.2.2's Taxi-v3, with its limit of 200 plies: -1 a step, -10 for taking up or setting down in the
wrong place, 20 for arriving. States are ((line * 5 + column) * 5 + passenger) * 4 + destination, passenger 4 = aboard.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from envs.game import Game, Row, rule
from envs.grids.walks import Outcome, table_of, tabled
from envs.options import spec

PICTURE = ("|R: | : :G|", "| : | : : |", "| : : : : |", "| | : | : |", "|Y| : |B: |")
"""The city: stands R, G, Y and B; : can be driven through, | cannot."""
STANDS = ((0, 0), (0, 4), (4, 0), (4, 3))
SIZE, ABOARD = 5, 4
OPEN = np.array([[line[2 * c + 2] == ":" for c in range(SIZE)] for line in PICTURE])
"""[5, 5] whether a cell's eastern side can be driven through."""


def state_of(line: int, column: int, passenger: int, destination: int) -> int:
    """The number of a state."""
    return ((line * SIZE + column) * 5 + passenger) * 4 + destination


def parts_of(state: int) -> tuple[int, int, int, int]:
    """(line, column, passenger, destination) of a state."""
    return state // 100, state // 20 % 5, state // 4 % 5, state % 4


def outcomes(state: int, action: int) -> Sequence[Outcome]:
    """What an action leads to; nothing is left to chance."""
    line, column, passenger, destination = parts_of(state)
    reward, end = -1.0, False
    here = (line, column)
    if action == 0:
        line = min(line + 1, SIZE - 1)
    elif action == 1:
        line = max(line - 1, 0)
    elif action == 2:
        column += int(OPEN[line, column])
    elif action == 3:
        column -= int(column > 0 and OPEN[line, column - 1])
    elif action == 4:
        if passenger < ABOARD and here == STANDS[passenger]:
            passenger = ABOARD
        else:
            reward = -10.0
    elif passenger == ABOARD and here == STANDS[destination]:
        passenger, reward, end = destination, 20.0, True
    elif passenger == ABOARD and here in STANDS:
        passenger = STANDS.index(here)
    else:
        reward = -10.0
    return [Outcome(1.0, state_of(line, column, passenger, destination), reward, end)]


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """Four planes of 5 x 5: taxi, passenger, destination, walls to the east; who is aboard is where it is."""
    state = row.state
    line, column, passenger, destination = state // 100, state // 20 % 5, state // 4 % 5, state % 4
    out[:] = 0.0
    out[0, line, column] = 1.0
    if passenger < 4:
        out[1, STANDS[passenger][0], STANDS[passenger][1]] = 1.0
    else:
        out[1, line, column] = 1.0
    out[2, STANDS[destination][0], STANDS[destination][1]] = 1.0
    for i in range(5):
        for j in range(5):
            out[3, i, j] = 0.0 if OPEN[i, j] else 1.0


def text(row: Row) -> str:
    """The city; the taxi is a T, or an & with the passenger aboard, and a line says who is where."""
    line, column, passenger, destination = parts_of(int(row["state"]))
    lines = [list(each) for each in PICTURE]
    lines[line][2 * column + 1] = "&" if passenger == ABOARD else "T"
    where = "aboard" if passenger == ABOARD else f"at {'RGYB'[passenger]}"
    return "\n".join(["".join(each) for each in lines] + [f"passenger {where}, to {'RGYB'[destination]}"])


def taxi(limit: int = 200) -> Game:
    """The taxi of 500 states; it begins anywhere, with the passenger at a stand that is not the destination."""
    first = [state for state in range(500) if parts_of(state)[2] < 4 and parts_of(state)[2] != parts_of(state)[3]]
    return tabled(
        name=spec("taxi", limit=(limit, 200)),
        table=table_of(500, 6, outcomes, {state: 1.0 / len(first) for state in first}),
        names=("south", "north", "east", "west", "take-up", "set-down"),
        limit=limit,
        shape=(4, SIZE, SIZE),
        observe=observe,
        text=text,
    )

"""Tic-tac-toe: three in a line on a board of 3 x 3; perfect play draws.

0 1 2
3 4 5
6 7 8
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.bits import ONE
from envs.boards.squares import square_names, square_symmetries
from envs.game import Bits, Game, Row, row_dtype, rule

FULL = np.uint64(0b111111111)
LINES = (0b111, 0b111000, 0b111000000, 0b001001001, 0b010010010, 0b100100100, 0b100010001, 0b001010100)


@rule
def three_in_line(stones: Bits) -> bool:
    """Whether a set of stones holds a line of three."""
    for line in LINES:  # noqa: SIM110 (compiled code has no generators)
        if stones & np.uint64(line) == np.uint64(line):
            return True
    return False


@rule
def reset(row: Row) -> None:
    row.stones[0] = 0
    row.stones[1] = 0


@rule
def play(row: Row, action: int) -> None:
    seat = row.seat
    own = row.stones[seat] | (ONE << np.uint64(action))
    row.stones[seat] = own
    row.ply += 1
    row.seat = 1 - seat
    if three_in_line(own):
        row.reward[seat] = 1.0
        row.reward[1 - seat] = -1.0
        row.done = True
    else:
        row.done = own | row.stones[1 - seat] == FULL


@rule
def legal(row: Row, out: NDArray[np.bool_]) -> None:
    taken: Bits = row.stones[0] | row.stones[1]
    for cell in range(9):
        out[cell] = (taken >> np.uint64(cell)) & ONE == 0


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """Two planes of 3 x 3: the mover's stones, the other's."""
    own = row.stones[row.seat]
    other = row.stones[1 - row.seat]
    for cell in range(9):
        out[0, cell // 3, cell % 3] = (own >> np.uint64(cell)) & ONE
        out[1, cell // 3, cell % 3] = (other >> np.uint64(cell)) & ONE


@rule
def key(row: Row) -> Bits:
    """The board as a number in base 3, cell 8 first: 0 empty, 1 player 1's, 2 player 2's."""
    number = np.uint64(0)
    for cell in range(8, -1, -1):
        own = (row.stones[0] >> np.uint64(cell)) & ONE
        other = (row.stones[1] >> np.uint64(cell)) & ONE
        number = np.uint64(3) * number + own + other + other
    return number


def tic_tac_toe() -> Game:
    """Tic-tac-toe on 3 x 3."""
    return Game(
        name="tic_tac_toe",
        seats=2,
        actions=9,
        shape=(2, 3, 3),
        row=row_dtype(2, stones=(np.uint64, (2,))),
        reset=reset,
        play=play,
        legal=legal,
        observe=observe,
        names=square_names(3),
        max_plies=9,
        symmetries=square_symmetries(3),
        key=key,
        keys=3**9,
    )

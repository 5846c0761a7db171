"""Many lanes of a game as one seat each sees them, a whole step in one compiled loop."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.game import Rows, rule
from envs.kernels import Loop, compiled, legal, observe, play, random_action, restart
from envs.randomness import below, mix, next_random

BEGINNINGS = 1000
"""So many games in a row that end before a seat has been asked once, and it is taken that it never will be."""


@Loop
def seat_rows(
    rows: Rows,
    seat: NDArray[np.int8],
    fixed: int,
    stream: NDArray[np.uint64],
    shown: NDArray[np.bool_],
    fresh: NDArray[np.bool_],
    actions: NDArray[Any],
    lawful: NDArray[np.bool_],
    obs: NDArray[np.float32],
    mask: NDArray[np.bool_],
    reward: NDArray[np.float32],
    illegal: NDArray[np.bool_],
    over: NDArray[np.bool_],
    cut: NDArray[np.bool_],
) -> bool:
    """In the lanes that are `shown`: our action, evenly drawn answers to it, and what our seat then sees and may do.

    Lanes that are `fresh` begin a new game instead. False where a game never gets to our seat.
    """
    seats = rows[0].reward.shape[0]
    for i in range(rows.shape[0]):
        if not shown[i]:
            continue
        row = rows[i]
        paid = np.float32(0.0)
        if fresh[i]:
            illegal[i] = False
        elif not over[i]:
            if lawful[i]:
                play(row, actions[i])
                paid = row.reward[seat[i]]
            else:
                illegal[i] = True
                paid = np.float32(-1.0)
        beginnings = 0
        begun = not fresh[i]
        while True:
            if not begun:
                beginnings += 1
                row.rng = mix(next_random(stream, i))
                next_random(stream, i)  # which would be an opponent's own seed
                seat[i] = drawn_seat(stream, i, seats, fixed)
                restart(row)
            if seats > 1:
                while not row.done and row.seat != seat[i]:
                    play(row, random_action(row, mask[i]))
                    paid += row.reward[seat[i]]
            if begun or not row.done:
                break
            if beginnings == BEGINNINGS:
                return False
        reward[i] = np.float32(0.0) if fresh[i] else paid
        mover = row.seat
        row.seat = seat[i]
        observe(row, obs[i])
        row.seat = mover
        if row.done:
            mask[i] = False
        else:
            legal(row, mask[i])
        over[i] = row.done or illegal[i]
        cut[i] = row.cut and not illegal[i]
    return True


@rule
def drawn_seat(stream: NDArray[np.uint64], lane: int, seats: int, fixed: int) -> int:
    """Our seat in a lane's next game: fixed, or drawn all the same and then taken where fixed < 0."""
    drawn = below(next_random(stream, lane), seats)
    return fixed if fixed >= 0 else drawn


@compiled
def may_be_played(actions: NDArray[np.int64], mask: NDArray[np.bool_], out: NDArray[np.bool_]) -> None:
    """out[i] = whether actions[i] is one that mask[i] shows; any number may be asked about."""
    for i in range(actions.shape[0]):
        out[i] = 0 <= actions[i] < mask.shape[1] and mask[i, actions[i]]

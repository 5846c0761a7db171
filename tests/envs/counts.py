"""How many games there are: sequences of moves, counted one by one (perft), to be held to what is published."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.game import Game, Rows
from envs.kernels import Loop, legal, new_rows, play


@Loop
def perft(rows: Rows, masks: NDArray[np.bool_], depth: int) -> NDArray[np.int64]:
    """Counts move sequences: out[d] = sequences of d moves from rows[0], out[depth+1+d] = those ending the game.

    rows is [depth + 1] (the start in rows[0], the rest room to work in), masks [depth + 1, A].
    """
    counts = np.zeros(2 * depth + 2, np.int64)
    actions = masks.shape[1]
    tried = np.zeros(depth + 1, np.int64)
    counts[0] = 1
    d = 0
    if depth > 0:
        legal(rows[0], masks[0])
    while d >= 0:
        if d == depth or rows[d].done or tried[d] == actions:
            d -= 1
            continue
        a = tried[d]
        tried[d] += 1
        if not masks[d, a]:
            continue
        rows[d + 1] = rows[d]
        play(rows[d + 1], a)
        d += 1
        counts[d] += 1
        tried[d] = 0
        if rows[d].done:
            counts[depth + 1 + d] += 1
        elif d < depth:
            legal(rows[d], masks[d])
    return counts


def count_sequences(game: Game, depth: int) -> tuple[list[int], list[int]]:
    """(sequences of 0 .. depth moves from the start, how many of them end the game)."""
    rows = np.zeros(depth + 1, game.row)
    rows[:1] = new_rows(game, np.zeros(1, np.uint64))
    counts = perft(game, rows, np.zeros((depth + 1, game.actions), np.bool_), depth)
    return counts[: depth + 1].tolist(), counts[depth + 1 :].tolist()

"""Tic-tac-toe solved: all 5,478 positions by counting back from the last ply.

Score, from the side of the seat to move: +n if it wins and places its n-th last stone in doing so, -n if the other seat
does, 0 for a draw. Stones are sets of bits, bit = 3 * row + column.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

CELLS = 9
LINES = (0o7, 0o70, 0o700, 0o111, 0o222, 0o444, 0o421, 0o124)
NEVER = -32
"""The score of an illegal move."""


@cache
def solve() -> dict[tuple[int, int], int]:
    """(mover's stones, other's stones) -> score, for every position that play can reach, ended ones included."""
    levels: list[set[tuple[int, int]]] = [{(0, 0)}]
    for _ in range(CELLS):
        levels.append({after for at in levels[-1] if not _lost(at) for _, after in _moves(at)})
    scores: dict[tuple[int, int], int] = {}
    for ply in range(CELLS, -1, -1):
        for at in levels[ply]:
            if _lost(at):
                scores[at] = -((CELLS + 2 - ply) // 2)
            else:
                scores[at] = max((-scores[after] for _, after in _moves(at)), default=0)
    return scores


def _lost(at: tuple[int, int]) -> bool:
    return any(at[1] & line == line for line in LINES)


def _moves(at: tuple[int, int]) -> list[tuple[int, tuple[int, int]]]:
    mover, other = at
    return [(cell, (other, mover | 1 << cell)) for cell in range(CELLS) if not (mover | other) >> cell & 1]


class TicTacToe:
    """Scores of every move of any position."""

    actions = CELLS

    def bounds(self, stones: NDArray[np.uint64]) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
        """Twice the scores: there is nothing that is not known."""
        scores = self.scores(stones)
        return scores, scores

    def scores(self, stones: NDArray[np.uint64]) -> NDArray[np.int8]:
        """[B, 9] the score of every move for the seat to move, NEVER where illegal; stones [B, 2] by seat."""
        known = solve()
        out = np.full((len(stones), CELLS), NEVER, np.int8)
        for row, (first, second) in enumerate(stones.tolist()):
            at = (first, second) if (first | second).bit_count() % 2 == 0 else (second, first)
            if not _lost(at):
                for cell, after in _moves(at):
                    out[row, cell] = -known[after]
        return out

"""Othello (Reversi) on 6 x 6 or 8 x 8: a move must turn stones; who cannot move passes; most stones win.

Rules: World Othello Federation. Black (seat 0) begins. A pass is a move of its own (the last action) and is legal only
when no other move is; the game ends when neither side can place a stone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.bits import ONE, count_bits
from envs.boards.squares import square_names, square_symmetries
from envs.game import Bits, Game, Row, row_dtype, rule
from envs.options import choice, spec


def othello(size: int = 8) -> Game:
    """Othello on size x size, size 4, 6 or 8."""
    choice("othello", "size", size, (4, 6, 8))
    cells = size * size
    whole = np.uint64((1 << cells) - 1)
    left = np.uint64(sum(1 << (r * size) for r in range(size)))
    inner = whole & ~left & ~(left << np.uint64(size - 1))  # a step sideways may pass over these only
    middle = size // 2
    white = (1 << ((middle - 1) * size + middle - 1)) | (1 << (middle * size + middle))
    black = (1 << ((middle - 1) * size + middle)) | (1 << (middle * size + middle - 1))
    first, second = np.uint64(black), np.uint64(white)
    steps = (np.uint64(1), np.uint64(size), np.uint64(size - 1), np.uint64(size + 1))
    corners = np.uint64(1 | 1 << (size - 1) | 1 << (cells - size) | 1 << (cells - 1))

    @rule
    def moves(own: Bits, other: Bits) -> Bits:
        """The cells where `own` may place a stone: a run of the other's stones away from an own one, and empty."""
        empty = whole & ~(own | other)
        found = np.uint64(0)
        for i in range(4):
            step = steps[i]
            through = other if i == 1 else other & inner
            up = through & (own << step)
            down = through & (own >> step)
            for _ in range(size - 3):
                up |= through & (up << step)
                down |= through & (down >> step)
            found |= (up << step) | (down >> step)
        return found & empty

    @rule
    def turned(own: Bits, other: Bits, stone: Bits) -> Bits:
        """The other's stones that turn when `own` places a stone."""
        result = np.uint64(0)
        for i in range(4):
            step = steps[i]
            through = other if i == 1 else other & inner
            up = through & (stone << step)
            down = through & (stone >> step)
            for _ in range(size - 3):
                up |= through & (up << step)
                down |= through & (down >> step)
            if (up << step) & own:
                result |= up
            if (down >> step) & own:
                result |= down
        return result

    @rule
    def reset(row: Row) -> None:
        row.stones[0] = first
        row.stones[1] = second

    @rule
    def play(row: Row, action: int) -> None:
        seat = row.seat
        own, other = row.stones[seat], row.stones[1 - seat]
        if action < cells:
            stone = ONE << np.uint64(action)
            flips = turned(own, other, stone)
            own |= stone | flips
            other &= ~flips
            row.stones[seat] = own
            row.stones[1 - seat] = other
        row.ply += 1
        row.seat = 1 - seat
        if moves(own, other) == 0 and moves(other, own) == 0:
            row.done = True
            margin = count_bits(own) - count_bits(other)
            row.reward[seat] = np.sign(margin)
            row.reward[1 - seat] = -np.sign(margin)

    @rule
    def legal(row: Row, out: NDArray[np.bool_]) -> None:
        found = moves(row.stones[row.seat], row.stones[1 - row.seat])
        for cell in range(cells):
            out[cell] = (found >> np.uint64(cell)) & ONE
        out[cells] = found == 0

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """Two planes: the mover's stones, the other's."""
        own = row.stones[row.seat]
        other = row.stones[1 - row.seat]
        for cell in range(cells):
            out[0, cell // size, cell % size] = (own >> np.uint64(cell)) & ONE
            out[1, cell // size, cell % size] = (other >> np.uint64(cell)) & ONE

    @rule
    def heuristic(row: Row) -> float:
        """Mobility and corners, which decide the middle game; own minus the other's."""
        own, other = row.stones[row.seat], row.stones[1 - row.seat]
        mobility = count_bits(moves(own, other)) - count_bits(moves(other, own))
        held = count_bits(own & corners) - count_bits(other & corners)
        return np.tanh(0.05 * mobility + 0.25 * held)

    def text(row: Any) -> str:
        """Its line 1 is the first, as in the names of its moves."""
        first, second = (int(stones) for stones in row.stones)
        lines = ["   " + " ".join(chr(ord("a") + column) for column in range(size))]
        for line in range(size):
            marks = (
                ".xo"[(first >> cell & 1) + 2 * (second >> cell & 1)] for cell in range(line * size, (line + 1) * size)
            )
            lines.append(f"{line + 1:2} " + " ".join(marks))
        return "\n".join(lines)

    return Game(
        name=spec("othello", size=(size, 8)),
        seats=2,
        actions=cells + 1,
        shape=(2, size, size),
        row=row_dtype(2, stones=(np.uint64, (2,))),
        reset=reset,
        play=play,
        legal=legal,
        observe=observe,
        names=(*square_names(size, first_line="top"), "pass"),
        max_plies=2 * cells,
        symmetries=square_symmetries(size, extra_actions=1),
        heuristic=heuristic,
        text=text,
    )

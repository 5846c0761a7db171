"""What phantom games share: neither seat sees the other's stones, and a try at a taken cell shows it and goes again.

The classical rules, of Kriegspiel's family: a try that meets a stone costs nothing, and the other is not told of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.bits import ONE, count_bits
from envs.game import Bits, Row, row_dtype, rule
from envs.randomness import mix
from envs.views import as_planes

EXACT = 16
"""Up to so many cells the history of a seat's tries is written into 64 bits without loss."""


class Phantom(NamedTuple):
    """The rules of a phantom game, as `Game` takes them."""

    row: np.dtype[Any]
    reset: Callable[[Row], None]
    play: Callable[[Row, int], None]
    legal: Callable[[Row, NDArray[np.bool_]], None]
    observe: Callable[[Row, NDArray[np.float32]], None]
    key: Callable[[Row], Bits]
    marks: Callable[[Row, int | None], list[str]]


def phantom(cells: int, won: Callable[[int, Bits], bool]) -> Phantom:
    """The rules on so many cells, at most 64; `won(seat, stones)` says whether a seat's stones win.

    Fields: stones[s], the cells of seat s; met[s], those of the other's stones that s has met; order[s, cell], the
    number of s's try at that cell, from 1, or 0; told[s], all of s's tries and answers in order, as a number.
    """
    full = np.uint64((1 << cells) - 1)
    # What one try adds to `told` is below 2 * (cells not yet tried) + 1: the digits of a number of mixed radix.
    radix = [2 * (cells - k) + 1 for k in range(cells)]
    weights = np.array([int(np.prod(radix[:k], dtype=object)) % 2**64 for k in range(cells)], np.uint64)
    exact = cells <= EXACT
    when = (np.arange(cells + 1) / cells).astype(np.float32)

    @rule
    def reset(row: Row) -> None:
        for seat in range(2):
            row.stones[seat] = 0
            row.met[seat] = 0
            row.told[seat] = 0
            for cell in range(cells):
                row.order[seat, cell] = 0

    @rule
    def play(row: Row, action: int) -> None:
        seat = row.seat
        stone = ONE << np.uint64(action)
        tried: Bits = row.stones[seat] | row.met[seat]
        tries = count_bits(tried)
        blocked = row.stones[1 - seat] & stone != 0
        row.order[seat, action] = tries + 1
        if exact:
            rank = action - count_bits(tried & (stone - ONE))  # among the cells not yet tried
            row.told[seat] += np.uint64(1 + 2 * rank + blocked) * weights[tries]
        else:
            row.told[seat] = mix(row.told[seat] + np.uint64(1 + 2 * action + blocked))
        row.ply += 1
        if blocked:
            row.met[seat] |= stone
            return
        own = row.stones[seat] | stone
        row.stones[seat] = own
        row.seat = 1 - seat
        if won(seat, own):
            row.reward[seat] = 1.0
            row.reward[1 - seat] = -1.0
            row.done = True
        else:
            row.done = own | row.stones[1 - seat] == full

    @rule
    def legal(row: Row, out: NDArray[np.bool_]) -> None:
        tried: Bits = row.stones[row.seat] | row.met[row.seat]
        for cell in range(cells):
            out[cell] = (tried >> np.uint64(cell)) & ONE == 0

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """Four planes: own stones; the other's that were met; when each cell was tried, in (0, 1]; seat 1 all ones."""
        seat = row.seat
        own, met, second = row.stones[seat], row.met[seat], np.float32(seat)
        planes = as_planes(out, 4, cells)
        for cell in range(cells):
            at = np.uint64(cell)
            planes[0, cell] = (own >> at) & ONE != 0
            planes[1, cell] = (met >> at) & ONE != 0
            planes[2, cell] = when[row.order[seat, cell]]
            planes[3, cell] = second

    @rule
    def key(row: Row) -> Bits:
        """The seat and all of its tries and answers in order; exact up to 16 cells, a 64-bit digest beyond."""
        return np.uint64(2) * row.told[row.seat] + np.uint64(row.seat)

    def marks(row: Row, seen_by: int | None) -> list[str]:
        """Each cell in text: x for seat 0 and o for seat 1; of the other's stones a seat sees those it has met."""
        shown = [int(stones) for stones in row.stones]
        if seen_by is not None:
            shown[1 - seen_by] = int(row.met[seen_by])
        return [".xo"[shown[0] >> cell & 1 | (shown[1] >> cell & 1) << 1] for cell in range(cells)]

    row = row_dtype(
        2, stones=(np.uint64, (2,)), met=(np.uint64, (2,)), told=(np.uint64, (2,)), order=(np.uint8, (2, cells))
    )
    return Phantom(row, reset, play, legal, observe, key, marks)


def whose(seen_by: int | None) -> list[str]:
    """The line of text that says which stones are the reader's; none for who sees everything."""
    return [] if seen_by is None else [f"you are {'xo'[seen_by]}"]

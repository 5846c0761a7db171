"""Counting along a mask of moves, without a branch that depends on the mask: to guess it wrong costs a whole ply."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.game import rule

BLOCK = 16


@rule
def count_true(mask: NDArray[np.bool_], length: int) -> int:
    """How many of the first `length` entries are True; a length known when the caller is compiled is fastest."""
    total = 0
    for a in range(length):
        total += mask[a]
    return total


@rule
def nth_true(mask: NDArray[np.bool_], n: int, length: int) -> int:
    """The index of the n-th True of the first `length` entries, counted from 0; -1 if there are fewer.

    Blocks are passed as wholes while they end before it; then it stands behind all entries that end before it.
    """
    start, passed, before = 0, 0, 0
    if length > 2 * BLOCK:
        for block in range(length // BLOCK):
            count = 0
            for a in range(BLOCK * block, BLOCK * block + BLOCK):
                count += mask[a]
            before += count
            if before <= n:
                start += BLOCK
                passed = before
    index, before = start, passed
    for a in range(start, min(start + BLOCK, length) if length > 2 * BLOCK else length):
        before += mask[a]
        index += before <= n
    return index if before > n else -1

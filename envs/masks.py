"""Counting along a mask of moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.game import rule


@rule
def count_true(mask: NDArray[np.bool_]) -> int:
    """How many entries are True."""
    total = 0
    for a in range(mask.shape[0]):
        total += mask[a]
    return total


@rule
def nth_true(mask: NDArray[np.bool_], n: int) -> int:
    """The index of the n-th True, counted from 0; -1 if there are fewer. Sixteen entries are counted at once."""
    start, left = 0, n
    while start + 16 <= mask.shape[0]:
        count = 0
        for a in range(16):
            count += mask[start + a]
        if count > left:
            break
        left -= count
        start += 16
    for a in range(start, mask.shape[0]):
        if mask[a]:
            if left == 0:
                return a
            left -= 1
    return -1

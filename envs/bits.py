"""Sets of cells as bits of a 64-bit word."""

from __future__ import annotations

import numpy as np

from envs.game import Bits, rule

ONE = np.uint64(1)


@rule
def count_bits(bits: Bits) -> int:
    """How many bits are set."""
    count = 0
    while bits:
        bits &= bits - ONE
        count += 1
    return count

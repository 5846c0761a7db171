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


@rule
def lowest_bit(bits: Bits) -> int:
    """The number of the lowest bit that is set, of at least one."""
    return count_bits((bits & (~bits + ONE)) - ONE)

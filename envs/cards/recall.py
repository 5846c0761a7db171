"""What a seat has seen so far, as one number."""

from __future__ import annotations

import numpy as np

from envs.game import Bits, rule
from envs.randomness import GOLDEN, mix


@rule
def woven(known: Bits, more: Bits) -> Bits:
    """The number of who knew `known` and then learns `more`: other for any other pair, but for 1 chance in 2**64."""
    return mix(mix(known + GOLDEN) ^ np.uint64(more))

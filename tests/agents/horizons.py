"""What a policy that does not look at the clock is worth when so many plies are left, exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.exact.planning import pair_values
from agents.exact.transitions import Model


def within(model: Model, policy: NDArray[np.int64], plies: int, discount: float = 1.0) -> NDArray[np.float64]:
    """[S] the worth of each state, of a policy that names a pair for each."""
    values = np.zeros(model.size)
    for _ in range(plies):
        values = pair_values(model, values, discount)[policy]
    return values

"""Prioritised fictitious self-play: which past opponents a learner should meet, by how it does against them.

The weightings of AlphaStar (Vinyals et al. 2019, pseudocode `multiagent.py`), x being the learner's win rate against
an opponent. Where all weights vanish (everybody is beaten always, say), all opponents are equally likely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.registry import Unknown, nearest

Floats = NDArray[np.float64]
Weighting = Literal["variance", "linear", "linear_capped", "squared"]

WEIGHTINGS: dict[str, Callable[[Floats], Floats]] = {
    "variance": lambda x: x * (1 - x),  # the even ones: a curriculum
    "linear": lambda x: 1 - x,
    "linear_capped": lambda x: np.minimum(0.5, 1 - x),  # the unbeaten all alike
    "squared": lambda x: (1 - x) ** 2,  # the hard ones
}
assert set(WEIGHTINGS) == set(get_args(Weighting))

NOTHING = 1e-10
"""A sum of weights below this is none at all, as in the pseudocode."""


def pfsp(winrates: ArrayLike, weighting: str = "linear") -> Floats:
    """The probability of each opponent, by the learner's win rates against them, [n] in [0, 1]; they sum to 1."""
    x = np.asarray(winrates, np.float64)
    check_weighting(weighting)
    if x.ndim != 1 or x.size == 0:
        raise ValueError("PFSP chooses among one opponent or more, and was given none.")
    if not np.all((x >= 0) & (x <= 1)):
        raise ValueError(f"A win rate is between 0 and 1, not {float(x[~((x >= 0) & (x <= 1))][0])}.")
    weights = WEIGHTINGS[weighting](x)
    total = weights.sum()
    return np.full(x.size, 1 / x.size) if total < NOTHING else weights / total


def check_weighting(weighting: str) -> None:
    """Raises `Unknown` for a weighting that there is not."""
    if weighting not in WEIGHTINGS:
        raise Unknown(f"There is no weighting '{weighting}'; {nearest(str(weighting), WEIGHTINGS)}")


def once_harder(winrates: ArrayLike) -> int:
    """How many of the first win rates can tell of something forgotten; the later ones only fall or stay.

    The win rates are against one opponent's snapshots, oldest first. As long as a later snapshot is at least as hard as
    the one before it, the learner just has not caught up yet; it forgot something if it does better against a later
    one. (`remove_monotonic_suffix` of the pseudocode, which keeps that later one too.)
    """
    rises = np.flatnonzero(np.diff(np.asarray(winrates, np.float64)) > 0)
    return int(rises[-1]) + 2 if rises.size else 0

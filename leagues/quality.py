"""Quality scores of past opponents, by which OpenAI Five chose among them (Berner et al. 2019, appendix N).

A past version i is met with probability p_i, the softmax of the scores. When it loses, its score falls by
rate / (n p_i), n being how many there are; when it wins, nothing changes. A new version enters with the highest score
there is. Dividing by p_i makes the expected fall the same for all that always lose, however seldom they are met.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LEAST = 1e-6
"""Below this probability an update does not grow further, so that a late result cannot throw a score out of reach."""


def softmax(scores: ArrayLike) -> Floats:
    """The probability of each past version, [n]; they sum to 1."""
    q = np.asarray(scores, np.float64)
    if q.size == 0:
        raise ValueError("Quality scores choose among one opponent or more, and were given none.")
    raised = np.exp(q - q.max())
    return raised / raised.sum()


def after_loss(scores: ArrayLike, loser: int, rate: float = 0.01) -> Floats:
    """The scores [n] after the past version at index `loser` lost to the learner."""
    q = np.array(scores, np.float64)
    q[loser] -= rate / (q.size * max(float(softmax(q)[loser]), LEAST))
    return q


class Quality:
    """What every learner of a league holds of its past versions."""

    def __init__(self, rate: float = 0.01, scores: Mapping[str, Mapping[str, float]] | None = None) -> None:
        if not rate > 0.0:
            raise ValueError(f"The rate at which quality scores fall must be above 0, not {rate}.")
        self.rate = rate
        self._scores: dict[str, dict[str, float]] = {who: dict(of) for who, of in (scores or {}).items()}

    def scores(self, learner: str, past: Sequence[str]) -> Floats:
        """Scores in the order of `past`; a version that is new has the highest there is, or 0."""
        known = self._scores.get(learner, {})
        highest = max(known.values(), default=0.0)
        return np.array([known.get(name, highest) for name in past], np.float64)

    def lost(self, learner: str, loser: str, past: Sequence[str]) -> None:
        """Counts a game that the learner won against `loser`, which is one of `past`, all there were to choose from."""
        if loser not in past:
            raise ValueError(f"'{loser}' is not among the past versions that '{learner}' chooses from.")
        after = after_loss(self.scores(learner, past), past.index(loser), self.rate)
        self._scores.setdefault(learner, {}).update(zip(past, after.tolist(), strict=True))

    def state(self) -> dict[str, object]:
        """All of it as plain values: the arguments that make it again."""
        return {"rate": self.rate, "scores": {who: dict(of) for who, of in self._scores.items()}}

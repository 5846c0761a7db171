"""Population-based training: the worst learners of a kind go on from the best of it, with settings a little changed.

Jaderberg et al. 2017, arXiv:1711.09846: truncation selection (exploit), then every setting times or through a factor
(explore).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Breeding:
    """When learners of one kind take over from one another, and what of them changes then.

    every     rounds between two times; 0: never
    share     of each kind that gives up, and as many of the best that are copied
    settings  names of the algorithm's settings that change
    factor    each is multiplied by this, or divided by it, evenly often
    """

    every: int = 0
    share: float = 0.25
    settings: tuple[str, ...] = ()
    factor: float = 1.25

    def __post_init__(self) -> None:
        if self.every < 0:
            raise ValueError(f"`breeding.every` is a number of rounds, or 0 for never, not {self.every}.")
        if not 0 < self.share <= 0.5:
            raise ValueError(f"`breeding.share` is above 0 and at most 0.5, not {self.share:g}.")
        if not 1 < self.factor < float("inf"):
            raise ValueError(f"`breeding.factor` is above 1, not {self.factor:g}.")
        if self.every and not self.settings:
            raise ValueError('`breeding.settings` names what changes; write for example settings = ["learning_rate"].')


def successions(fitness: Mapping[str, float], share: float, rng: np.random.Generator) -> list[tuple[str, str]]:
    """(who gives up, from whom it goes on) of learners with these scores, the worst first.

    Of each end `share` are taken, at least one; who is copied is drawn evenly from the best. Whoever did no worse than
    the one drawn for it stays.
    """
    if len(fitness) < 2:
        return []
    order = sorted(fitness, key=lambda name: (fitness[name], name))
    count = max(1, int(share * len(order)))
    best: Sequence[str] = order[-count:]
    drawn = [(loser, best[int(rng.integers(len(best)))]) for loser in order[:count]]
    return [(loser, winner) for loser, winner in drawn if fitness[loser] < fitness[winner]]


def explored(settings: Mapping[str, float], factor: float, rng: np.random.Generator) -> dict[str, float]:
    """Each setting times the factor or divided by it."""
    return {name: value * factor if rng.random() < 0.5 else value / factor for name, value in settings.items()}

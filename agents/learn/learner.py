"""What a learner is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

from agents.experience import Columns
from agents.networks import Weights

Metrics: TypeAlias = dict[str, float]
State: TypeAlias = dict[str, Any]
"""Nested dicts of arrays, tensors, numbers and text: everything an exact resume needs."""


class Learner(Protocol):
    """Turns experience into weights; knows no Ray, no files, no screen.

    Made as `Learner(game, network, settings, seed)`, where `settings` is the dataclass of the algorithm's settings;
    everything random follows from the seed.

    reads  names of the columns of experience that it learns from
    steps  of the optimiser so far
    """

    reads: tuple[str, ...]
    steps: int

    def update(self, experience: Columns, progress: float) -> Metrics:
        """Learns from new experience; `progress` in [0, 1] says how much of the run is over."""
        ...

    def weights(self) -> Weights:
        """What actors need, in arrays of their own."""
        ...

    def state(self) -> State:
        """Everything that the rest of the learning follows from, save settings; may share memory with the learner."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from where `state` was taken, under its own settings."""
        ...

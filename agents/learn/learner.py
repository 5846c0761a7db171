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
    """Turns experience into weights; knows no Ray, no files, no screen."""

    def update(self, experience: Columns, progress: float) -> Metrics:
        """Learns from new experience; `progress` in [0, 1] says how much of the run is over."""
        ...

    def weights(self) -> Weights:
        """What actors need."""
        ...

    def state(self) -> State: ...

    def restore(self, state: Mapping[str, Any]) -> None: ...

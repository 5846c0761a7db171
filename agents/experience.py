"""Experience: columns of arrays, one entry a position, and the window of the newest of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Columns: TypeAlias = dict[str, NDArray]
"""name -> array; the first axis is the same for all."""


class Window:
    """The newest `capacity` positions, in preallocated arrays that are overwritten in turn."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.columns: Columns = {}
        self.added = 0

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(self, columns: Mapping[str, NDArray]) -> None:
        """Puts positions in, the oldest out."""
        count = len(next(iter(columns.values())))
        if not self.columns:
            self.columns = {
                name: np.zeros((self.capacity, *value.shape[1:]), value.dtype) for name, value in columns.items()
            }
        at = (self.added + np.arange(max(0, count - self.capacity), count)) % self.capacity
        for name, value in columns.items():
            self.columns[name][at] = value[-self.capacity :]
        self.added += count

    def sample(self, count: int, newest: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """[count] places of positions drawn evenly from the `newest` that are still held."""
        held = min(len(self), max(1, newest))
        return (self.added - 1 - generator.integers(0, held, count)) % self.capacity

    def state(self) -> dict[str, Any]:
        """The arrays as far as they are filled, and how many positions ever came in."""
        return {"added": self.added, **{name: value[: len(self)] for name, value in self.columns.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Holds again what `state` held."""
        self.added = int(state["added"])
        self.columns = {}
        for name, value in state.items():
            if name != "added":
                self.columns[name] = np.zeros((self.capacity, *value.shape[1:]), value.dtype)
                self.columns[name][: len(value)] = value

"""Experience: columns of arrays, one entry a position, and the window of the newest of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Columns: TypeAlias = dict[str, NDArray]
"""name -> array; the first axis is the same for all."""


class Window:
    """The newest `capacity` positions, in preallocated arrays that are overwritten in turn.

    added  positions that ever came in
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.columns: Columns = {}
        self.added = 0
        self.held = 0
        self.next = 0

    def __len__(self) -> int:
        return self.held

    def add(self, columns: Mapping[str, NDArray]) -> None:
        """Puts positions in, the oldest out."""
        count = len(next(iter(columns.values())))
        self._put(columns)
        self.added += count

    def _put(self, columns: Mapping[str, NDArray]) -> None:
        if not self.columns:
            self.columns = {
                name: np.zeros((self.capacity, *value.shape[1:]), value.dtype) for name, value in columns.items()
            }
        count = min(self.capacity, len(next(iter(columns.values()))))
        at = (self.next + np.arange(count)) % self.capacity
        for name, value in columns.items():
            self.columns[name][at] = value[len(value) - count :]
        self.next = (self.next + count) % self.capacity
        self.held = min(self.capacity, self.held + count)

    def sample(self, count: int, newest: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """[count] places of positions drawn evenly from the `newest` that are still held."""
        held = min(self.held, max(1, newest))
        return (self.next - 1 - generator.integers(0, held, count)) % self.capacity

    def state(self) -> dict[str, Any]:
        """The positions held, oldest first, and how many ever came in."""
        order = (self.next - self.held + np.arange(self.held)) % self.capacity
        return {"added": self.added, "columns": {name: value[order] for name, value in self.columns.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Holds again what `state` held; the newest of it, if this window is smaller than that one was."""
        self.columns, self.held, self.next = {}, 0, 0
        self.added = int(state["added"])
        if state["columns"]:
            self._put(state["columns"])

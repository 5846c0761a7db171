"""Reservoir: an even sample of everything that ever came in, in preallocated arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.experience import Columns


class Reservoir:
    """Any `capacity` of the entries that came in, each set of so many as likely as any other.

    Algorithm R of Vitter 1985, "Random sampling with a reservoir", ACM Transactions on Mathematical Software 11:37.

    seen  entries that ever came in
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.columns: Columns = {}
        self.seen = 0

    def __len__(self) -> int:
        return min(self.seen, self.capacity)

    def add(self, columns: Mapping[str, NDArray], generator: np.random.Generator) -> None:
        """Lets entries in one after the other: of n seen, the n-th takes a place with probability capacity / n."""
        count = len(next(iter(columns.values())))
        if not self.columns:
            self.columns = {
                name: np.zeros((self.capacity, *value.shape[1:]), value.dtype) for name, value in columns.items()
            }
        number = self.seen + np.arange(count)
        place = np.where(number < self.capacity, number, generator.integers(0, number + 1))
        taken = np.flatnonzero(place < self.capacity)
        at, last = np.unique(place[taken][::-1], return_index=True)  # who came last to a place is who stays
        which = taken[::-1][last]
        for name, value in columns.items():
            self.columns[name][at] = value[which]
        self.seen += count

    def draw(self, count: int, generator: np.random.Generator) -> Columns:
        """[count] entries drawn evenly from those that are held, of which there must be one."""
        places = generator.integers(0, len(self), count)
        return {name: column[places] for name, column in self.columns.items()}

    def state(self) -> dict[str, Any]:
        """The entries held, each in its place, and how many there ever were."""
        held = {name: column[: len(self)] for name, column in self.columns.items()}
        return {"columns": held, "seen": self.seen, "capacity": self.capacity}

    def restore(self, state: Mapping[str, Any], generator: np.random.Generator) -> None:
        """Holds again what `state` held: an even part of it, if there is less room now.

        With more room than then, it still holds no more than then if some were turned away, or later ones would count
        for more.
        """
        seen, held = int(state["seen"]), min(int(state["seen"]), int(state["capacity"]))
        if seen > held:
            self.capacity = min(self.capacity, held)
        kept = np.arange(held) if held <= self.capacity else generator.permutation(held)[: self.capacity]
        self.columns = {
            name: np.zeros((self.capacity, *value.shape[1:]), value.dtype) for name, value in state["columns"].items()
        }
        for name, value in state["columns"].items():
            self.columns[name][: len(kept)] = np.asarray(value)[kept]
        self.seen = seen

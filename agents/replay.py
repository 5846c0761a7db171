"""Replay: the newest transitions in preallocated arrays, drawn evenly or by how much they surprise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.experience import Columns, Window
from agents.returns import n_step
from envs.kernels import compiled


class Replay:
    """A window of transitions with a priority each.

    alpha  how much a priority counts: a transition is drawn in proportion to priority ** alpha; 0 draws evenly
           (Schaul et al. 2016, arXiv:1511.05952, eq. 1)
    """

    def __init__(self, capacity: int, alpha: float = 0.0) -> None:
        self.window = Window(capacity)
        self.alpha = alpha
        self.leaves = 1 << max(1, capacity - 1).bit_length()
        self.tree = np.zeros(2 * self.leaves)
        self.highest = 1.0

    def __len__(self) -> int:
        return len(self.window)

    def add(self, columns: Mapping[str, NDArray]) -> None:
        """Puts transitions in, the oldest out; new ones are as likely as the likeliest, so that each is seen soon."""
        count = min(self.window.capacity, len(next(iter(columns.values()))))
        places = (self.window.next + np.arange(count)) % self.window.capacity
        self.window.add(columns)
        self.reweigh(places, np.full(count, self.highest))

    def draw(self, count: int, beta: float, generator: np.random.Generator) -> tuple[NDArray[np.int64], NDArray]:
        """(places [count], by what to weigh each: (N p)^-beta, the largest possible being 1).

        One is drawn from each of `count` equal parts of all priority.
        """
        total = self.tree[1]
        marks = (np.arange(count) + generator.random(count)) * (total / count)
        places = np.empty(count, np.int64)
        _find(self.tree, self.leaves, len(self) - 1, marks, places)
        share = self.tree[self.leaves + places] / total
        held = self.tree[self.leaves : self.leaves + len(self)]
        weight = (share / (held.min() / total)) ** -beta if beta else np.ones(count)
        return places, weight.astype(np.float32)

    def take(self, places: NDArray[np.int64]) -> Columns:
        """The transitions at some places."""
        return {name: column[places] for name, column in self.window.columns.items()}

    def reweigh(self, places: NDArray[np.int64], priority: NDArray[np.floating]) -> None:
        """Gives transitions new priorities, all above 0."""
        self.highest = max(self.highest, float(priority.max()))
        _write(self.tree, self.leaves, places, np.asarray(priority, np.float64) ** self.alpha)

    def state(self) -> dict[str, Any]:
        """The transitions held and their priorities, each in its place."""
        window = self.window
        return {
            "columns": {name: column[: window.held] for name, column in window.columns.items()},
            "tree": self.tree[self.leaves : self.leaves + window.held],
            "next": window.next,
            "added": window.added,
            "capacity": window.capacity,
            "highest": self.highest,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Holds again what `state` held; the newest of it, if this replay is smaller than that one was."""
        held = len(state["tree"])
        order = np.arange(held)
        same = int(state["capacity"]) == self.window.capacity
        if not same:  # oldest first
            order = (int(state["next"]) - held + order) % max(1, held)
        columns = {name: column[order] for name, column in state["columns"].items()}
        self.window.restore({"added": state["added"], "columns": columns})
        if same:
            self.window.next = int(state["next"])
        self.highest = float(state["highest"])
        self.tree[:] = 0.0
        kept = np.asarray(state["tree"], np.float64)[order][held - self.window.held :]
        _write(self.tree, self.leaves, np.arange(self.window.held), kept)


def roomy(held: int, batch: int) -> None:
    """Raises ValueError for a replay that holds less than a batch."""
    if held < batch:
        raise ValueError(
            f"replay holds {held} transitions, fewer than one batch of {batch}; raise replay or lower batch."
        )


def transitions(columns: Columns, discount: float, steps: int) -> Columns:
    """The decisions of a fragment with what followed: reward of up to `steps` rewards summed, the next position, and by
    what its worth is to be multiplied (`left`, 0 after an end)."""
    valid = columns["valid"]
    total, ahead, left = n_step(columns["reward"], columns["done"], valid, discount=discount, n=steps)
    track, at = np.nonzero(valid)
    after = ahead[track, at]
    legal = columns["legal"][track, after]
    return {
        "obs": columns["obs"][track, at],
        "action": columns["action"][track, at],
        "reward": total[track, at],
        "left": left[track, at],
        "next_obs": columns["obs"][track, after],
        "next_legal": legal | ~legal.any(1, keepdims=True),  # after an end anything: it is multiplied by 0
    }


def sequences(columns: Columns, discount: float, steps: int, burn_in: int) -> Columns:
    """The tracks of a fragment [n, T, ...] with what followed each decision, as `transitions` has it, and what was
    remembered before the first (`memory.NAME`).

    Where the next position stands is `ahead`; `learned` says which decisions are learned from: the `burn_in` first are
    there to bring the memory up to date. Tracks without any are left out.
    """
    valid, legal = columns["valid"], columns["legal"]
    total, ahead, left = n_step(columns["reward"], columns["done"], valid, discount=discount, n=steps)
    learned = valid & (np.arange(valid.shape[1]) >= burn_in)
    own = {"reward": total, "ahead": ahead, "left": left, "learned": learned}
    own["legal"] = legal | ~legal.any(2, keepdims=True)
    given = {name: array for name, array in columns.items() if name.startswith("memory.")}
    given |= {name: columns[name] for name in ("obs", "action", "fresh")}
    kept = learned.any(1)
    return {name: array[kept] for name, array in {**given, **own}.items()}


@compiled
def _write(tree: NDArray[np.float64], leaves: int, places: NDArray[np.int64], values: NDArray[np.float64]) -> None:
    """Sets leaves of a binary tree of sums; node n has children 2n and 2n + 1, the root is node 1."""
    for i in range(places.shape[0]):
        node = leaves + places[i]
        tree[node] = values[i]
        node >>= 1
        while node >= 1:
            tree[node] = tree[2 * node] + tree[2 * node + 1]
            node >>= 1


@compiled
def _find(
    tree: NDArray[np.float64], leaves: int, last: int, marks: NDArray[np.float64], out: NDArray[np.int64]
) -> None:
    """The leaf at which the sum of all before it passes each mark; never past `last`."""
    for i in range(marks.shape[0]):
        node, mark = 1, marks[i]
        while node < leaves:
            node *= 2
            if mark >= tree[node]:
                mark -= tree[node]
                node += 1
        out[i] = min(node - leaves, last)

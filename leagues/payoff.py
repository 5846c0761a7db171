"""The payoff table: how everybody has done against everybody, which is what matchmaking and meta-games read.

With a decay below 1 old games fade as new ones of the same two members come in (0.99 in AlphaStar, Vinyals et al.
2019, pseudocode `multiagent.py`), which a learner needs that keeps changing under one name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from leagues.bradley_terry import Z95
from leagues.rating import Result

Floats = NDArray[np.float64]


def wilson(score: Floats | float, games: Floats | float, z: float = Z95) -> tuple[Floats, Floats]:
    """The interval of a mean score (Wilson 1927); never outside [0, 1], and [0, 1] without games.

    With draws it is wider than need be, as a draw varies less than a win or a loss.
    """
    score, games = np.asarray(score, np.float64), np.asarray(games, np.float64)
    n = np.maximum(games, 1e-300)
    with np.errstate(over="ignore"):
        middle = (score * n + z * z / 2) / (n + z * z)
        half = z * np.sqrt(n * score * (1 - score) + z * z / 4) / (n + z * z)
    return np.clip(middle - half, 0.0, 1.0), np.clip(middle + half, 0.0, 1.0)


class Payoff:
    """Scores and counts of every two members that met, whoever moved first."""

    def __init__(self, results: Iterable[Result] = (), decay: float = 1.0) -> None:
        if not 0.0 < decay <= 1.0:
            raise ValueError(f"The payoff's decay must be above 0 and at most 1, not {decay}.")
        self.decay = decay
        self._index: dict[str, int] = {}
        self._score = np.zeros((8, 8))
        self._games = np.zeros((8, 8))
        self.extend(results)

    @property
    def names(self) -> tuple[str, ...]:
        """Everybody who was entered or played, in that order."""
        return tuple(self._index)

    def enter(self, name: str) -> None:
        """Makes a member known before it plays."""
        if name in self._index:
            return
        size = len(self._score)
        if len(self._index) == size:
            self._score = np.pad(self._score, (0, size))
            self._games = np.pad(self._games, (0, size))
        self._index[name] = len(self._index)

    def add(self, result: Result, fade: bool = True) -> None:
        """Counts one game, after fading what these two played before, unless neither of them changes any more."""
        a, b, score = result
        if a == b:
            raise ValueError(f"{a!r} has no payoff against itself; it is 0.5.")
        if not 0.0 <= score <= 1.0:
            raise ValueError(f"The score {score!r} of {a!r} against {b!r} is not between 0 and 1.")
        self.enter(a)
        self.enter(b)
        i, j = self._index[a], self._index[b]
        decay = self.decay if fade else 1.0
        for row, column, points in ((i, j, score), (j, i, 1.0 - score)):
            self._score[row, column] = decay * self._score[row, column] + points
            self._games[row, column] = decay * self._games[row, column] + 1.0

    def extend(self, results: Iterable[Result]) -> None:
        for result in results:
            self.add(result)

    def forget(self, name: str) -> None:
        """Drops all games of a member that starts anew under its name, as an exploiter does."""
        index = self._index.get(name)
        if index is not None:
            for table in (self._score, self._games):
                table[index, :] = 0.0
                table[:, index] = 0.0

    def games(self, a: str, b: str) -> float:
        """How many games count between the two, after fading."""
        i, j = self._index.get(a), self._index.get(b)
        return 0.0 if i is None or j is None else float(self._games[i, j])

    def winrate(self, a: str, b: str) -> float:
        """The mean score of a against b; 0.5 if they never met."""
        i, j = self._index.get(a), self._index.get(b)
        if i is None or j is None or self._games[i, j] == 0.0:
            return 0.5
        return float(self._score[i, j] / self._games[i, j])

    def interval(self, a: str, b: str) -> tuple[float, float]:
        """The 95 % interval of that mean score; (0, 1) if they never met."""
        low, high = wilson(self.winrate(a, b), self.games(a, b))
        return float(low), float(high)

    def counts(self, names: Sequence[str] | None = None, against: Sequence[str] | None = None) -> Floats:
        """Games [names, against]; both default to everybody, `against` to `names`."""
        return self._view(self._games, names, against)

    def winrates(self, names: Sequence[str] | None = None, against: Sequence[str] | None = None) -> Floats:
        """Mean scores of `names` (rows) against `against` (columns), 0.5 where two never met."""
        games = self._view(self._games, names, against)
        score = self._view(self._score, names, against)
        return np.where(games > 0, score / np.where(games > 0, games, 1.0), 0.5)

    def intervals(self, names: Sequence[str] | None = None) -> tuple[Floats, Floats]:
        """Lower and upper ends of every cell's 95 % interval, each [names, names]."""
        return wilson(self.winrates(names), self.counts(names))

    def _view(self, table: Floats, names: Sequence[str] | None, against: Sequence[str] | None) -> Floats:
        names = self.names if names is None else names
        against = names if against is None else against
        rows = np.array([self._index.get(name, -1) for name in names], np.intp)
        columns = np.array([self._index.get(name, -1) for name in against], np.intp)
        known = (rows >= 0)[:, None] & (columns >= 0)[None, :]  # who is unknown has played nobody
        return np.where(known, table[rows[:, None], columns[None, :]], 0.0)

    def state(self) -> dict[str, object]:
        """All of it as plain values and arrays; `from_state` gives the same table back."""
        n = len(self._index)
        return {
            "decay": self.decay,
            "names": list(self._index),
            "score": self._score[:n, :n].copy(),
            "games": self._games[:n, :n].copy(),
        }

    @classmethod
    def from_state(cls, names: Sequence[str], score: Floats, games: Floats, decay: float) -> Payoff:
        table = cls(decay=decay)
        for name in names:
            table.enter(name)
        n = len(names)
        table._score[:n, :n] = score
        table._games[:n, :n] = games
        return table

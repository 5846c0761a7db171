"""The Swiss system: everybody plays every round, against somebody who has done about as well.

A meeting won is a point, a level one half. Each round is the best matching of all entrants, found exactly: first
nobody meets anybody again, or sits out again, more often than must be; then the squared differences in points are
least; then, among equals, the upper half of a group meets its lower half, as the Dutch system has it. What is left
open the seed decides. As every meeting is in pairs with swapped seats, colours are always balanced. With an odd
number somebody sits out each round, for a point, and nobody twice before all have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from math import ceil, log2

import numpy as np
from numpy.typing import NDArray

from leagues.schedule import Course, Standing, check_entrants, meet

Ints = NDArray[np.int64]

MOST = 128
"""Entrants; the matching of that many takes seconds."""

BYE = ""
"""Stands for nobody in a round of an odd number; comes last in every order."""


def swiss(names: Sequence[str], pairs: int, seed: int, rounds: int | None = None) -> Course:
    """The Swiss system as a format; log2(entrants) rounds, rounded up, unless another number is asked for.

    Its standings are by points, then by the opponents' points (Buchholz), then by the points in games.
    """
    check_entrants(names, pairs)
    if len(names) > MOST:
        raise ValueError(f"A Swiss tournament takes {MOST} members at most, not {len(names)}; take a ladder.")
    most = len(names) - 1 + len(names) % 2
    rounds = ceil(log2(len(names))) if rounds is None else rounds
    if not 1 <= rounds <= most:
        raise ValueError(
            f"A Swiss tournament of {len(names)} has from 1 to {most} rounds, not {rounds}: "
            "in more, members would have to meet again."
        )
    return _play(_Field(list(names)), pairs, seed, rounds)


@dataclass
class _Field:
    """The entrants and what they have done; points are counted in halves, to stay whole numbers."""

    names: list[str]
    halves: Counter[str] = field(default_factory=Counter)
    games: Counter[str] = field(default_factory=Counter)  # points in games, in halves
    met: Counter[tuple[str, str]] = field(default_factory=Counter)

    def order(self) -> list[str]:
        """Best first; the bye, if the number is odd, last."""
        seeds = {name: i for i, name in enumerate(self.names)}
        order = sorted(self.names, key=lambda name: (-self.halves[name], -self.games[name], seeds[name]))
        return order + [BYE] * (len(order) % 2)

    def count(self, a: str, b: str, points: float, pairs: int) -> None:
        """Counts a meeting of 2 * pairs games in which a got so many points."""
        self.met[min(a, b), max(a, b)] += 1
        won = 1 + (points > pairs) - (points < pairs)
        self.halves[a] += won
        self.games[a] += round(2 * points)
        if b != BYE:
            self.halves[b] += 2 - won
            self.games[b] += 4 * pairs - round(2 * points)

    def standings(self) -> list[Standing]:
        opponents: dict[str, list[str]] = {name: [] for name in self.names}
        for a, b in self.met.elements():
            for name, other in ((a, b), (b, a)):
                if name != BYE:
                    opponents[name].append(other)
        strength = {name: sum(self.halves[other] for other in met) for name, met in opponents.items()}

        def merit(name: str) -> tuple[int, int, int]:
            return -self.halves[name], -strength[name], -self.games[name]

        order = sorted(self.order()[: len(self.names)], key=merit)
        return [
            Standing(
                1 + sum(merit(other) < merit(name) for other in order),
                name,
                self.halves[name] / 2,
                f"Buchholz {strength[name] / 2:g}" + (", sat out" if BYE in opponents[name] else ""),
            )
            for name in order
        ]


def _play(field: _Field, pairs: int, seed: int, rounds: int) -> Course:
    seen: dict[tuple[str, str], int] = {}
    for number in range(rounds):
        order = field.order()
        couples = [(order[i], order[j]) for i, j in matching(*_costs(field, order, seed, number))]
        meetings = [(a, b) for a, b in couples if b != BYE]
        points = yield from meet(meetings, pairs, seed, seen)
        for (a, b), mine in zip(meetings, points, strict=True):
            field.count(a, b, mine, pairs)
        for a, b in couples:
            if b == BYE:
                field.count(a, b, 1.5 * pairs, pairs)
    return field.standings()


def _costs(field: _Field, order: list[str], seed: int, number: int) -> tuple[Ints, Ints, Ints]:
    """What each couple costs, [n, n], the weightiest first: meeting again and distance, the halves, the lots."""
    n = len(order)
    points = np.array([field.halves[name] for name in order], np.int64)
    again = np.array([[field.met[min(a, b), max(a, b)] for b in order] for a in order], np.int64)
    apart = (points[:, None] - points[None, :]) ** 2
    first = again**2 * (1 + n // 2 * int(apart.max())) + apart
    place = np.arange(n)
    size = np.array([np.count_nonzero(points == mine) for mine in points])
    fold = np.where(apart == 0, np.abs(2 * np.abs(place[:, None] - place[None, :]) - size[:, None]), 0)
    if order[-1] == BYE:
        fold[-1, :] = fold[:, -1] = 2 * (n - 1 - place)  # the lowest sits out
    text = f"swiss:{seed}:{number}".encode()
    noise = np.random.default_rng(int.from_bytes(blake2b(text, digest_size=16).digest(), "big"))
    lots = np.triu(noise.integers(0, 1000, (n, n)), 1)
    return first, fold, lots + lots.T


def matching(*costs: Ints) -> list[tuple[int, int]]:
    """The couples (i < j) of an even number in which all are taken once, at the least sum of the first cost; among
    those at the least of the second, and so on. Costs are whole numbers, [n, n].

    An integer programme over the couples, solved to the end; the sums are exact while they stay below 10^9.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    n = len(costs[0])
    one, other = np.triu_indices(n, 1)
    couples = len(one)
    column = np.arange(couples)
    taken = csr_array((np.ones(2 * couples), (np.concatenate([one, other]), np.tile(column, 2))), shape=(n, couples))
    limits = [LinearConstraint(taken, 1.0, 1.0)]  # pyright: ignore[reportArgumentType]
    chosen = np.zeros(couples, bool)
    for cost in costs:
        weight = cost[one, other].astype(np.float64)
        found = milp(weight, integrality=1, bounds=Bounds(0, 1), constraints=limits, options={"mip_rel_gap": 0.0})
        if found.x is None:
            raise ValueError(f"{n} members cannot be matched: {found.message}")
        chosen = found.x > 0.5
        limits.append(LinearConstraint(weight[None], -np.inf, weight[chosen].sum() + 0.5))
    return [(int(i), int(j)) for i, j in zip(one[chosen], other[chosen], strict=True)]

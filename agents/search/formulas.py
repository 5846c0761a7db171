"""The formulas of tree search, each a small compiled function of plain numbers.

Values are seen by the seat to move at the node that an action leaves from, in [-1, 1].
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.game import COMPILED, Real, rule
from envs.parts import part
from envs.randomness import next_random, unit


def inlined(function: Callable[..., Any]) -> Any:
    """Marks a rule that is copied to where it is called, and divides as NumPy does.

    At 40 ns a simulation a call counts, the two locked additions by which it holds an array count more, since they keep
    the next tree's work from beginning, and so does a check of every division.
    """
    return part(function, forceinline=True, error_model="numpy", **COMPILED)


@inlined
def seen_from(seat: int, other: int, value: Real) -> Real:
    """A value of `other`'s as `seat` sees it: the one sign flip of the whole search."""
    return value if seat == other else -value


@inlined
def puct(q: Real, prior: Real, visits: Real, root: Real, c: Real) -> Real:
    """Q + c P sqrt(sum N) / (1 + N)  (Silver et al. 2017, AlphaGo Zero, Methods, "Select"); root = sqrt(sum N).

    Differs: our searches pass root = sqrt(1 + sum N), so that the first move of a node follows the prior too.
    """
    return q + c * prior * root / (np.float32(1.0) + visits)


@inlined
def first_play_urgency(value: Real, explored: Real, reduction: Real) -> Real:
    """Q of an action not tried yet: the node's value, less the more of the prior has been tried.

    `explored` is the prior of the actions tried (Wu 2019, arXiv:1902.10565: reduction 0.2, none at the root).
    """
    return value - reduction * math.sqrt(explored)


@inlined
def sigma(q: Real, most_visits: Real, c_visit: Real, c_scale: Real) -> Real:
    """How many units of logit a value is worth (Danihelka et al. 2022, eq. 8), q in [-1, 1] mapped to [0, 1]."""
    return (c_visit + most_visits) * c_scale * 0.5 * (q + 1.0)


@inlined
def mixed_value(value: Real, visits: NDArray[np.float32], q: NDArray[np.float32], prior: NDArray[np.float32]) -> Real:
    """The value given to actions not visited: the network's, mixed with those seen (Danihelka et al. 2022, eq. 33).

    prior < 0 marks illegal actions; q counts only where visits > 0.
    """
    total, weight, weighted = 0.0, 0.0, 0.0
    for a in range(visits.shape[0]):
        if visits[a] > 0:
            total += visits[a]
            weight += prior[a]
            weighted += prior[a] * q[a]
    if weight <= 0.0:
        return value
    return (value + total * weighted / weight) / (1.0 + total)


@cache
def considered_visits(actions: int, simulations: int) -> NDArray[np.int32]:
    """[actions + 1, simulations]: how often an action must have been visited to be next, under sequential halving.

    Row m is for m actions considered: in each phase all that are left are visited evenly, then the worse half goes
    (Karnin et al. 2013; Danihelka et al. 2022, Algorithm 2).
    """
    table = np.zeros((actions + 1, simulations), np.int32)
    table[:2] = np.arange(simulations)
    for considered in range(2, actions + 1):
        sequence: list[int] = []
        phases = math.ceil(math.log2(considered))
        left, visited = considered, 0
        while len(sequence) < simulations:
            for _ in range(max(1, simulations // (phases * left))):
                sequence += [visited] * left
                visited += 1
            left = max(2, left // 2)
        table[considered] = sequence[:simulations]
    return table


@rule
def normal(states: NDArray[np.uint64], i: int) -> float:
    """A standard normal number from generator i (Box & Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - unit(next_random(states, i))))
    return radius * math.cos(2.0 * math.pi * unit(next_random(states, i)))


@rule
def gamma(shape: float, states: NDArray[np.uint64], i: int) -> float:
    """A Gamma(shape, 1) number from generator i (Marsaglia & Tsang 2000)."""
    boost = 1.0
    if shape < 1.0:
        boost = (1.0 - unit(next_random(states, i))) ** (1.0 / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = normal(states, i)
        v = (1.0 + c * x) ** 3
        if v > 0.0 and math.log(1.0 - unit(next_random(states, i))) < 0.5 * x * x + d - d * v + d * math.log(v):
            return d * v * boost


@rule
def gumbel(states: NDArray[np.uint64], i: int) -> float:
    """A standard Gumbel number from generator i."""
    return -math.log(-math.log(1.0 - unit(next_random(states, i)) + 1e-300) + 1e-300)

"""Best responses, NashConv and exploitability of tabular policies, exact, by one sweep over a game's tree.

NashConv is what all seats together could gain by each answering the others' policies best (Lanctot et al. 2017);
exploitability is NashConv over the number of seats, and 0 exactly at a Nash equilibrium.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.exact.tree import Tree
from envs.kernels import compiled


@dataclass(frozen=True, eq=False)
class Answers:
    """What a policy is worth, and what answering it best is worth."""

    values: NDArray[np.float64]
    """[seats] what each seat gets when all play the policy."""
    best: NDArray[np.float64]
    """[seats] what each seat gets with its best response to the others' policies."""

    @property
    def gains(self) -> NDArray[np.float64]:
        """[seats] what each seat gains by its best response."""
        return self.best - self.values

    @property
    def nash_conv(self) -> float:
        """The gains of all seats together."""
        return float(self.gains.sum())

    @property
    def exploitability(self) -> float:
        """NashConv a seat; in zero-sum games of two seats, how far the policy is from what the game is worth."""
        return self.nash_conv / len(self.values)


@dataclass(frozen=True, eq=False)
class Exploited(Answers):
    """The same with what the best responses are."""

    answers: NDArray[np.int64]
    """[I] the action of a best response in each information set."""


def best_response(tree: Tree, policy: NDArray[np.floating]) -> Exploited:
    """Values of, and best responses to, a policy [I, A] whose rows sum to 1 over the legal actions."""
    sequences, seats = len(tree.sets), tree.game.seats
    reach, worth = np.empty(sequences), np.zeros(sequences)
    values, answers = np.zeros(seats), np.empty(len(tree.above), np.int64)
    reaches(tree.above, tree.first, tree.flat(policy), reach)
    counterfactual(tree.ends, tree.paid, reach, worth, values)
    answer(tree.above, tree.first, worth, answers)
    return Exploited(values, worth[:seats], tree.actions[answers])


def nash_conv(tree: Tree, policy: NDArray[np.floating]) -> float:
    """What all seats together could gain against a policy [I, A]."""
    return best_response(tree, policy).nash_conv


def exploitability(tree: Tree, policy: NDArray[np.floating]) -> float:
    """NashConv of a policy [I, A] over the number of seats."""
    return best_response(tree, policy).exploitability


@compiled
def reaches(
    above: NDArray[np.int64], first: NDArray[np.int64], policy: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """out[s] = the probability that a seat, left alone, plays all the moves of sequence s; policy [S]."""
    out[: first[0]] = 1.0
    for i in range(len(above)):
        for s in range(first[i], first[i + 1]):
            out[s] = out[above[i]] * policy[s]


@compiled
def counterfactual(
    ends: NDArray[np.int64],
    paid: NDArray[np.float64],
    reach: NDArray[np.float64],
    worth: NDArray[np.float64],
    values: NDArray[np.float64],
) -> None:
    """Adds to worth[s] what its seat is paid at terminals of sequence s, as far as the others and chance get there.

    values[p] becomes what seat p gets when all play on.
    """
    seats, terminals = ends.shape
    if seats == 2:
        first, second = 0.0, 0.0
        for t in range(terminals):
            one, two = ends[0, t], ends[1, t]
            mine, theirs = paid[0, t] * reach[two], paid[1, t] * reach[one]
            worth[one] += mine
            worth[two] += theirs
            first += mine * reach[one]
            second += theirs * reach[two]
        values[0], values[1] = first, second
        return
    for t in range(terminals):
        for p in range(seats):
            others = paid[p, t]
            for q in range(seats):
                if q != p:
                    others *= reach[ends[q, t]]
            worth[ends[p, t]] += others
            values[p] += others * reach[ends[p, t]]


@compiled
def answer(
    above: NDArray[np.int64], first: NDArray[np.int64], worth: NDArray[np.float64], out: NDArray[np.int64]
) -> None:
    """out[i] = the sequence of set i worth most, from the bottom up; worth of each seat's first becomes the whole."""
    for i in range(len(above) - 1, -1, -1):
        best = first[i]
        for s in range(first[i] + 1, first[i + 1]):
            if worth[s] > worth[best]:
                best = s
        out[i] = best
        worth[above[i]] += worth[best]

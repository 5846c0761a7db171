"""Counterfactual regret minimisation (Zinkevich et al. 2007) and CFR+ (Tammelin 2014), whose average goes to Nash.

Seats are updated in turn, each against what the others have become. CFR+ forgets negative regrets at once and weighs
the policy of iteration t by t in the average.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from agents.agent import Decision, Memory, Unable, pick_weighted
from agents.exact.best_response import reaches
from agents.exact.tree import Tree, flatten
from envs.game import Game, View
from envs.kernels import compiled


class Regrets:
    """The state of CFR on one tree; `run` continues it."""

    def __init__(self, tree: Tree, *, plus: bool = True) -> None:
        self.tree = tree
        self.plus = plus
        self.iterations = 0
        self.regrets = np.zeros(len(tree.sets))
        self.sums = np.zeros(len(tree.sets))
        self.policy = tree.flat(tree.uniform())

    def run(self, iterations: int) -> None:
        """So many more iterations."""
        tree = self.tree
        work = np.empty((2, len(tree.sets)))
        iterate(
            tree.bounds, tree.above, tree.first, tree.ends, tree.paid,
            self.regrets, self.sums, self.policy, work, self.iterations, iterations, self.plus,
        )  # fmt: skip
        self.iterations += iterations

    def average(self) -> NDArray[np.float64]:
        """[I, A] the average policy, which is what converges."""
        sums = self.tree.table(self.sums)
        total = sums.sum(axis=1, keepdims=True)
        return np.where(total > 0.0, sums / np.where(total > 0.0, total, 1.0), self.tree.uniform())


@compiled
def iterate(
    bounds: NDArray[np.int64],
    above: NDArray[np.int64],
    first: NDArray[np.int64],
    ends: NDArray[np.int64],
    paid: NDArray[np.float64],
    regrets: NDArray[np.float64],
    sums: NDArray[np.float64],
    policy: NDArray[np.float64],
    work: NDArray[np.float64],
    done: int,
    iterations: int,
    plus: bool,
) -> None:
    """Iterations done + 1 .. done + iterations, in place; work [2, S] is room to work in."""
    seats, terminals = ends.shape
    reach, worth = work[0], work[1]
    reaches(above, first, policy, reach)
    for t in range(done + 1, done + iterations + 1):
        weight = np.float64(t) if plus else 1.0
        for p in range(seats):
            worth[:] = 0.0
            if seats == 2:
                for k in range(terminals):
                    worth[ends[p, k]] += paid[p, k] * reach[ends[1 - p, k]]
            else:
                for k in range(terminals):
                    others = paid[p, k]
                    for q in range(seats):
                        if q != p:
                            others *= reach[ends[q, k]]
                    worth[ends[p, k]] += others
            for i in range(bounds[p + 1] - 1, bounds[p] - 1, -1):
                value = 0.0
                for s in range(first[i], first[i + 1]):
                    value += policy[s] * worth[s]
                worth[above[i]] += value
                for s in range(first[i], first[i + 1]):
                    regrets[s] += worth[s] - value
                    sums[s] += weight * reach[s]
            for i in range(bounds[p], bounds[p + 1]):
                match(regrets, policy, first[i], first[i + 1], plus)
                for s in range(first[i], first[i + 1]):
                    reach[s] = reach[above[i]] * policy[s]


@compiled
def match(regrets: NDArray[np.float64], policy: NDArray[np.float64], start: int, stop: int, plus: bool) -> None:
    """Regret matching (Hart & Mas-Colell 2000): play in proportion to positive regrets, or evenly if there are none."""
    total = 0.0
    for s in range(start, stop):
        if plus:
            regrets[s] = max(regrets[s], 0.0)
        total += max(regrets[s], 0.0)
    for s in range(start, stop):
        policy[s] = max(regrets[s], 0.0) / total if total > 0.0 else 1.0 / (stop - start)


@cache
def solution(game: Game, iterations: int, plus: bool) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """(sorted keys [I], the average policy [I, A] in that order) after so many iterations."""
    if not game.hidden:
        raise Unable(f"cfr is for games that hide something, and {game.name} does not; try solver, alphabeta or mcts.")
    tree = flatten(game)
    regrets = Regrets(tree, plus=plus)
    regrets.run(iterations)
    order = np.argsort(tree.keys)
    return tree.keys[order], regrets.average()[order]


class CFR:
    """Plays the average policy of CFR in games whose whole tree fits in memory: close to a Nash equilibrium."""

    def __init__(self, iterations: int = 1000, plus: bool = True) -> None:
        if iterations < 1:
            raise ValueError(f"iterations is at least 1, not {iterations}; write for example cfr:iterations=1000.")
        self.iterations, self.plus = iterations, plus
        self.name = f"cfr:iterations={iterations}" + ("" if plus else ",plus=false")

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        solution(game, self.iterations, self.plus)
        return {"rng": seeds.copy()}

    def act(self, view: View, memory: Memory) -> Decision:
        """Draws a move; `extra` has policy [B, A]."""
        keys, policy = solution(view.game, self.iterations, self.plus)
        assert view.keys is not None
        chosen = policy[np.searchsorted(keys, view.keys)]
        rng = memory["rng"].copy()
        return Decision(pick_weighted(chosen, rng), {"rng": rng}, {"policy": chosen})

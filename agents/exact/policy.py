"""Any agent as a table: asked once in every information set of a small game, so that its exploitability is exact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.agent import Agent, Memory, take
from agents.exact.tree import Tree
from agents.play import check
from envs import kernels

BATCH = 4096


def policy_of(agent: Agent, tree: Tree, *, samples: int = 0, seed: int = 0) -> NDArray[np.float64]:
    """[I, A] with what probability an agent plays each action in each information set of a tree.

    An agent that says what it draws its moves from (`policy` in a decision's extra) is believed, any other takes the
    move it makes as certain; with `samples` > 0 it is asked so often, and its moves are counted instead. What it
    remembers is what it remembered after its own decision above, whatever it then played.
    """
    policy = np.zeros(tree.legal.shape)
    for i in range(max(1, samples)):
        policy += _asked(agent, tree, kernels.seeds(seed, len(tree.keys), i), believed=samples == 0)
    return policy / policy.sum(axis=1, keepdims=True)


def _asked(agent: Agent, tree: Tree, seeds: NDArray[np.uint64], *, believed: bool) -> NDArray[np.float64]:
    """[I, A] one answer in every information set, from the top down."""
    policy = np.zeros(tree.legal.shape)
    kept: Memory = {}
    for lanes in _batches(tree):
        memory = agent.begin(tree.game, seeds[lanes])
        parents = tree.sets[tree.above[lanes]]
        later = parents >= 0
        for name, value in take(kept, parents[later]).items():
            memory[name][later] = value
        view = kernels.view(tree.game, tree.rows[lanes])
        decision = agent.act(view, memory)
        check(agent, view, decision.action)
        for name, value in decision.memory.items():
            kept.setdefault(name, np.zeros((len(tree.keys), *value.shape[1:]), value.dtype))[lanes] = value
        if believed and "policy" in decision.extra:
            policy[lanes] = np.where(view.legal, decision.extra["policy"], 0.0)
        else:
            policy[lanes, decision.action] = 1.0
    return policy


def _batches(tree: Tree) -> list[NDArray[np.int64]]:
    """The information sets in groups none of which holds one and another below it."""
    parents = tree.sets[tree.above]
    depth = np.zeros(len(parents), np.int64)
    for i in np.flatnonzero(parents >= 0):  # parents come first
        depth[i] = depth[parents[i]] + 1
    groups = [np.flatnonzero(depth == d) for d in range(depth.max() + 1)]
    return [group[i : i + BATCH] for group in groups for i in range(0, len(group), BATCH)]

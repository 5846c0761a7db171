"""Any agent as a table: asked once in every information set of a small game, so that its exploitability is exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from agents.agent import Agent, Decision, Memory, take
from agents.exact.best_response import reaches
from agents.exact.tree import Tree
from agents.play import check
from agents.scripted.random import Random
from envs import kernels
from envs.game import View

BATCH = 4096

Heard = Callable[[int, int], None]
"""Is told (done, in all)."""


def policy_of(
    agent: Agent, tree: Tree, *, samples: int = 200, believe: bool = True, seed: int = 0
) -> NDArray[np.float64]:
    """[I, A] with what probability an agent plays each action in each information set of a tree.

    An agent that says what it draws its moves from (`policy` in a decision's extra) is believed, unless `believe` is
    off. Any other is asked twice with different seeds: if it answers alike its moves are certain, and if not it is
    asked `samples` times and its moves are counted, which makes it look a little easier to exploit than it is. What it
    remembers is what it remembered after its own decision above, whatever it then played.
    """
    policy, told = _asked(agent, tree, kernels.seeds(seed, len(tree.keys), 0), believe)
    if told:
        return policy / policy.sum(axis=1, keepdims=True)
    for i in range(1, max(2, samples)):
        policy += _asked(agent, tree, kernels.seeds(seed, len(tree.keys), i), believe)[0]
        if i == 1 and policy.max(axis=1).min() == 2.0:
            break
    return policy / policy.sum(axis=1, keepdims=True)


def drawn_from(agent: Agent, view: View, decision: Decision) -> NDArray[np.floating] | None:
    """[B, A] what an agent draws its moves from; None where that is not known.

    What a search has as `policy`, beside the visits that it comes from, is what it would teach, not what it plays.
    """
    if type(agent) is Random:  # who is made from it may play otherwise
        return view.legal / view.legal.sum(axis=1, keepdims=True)
    return None if "visits" in decision.extra else decision.extra.get("policy")


def _asked(agent: Agent, tree: Tree, seeds: NDArray[np.uint64], believe: bool) -> tuple[NDArray[np.float64], bool]:
    """([I, A] one answer in every information set, from the top down; whether all were what moves are drawn from)."""
    told = believe
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
        drawn = drawn_from(agent, view, decision) if told else None
        if drawn is not None:
            policy[lanes] = np.where(view.legal, drawn, 0.0)
        else:
            told = False
            policy[lanes, decision.action] = 1.0
    return policy, told


def _batches(tree: Tree) -> list[NDArray[np.int64]]:
    """The information sets in groups none of which holds one and another below it."""
    parents = tree.sets[tree.above]
    depth = np.zeros(len(parents), np.int64)
    for i in np.flatnonzero(parents >= 0):  # parents come first
        depth[i] = depth[parents[i]] + 1
    groups = [np.flatnonzero(depth == d) for d in range(depth.max() + 1)]
    return [group[i : i + BATCH] for group in groups for i in range(0, len(group), BATCH)]


def reached(tree: Tree, policy: NDArray[np.floating]) -> NDArray[np.float64]:
    """[S] the probability that a seat, left alone, plays all the moves of each sequence, by a policy [I, A]."""
    out = np.empty(len(tree.sets))
    reaches(tree.above, tree.first, tree.flat(policy), out)
    return out


def mixture(tree: Tree, reach: NDArray[np.float64], weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """[I, A] the policy of a seat that draws one of K players before each game, by `weights` [K], and plays as it does.

    reach  [K, S] as `reached` gives it: of sequences, and not of policies, the mean is what such a seat plays (Kuhn
           1953), evenly where it never gets
    """
    mean = np.asarray(weights, np.float64) @ reach / np.sum(weights)
    counts = np.diff(tree.first)
    above = np.repeat(mean[tree.above], counts)
    flat = mean.copy()
    at = slice(tree.first[0], tree.first[-1])
    flat[at] = np.where(above > 0, mean[at] / np.where(above > 0, above, 1.0), 1.0 / np.repeat(counts, counts))
    return tree.table(flat)

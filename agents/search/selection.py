"""Which move a simulation takes at a node: by PUCT, or by Gumbel's sequential halving and lagging visits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.search.formulas import inlined, mixed_value, puct, sigma
from agents.search.nodes import Node, edge_value


@inlined
def pick_puct(node: Node, c_puct: float) -> int:
    """The move with the highest PUCT score; settled losses come last."""
    untried = node.urgency
    root = node.root
    c = np.float32(c_puct)
    best, best_score = 0, np.float32(-np.inf)
    for a in range(node.child.shape[0]):
        tried, visits = node.q[a], node.visits[a]
        score = puct(tried if visits > 0 else untried, node.prior[a], visits, root, c)
        if score > best_score:
            best, best_score = a, score
    return best


@inlined
def completed_scores(
    node: Node,
    logits: NDArray[np.float32],
    c_visit: float,
    c_scale: float,
    q: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """out[a] = logit + sigma(completed Q) (Danihelka et al. 2022, eqs. 10-11); -inf where illegal or a settled loss.

    `logits` are the root's own, before any noise, or empty inside the tree, where the prior stands for them; q [A] is
    room to work in.
    """
    actions = node.child.shape[0]
    most, alive = np.float32(0.0), False
    for a in range(actions):
        q[a] = 0.0
        if node.child[a] >= 0:
            q[a] = edge_value(node, a)
            most = max(most, node.visits[a])
        alive |= node.prior[a] >= 0.0 and node.settled[a] != -1
    other = mixed_value(node.value, node.visits, q, node.prior)
    for a in range(actions):
        out[a] = -np.inf
        if node.prior[a] >= 0.0 and (node.settled[a] != -1 or not alive):
            logit = logits[a] if logits.shape[0] > 0 else np.float32(math.log(node.prior[a] + 1e-12))
            out[a] = logit + sigma(q[a] if node.child[a] >= 0 else other, most, c_visit, c_scale)


@inlined
def pick_gumbel_inside(node: Node, c_visit: float, c_scale: float, room: NDArray[np.float32]) -> int:
    """The move whose share of visits lags most behind the improved policy (Danihelka et al. 2022, eq. 14); room [2, A]
    to work in."""
    scores, q = room[0], room[1]
    completed_scores(node, scores[:0], c_visit, c_scale, q, scores)
    top = scores.max()
    weight, visited = np.float32(0.0), np.float32(0.0)
    for a in range(scores.shape[0]):
        scores[a] = math.exp(scores[a] - top)
        weight += scores[a]
        visited += node.visits[a]
    best, best_lag = -1, -1e30
    for a in range(scores.shape[0]):
        if node.prior[a] >= 0.0 and scores[a] > 0.0:
            lag = scores[a] / weight - node.visits[a] / (1.0 + visited)
            if lag > best_lag:
                best, best_lag = a, lag
    return best


@inlined
def pick_gumbel_root(node: Node, tree: Any, rules: Any, table: NDArray[np.int32], room: NDArray[np.float32]) -> int:
    """The next move of sequential halving: among those visited as often as the schedule asks, the best by
    noise + logit + sigma(Q); room [2, A] to work in."""
    scores, q = room[0], room[1]
    completed_scores(node, tree.logits, rules.c_visit, rules.c_scale, q, scores)
    count = 0
    for a in range(scores.shape[0]):
        count += node.prior[a] >= 0.0
    wanted = table[min(count, rules.considered), min(tree.done, table.shape[1] - 1)]
    best, best_score, best_away = -1, -1e30, 1 << 30
    for a in range(scores.shape[0]):
        if scores[a] > -np.inf:
            away = abs(np.int64(node.visits[a]) - wanted)
            score = scores[a] + tree.noise[a]
            if away < best_away or (away == best_away and score > best_score):
                best, best_score, best_away = a, score, away
    return best

"""A forest: B trees of up to N nodes as arrays; a node is a row of the game.

A simulation goes down from the root to an action not tried yet, makes the new node, has it evaluated and carries the
value up again. Nodes where the game is over are worth exactly what the rules say, and such values are proved upwards
as far as they reach (Winands, Bjornsson & Saito 2008, "Monte-Carlo tree search solver"): a move to a lost position
wins; where every move is settled, the best counts. Nothing is searched twice that is proved.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.search.formulas import gamma, gumbel, inlined
from agents.search.nodes import GUMBEL, ILLEGAL, OPEN, PUCT, Node, back_up, clear, clear_edges, edge_value
from agents.search.selection import completed_scores, pick_gumbel_inside, pick_gumbel_root, pick_puct
from envs.game import Rows, rule
from envs.kernels import Loop, legal, observe, play


@Loop
def grow(
    forest: Any,
    rules: Any,
    table: NDArray[np.int32],
    waiting: NDArray[np.int64],
    count: int,
    logits: NDArray[np.float32],
    values: NDArray[np.float32],
    obs: NDArray[np.float32],
) -> int:
    """Takes the answers that trees waited for, and grows each until it waits again or has made all its simulations.

    logits[k], values[k] are for the newest node of tree waiting[k], k < count, where that is not the root. The trees
    that wait next are written over `waiting`, their observations to `obs`; returns how many they are. Where nobody is
    asked, no tree ever waits, and each is finished while the cache holds it: twice as fast as tree after tree in turns.
    """
    nodes, trees = forest.nodes, forest.trees
    actions = nodes[0, 0].child.shape[0]
    mask, room = np.empty(actions, np.bool_), np.empty((2, actions), np.float32)
    asked = 0
    for k in range(count):
        b = waiting[k]
        tree = trees[b]
        n = tree.made - 1
        if n > 0:
            leaf = nodes[b, n]
            for i in range(actions):
                leaf.prior[i] = logits[k, i]
            leaf.value = values[k]
            leaf.urgency = values[k]
            back_up(nodes, b, n, values[k], rules.fpu_reduction)
        while tree.done < rules.simulations and nodes[b, 0].proven == OPEN:
            n = a = 0
            while True:  # not a function of its own: even copied in, it would hold and release the arrays every time
                node = nodes[b, n]
                if node.visited == 0.0 and n > 0:
                    clear_edges(node)
                    legal(node.row, mask)
                    if rules.asks:
                        soft_prior(node.prior, mask, node.prior)
                    else:
                        even_prior(mask, node.prior)
                if rules.kind == PUCT:
                    a = pick_puct(node, rules.c_puct)
                elif n == 0:
                    a = pick_gumbel_root(node, tree, rules, table, room)
                else:
                    a = pick_gumbel_inside(node, rules.c_visit, rules.c_scale, room)
                if node.child[a] < 0:
                    break
                n = node.child[a]
                if nodes[b, n].proven != OPEN:
                    break
            tree.done += 1
            if nodes[b, n].proven == OPEN:
                n = add_node(nodes, b, tree, n, a)
                fresh = nodes[b, n]
                play(fresh.row, a)
                if fresh.row.done:
                    fresh.proven = np.int8(fresh.row.reward[fresh.row.seat])
                elif rules.asks:
                    observe(fresh.row, obs[asked])
                    waiting[asked] = b
                    asked += 1
                    break
                else:
                    fresh.value = 0.0
                    fresh.urgency = 0.0
            back_up(nodes, b, n, worth(nodes[b, n]), rules.fpu_reduction)
    return asked


@inlined
def add_node(nodes: NDArray[Any], b: int, tree: Any, above: int, action: int) -> int:
    """Makes the node below a move, of which nothing is known; its row is still the one above."""
    n = tree.made
    tree.made += 1
    node = nodes[b, n]
    clear(node)
    node.parent, node.move = above, action
    node.row = nodes[b, above].row
    nodes[b, above].child[action] = n
    return n


@inlined
def worth(node: Node) -> np.float32:
    """What a node is worth to begin with: exactly where it is proved, else what was said of it."""
    return np.float32(node.proven) if node.proven != OPEN else node.value


@inlined
def soft_prior(logits: NDArray[np.float32], mask: NDArray[np.bool_], out: NDArray[np.float32]) -> None:
    """out = softmax of the legal logits, far below 0 where illegal; both may be the same array."""
    top = np.float32(-np.inf)
    for a in range(mask.shape[0]):
        if mask[a] and logits[a] > top:
            top = logits[a]
    weight = np.float32(0.0)
    for a in range(mask.shape[0]):
        out[a] = math.exp(logits[a] - top) if mask[a] else ILLEGAL
        if mask[a]:
            weight += out[a]
    for a in range(mask.shape[0]):
        if mask[a]:
            out[a] /= weight


@inlined
def even_prior(mask: NDArray[np.bool_], out: NDArray[np.float32]) -> None:
    """out = the same for each legal move, as `soft_prior` of equal logits; far below 0 where illegal."""
    count = 0
    for a in range(mask.shape[0]):
        count += mask[a]
    share = np.float32(1.0) / np.float32(count)
    for a in range(mask.shape[0]):
        out[a] = share if mask[a] else ILLEGAL


@Loop
def plant(
    forest: Any,
    rows: Rows,
    logits: NDArray[np.float32],
    values: NDArray[np.float32],
    noise: tuple[float, float],
    rng: NDArray[np.uint64],
) -> None:
    """Makes every root of its row, with its prior and value.

    noise = (share, alpha): that share of the prior is drawn from Dirichlet(alpha) instead (Silver et al. 2017);
    a share below 0 asks for Gumbel noise at the root, of size -share.
    """
    share, alpha = noise
    mask = np.empty(logits.shape[1], np.bool_)
    for b in range(forest.nodes.shape[0]):
        root, tree = forest.nodes[b, 0], forest.trees[b]
        tree.made, tree.done = 1, 0
        root.row = rows[b]
        clear(root)
        clear_edges(root)
        root.value = values[b]
        root.urgency = values[b]
        legal(root.row, mask)
        soft_prior(logits[b], mask, root.prior)
        weight = 0.0
        for a in range(mask.shape[0]):
            tree.logits[a], tree.noise[a] = -np.inf, 0.0
            if mask[a]:
                tree.logits[a] = math.log(root.prior[a] + 1e-12)
                if share > 0.0:
                    tree.noise[a] = gamma(alpha, rng, b) + 1e-12
                    weight += tree.noise[a]
                elif share < 0.0:
                    tree.noise[a] = -share * gumbel(rng, b)
        if share > 0.0:
            for a in range(mask.shape[0]):
                if mask[a]:
                    root.prior[a] = (1.0 - share) * root.prior[a] + share * tree.noise[a] / weight


@Loop
def results(
    forest: Any,
    rules: Any,
    visits: NDArray[np.float32],
    q: NDArray[np.float32],
    value: NDArray[np.float32],
    proven: NDArray[np.bool_],
    keeps: NDArray[np.bool_],
    improved: NDArray[np.float32],
) -> None:
    """What each root learned: visits [B, A] and Q of each move tried (NaN elsewhere), value [B], whether that is
    proved, and which moves keep it; by Gumbel the improved policy [B, A], too."""
    for b in range(forest.nodes.shape[0]):
        root = forest.nodes[b, 0]
        if rules.kind == GUMBEL:
            completed_scores(root, forest.trees[b].logits, rules.c_visit, rules.c_scale, q[b], improved[b])
            top = improved[b].max()
            weight = 0.0
            for a in range(improved.shape[1]):
                improved[b, a] = math.exp(improved[b, a] - top)
                weight += improved[b, a]
            for a in range(improved.shape[1]):
                improved[b, a] /= weight
        visited, total = 0.0, 0.0
        for a in range(visits.shape[1]):
            visits[b, a], q[b, a] = root.visits[a], np.nan
            keeps[b, a] = root.settled[a] == root.proven
            if root.child[a] >= 0:
                q[b, a] = edge_value(root, a)
                visited += root.visits[a]
                total += root.visits[a] * q[b, a]
        proven[b] = root.proven != OPEN
        value[b] = root.proven if proven[b] else (root.value + total) / (1.0 + visited)


@Loop
def continuations(forest: Any, out: NDArray[np.int16]) -> None:
    """out[b, a] = the moves most visited from the root's move a on, a itself first; -1 where the tree ends."""
    for b in range(out.shape[0]):
        for a in range(out.shape[1]):
            n, move = 0, a
            for depth in range(out.shape[2]):
                out[b, a, depth] = -1
                if n >= 0 and move >= 0 and forest.nodes[b, n].child[move] >= 0:
                    out[b, a, depth] = move
                    n = forest.nodes[b, n].child[move]
                    move = most_visited(forest.nodes[b, n])
                else:
                    n = -1


@rule
def most_visited(node: Node) -> int:
    """The move that most simulations took from a node; -1 if none did."""
    best, most = -1, np.float32(0.0)
    if node.visited > 0:
        for a in range(node.child.shape[0]):
            if node.visits[a] > most:
                best, most = a, node.visits[a]
    return best

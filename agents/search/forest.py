"""A forest: B trees of up to N nodes as arrays; a node is a row of the game.

A simulation goes down from the root to an action not tried yet, makes the new node, has it evaluated and carries the
value up again. Nodes where the game is over are worth exactly what the rules say, and such values are proved upwards
as far as they reach (Winands, Bjornsson & Saito 2008, "Monte-Carlo tree search solver"): a move to a lost position
wins; where every move is settled, the best counts. Nothing is searched twice that is proved.

A node is one record, its edges inside it: walking down a tree then touches one place in memory a level, and compiled
code takes a record by its address, where each array costs a reference count.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.search.formulas import (
    first_play_urgency,
    gamma,
    gumbel,
    mixed_value,
    puct,
    seen_from,
    sigma,
)
from envs.game import Game, Real, Rows, rule
from envs.kernels import Loop, legal, observe, play

OPEN = 2
"""In `proven` and `settled`: the value is not known exactly yet."""

PUCT, GUMBEL = 0, 1

AVOID = np.float32(-1e6)
ILLEGAL = np.float32(-1e9)


Node = Any
"""A record of `node_dtype`."""


@cache
def node_dtype(game: Game) -> np.dtype[Any]:
    """A node: a position, where it hangs in its tree, what is known of it, and its edges.

    row      the position
    parent   the node above; move: the action that led here from there
    value    what the network said, as the seat to move sees it
    proven   the exact value for the seat to move (-1, 0, 1), or OPEN
    visited  simulations that went on from here; explored: the prior of the moves they tried
    child    [A] the node below, -1 = not tried
    prior    [A] probability by the network, below 0 = illegal
    visits   [A] simulations that went through
    q        [A] the mean of what they brought, as the seat to move sees it; exact once the move is settled, and AVOID
             where it is settled to lose
    settled  [A] the exact value of the move for the seat to move, or OPEN
    """
    a = game.actions
    fields = [
        ("row", game.row), ("parent", np.int32), ("move", np.int16), ("proven", np.int8), ("value", np.float32),
        ("visited", np.float32), ("explored", np.float32),
        ("child", np.int32, (a,)), ("prior", np.float32, (a,)), ("visits", np.float32, (a,)),
        ("q", np.float32, (a,)), ("settled", np.int8, (a,)),
    ]  # fmt: skip
    return np.dtype(fields, align=True)


@cache
def tree_dtype(game: Game) -> np.dtype[Any]:
    """What belongs to a whole tree.

    size    nodes made; done: simulations made
    logits  [A] of the root before any noise, -inf = illegal; noise: [A] the root's Gumbel noise
    """
    a = game.actions
    fields = [("size", np.int32), ("done", np.int32), ("logits", np.float32, (a,)), ("noise", np.float32, (a,))]
    return np.dtype(fields, align=True)


class Forest(NamedTuple):
    """B trees of up to N nodes; node 0 of each is its root."""

    nodes: NDArray[Any]
    """[B, N] of `node_dtype`."""
    trees: NDArray[Any]
    """[B] of `tree_dtype`."""


class Rules(NamedTuple):
    """How trees are grown: numbers that compiled code takes."""

    kind: int
    simulations: int
    c_puct: float
    fpu_reduction: float
    c_visit: float
    c_scale: float
    considered: int


def new_forest(game: Game, rows: Rows, simulations: int) -> Forest:
    """B trees whose roots are `rows`, with room for `simulations` more nodes each."""
    nodes = np.empty((len(rows), simulations + 1), node_dtype(game))
    trees = np.zeros(len(rows), tree_dtype(game))
    nodes["row"][:, 0] = rows
    clear_roots(nodes)
    trees["size"] = 1
    trees["logits"] = -np.inf
    return Forest(nodes, trees)


def tree_bytes(game: Game, simulations: int) -> int:
    """What one tree takes of memory."""
    return (simulations + 1) * node_dtype(game).itemsize + tree_dtype(game).itemsize


@rule
def clear(node: Node) -> None:
    """A node of which nothing is known yet."""
    node.proven = OPEN
    node.visited = 0.0
    node.explored = 0.0
    for a in range(node.child.shape[0]):
        node.child[a] = -1
        node.prior[a] = -1.0
        node.visits[a] = 0.0
        node.q[a] = 0.0
        node.settled[a] = OPEN


def clear_roots(nodes: NDArray[Any]) -> None:
    """Clears node 0 of every tree."""
    nodes["visited"][:, 0] = 0.0
    nodes["explored"][:, 0] = 0.0
    nodes["proven"][:, 0] = OPEN
    nodes["child"][:, 0] = -1
    nodes["prior"][:, 0] = -1.0
    nodes["visits"][:, 0] = 0.0
    nodes["q"][:, 0] = 0.0
    nodes["settled"][:, 0] = OPEN


@rule
def edge_value(node: Node, a: int) -> Real:
    """Q of a move that was tried: exact where it is settled, else the mean."""
    return max(node.q[a], np.float32(-1.0))


@rule
def pick_puct(node: Node, c_puct: float, fpu_reduction: float) -> int:
    """The move with the highest PUCT score; settled losses come last."""
    untried = np.float32(first_play_urgency(node.value, node.explored, fpu_reduction))
    root = np.float32(math.sqrt(np.float32(1.0) + node.visited))
    c = np.float32(c_puct)
    best, best_score = 0, np.float32(-np.inf)
    for a in range(node.child.shape[0]):
        q = node.q[a] if node.visits[a] > 0 else untried
        score = puct(q, node.prior[a], node.visits[a], root, c)
        if score > best_score:
            best, best_score = a, score
    return best


@rule
def completed_scores(
    node: Node, logits: NDArray[np.float32], c_visit: float, c_scale: float, out: NDArray[np.float32]
) -> None:
    """out[a] = logit + sigma(completed Q) (Danihelka et al. 2022, eqs. 10-11); -inf where illegal or a settled loss.

    `logits` are the root's own, before any noise, or empty inside the tree, where the prior stands for them.
    """
    actions = node.child.shape[0]
    q = np.zeros(actions, np.float32)
    most, alive = np.float32(0.0), False
    for a in range(actions):
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


@rule
def pick_gumbel_inside(node: Node, c_visit: float, c_scale: float, room: NDArray[np.float32]) -> int:
    """The move whose share of visits lags most behind the improved policy (Danihelka et al. 2022, eq. 14)."""
    completed_scores(node, room[:0], c_visit, c_scale, room)
    top = room.max()
    weight, visited = np.float32(0.0), np.float32(0.0)
    for a in range(room.shape[0]):
        room[a] = math.exp(room[a] - top)
        weight += room[a]
        visited += node.visits[a]
    best, best_lag = -1, -1e30
    for a in range(room.shape[0]):
        if node.prior[a] >= 0.0 and room[a] > 0.0:
            lag = room[a] / weight - node.visits[a] / (1.0 + visited)
            if lag > best_lag:
                best, best_lag = a, lag
    return best


@rule
def pick_gumbel_root(node: Node, tree: Any, rules: Any, table: NDArray[np.int32], room: NDArray[np.float32]) -> int:
    """The next move of sequential halving: among those visited as often as the schedule asks, the best by
    noise + logit + sigma(Q)."""
    completed_scores(node, tree.logits, rules.c_visit, rules.c_scale, room)
    count = 0
    for a in range(room.shape[0]):
        count += node.prior[a] >= 0.0
    wanted = table[min(count, rules.considered), min(tree.done, table.shape[1] - 1)]
    best, best_score, best_away = -1, -1e30, 1 << 30
    for a in range(room.shape[0]):
        if room[a] > -np.inf:
            away = abs(np.int64(node.visits[a]) - wanted)
            score = room[a] + tree.noise[a]
            if away < best_away or (away == best_away and score > best_score):
                best, best_score, best_away = a, score, away
    return best


@rule
def settle(node: Node) -> None:
    """Proves a node from its moves, if they allow it: one that wins is enough, else all must be settled."""
    best, every = -2, True
    for a in range(node.child.shape[0]):
        if node.prior[a] >= 0.0:
            if node.settled[a] == OPEN:
                every = False
            else:
                best = max(best, np.int64(node.settled[a]))
    if best == 1 or every:
        node.proven = best


@rule
def back_up(nodes: NDArray[Any], b: int, start: int, value: Real) -> None:
    """Carries a node's value, seen by its own seat, up to the root; proves what can be proved on the way."""
    n = start
    while n != 0:
        node = nodes[b, n]
        above = nodes[b, node.parent]
        a = node.move
        value = seen_from(above.row.seat, node.row.seat, value)
        if above.visits[a] == 0:
            above.explored += above.prior[a]
        above.visited += np.float32(1.0)
        above.visits[a] += np.float32(1.0)
        if above.settled[a] == OPEN:
            above.q[a] += (np.float32(value) - above.q[a]) / above.visits[a]
            if node.proven != OPEN:
                exact = np.int8(seen_from(above.row.seat, node.row.seat, node.proven))
                above.settled[a] = exact
                above.q[a] = AVOID if exact == -1 else np.float32(exact)
                if above.proven == OPEN:
                    settle(above)
                    if above.proven != OPEN:
                        value = np.float32(above.proven)
        n = node.parent


@Loop
def descend(
    forest: Any, rules: Any, table: NDArray[np.int32], waiting: NDArray[np.int64], obs: NDArray[np.float32]
) -> int:
    """Runs simulations in every tree until each has a new leaf to be evaluated or has made all its simulations.

    Tree waiting[k]'s newest node awaits evaluation, its observation in obs[k]; returns how many wait.
    """
    nodes, trees = forest.nodes, forest.trees
    room = np.empty(nodes[0, 0].child.shape[0], np.float32)
    count = 0
    for b in range(nodes.shape[0]):
        tree = trees[b]
        while tree.done < rules.simulations and nodes[b, 0].proven == OPEN:
            n = 0
            while True:
                node = nodes[b, n]
                if rules.kind == PUCT:
                    a = pick_puct(node, rules.c_puct, 0.0 if n == 0 else rules.fpu_reduction)
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
            if node.child[a] < 0:
                fresh = nodes[b, tree.size]
                clear(fresh)
                fresh.parent, fresh.move = n, a
                fresh.row = node.row
                play(fresh.row, a)
                node.child[a] = n = tree.size
                tree.size += 1
                if not fresh.row.done:
                    observe(fresh.row, obs[count])
                    waiting[count] = b
                    count += 1
                    break
                fresh.proven = np.int8(fresh.row.reward[fresh.row.seat])
            back_up(nodes, b, n, np.float32(nodes[b, n].proven))
    return count


@rule
def soft_prior(logits: NDArray[np.float32], mask: NDArray[np.bool_], out: NDArray[np.float32]) -> None:
    """out = softmax of the legal logits, far below 0 where illegal."""
    top = np.float32(-np.inf)
    for a in range(mask.shape[0]):
        if mask[a] and logits[a] > top:
            top = logits[a]
    weight = np.float32(0.0)
    for a in range(mask.shape[0]):
        out[a] = ILLEGAL
        if mask[a]:
            out[a] = math.exp(logits[a] - top)
            weight += out[a]
    for a in range(mask.shape[0]):
        if mask[a]:
            out[a] /= weight


@Loop
def expand(
    forest: Any, waiting: NDArray[np.int64], count: int, logits: NDArray[np.float32], values: NDArray[np.float32]
) -> None:
    """Gives the newest node of each waiting tree its prior and value, and carries the value up."""
    nodes, trees = forest.nodes, forest.trees
    mask = np.empty(logits.shape[1], np.bool_)
    for k in range(count):
        b = waiting[k]
        n = trees[b].size - 1
        node = nodes[b, n]
        legal(node.row, mask)
        soft_prior(logits[k], mask, node.prior)
        node.value = values[k]
        back_up(nodes, b, n, values[k])


@Loop
def plant(
    forest: Any,
    logits: NDArray[np.float32],
    values: NDArray[np.float32],
    noise: tuple[float, float],
    rng: NDArray[np.uint64],
) -> None:
    """Gives every root its prior and value.

    noise = (share, alpha): that share of the prior is drawn from Dirichlet(alpha) instead (Silver et al. 2017);
    a share below 0 asks for Gumbel noise at the root, of size -share.
    """
    share, alpha = noise
    mask = np.empty(logits.shape[1], np.bool_)
    for b in range(forest.nodes.shape[0]):
        root, tree = forest.nodes[b, 0], forest.trees[b]
        legal(root.row, mask)
        soft_prior(logits[b], mask, root.prior)
        root.value = values[b]
        weight = 0.0
        for a in range(mask.shape[0]):
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
    c_visit: float,
    c_scale: float,
    improved: NDArray[np.float32],
    q: NDArray[np.float32],
    value: NDArray[np.float32],
) -> None:
    """What each root learned: improved policy [B, A], Q of each move tried (NaN elsewhere), value [B]."""
    for b in range(forest.nodes.shape[0]):
        root = forest.nodes[b, 0]
        completed_scores(root, forest.trees[b].logits, c_visit, c_scale, improved[b])
        top = improved[b].max()
        weight, visited, total = 0.0, 0.0, 0.0
        for a in range(improved.shape[1]):
            improved[b, a] = math.exp(improved[b, a] - top)
            weight += improved[b, a]
            q[b, a] = np.nan
            if root.child[a] >= 0:
                q[b, a] = edge_value(root, a)
                visited += root.visits[a]
                total += root.visits[a] * q[b, a]
        for a in range(improved.shape[1]):
            improved[b, a] /= weight
        value[b] = root.proven if root.proven != OPEN else (root.value + total) / (1.0 + visited)


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
    if not node.row.done:
        for a in range(node.child.shape[0]):
            if node.visits[a] > most:
                best, most = a, node.visits[a]
    return best

"""What a forest is made of: a node is one record that holds a position, what is known of it, and its edges.

Walking down a tree touches one place in memory a level, and compiled code takes a record by its address, where each
array costs a reference count.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.search.formulas import first_play_urgency, inlined, seen_from
from envs.game import Game, Real

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

    Half of all nodes or more stay leaves. So edges are written when the first simulation goes on from a node; until
    then, while `visited` is 0, they hold nothing but what a network said: its logits, in `prior`.

    row      the position
    parent   the node above; move: the action that led here from there
    value    what the network said, as the seat to move sees it
    proven   the exact value for the seat to move (-1, 0, 1), or OPEN
    visited  simulations that went on from here; explored: the prior of the moves they tried
    root     sqrt(1 + visited); urgency: what a move not tried is taken to be worth. Both are worked out on the way up:
             on the way down, everything waits for them
    prior    [A] probability by the network, below 0 = illegal
    child    [A] the node below, -1 = not tried
    visits   [A] simulations that went through
    q        [A] the mean of what they brought, as the seat to move sees it; exact once the move is settled, and AVOID
             where it is settled to lose
    settled  [A] the exact value of the move for the seat to move, or OPEN
    """
    a = game.actions
    fields = [
        ("row", game.row), ("parent", np.uint32), ("move", np.uint16), ("proven", np.int8), ("value", np.float32),
        ("visited", np.float32), ("explored", np.float32), ("root", np.float32), ("urgency", np.float32),
        ("prior", np.float32, (a,)), ("child", np.int32, (a,)), ("visits", np.float32, (a,)),
        ("q", np.float32, (a,)), ("settled", np.int8, (a,)),
    ]  # fmt: skip
    return np.dtype(fields, align=True)


@cache
def tree_dtype(game: Game) -> np.dtype[Any]:
    """What belongs to a whole tree.

    made    nodes; done: simulations
    logits  [A] of the root before any noise, -inf = illegal; noise: [A] the root's Gumbel noise
    """
    a = game.actions
    fields = [("made", np.uint32), ("done", np.int32), ("logits", np.float32, (a,)), ("noise", np.float32, (a,))]
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
    asks: bool
    simulations: int
    c_puct: float
    fpu_reduction: float
    c_visit: float
    c_scale: float
    considered: int


def new_forest(game: Game, count: int, simulations: int) -> Forest:
    """Room for `count` trees of a root and `simulations` more nodes each; nothing is written yet."""
    return Forest(np.empty((count, simulations + 1), node_dtype(game)), np.empty(count, tree_dtype(game)))


def tree_bytes(game: Game, simulations: int) -> int:
    """What one tree takes of memory."""
    return (simulations + 1) * node_dtype(game).itemsize + tree_dtype(game).itemsize


@inlined
def clear(node: Node) -> None:
    """A node of which nothing is known yet, without edges; its value and urgency are for others to write."""
    node.proven = OPEN
    node.visited = 0.0
    node.explored = 0.0
    node.root = 1.0


@inlined
def clear_edges(node: Node) -> None:
    """Edges that no simulation has taken; their prior is for others to write."""
    for a in range(node.child.shape[0]):
        node.child[a] = -1
        node.visits[a] = 0.0
        node.q[a] = 0.0
        node.settled[a] = OPEN


@inlined
def edge_value(node: Node, a: int) -> Real:
    """Q of a move that was tried: exact where it is settled, else the mean."""
    return max(node.q[a], np.float32(-1.0))


@inlined
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


@inlined
def back_up(nodes: NDArray[Any], b: int, start: int, value: Real, fpu_reduction: float) -> None:
    """Carries a node's value, seen by its own seat, up to the root; proves what can be proved on the way.

    At the root nothing is taken off the worth of moves not tried.
    """
    n = start
    while n != 0:
        node = nodes[b, n]
        above = nodes[b, node.parent]
        a = node.move
        value = seen_from(above.row.seat, node.row.seat, value)
        if above.visits[a] == 0:
            above.explored += above.prior[a]
            above.urgency = first_play_urgency(above.value, above.explored, fpu_reduction if node.parent else 0.0)
        above.visited += np.float32(1.0)
        above.root = math.sqrt(np.float32(1.0) + above.visited)
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

"""Monte-Carlo tree search with random playouts: UCT (Kocsis & Szepesvari 2006), no network and no heuristic.

Each simulation walks down the tree by the upper confidence bound, adds one node, plays on at random to the end and
carries the result up. Where the game ends inside the tree, the rules' own result counts.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.agent import Decision, Memory, pick_weighted, require_open
from envs.game import Bits, Game, Row, Rows, View, rule
from envs.kernels import Loop, legal, play, random_action
from envs.randomness import below, next_random

NODES_AT_ONCE = 1 << 20
"""The largest tree; more simulations than this would need gigabytes in games of many actions."""


class Rollouts:
    """Plays the move visited most in `sims` simulations; `c` weighs exploration against results in [-1, 1].

    With results in [0, 1], as in the paper, the same search has half the weight.
    """

    def __init__(self, sims: int = 100, c: float = 1.4) -> None:
        if not isinstance(sims, int) or not 1 <= sims < NODES_AT_ONCE:
            raise ValueError(f"mcts does 1 to {NODES_AT_ONCE - 1} simulations, not {sims}; write mcts:sims=100.")
        if not 0.0 <= c < math.inf:
            raise ValueError(f"mcts explores with a weight of 0 or more, not {c}; write for example mcts:c=1.4.")
        self.sims, self.c = sims, float(c)
        self.name = f"mcts:sims={sims}" + ("" if c == 1.4 else f",c={c:g}")

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        require_open(self.name, game)
        return {"rng": seeds.copy()}

    def act(self, view: View, memory: Memory) -> Decision:
        """extra: `visits` and `q` of each move (q 0 where there are no visits), `value` the mean of all simulations."""
        assert view.rows is not None
        rng = memory["rng"].copy()
        visits, total = simulate(view.game, view.rows, self.sims, self.c, rng)
        most = visits == visits.max(axis=1, keepdims=True)
        action = pick_weighted(most.astype(np.float64), rng)
        q = total / np.maximum(visits, 1)
        value = total.sum(axis=1) / self.sims
        return Decision(action, {"rng": rng}, {"visits": visits, "q": q, "value": value})


ILLEGAL, UNTRIED = -2, -1
"""In `child`: not a move; a move without a node yet. Other numbers are nodes."""


@cache
def node_dtype(game: Game) -> np.dtype[Any]:
    """A node of the tree.

    row      the position
    parent   the node above; move: the action that led here from there
    untried  moves without a node yet
    count    simulations that went on from here
    child    [A] the node below a move, UNTRIED or ILLEGAL
    visits   [A] simulations through a move; total: [A] the sum of their results for the seat to move
    """
    a = game.actions
    own = [("parent", np.int32), ("move", np.int32), ("untried", np.int32), ("count", np.int32)]
    edges = [("child", np.int32, (a,)), ("visits", np.int32, (a,)), ("total", np.float32, (a,))]
    return np.dtype([("row", game.row), *own, *edges], align=True)


def simulate(
    game: Game, rows: Rows, sims: int, c: float, rng: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """([B, A] simulations through each move, [B, A] sum of their results for the seat to move); rng [B] moves on."""
    visits = np.zeros((len(rows), game.actions), np.int64)
    total = np.zeros((len(rows), game.actions))
    nodes = np.empty(sims + 1, node_dtype(game))
    grow(game, rows, sims, c, rng, nodes, np.empty(1, game.row), np.empty(game.actions, np.bool_), visits, total)
    return visits, total


@rule
def best_bound(node: Any, c: float) -> int:
    """The move of the highest upper confidence bound, mean + c sqrt(ln N / n); every move was visited (UCB1)."""
    spread = c * math.sqrt(math.log(node.count))
    best, highest = -1, -math.inf
    for a in range(node.child.shape[0]):
        if node.child[a] >= 0:
            bound = node.total[a] / node.visits[a] + spread / math.sqrt(node.visits[a])
            if bound > highest:
                best, highest = a, bound
    return best


@rule
def pick_untried(node: Any, bits: Bits) -> int:
    """One of the moves without a node, evenly drawn."""
    left = below(bits, node.untried)
    for a in range(node.child.shape[0]):
        if node.child[a] == UNTRIED:
            if left == 0:
                return a
            left -= 1
    return -1


def _open_node(node: Any, mask: NDArray[np.bool_]) -> None:
    """Notes the moves of a node whose row was just written."""
    node.untried = 0
    node.count = 0
    node.visits[:] = 0
    node.total[:] = 0.0
    mask[:] = False
    if not node.row.done:
        legal(node.row, mask)
    for a in range(mask.shape[0]):
        node.child[a] = UNTRIED if mask[a] else ILLEGAL
        node.untried += mask[a]


open_node: Any = Loop(_open_node)


def _play_out(row: Row, mask: NDArray[np.bool_]) -> None:
    """Evenly drawn moves to the end of the game."""
    while not row.done:
        play(row, random_action(row, mask))


play_out: Any = Loop(_play_out)


@Loop
def grow(
    rows: Rows,
    sims: int,
    c: float,
    rng: NDArray[np.uint64],
    nodes: Any,
    spare: Rows,
    mask: NDArray[np.bool_],
    visits: NDArray[np.int64],
    total: NDArray[np.float64],
) -> None:
    """One tree after the other, in the same memory: nodes [sims + 1], spare [1] and mask [A] are room to work in."""
    last = spare[0]
    for i in range(rows.shape[0]):
        nodes[0].row = rows[i]
        open_node(nodes[0], mask)
        for size in range(1, sims + 1):
            n = 0
            while nodes[n].untried == 0 and not nodes[n].row.done:
                n = nodes[n].child[best_bound(nodes[n], c)]
            if not nodes[n].row.done:
                a = pick_untried(nodes[n], next_random(rng, i))
                nodes[n].child[a] = size
                nodes[n].untried -= 1
                nodes[size].row = nodes[n].row
                nodes[size].parent = n
                nodes[size].move = a
                n = size
                play(nodes[n].row, a)
                open_node(nodes[n], mask)
            spare[0] = nodes[n].row
            last.rng = next_random(rng, i)  # a playout's luck is its own: the game's to come stays unseen
            play_out(last, mask)
            nodes[n].count += 1
            while n > 0:
                a = nodes[n].move
                n = nodes[n].parent
                nodes[n].count += 1
                nodes[n].visits[a] += 1
                nodes[n].total[a] += last.reward[nodes[n].row.seat]
        for a in range(mask.shape[0]):
            visits[i, a] = nodes[0].visits[a]
            total[i, a] = nodes[0].total[a]

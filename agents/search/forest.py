"""A forest: B trees of up to N nodes as arrays; a node is a row of the game.

A simulation goes down from the root to an action not tried yet, makes the new node, has it evaluated and carries the
value up again. Nodes where the game is over are worth exactly what the rules say, and such values are proved upwards
as far as they reach (Winands, Bjornsson & Saito 2008, "Monte-Carlo tree search solver"): a move to a lost position
wins; where every move is settled, the best counts. Nothing is searched twice that is proved.
"""

from __future__ import annotations

import math
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
from envs.game import Game, Rows, rule
from envs.kernels import Loop, legal, observe, play

OPEN = 2
"""In `proven`: the value is not settled yet."""

PUCT, GUMBEL = 0, 1


class Forest(NamedTuple):
    """[B, N] nodes; node 0 of each tree is its root. Edges [B, N, A] belong to the node they leave from."""

    rows: Rows
    parent: NDArray[np.int32]
    move: NDArray[np.int32]
    """The action that led here from the parent."""
    value: NDArray[np.float32]
    """What the network said, as the node's seat to move sees it."""
    proven: NDArray[np.int8]
    """The exact value for the seat to move (-1, 0, 1), or OPEN."""
    child: NDArray[np.int32]
    """-1 = not tried."""
    prior: NDArray[np.float32]
    """Probability by the network; below 0 = illegal."""
    visits: NDArray[np.float32]
    total: NDArray[np.float32]
    """Sum of the values carried up through the edge, as the node's seat sees them."""
    size: NDArray[np.int32]
    """[B] nodes made."""
    done: NDArray[np.int32]
    """[B] simulations made."""
    noise: NDArray[np.float32]
    """[B, A] the root's Gumbel noise."""
    logits: NDArray[np.float32]
    """[B, A] the root's logits before any noise; -inf = illegal."""


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
    b, n, a = len(rows), simulations + 1, game.actions
    nodes = np.empty((b, n), game.row)
    nodes[:, 0] = rows
    return Forest(
        nodes,
        np.zeros((b, n), np.int32),
        np.zeros((b, n), np.int32),
        np.zeros((b, n), np.float32),
        np.full((b, n), OPEN, np.int8),
        np.full((b, n, a), -1, np.int32),
        np.full((b, n, a), -1, np.float32),
        np.zeros((b, n, a), np.float32),
        np.zeros((b, n, a), np.float32),
        np.ones(b, np.int32),
        np.zeros(b, np.int32),
        np.zeros((b, a), np.float32),
        np.full((b, a), -np.inf, np.float32),
    )


@rule
def edge_value(forest: Any, b: int, n: int, a: int) -> float:
    """Q of an edge that was tried: exact where it is proved, else the mean."""
    c = forest.child[b, n, a]
    if forest.proven[b, c] != OPEN:
        return seen_from(forest.rows[b, n].seat, forest.rows[b, c].seat, forest.proven[b, c])
    return forest.total[b, n, a] / forest.visits[b, n, a]


@rule
def pick_puct(forest: Any, b: int, n: int, c_puct: float, fpu_reduction: float) -> int:
    """The action with the highest PUCT score that is not proved lost."""
    prior, child, visits = forest.prior[b, n], forest.child[b, n], forest.visits[b, n]
    visited, explored = 1.0, 0.0
    for a in range(prior.shape[0]):
        if child[a] >= 0:
            visited += visits[a]
            explored += prior[a]
    untried = first_play_urgency(forest.value[b, n], explored, fpu_reduction)
    best, best_score = -1, -1e30
    for a in range(prior.shape[0]):
        if prior[a] >= 0.0:
            q = untried
            if child[a] >= 0:
                q = edge_value(forest, b, n, a)
                if q <= -1.0 and forest.proven[b, child[a]] != OPEN:
                    q = -1e6
            score = puct(q, prior[a], visits[a], visited, c_puct)
            if score > best_score:
                best, best_score = a, score
    return best


@rule
def completed_scores(forest: Any, b: int, n: int, c_visit: float, c_scale: float, out: NDArray[np.float32]) -> None:
    """out[a] = log prior + sigma(completed Q) (Danihelka et al. 2022, eqs. 10-11); -inf where illegal or proved lost.

    At the root the logits are those before noise.
    """
    prior, child, visits = forest.prior[b, n], forest.child[b, n], forest.visits[b, n]
    q = np.zeros(prior.shape[0], np.float32)
    most: float = np.float32(0.0)  # pyright: ignore[reportAssignmentType]
    for a in range(prior.shape[0]):
        if child[a] >= 0:
            q[a] = edge_value(forest, b, n, a)
            most = max(most, visits[a])
    other = mixed_value(forest.value[b, n], visits, q, prior)
    alive = False
    for a in range(prior.shape[0]):
        out[a] = -np.inf
        if prior[a] >= 0.0:
            lost = child[a] >= 0 and forest.proven[b, child[a]] != OPEN and q[a] <= -1.0
            if not lost:
                logit = forest.logits[b, a] if n == 0 else np.float32(math.log(prior[a] + 1e-12))
                out[a] = logit + sigma(q[a] if child[a] >= 0 else other, most, c_visit, c_scale)
                alive = True
    if not alive:  # every move loses: any of them
        for a in range(prior.shape[0]):
            if prior[a] >= 0.0:
                out[a] = np.float32(0.0)


@rule
def pick_gumbel_inside(forest: Any, b: int, n: int, c_visit: float, c_scale: float, room: NDArray[np.float32]) -> int:
    """The action whose share of visits lags most behind the improved policy (Danihelka et al. 2022, eq. 14)."""
    completed_scores(forest, b, n, c_visit, c_scale, room)
    top = room.max()
    weight, visited = np.float32(0.0), np.float32(0.0)
    for a in range(room.shape[0]):
        room[a] = math.exp(room[a] - top)
        weight += room[a]
        visited += forest.visits[b, n, a]
    best, best_lag = -1, -1e30
    for a in range(room.shape[0]):
        if forest.prior[b, n, a] >= 0.0 and room[a] > 0.0:
            lag = room[a] / weight - forest.visits[b, n, a] / (1.0 + visited)
            if lag > best_lag:
                best, best_lag = a, lag
    return best


@rule
def pick_gumbel_root(forest: Any, b: int, rules: Any, table: NDArray[np.int32], room: NDArray[np.float32]) -> int:
    """The next action of sequential halving: among those visited as often as the schedule asks, the best by
    noise + logits + sigma(Q)."""
    prior, visits = forest.prior[b, 0], forest.visits[b, 0]
    completed_scores(forest, b, 0, rules.c_visit, rules.c_scale, room)
    count = 0
    for a in range(prior.shape[0]):
        count += prior[a] >= 0.0
    wanted = table[min(count, rules.considered), min(forest.done[b], table.shape[1] - 1)]
    best, best_score, best_visits = -1, -1e30, 1 << 30
    for a in range(prior.shape[0]):
        if prior[a] >= 0.0 and room[a] > -np.inf:
            away = abs(np.int64(visits[a]) - wanted)
            score = room[a] + forest.noise[b, a]
            if away < best_visits or (away == best_visits and score > best_score):
                best, best_score, best_visits = a, score, away
    return best


@rule
def settle(forest: Any, b: int, n: int) -> None:
    """Proves a node from its children, if they allow it."""
    best, every = -2, True
    for a in range(forest.prior.shape[2]):
        if forest.prior[b, n, a] >= 0.0:
            c = forest.child[b, n, a]
            if c < 0 or forest.proven[b, c] == OPEN:
                every = False
            else:
                exact = seen_from(forest.rows[b, n].seat, forest.rows[b, c].seat, forest.proven[b, c])
                best = max(best, np.int64(exact))
    if best == 1 or every:
        forest.proven[b, n] = best


@rule
def back_up(forest: Any, b: int, node: int, value: float) -> None:
    """Carries a node's value, seen by its own seat, up to the root; proves what can be proved on the way."""
    n = node
    while n != 0:
        p, a = forest.parent[b, n], forest.move[b, n]
        value = seen_from(forest.rows[b, p].seat, forest.rows[b, n].seat, value)
        forest.visits[b, p, a] += 1.0
        forest.total[b, p, a] += value
        if forest.proven[b, n] != OPEN and forest.proven[b, p] == OPEN:
            settle(forest, b, p)
            if forest.proven[b, p] != OPEN:
                value = forest.proven[b, p]
        n = p
    forest.done[b] += 1


@Loop
def descend(
    forest: Any, rules: Any, table: NDArray[np.int32], waiting: NDArray[np.int64], obs: NDArray[np.float32]
) -> int:
    """Runs simulations in every tree until each has a new leaf to be evaluated or has made all its simulations.

    Tree waiting[k]'s newest node awaits evaluation, its observation in obs[k]; returns how many wait.
    """
    count = 0
    room = np.empty(forest.prior.shape[2], np.float32)
    for b in range(forest.rows.shape[0]):
        searching = True
        while searching and forest.done[b] < rules.simulations and forest.proven[b, 0] == OPEN:
            n = 0
            while True:
                if rules.kind == PUCT:
                    a = pick_puct(forest, b, n, rules.c_puct, 0.0 if n == 0 else rules.fpu_reduction)
                elif n == 0:
                    a = pick_gumbel_root(forest, b, rules, table, room)
                else:
                    a = pick_gumbel_inside(forest, b, n, rules.c_visit, rules.c_scale, room)
                c = forest.child[b, n, a]
                if c < 0:
                    break
                n = c
                if forest.proven[b, n] != OPEN:
                    break
            if c >= 0:
                back_up(forest, b, n, forest.proven[b, n])
                continue
            c = forest.size[b]
            forest.size[b] += 1
            forest.child[b, n, a] = c
            forest.parent[b, c] = n
            forest.move[b, c] = a
            forest.rows[b, c] = forest.rows[b, n]
            play(forest.rows[b, c], a)
            if forest.rows[b, c].done:
                forest.proven[b, c] = np.int8(forest.rows[b, c].reward[forest.rows[b, c].seat])
                back_up(forest, b, c, forest.proven[b, c])
            else:
                observe(forest.rows[b, c], obs[count])
                waiting[count] = b
                count += 1
                searching = False
    return count


@rule
def soft_prior(logits: NDArray[np.float32], mask: NDArray[np.bool_], out: NDArray[np.float32]) -> None:
    """out = softmax of the legal logits, -1 where illegal."""
    top = np.float32(-np.inf)
    for a in range(mask.shape[0]):
        if mask[a] and logits[a] > top:
            top = logits[a]
    weight = np.float32(0.0)
    for a in range(mask.shape[0]):
        out[a] = np.float32(-1.0)
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
    mask = np.empty(forest.prior.shape[2], np.bool_)
    for k in range(count):
        b = waiting[k]
        n = forest.size[b] - 1
        legal(forest.rows[b, n], mask)
        soft_prior(logits[k], mask, forest.prior[b, n])
        forest.value[b, n] = values[k]
        back_up(forest, b, n, values[k])


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
    mask = np.empty(forest.prior.shape[2], np.bool_)
    for b in range(forest.rows.shape[0]):
        legal(forest.rows[b, 0], mask)
        soft_prior(logits[b], mask, forest.prior[b, 0])
        forest.value[b, 0] = values[b]
        weight = 0.0
        for a in range(mask.shape[0]):
            if mask[a]:
                forest.logits[b, a] = math.log(forest.prior[b, 0, a] + 1e-12)
                if share > 0.0:
                    forest.noise[b, a] = gamma(alpha, rng, b) + 1e-12
                    weight += forest.noise[b, a]
                elif share < 0.0:
                    forest.noise[b, a] = -share * gumbel(rng, b)
        if share > 0.0:
            for a in range(mask.shape[0]):
                if mask[a]:
                    prior = forest.prior[b, 0, a]
                    forest.prior[b, 0, a] = (1.0 - share) * prior + share * forest.noise[b, a] / weight


@rule
def results(
    forest: Any,
    c_visit: float,
    c_scale: float,
    improved: NDArray[np.float32],
    q: NDArray[np.float32],
    value: NDArray[np.float32],
) -> None:
    """What each root learned: improved policy [B, A], Q of each move tried (NaN elsewhere), value [B]."""
    for b in range(forest.rows.shape[0]):
        completed_scores(forest, b, 0, c_visit, c_scale, improved[b])
        top = improved[b].max()
        weight, visited, total = 0.0, 0.0, 0.0
        for a in range(improved.shape[1]):
            improved[b, a] = math.exp(improved[b, a] - top)
            weight += improved[b, a]
            q[b, a] = np.nan
            if forest.child[b, 0, a] >= 0:
                q[b, a] = edge_value(forest, b, 0, a)
                visited += forest.visits[b, 0, a]
                total += forest.total[b, 0, a]
        for a in range(improved.shape[1]):
            improved[b, a] /= weight
        if forest.proven[b, 0] != OPEN:
            value[b] = forest.proven[b, 0]
        else:
            value[b] = (forest.value[b, 0] + total) / (1.0 + visited)

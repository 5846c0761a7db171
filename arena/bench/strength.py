"""How often an agent gives away what it had: moves of Connect Four that turn a win into less, or a draw into a loss.

Counted over the positions of `arena.bench.solved`, each with a 95 % interval. A share says nothing of how the agent got
into such positions; it is a measure of knowledge, and ratings are the measure of play.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from agents.registry import agent
from arena.bench import Row
from arena.bench.solved import KINDS, Solved, solved
from envs import kernels
from envs.registry import Unknown, game, nearest
from leagues.payoff import wilson

UNIT = "% of moves lose value"
BATCH = 500


def contests(
    agent: str = "mcts:sims=600", against: str = "mcts:sims=100", positions: str = "1000", kinds: str = ",".join(KINDS)
) -> Iterator[Row]:
    """One row a kind of position: the agent's share of losing moves beside a peer's; less is better.

    agent      a spec; a trained agent's folder is measured by its raw policy (sims=0) too
    against    the peer's spec, empty for none
    positions  how many of each kind, at most 1000
    """
    for kind in kinds.split(","):
        if kind not in KINDS:
            raise Unknown(f"kinds: there is no '{kind}'; {nearest(kind, list(KINDS))}")
    for spec in (agent, raw_policy(agent)) if raw_policy(agent) else (agent,):
        for kind in kinds.split(","):
            yield row(spec, against, kind, solved(kind, int(positions)))


def raw_policy(spec: str) -> str:
    """The spec of a trained agent without search; empty for an agent that is no folder."""
    folder, _, options = spec.partition(":")
    return f"{folder}:sims=0" if "/" in folder and "sims=0" not in options.split(",") else ""


def row(spec: str, against: str, kind: str, positions: Solved) -> Row:
    """One comparison, with the interval of the agent's share in the note."""
    count = len(positions.rows)
    lost = int(mistakes(spec, positions).sum())
    theirs = 100.0 * int(mistakes(against, positions).sum()) / count if against else None
    ours = 100.0 * lost / count
    low, high = (100 * float(bound) for bound in wilson(lost / max(1, count), count))
    can = int(can_lose(positions).sum())
    return Row(
        bench="strength",
        subject=f"connect_four, {spec}, {kind}",
        ours=ours,
        peer=against or None,
        theirs=theirs,
        unit=UNIT,
        ratio=ours / theirs if theirs else None,
        runs=1,
        note=f"{spec}, {kind}: {lost} of {count} moves lose value, 95 % interval {low:.2f} to {high:.2f} %; "
        f"{can} could have",
    )


def mistakes(spec: str, positions: Solved) -> NDArray[np.bool_]:
    """[B] whether the agent's move leads to less than the position was worth."""
    rules, player = game("connect_four"), agent(spec)
    lost = np.zeros(len(positions.rows), np.bool_)
    for start in range(0, len(lost), BATCH):
        part = slice(start, start + BATCH)
        rows = positions.rows[part]
        memory = player.begin(rules, kernels.seeds(0, len(lost))[part])
        action = player.act(kernels.view(rules, rows), memory).action
        value = positions.value[part]
        lost[part] = value[np.arange(len(rows)), action] < value.max(1)
    return lost


def can_lose(positions: Solved) -> NDArray[np.bool_]:
    """[B] whether any legal move is worse than the best."""
    legal = positions.value > -2
    return (legal & (positions.value < positions.value.max(1, keepdims=True))).any(1)

"""Alpha-beta: looks a fixed number of plies ahead, then trusts the game's heuristic (Knuth & Moore 1975).

Values are from the side of the seat to move: a win is worth just under 2, sooner wins more, a loss just over -2, a
draw 0, and a position at the horizon what `game.heuristic` says, which lies within (-1, 1). Depth is deepened ply by
ply, and what cut before is tried first (the history heuristic, Schaeffer 1989).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.agent import Decision, Memory, pick_weighted, require_open
from envs.game import Game, Row, Rows, View, rule
from envs.kernels import Loop, heuristic, legal, play

WIN = 2.0
PLY = 1.0 / 4096.0
"""What a win loses in worth with every ply that it is further off."""
HAIR = 1e-9
"""Less than two different values ever lie apart: opens the window at the root so that equal moves show as equal."""


class AlphaBeta:
    """Plays the best move within `depth` plies; an even draw among equals."""

    def __init__(self, depth: int = 4) -> None:
        if not isinstance(depth, int) or not 1 <= depth <= 64:
            raise ValueError(f"alphabeta looks 1 to 64 plies ahead, not {depth}; write for example alphabeta:depth=4.")
        self.depth = depth
        self.name = f"alphabeta:depth={depth}"

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        require_open(self.name, game)
        return {"rng": seeds.copy()}

    def act(self, view: View, memory: Memory) -> Decision:
        """extra: `value` within [-1, 1], `policy` even over the best moves."""
        assert view.rows is not None
        values, best = search(view.game, view.rows, self.depth)
        rng = memory["rng"].copy()
        action = pick_weighted(best.astype(np.float64), rng)
        policy = best / best.sum(axis=1, keepdims=True)
        return Decision(action, {"rng": rng}, {"value": np.clip(values, -1.0, 1.0), "policy": policy})


def search(game: Game, rows: Rows, depth: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """([B] values of positions that are not done, looked into to `depth`; [B, A] which moves reach them)."""
    values = np.zeros(len(rows))
    best = np.zeros((len(rows), game.actions), np.bool_)
    stack = np.zeros(depth + 1, game.row)
    masks = np.zeros((depth + 1, game.actions), np.bool_)
    history = np.zeros((game.seats, game.actions), np.int64)
    search_rows(game, rows, depth, stack, masks, history, values, best)
    return values, best


@rule
def won(row: Row, seat: int, ply: int) -> float:
    """The value for `seat` of a game that ended `ply` plies from the root."""
    return row.reward[seat] * (WIN - PLY * ply)


@rule
def next_move(mask: NDArray[np.bool_], history: NDArray[np.int64]) -> int:
    """The move not yet tried that has cut most; -1 if all are tried."""
    chosen = -1
    for a in range(mask.shape[0]):
        if mask[a] and (chosen < 0 or history[a] > history[chosen]):
            chosen = a
    return chosen


def _look(
    stack: Rows, depth: int, masks: NDArray[np.bool_], history: NDArray[np.int64], equal: NDArray[np.bool_]
) -> float:
    """The value of stack[0]; equal [A] = the moves that reach it. An explicit stack, one frame a ply."""
    low = np.full(depth + 1, -3.0)  # each frame's window and best value, from the side of its own mover
    high = np.full(depth + 1, 3.0)
    top = np.full(depth + 1, -3.0)
    move = np.zeros(depth + 1, np.int64)
    legal(stack[0], masks[0])
    equal[:] = False
    d = 0
    while True:
        seat = stack[d].seat
        a = next_move(masks[d], history[seat]) if top[d] < high[d] else -1
        if a >= 0:
            masks[d, a] = False
            move[d] = a
            stack[d + 1] = stack[d]
            play(stack[d + 1], a)
            flips = stack[d + 1].seat != seat
            if stack[d + 1].done:
                value = won(stack[d + 1], seat, d + 1)
            elif d + 1 == depth:
                value = heuristic(stack[d + 1])
                value = -value if flips else value
            else:
                d += 1
                floor = max(low[d - 1], top[d - 1] - HAIR if d == 1 else top[d - 1])
                low[d] = -high[d - 1] if flips else floor
                high[d] = -floor if flips else high[d - 1]
                top[d] = -3.0
                legal(stack[d], masks[d])
                continue
        else:
            if d == 0:
                return top[0]
            value = top[d]
            d -= 1
            value = -value if stack[d + 1].seat != stack[d].seat else value
            a = move[d]
        if d == 0:
            if value > top[0]:
                equal[:] = False
            if value >= top[0]:
                equal[a] = True
        if value > top[d]:
            top[d] = value
            if value >= high[d]:
                history[stack[d].seat, a] += 1 << min(depth - d, 20)


look: Any = Loop(_look)


@Loop
def search_rows(
    rows: Rows,
    depth: int,
    stack: Rows,
    masks: NDArray[np.bool_],
    history: NDArray[np.int64],
    values: NDArray[np.float64],
    best: NDArray[np.bool_],
) -> None:
    """Deepens each row from 1 to `depth` plies; stops where the result is certain."""
    for i in range(rows.shape[0]):
        history[:] = 0
        stack[0] = rows[i]
        for d in range(1, depth + 1):
            values[i] = look(stack, d, masks, history, best[i])
            if abs(values[i]) > 1.0:
                break

"""What an agent's decision says of a position, turned to player 1 and seen to claim no more than is proven."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.agent import Decision
from arena.viewers.snapshot import Candidate, Ply, scored, to_player_1
from envs import kernels
from envs.game import Game, Rows


def thought_of(game: Game, decision: Decision, lane: int, row: Rows, action: Any, voice: int | None) -> Ply:
    """What an agent's decision says of one position [1], seen from player 1; of a scored game, from the mover."""
    seat = int(row[0]["seat"])
    legal = kernels.legal_mask(game, row)[0]
    known = {name: np.asarray(decision.extra[name])[lane] for name in decision.extra}
    sure = _sure(known, legal) if not scored(game) else bool(known.get("proven", np.False_))
    open_still = "scores" in known and not sure  # a solver that does not know says 0
    value = _told(game, known["value"], seat, sure) if "value" in known and not open_still else None
    return Ply(action, seat, value, _candidates(game, known, row, legal, sure), voice, sure and value is not None)


def _sure(known: Mapping[str, NDArray], legal: NDArray[np.bool_]) -> bool:
    """Whether the position's value is exact: a proof by search, by solution, or a win within a full-width search."""
    value = float(known.get("value", np.float64(0.0)))
    if "proven" in known:
        return bool(known["proven"])
    if "scores" in known:
        return value != 0 or bool(np.isfinite(known["scores"][legal]).all())
    return not {"visits", "prior", "q"} & known.keys() and abs(value) == 1  # who learned its values proves nothing


def _told(game: Game, value: float, seat: int, sure: bool) -> float | None:
    """A mover's value as player 1 sees it; no number is no value, and only what is proven is a win or a loss."""
    if not np.isfinite(value):
        return None
    if scored(game):
        return float(value)
    most = 1.0 if sure else 0.99
    return to_player_1(float(np.clip(value, -most, most)), seat)


def _candidates(
    game: Game, known: Mapping[str, NDArray], row: Rows, legal: NDArray[np.bool_], sure: bool
) -> tuple[Candidate, ...]:
    """Every legal move of which something is known, the solver's by its scores."""
    visits, prior, scores = known.get("visits"), known.get("prior", known.get("policy")), known.get("scores")
    values = known.get("q") if scores is None else np.sign(scores)
    if game.controls or (visits is None and prior is None and values is None):
        return ()
    seat, root = int(row[0]["seat"]), float(known.get("value", np.float64(0.0)))
    actions = np.flatnonzero(legal)
    liked = values if scores is None and visits is None and prior is None else scores  # a table of Q has values alone
    if liked is not None:
        actions = actions[np.argsort(-np.where(np.isfinite(liked[actions]), liked[actions], -np.inf), kind="stable")]
    found = []
    for action in actions.tolist():
        moves, rows, over = _line(game, row, action, known.get("pv"))
        value, exact = None, False
        if values is not None and (visits is None or visits[action] > 0):
            q = float(values[action])
            if scored(game):
                exact = sure
            else:
                exact = np.isfinite(q) and (scores is not None or _exact(q, root, sure, len(moves) if over else 0))
            value = _told(game, q, seat, exact)
        found.append(
            Candidate(
                action,
                0.0 if visits is None else float(visits[action]),
                None if prior is None else float(prior[action]),
                value,
                moves,
                rows,
                exact,
            )
        )
    return tuple(found)


def _exact(q: float, root: float, sure: bool, end: int) -> bool:
    """Whether a searched move's value is proven.

    A proof of the position proves every move unless one winning move was enough; then those that are won or lost.
    A move that ends the game is what it is; one that lets the other side win at once (end = 2 moves) is lost.
    """
    if q not in (-1.0, 0.0, 1.0):
        return False
    return (sure and (q != 0 or root <= 0)) or end == 1 or (end == 2 and q == -1)


def _line(game: Game, row: Rows, action: int, expected: NDArray | None) -> tuple[tuple[int, ...], Rows, bool]:
    """The expected continuation of an action, itself first, the position before each move, and if it ends the game.

    Where moves do not tell what follows (chance, hidden things, somebody else's program) it is the action alone.
    """
    if game.chance or game.hidden or game.foreign:
        return (action,), row.copy(), False
    moves = [action] if expected is None else [int(a) for a in expected[action] if a >= 0] or [action]
    rows = np.zeros(len(moves) + 1, game.row)
    rows[:1] = row
    for i, move in enumerate(moves):
        if rows[i]["done"] or not kernels.legal_mask(game, rows[i : i + 1])[0, move]:
            return tuple(moves[:i]), rows[:i], bool(rows[i]["done"])
        rows[i + 1] = rows[i]
        kernels.play_rows(game, rows[i + 1 : i + 2], np.array([move], np.int64))
    return tuple(moves), rows[:-1], bool(rows[-1]["done"])

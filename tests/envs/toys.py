"""Small games of every kind, in plain Python and so never compiled, for tests of what serves all games."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from envs.game import Game, row_dtype
from envs.randomness import below, draw


@cache
def walk(limit: int = 10) -> Game:
    """One seat: from cell 0 to cell 4, a step back or on; on pays 0.5, arriving 2; cut after `limit` plies."""

    def reset(row: Any) -> None:
        row.at = 0

    def play(row: Any, action: int) -> None:
        row.at = max(0, row.at + (1 if action == 1 else -1))
        row.ply += 1
        row.reward[0] = 2.0 if row.at == 4 else 0.5 if action == 1 else 0.0
        row.cut = row.at < 4 and row.ply >= limit
        row.done = row.cut or row.at == 4

    def legal(row: Any, out: Any) -> None:
        out[0] = row.at > 0
        out[1] = True

    def observe(row: Any, out: Any) -> None:
        out[:] = np.arange(5) == row.at

    return Game(
        "walk", 1, 2, (5,), row_dtype(1, at=np.int64), reset, play, legal, observe, ("back", "on"), limit,
        pays="general", foreign=True,
    )  # fmt: skip


@cache
def pull() -> Game:
    """One seat, two numbers an action: pays minus the distance of where they have pulled it; cut after 8 plies."""

    def reset(row: Any) -> None:
        row.at[:] = 1.0

    def play(row: Any, action: Any) -> None:
        row.at[:] += action
        row.ply += 1
        row.reward[0] = -abs(row.at).sum()
        row.done = row.cut = row.ply >= 8

    def legal(row: Any, out: Any) -> None:
        pass

    def observe(row: Any, out: Any) -> None:
        out[:] = row.at

    return Game(
        "pull", 1, 0, (2,), row_dtype(1, at=(np.float64, 2)), reset, play, legal, observe, ("x", "y"), 8,
        pays="general", controls=((-1.0, 1.0), (-0.5, 0.25)), foreign=True,
    )  # fmt: skip


@cache
def coins(rounds: int = 6) -> Game:
    """Two seats choose heads or tails at once: seat 0 wins 1 where they match, seat 1 where not."""

    def reset(row: Any) -> None:
        row.coin, row.last = -1, 0

    def play(row: Any, action: int) -> None:
        row.reward[:] = 0.0
        row.ply += 1
        if row.seat == 0:
            row.coin, row.seat = action, 1
            return
        won = 1.0 if action == row.coin else -1.0
        row.reward[:] = (won, -won)
        row.last, row.coin, row.seat = 2 * row.coin + action + 1, -1, 0
        row.done = row.ply >= 2 * rounds

    def legal(row: Any, out: Any) -> None:
        out[:] = True

    def observe(row: Any, out: Any) -> None:
        out[:] = np.arange(5) == row.last

    return Game(
        "coins", 2, 2, (5,), row_dtype(2, coin=np.int64, last=np.int64), reset, play, legal, observe,
        ("heads", "tails"), 2 * rounds, pays="zero-sum", hidden=True, simultaneous=True, foreign=True,
    )  # fmt: skip


@cache
def cards() -> Game:
    """Three seats are dealt a number each and stay or fold in turn; the highest that stayed wins 2, all others -1.

    Seat 0 folding with seat 1 ends the game at once, so seat 2 is not always asked.
    """

    def reset(row: Any) -> None:
        for seat in range(3):
            row.card[seat] = below(np.uint64(draw(row)), 9)
        row.stays[:] = 0

    def play(row: Any, action: int) -> None:
        row.reward[:] = 0.0
        row.stays[row.seat] = action == 0
        row.ply += 1
        row.done = row.seat == 2 or (row.seat == 1 and not row.stays[:2].any())
        if row.done:
            winner = int(np.argmax(np.where(row.stays, row.card, -1))) if row.stays.any() else 2
            row.reward[:] = -1.0
            row.reward[winner] = 2.0
        else:
            row.seat += 1

    def legal(row: Any, out: Any) -> None:
        out[:] = True

    def observe(row: Any, out: Any) -> None:
        out[:] = (row.card[row.seat], row.stays[0], row.stays[1])

    return Game(
        "cards", 3, 2, (3,), row_dtype(3, card=(np.int64, 3), stays=(np.int8, 3)), reset, play, legal, observe,
        ("stay", "fold"), 3, pays="zero-sum", hidden=True, chance=True, foreign=True,
    )  # fmt: skip


ALL = (walk(), pull(), coins(), cards())

"""Games of chance played: whatever is to be drawn is drawn by the row's own generator, as soon as it is to be drawn."""

from __future__ import annotations

from collections.abc import Callable

from envs.game import CHANCE, Chances, Row, rule
from envs.randomness import draw, unit

FEW = 16
"""To look at all of so many outcomes is faster than to guess where to stop."""


def drawn(chances: Chances) -> tuple[Callable[[Row], None], Callable[[Row, int], None]]:
    """The `reset` and `play` of a game whose chance is laid open."""
    begin, act, odds, settle, outcomes = (
        chances.begin, chances.act, chances.odds, chances.settle, chances.outcomes,
    )  # fmt: skip

    @rule
    def settle_all(row: Row) -> None:
        while row.seat == CHANCE and not row.done:
            left = unit(draw(row))
            last, seeking = 0, True
            for outcome in range(outcomes):
                if outcomes > FEW and not seeking:
                    break
                share = odds(row, outcome)
                if seeking & (share > 0.0):
                    last = outcome
                    left -= share
                seeking &= left >= 0.0
            settle(row, last)

    @rule
    def reset(row: Row) -> None:
        begin(row)
        settle_all(row)

    @rule
    def play(row: Row, action: int) -> None:
        act(row, action)
        settle_all(row)

    return reset, play

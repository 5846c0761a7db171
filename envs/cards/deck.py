"""What games with one pack of cards share: each card that is left is as likely as any other."""

from __future__ import annotations

from collections.abc import Callable

from envs.game import Row, rule


def evenly(cards: int) -> Callable[[Row, int], float]:
    """The `odds` of a pack of so many cards; the row says in the bits of `gone` which, and in `dealt` how many."""

    @rule
    def odds(row: Row, outcome: int) -> float:
        return (1 - ((row.gone >> outcome) & 1)) / (cards - row.dealt)

    return odds

"""Repeat previous: at each ply a symbol is shown, and the one of k plies ago is to be said (POPGym; Morad 2023).

Symbols are drawn evenly and each by itself, so what is shown says nothing of what is asked: an agent without memory
says 1 / symbols of them right; one that remembers k symbols says all. Differs from POPGym: a wrong answer pays 0 and
not less, so that a return is the share of right answers.
"""

from __future__ import annotations

import numpy as np

from envs.game import Game, Row, rule
from envs.memory.stream import LONGEST, letters, stream
from envs.options import spec, whole
from envs.randomness import below, draw


def repeat_previous(k: int = 4, steps: int = 100, symbols: int = 4) -> Game:
    """Say at each of `steps` plies which of `symbols` symbols was shown k plies ago; the first k plies ask nothing."""
    whole("repeat_previous", "steps", steps, 2, LONGEST)
    whole("repeat_previous", "k", k, 1, steps - 1)
    whole("repeat_previous", "symbols", symbols, 2, 26)

    @rule
    def begin(row: Row) -> None:
        row.kept[:] = -1

    @rule
    def turn(row: Row) -> None:
        """kept[t % (k + 1)] is the symbol of ply t, and the next after it that of ply t - k."""
        at = row.ply % (k + 1)
        row.answer = row.kept[(at + 1) % (k + 1)]
        row.shown = below(draw(row), symbols)
        row.kept[at] = row.shown

    return stream(
        spec("repeat_previous", k=(k, 4), steps=(steps, 100), symbols=(symbols, 4)),
        symbols=symbols, plies=steps, questions=steps - k, begin=begin, turn=turn, names=letters(symbols),
        kept=(np.int8, (k + 1,)),
    )  # fmt: skip

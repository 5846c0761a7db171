"""N-back: at each ply a symbol is shown; is it the one of n plies ago? (Kirchner 1958)

It is with probability 1/2, and else one of the others, each as likely: whatever is shown, "same" is right half of the
time. So an agent without memory is right at 1/2 of the questions; one that remembers n symbols at all of them.
"""

from __future__ import annotations

import numpy as np

from envs.game import Game, Row, rule
from envs.memory.stream import LONGEST, letters, stream
from envs.options import spec, whole
from envs.randomness import below, draw


def n_back(n: int = 2, steps: int = 100, symbols: int = 8) -> Game:
    """Say at each of `steps` plies whether the symbol is that of n plies ago; the first n plies ask nothing."""
    whole("n_back", "steps", steps, 2, LONGEST)
    whole("n_back", "n", n, 1, steps - 1)
    whole("n_back", "symbols", symbols, 2, 26)

    @rule
    def begin(row: Row) -> None:
        row.kept[:] = -1

    @rule
    def turn(row: Row) -> None:
        """kept[t % (n + 1)] is the symbol of ply t, and the next after it that of ply t - n."""
        at = row.ply % (n + 1)
        old = row.kept[(at + 1) % (n + 1)]
        if old < 0:
            row.shown = below(draw(row), symbols)
        else:
            row.answer = below(draw(row), 2)
            other = (old + 1 + below(draw(row), symbols - 1)) % symbols
            row.shown = old if row.answer == 1 else other
        row.kept[at] = row.shown

    return stream(
        spec("n_back", n=(n, 2), steps=(steps, 100), symbols=(symbols, 8)),
        symbols=symbols, plies=steps, questions=steps - n, begin=begin, turn=turn, names=("different", "same"),
        signs=letters(symbols), kept=(np.int8, (n + 1,)),
    )  # fmt: skip

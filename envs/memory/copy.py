"""Copy: symbols one after another, a pause, then all are to be said in order (Hochreiter & Schmidhuber 1997).

An agent without memory sees the same at every question: it says 1 / symbols of them right, whatever it does. One that
remembers says all. The task takes 2 * length + delay plies, at most 1,000; the first symbol is wanted length + delay
plies after it was shown.
"""

from __future__ import annotations

import numpy as np

from envs.game import Game, Row, rule
from envs.memory.stream import LONGEST, check_plies, letters, stream
from envs.options import spec, whole
from envs.randomness import below, draw


def copy(length: int = 5, delay: int = 10, symbols: int = 8) -> Game:
    """Copy `length` of `symbols` kinds of symbols after a pause of `delay` plies."""
    whole("copy", "length", length, 1, LONGEST // 2)
    whole("copy", "delay", delay, 0, LONGEST - 2)
    whole("copy", "symbols", symbols, 2, 26)
    check_plies("copy", 2 * length + delay)
    asking = length + delay

    @rule
    def begin(row: Row) -> None:
        for i in range(length):
            row.kept[i] = below(draw(row), symbols)

    @rule
    def turn(row: Row) -> None:
        if row.ply < length:
            row.shown = row.kept[row.ply]
        elif row.ply >= asking:
            row.answer = row.kept[row.ply - asking]

    return stream(
        spec("copy", length=(length, 5), delay=(delay, 10), symbols=(symbols, 8)),
        symbols=symbols, plies=asking + length, questions=length, begin=begin, turn=turn, names=letters(symbols),
        kept=(np.int8, (length,)),
    )  # fmt: skip

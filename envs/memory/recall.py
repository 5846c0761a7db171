"""Associative recall: pairs of symbols are shown, then a key of each, and its value is to be said (Graves 2014).

Keys differ, values are drawn evenly, and each pair is asked for once, in an order drawn anew. A key says nothing of its
value, so an agent without memory says 1 / symbols of them right; one that remembers says all. The task takes
2 * pairs + delay plies, at most 1,000.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.game import Game, Row, rule
from envs.memory.stream import LONGEST, check_plies, letters, stream
from envs.options import spec, whole
from envs.randomness import below, draw


def recall(pairs: int = 4, delay: int = 0, symbols: int = 8) -> Game:
    """Recall the values of `pairs` keys after a pause of `delay` plies; keys and values are of `symbols` kinds each."""
    whole("recall", "symbols", symbols, 2, 26)
    whole("recall", "pairs", pairs, 1, symbols)
    whole("recall", "delay", delay, 0, LONGEST - 2)
    check_plies("recall", 2 * pairs + delay)
    asking = pairs + delay

    @rule
    def shuffle(row: Row, numbers: NDArray[np.int8]) -> None:
        """Puts 0, 1, 2 ... into an order drawn evenly (Fisher & Yates)."""
        for i in range(len(numbers)):
            j = below(draw(row), i + 1)
            numbers[i] = numbers[j]
            numbers[j] = i

    @rule
    def begin(row: Row) -> None:
        shuffle(row, row.keys)
        shuffle(row, row.order)
        for i in range(pairs):
            row.values[i] = below(draw(row), symbols)

    @rule
    def turn(row: Row) -> None:
        if row.ply < pairs:
            row.shown = row.keys[row.ply]
            row.beside = row.values[row.ply]
        elif row.ply >= asking:
            pair = row.order[row.ply - asking]
            row.shown = row.keys[pair]
            row.answer = row.values[pair]

    return stream(
        spec("recall", pairs=(pairs, 4), delay=(delay, 0), symbols=(symbols, 8)),
        symbols=symbols, plies=asking + pairs, questions=pairs, begin=begin, turn=turn, names=letters(symbols),
        pairs=True, keys=(np.int8, (symbols,)), values=(np.int8, (pairs,)), order=(np.int8, (pairs,)),
    )  # fmt: skip

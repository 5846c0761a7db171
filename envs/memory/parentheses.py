"""Parentheses: brackets open and close; of each that closes it is to be said which kind it is (a Dyck language).

Every well-formed string of the length is as likely as any other, and the kind of each bracket is drawn by itself. A
closing bracket is shown as a question only, so an agent without memory says 1 / kinds of them right; one with a stack
says all. One that remembers just the ply before knows those that close as soon as they open.
"""

from __future__ import annotations

import numpy as np

from envs.game import Game, Row, rule
from envs.memory.stream import LONGEST, stream
from envs.options import spec, whole
from envs.randomness import below, draw, unit

KINDS = ("round", "square", "curly", "angle")


def parentheses(length: int = 20, kinds: int = 3) -> Game:
    """Match `length` brackets, an even number, of 2 to 4 kinds."""
    whole("parentheses", "length", length, 2, LONGEST)
    whole("parentheses", "kinds", kinds, 2, len(KINDS))
    if length % 2:
        raise ValueError(f"Brackets come in pairs, so length is even, not {length}; write for example length=20.")

    @rule
    def begin(row: Row) -> None:
        row.kept[:] = -1
        row.height = 0

    @rule
    def turn(row: Row) -> None:
        """The stack of open brackets is kept[:height]."""
        height = row.height
        if unit(draw(row)) < opens(length - row.ply, height):
            row.shown = below(draw(row), kinds)
            row.kept[height] = row.shown
            row.height = height + 1
        else:
            row.answer = row.kept[height - 1]
            row.kept[height - 1] = -1
            row.height = height - 1

    return stream(
        spec("parentheses", length=(length, 20), kinds=(kinds, 3)),
        symbols=kinds, plies=length, questions=length // 2, begin=begin, turn=turn, names=KINDS[:kinds],
        kept=(np.int8, (length // 2,)), height=np.int16,
    )  # fmt: skip


@rule
def opens(left: int, height: int) -> float:
    """The share, among all well-formed ends of `left` brackets from a height, of those that begin with an opening one.

    By the ballot theorem there are (h + 1) / (u + 1) * C(left, u) ends, u = (left + h) / 2, from height h.
    """
    return (left - height) * (height + 2) / (2.0 * left * (height + 1))

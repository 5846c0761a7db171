"""Brackets: a text of brackets of several kinds is to be completed, "([{}:" by "])" (a Dyck language).

At level n as many brackets are open, among up to as many pairs that are closed already. Right is whatever leaves none
open, a longer way too. Chance is to guess the kind of every bracket, told how many are open.
"""

from __future__ import annotations

from envs.game import Game, Row, rule
from envs.language.frame import task
from envs.language.vocabulary import encode
from envs.language.writing import COLON, put, said, want
from envs.options import whole
from envs.randomness import below, draw

OPEN = encode("([{<")
CLOSED = encode(")]}>")
FIRST = int(OPEN[0])
"""Opening and closing brackets follow it in turn."""


@rule
def opener(row: Row, at: int) -> int:
    """The place of the innermost bracket that is open before a place; -1 where none is."""
    closed = 0
    for i in range(at - 1, row.asked - 1, -1):
        if row.text[i] == COLON:
            continue
        if (row.text[i] - FIRST) % 2 == 1:
            closed += 1
        elif closed == 0:
            return i
        else:
            closed -= 1
    return -1


@rule
def judge(row: Row) -> tuple[float, float]:
    """(format, right): brackets alone, and with the prompt's they pair up."""
    first, stop = said(row)
    if first < 0:
        return 0.0, 0.0
    for at in range(first, stop):
        if (row.text[at] - FIRST) % 2 == 1:
            partner = opener(row, at)
            if partner < 0 or row.text[partner] + 1 != row.text[at]:
                return 1.0, 0.0
    return 1.0, 1.0 if opener(row, stop) < 0 else 0.0


def brackets(depth: int = 8, kinds: int = 3, split: str = "train") -> Game:
    """Up to `depth` open brackets of `kinds` kinds, at most those of "([{<"."""
    whole("brackets", "depth", depth, 1, 30)
    whole("brackets", "kinds", kinds, 2, len(OPEN))

    @rule
    def write(row: Row, level: int) -> None:
        close = below(draw(row), level + 1)
        to_open = level + close
        height = 0
        while to_open > 0 or close > 0:
            if close > 0 and height > 0 and (to_open == 0 or below(draw(row), 2) == 0):
                put(row, row.text[opener(row, row.prompted)] + 1)
                close -= 1
                height -= 1
            else:
                put(row, FIRST + 2 * below(draw(row), kinds))
                to_open -= 1
                height += 1
        put(row, COLON)
        at = opener(row, row.prompted)
        while at >= 0:
            want(row, row.text[at] + 1)
            at = opener(row, at)

    return task(
        "brackets", {"depth": (depth, 8), "kinds": (kinds, 3)}, prompt=3 * depth + 1, answer=2 * depth + 1,
        levels=depth, write=write, prompts=lambda level: float(kinds) ** level, chance=float(kinds) ** -depth,
        alphabet="()[]{}<>"[: 2 * kinds], split=split, judge=judge,
    )  # fmt: skip

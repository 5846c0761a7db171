"""Sort: digits are to be written in order, "3141=" as "1134".

The level is how many there are. Chance is to give the likeliest order always. Told to think, a right answer counts
each digit that there is: "<think>1:2;3:1;4:1;</think>1134".
"""

from __future__ import annotations

from math import factorial

from envs.game import Game, Row, rule
from envs.language.frame import task
from envs.language.vocabulary import THINK
from envs.language.writing import (
    COLON,
    EQUALS,
    SEMICOLON,
    ZERO,
    put,
    put_drawn,
    want,
    want_number,
    want_spoken,
)
from envs.options import flag, whole


@rule
def count_digits(row: Row) -> None:
    """Writes the thought that counts each digit of the prompt."""
    want(row, THINK)
    for digit in range(ZERO, ZERO + 10):
        count = 0
        for i in range(row.asked, row.prompted):
            count += row.text[i] == digit
        if count > 0:
            want(row, digit)
            want(row, COLON)
            want_number(row, count)
            want(row, SEMICOLON)
    want_spoken(row)


def likeliest(length: int) -> float:
    """The probability of the order that so many drawn digits have most often: each digit as often as the others."""
    each, more = divmod(length, 10)
    ways = factorial(length) // (factorial(each) ** (10 - more) * factorial(each + 1) ** more)
    return ways / 10**length


def sort(length: int = 8, think: bool = False, split: str = "train") -> Game:
    """Up to `length` digits; `think` asks for a thought before they are in order."""
    whole("sort", "length", length, 1, 120)
    flag("sort", "think", think)

    @rule
    def write(row: Row, level: int) -> None:
        put_drawn(row, ZERO, 10, level)
        put(row, EQUALS)
        if think:
            count_digits(row)
        for digit in range(ZERO, ZERO + 10):
            for i in range(row.asked, row.asked + level):
                if row.text[i] == digit:
                    want(row, digit)

    thought = 2 + min(length, 10) * (3 + len(str(length))) if think else 0
    return task(
        "sort", {"length": (length, 8), "think": (think, False)}, prompt=length + 1, answer=length + 1 + thought,
        levels=length, write=write, prompts=lambda level: 10.0**level, chance=likeliest(length),
        alphabet="0123456789", split=split, thinks=think, measured=True,
    )  # fmt: skip

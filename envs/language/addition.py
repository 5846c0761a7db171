"""Addition: the sum of two numbers of so many digits, "12+39=" is "51".

The level is the number of digits, and both numbers have as many. Chance is to give the likeliest sum always. Told to
think, a right answer adds the columns up from the last, with what is carried: "<think>2+9+0=11;1+3+1=5;</think>51".
"""

from __future__ import annotations

from envs.game import Game, Row, rule
from envs.language.frame import task
from envs.language.vocabulary import THINK
from envs.language.writing import (
    EQUALS,
    PLUS,
    SEMICOLON,
    ZERO,
    numbers,
    of_digits,
    put,
    put_number,
    want,
    want_number,
    want_spoken,
)
from envs.options import flag, whole

COLUMN = 9
"""The most tokens of the thought about a column."""


@rule
def add_columns(row: Row, a: int, b: int) -> None:
    """Writes the thought that adds two numbers column by column."""
    want(row, THINK)
    carried = 0
    while a > 0 or b > 0:
        total = a % 10 + b % 10 + carried
        want(row, ZERO + a % 10)
        want(row, PLUS)
        want(row, ZERO + b % 10)
        want(row, PLUS)
        want(row, ZERO + carried)
        want(row, EQUALS)
        want_number(row, total)
        want(row, SEMICOLON)
        carried = total // 10
        a //= 10
        b //= 10
    want_spoken(row)


def addition(digits: int = 2, think: bool = False, split: str = "train") -> Game:
    """Numbers of up to `digits` digits; `think` asks for a thought before the sum."""
    whole("addition", "digits", digits, 1, 9)
    flag("addition", "think", think)

    @rule
    def write(row: Row, level: int) -> None:
        a = of_digits(row, level)
        b = of_digits(row, level)
        put_number(row, a)
        put(row, PLUS)
        put_number(row, b)
        put(row, EQUALS)
        if think:
            add_columns(row, a, b)
        want_number(row, a + b)

    return task(
        "addition", {"digits": (digits, 2), "think": (think, False)}, prompt=2 * digits + 2,
        answer=digits + 2 + (COLUMN * digits + 2 if think else 0), levels=digits, write=write,
        prompts=lambda level: numbers(level) ** 2, chance=1.0 / numbers(digits), alphabet="0123456789", split=split,
        thinks=think,
    )  # fmt: skip

"""Multiplication: the product of two numbers of so many digits, "12*34=" is "408".

The level is the number of digits, and both numbers have as many. Chance is to give the likeliest product always; of
more than three digits it is less than 0.0001 and called 0. Told to think, a right answer multiplies by each digit of
the second number first, from the last: "<think>12*4=48;12*30=360;</think>408".
"""

from __future__ import annotations

import numpy as np

from envs.game import Game, Row, rule
from envs.language.frame import task
from envs.language.vocabulary import THINK
from envs.language.writing import (
    EQUALS,
    SEMICOLON,
    TIMES,
    numbers,
    of_digits,
    put,
    put_number,
    want,
    want_number,
    want_spoken,
)
from envs.options import flag, whole


@rule
def multiply_by_digits(row: Row, a: int, b: int) -> None:
    """Writes the thought that multiplies one number by each digit of another."""
    want(row, THINK)
    ten = 1
    while ten <= b:
        part = b // ten % 10 * ten
        want_number(row, a)
        want(row, TIMES)
        want_number(row, part)
        want(row, EQUALS)
        want_number(row, a * part)
        want(row, SEMICOLON)
        ten *= 10
    want_spoken(row)


def likeliest(digits: int) -> float:
    """The probability of the product that two numbers of so many digits have most often."""
    if digits > 3:
        return 0.0
    some = np.arange(10**digits - numbers(digits), 10**digits)
    return int(np.bincount(np.outer(some, some).reshape(-1)).max()) / len(some) ** 2


def multiplication(digits: int = 2, think: bool = False, split: str = "train") -> Game:
    """Numbers of up to `digits` digits; `think` asks for a thought before the product."""
    whole("multiplication", "digits", digits, 1, 9)
    flag("multiplication", "think", think)

    @rule
    def write(row: Row, level: int) -> None:
        a = of_digits(row, level)
        b = of_digits(row, level)
        put_number(row, a)
        put(row, TIMES)
        put_number(row, b)
        put(row, EQUALS)
        if think:
            multiply_by_digits(row, a, b)
        want_number(row, a * b)

    return task(
        "multiplication", {"digits": (digits, 2), "think": (think, False)}, prompt=2 * digits + 2,
        answer=2 * digits + 1 + (digits * (4 * digits + 3) + 2 if think else 0), levels=digits, write=write,
        prompts=lambda level: numbers(level) ** 2, chance=likeliest(digits), alphabet="0123456789", split=split,
        thinks=think,
    )  # fmt: skip

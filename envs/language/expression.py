"""Reading expressions of whole numbers, + - * / and brackets, exactly: values are fractions of 64-bit numbers.

An expression is a number without leading zeros, two expressions joined by a sign, or an expression in brackets; there
are no signs before numbers. * and / bind before + and -, and what binds alike is joined from the left.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.game import rule
from envs.language.vocabulary import encode
from envs.language.writing import PLUS, TIMES, ZERO

OVER, LEFT, RIGHT = (int(token) for token in encode("/()"))
MOST = 64
"""The most tokens of an expression."""


@rule
def is_digit(token: int) -> bool:
    """Whether a token is one of 0 to 9."""
    return ZERO <= token < ZERO + 10


@rule
def binds(sign: int) -> int:
    """How early a sign joins; an open bracket never does."""
    if sign == LEFT:
        return 0
    return 2 if sign in (TIMES, OVER) else 1


@rule
def join(over: NDArray[np.int64], under: NDArray[np.int64], top: int, sign: int) -> None:
    """Joins the fractions top - 1 and top into top - 1; what is divided by 0 is over 0."""
    a, b, c, d = over[top - 1], under[top - 1], over[top], under[top]
    if sign == TIMES:
        a, b = a * c, b * d
    elif sign == OVER:
        a, b = a * d, b * c
    else:
        a, b = a * d + (c * b if sign == PLUS else -c * b), b * d
    over[top - 1] = a
    under[top - 1] = b if d != 0 else 0


@rule
def evaluate(text: NDArray[np.uint8], first: int, stop: int, numbers: NDArray[np.int64]) -> tuple[int, int, int]:
    """(numerator, denominator, how many numbers) of text[first:stop]; -1 numbers where it is malformed.

    The numbers are listed in `numbers`, from the left. The denominator is 0 where something is divided by 0.
    """
    over, under = np.empty(MOST, np.int64), np.empty(MOST, np.int64)
    signs = np.empty(MOST, np.int64)
    top, waiting, count, at = -1, 0, 0, first
    operand = False  # whether an operand has just ended
    while at < stop:
        token = int(text[at])
        if is_digit(token):
            if operand or (token == ZERO and at + 1 < stop and is_digit(text[at + 1])):
                return 0, 0, -1
            n = 0
            while at < stop and is_digit(text[at]):
                n = 10 * n + int(text[at]) - ZERO
                at += 1
            numbers[count] = n
            count += 1
            top += 1
            over[top], under[top] = n, 1
            operand = True
            continue
        if token == LEFT:
            if operand:
                return 0, 0, -1
            signs[waiting] = token
            waiting += 1
        else:
            if not operand:
                return 0, 0, -1
            closing = token == RIGHT
            while waiting > 0 and binds(signs[waiting - 1]) >= (1 if closing else binds(token)):
                waiting -= 1
                join(over, under, top, signs[waiting])
                top -= 1
            if closing:
                if waiting == 0:
                    return 0, 0, -1
                waiting -= 1
            else:
                signs[waiting] = token
                waiting += 1
                operand = False
        at += 1
    if not operand:
        return 0, 0, -1
    while waiting > 0:
        waiting -= 1
        if signs[waiting] == LEFT:
            return 0, 0, -1
        join(over, under, top, signs[waiting])
        top -= 1
    return over[0], under[0], count

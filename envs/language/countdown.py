"""Countdown: numbers are to be joined by + - * / so that a target comes out, "3 7 25>46:" by "3*7+25".

Every number is to be used exactly once; brackets may be set, and what is divided need not come out whole on the way.
Levels 1 and 2 have two numbers, 3 and 4 three, 5 and 6 four; at odd levels they have one digit, at even ones up to two.
Targets are 10 to 100, and the numbers stand in order, so that no problem has two prompts. Chance is to join the numbers
in any order, by any signs, pair after neighbouring pair, all drawn evenly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.game import Game, Row, rule
from envs.language.expression import LEFT, MOST, OVER, RIGHT, evaluate, is_digit
from envs.language.frame import task
from envs.language.vocabulary import encode
from envs.language.writing import COLON, MINUS, PLUS, SPACE, TIMES, ZERO, put, put_number, said, want, want_number
from envs.options import choice
from envs.randomness import below, draw

GREATER = int(encode(">")[0])
LOW, HIGH = 10, 100
"""Targets lie between them."""
NUMBER, ORDER, VALUE, FIRST, LAST, SIGN, OPENED, CLOSED = range(8)
"""Lines of what is noted while numbers are joined."""
CHANCE = {3: 0.044, 4: 0.010}
"""What guessing is paid at the last level, by how many numbers there are: counted in four million guesses."""


@rule
def sign_of(kind: int) -> int:
    """The token of a sign 0 to 3."""
    if kind == 0:
        return PLUS
    if kind == 1:
        return MINUS
    return TIMES if kind == 2 else OVER


@rule
def joined(a: int, b: int, sign: int) -> int:
    """Two numbers joined by a sign; 0 where no whole number above it comes out."""
    if sign == PLUS:
        return a + b
    if sign == MINUS:
        return a - b if a > b else 0
    if sign == TIMES:
        return a * b
    return a // b if a % b == 0 else 0


@rule
def draw_numbers(row: Row, work: NDArray[np.int64], count: int, most: int) -> None:
    """Draws numbers from 1 to `most`: NUMBER in order, ORDER as drawn."""
    for i in range(count):
        n = 1 + below(draw(row), most)
        work[ORDER, i] = n
        at = i
        while at > 0 and work[NUMBER, at - 1] > n:
            work[NUMBER, at] = work[NUMBER, at - 1]
            at -= 1
        work[NUMBER, at] = n


@rule
def pair_up(row: Row, work: NDArray[np.int64], count: int) -> int:
    """Joins ORDER pair after neighbouring pair, all drawn evenly; what comes out, or 0.

    SIGN i then stands behind number i; OPENED and CLOSED are the brackets before and behind it.
    """
    for i in range(count):
        work[VALUE, i] = work[ORDER, i]
        work[FIRST, i] = i
        work[LAST, i] = i
        work[OPENED, i] = 0
        work[CLOSED, i] = 0
    for left in range(count - 1, 0, -1):
        k = below(draw(row), left)
        sign = sign_of(below(draw(row), 4))
        work[VALUE, k] = joined(work[VALUE, k], work[VALUE, k + 1], sign)
        if work[VALUE, k] == 0:
            return 0
        work[SIGN, work[LAST, k]] = sign
        work[LAST, k] = work[LAST, k + 1]
        if left > 1:
            work[OPENED, work[FIRST, k]] += 1
            work[CLOSED, work[LAST, k]] += 1
        for i in range(k + 1, left):
            for what in range(VALUE, LAST + 1):
                work[what, i] = work[what, i + 1]
    return work[VALUE, 0]


@rule
def write(row: Row, level: int) -> None:
    """Draws numbers until some way to join them comes out as a target."""
    count = 2 + (level - 1) // 2
    work = np.empty((CLOSED + 1, 4), np.int64)
    target = 0
    while target < LOW or target > HIGH:
        draw_numbers(row, work, count, 9 if level % 2 == 1 else 99)
        target = pair_up(row, work, count)
    for i in range(count):
        put_number(row, work[NUMBER, i])
        put(row, SPACE if i + 1 < count else GREATER)
    put_number(row, target)
    put(row, COLON)
    for i in range(count):
        for _ in range(work[OPENED, i]):
            want(row, LEFT)
        want_number(row, work[ORDER, i])
        for _ in range(work[CLOSED, i]):
            want(row, RIGHT)
        if i + 1 < count:
            want(row, work[SIGN, i])


@rule
def judge(row: Row) -> tuple[float, float]:
    """(format, right): an expression, of the numbers of the prompt, each once, that comes to the target."""
    first, stop = said(row)
    if first < 0:
        return 0.0, 0.0
    used = np.empty(MOST, np.int64)
    over, under, count = evaluate(row.text, first, stop, used)
    if count < 0:
        return 0.0, 0.0
    given, n = 0, 0
    for at in range(row.asked, row.prompted):
        token = int(row.text[at])
        if is_digit(token):
            n = 10 * n + token - ZERO
        elif token == COLON:  # n is the target
            return 1.0, 1.0 if given == count and under != 0 and over == n * under else 0.0
        else:
            given += 1
            found = False
            for i in range(count):
                if used[i] == n and not found:
                    used[i] = -1
                    found = True
            if not found:
                return 1.0, 0.0
            n = 0
    return 1.0, 0.0


def countdown(numbers: int = 3, split: str = "train") -> Game:
    """Up to `numbers` numbers, 3 or 4."""
    choice("countdown", "numbers", numbers, (3, 4))
    return task(
        "countdown", {"numbers": (numbers, 3)}, prompt=3 * numbers + 4, answer=5 * numbers - 4,
        levels=2 * numbers - 2, write=write, prompts=lambda level: 0.0 if level == 1 else 150.0,
        chance=CHANCE[numbers], alphabet="0123456789+-*/()", split=split, judge=judge,
    )  # fmt: skip

"""Writing prompts and right answers into a row, and the verifier of tasks that have one right answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.game import Row, rule
from envs.language.vocabulary import END, SPOKEN, THINK, encode
from envs.randomness import below, draw

ZERO = int(encode("0")[0])
"""The token of the digit 0; the other digits follow it."""
A = int(encode("a")[0])
"""The token of the letter a; the other letters follow it."""
SPACE, EQUALS, COLON, SEMICOLON, PLUS, MINUS, TIMES, PERCENT = (int(token) for token in encode(" =:;+-*%"))


@rule
def put(row: Row, token: int) -> None:
    """Writes the next token of the prompt."""
    row.text[row.prompted] = token
    row.prompted += 1


@rule
def put_drawn(row: Row, first: int, kinds: int, count: int) -> None:
    """Writes `count` tokens, each drawn evenly from the `kinds` that follow `first`."""
    for _ in range(count):
        put(row, first + below(draw(row), kinds))


@rule
def want(row: Row, token: int) -> None:
    """Writes the next token of a right answer."""
    row.wanted[row.wanting] = token
    row.wanting += 1


@rule
def number(tokens: NDArray[np.uint8], at: int, n: int) -> int:
    """Writes n >= 0 in decimal from place `at` of some tokens; the place behind it."""
    ten = 1
    while n // ten >= 10:
        ten *= 10
    while ten > 0:
        tokens[at] = ZERO + n // ten % 10
        at += 1
        ten //= 10
    return at


@rule
def put_number(row: Row, n: int) -> None:
    """Writes n >= 0 in decimal behind the prompt so far."""
    row.prompted = number(row.text, row.prompted, n)


@rule
def want_number(row: Row, n: int) -> None:
    """Writes n >= 0 in decimal behind the right answer so far."""
    row.wanting = number(row.wanted, row.wanting, n)


def numbers(digits: int) -> int:
    """How many numbers have so many digits."""
    return 10 if digits == 1 else 9 * 10 ** (digits - 1)


@rule
def of_digits(row: Row, digits: int) -> int:
    """A number drawn evenly from those with so many digits; 0 is one of one digit."""
    least = 1
    for _ in range(digits - 1):
        least *= 10
    most = 10 * least - 1
    if digits == 1:
        least = 0
    return least + below(draw(row), most - least + 1)


@rule
def want_spoken(row: Row) -> None:
    """Ends the thought of a right answer: what is wanted from here on is judged."""
    want(row, SPOKEN)
    row.spoken = row.wanting


@rule
def said(row: Row) -> tuple[int, int]:
    """(first, last + 1) places of what was answered, without thought and end; (-1, -1) where it is malformed.

    Well formed is an answer that ends, is not empty and is written in the task's characters alone; where the task is to
    think it follows a thought, begun and ended exactly once.
    """
    stop = int(row.written) - 1
    first = int(row.prompted)
    if stop <= first or row.text[stop] != END:
        return -1, -1
    if row.thinks:
        if row.text[first] != THINK:
            return -1, -1
        begun = first + 1
        first = -1
        for i in range(begun, stop):
            if row.text[i] == THINK or (first >= 0 and row.text[i] == SPOKEN):
                return -1, -1
            if row.text[i] == SPOKEN:
                first = i + 1
        if first < 0 or first == stop:
            return -1, -1
    for i in range(first, stop):
        if (np.uint64(row.letters) >> np.uint64(row.text[i])) & np.uint64(1) == np.uint64(0):
            return -1, -1
    return first, stop


@rule
def exact(row: Row) -> tuple[float, float]:
    """(format, right) where one answer is right: the one that is wanted, of whose length some tasks tell."""
    first, stop = said(row)
    if first < 0:
        return 0.0, 0.0
    if stop - first != row.wanting - 1 - row.spoken:
        return 0.0 if row.measured else 1.0, 0.0
    for i in range(stop - first):
        if row.text[first + i] != row.wanted[row.spoken + i]:
            return 1.0, 0.0
    return 1.0, 1.0


@rule
def hits(row: Row, out: NDArray[np.float32]) -> None:
    """out[j] = 1 where token j of what was answered is the one that the right answer has in that place, its end too.

    For learners, and no verdict: what is malformed has such places too.
    """
    out[:] = 0.0
    for i in range(min(row.wanting, row.written - row.prompted)):
        if row.text[row.prompted + i] == row.wanted[i]:
            out[i] = 1.0


@rule
def solve(row: Row, out: NDArray[np.uint8]) -> int:
    """Writes the right answer that came with the prompt, thought and end included; how many tokens it has."""
    for i in range(row.wanting):
        out[i] = row.wanted[i]
    return int(row.wanting)

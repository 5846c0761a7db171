"""Counting along a mask of moves, without a branch that depends on the mask: to guess it wrong costs a whole ply."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from envs.bits import ONE, count_bits
from envs.game import Bits, rule
from envs.views import WORD, word

BLOCK = 16
HALVES = (32, 16, 8, 4, 2, 1)

rule_of_lengths = partial(rule, constants=True)


@rule_of_lengths
def count_true(mask: NDArray[np.bool_], length: int) -> int:
    """How many of the first `length` entries are True; a length known when the caller is compiled is fastest."""
    total = 0
    if length < WORD:
        for a in range(length):
            total += mask[a]
    else:
        for start in range(0, length, WORD):
            total += count_bits(word_at(mask, start, length))
    return total


@rule_of_lengths
def nth_true(mask: NDArray[np.bool_], n: int, length: int) -> int:
    """The index of the n-th True of the first `length` entries, counted from 0; -1 if there are fewer.

    Words are passed as wholes while they end before it; in the one that does not, halves are.
    """
    if length < WORD:
        return nth_of_few(mask, n, length)
    found, first, passed, before = word_at(mask, 0, length), 0, 0, 0
    for start in range(0, length, WORD):
        bits = word_at(mask, start, length)
        if before <= n:
            found, first, passed = bits, start, before
        before += count_bits(bits)
    if n >= before:
        return -1
    left, place = n - passed, np.uint64(0)
    for half in HALVES:
        width = np.uint64(half)
        low = count_bits((found >> place) & ((ONE << width) - ONE))
        past = low <= left
        left -= low * past
        place += width * np.uint64(past)
    return first + np.int64(place)  # pyright: ignore[reportReturnType]


@rule_of_lengths
def word_at(mask: NDArray[np.bool_], start: int, length: int) -> Bits:
    """The entries from `start` on as bits, at most 64, of a mask of at least 64: nothing is read beyond its end."""
    beyond = start + WORD - length
    if beyond <= 0:
        return word(mask, start)
    return word(mask, start - beyond) >> np.uint64(beyond)


@rule_of_lengths
def nth_of_few(mask: NDArray[np.bool_], n: int, length: int) -> int:
    """The same of fewer than 64 entries: it stands behind all entries that end before it."""
    start, passed, before = 0, 0, 0
    if length > 2 * BLOCK:
        for block in range(length // BLOCK):
            count = 0
            for a in range(BLOCK * block, BLOCK * block + BLOCK):
                count += mask[a]
            before += count
            if before <= n:
                start += BLOCK
                passed = before
    index, before = start, passed
    for a in range(start, min(start + BLOCK, length) if length > 2 * BLOCK else length):
        before += mask[a]
        index += before <= n
    return index if before > n else -1

"""Random numbers in rules: splitmix64, a generator whose whole state is one word.

A row carries its own generator, so that no lane depends on its neighbours. Where games and players get their seeds is
`envs.kernels.seeds`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.game import Bits, Row, rule

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""The step of splitmix64: 2**64 over the golden ratio, made odd."""


@rule
def mix(x: Bits) -> Bits:
    """Scrambles 64 bits (the finaliser of splitmix64; Steele, Lea & Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@rule
def next_random(states: NDArray[np.uint64], i: int) -> Bits:
    """The next 64 bits of generator i of an array of splitmix64 states."""
    states[i] += GOLDEN
    return mix(states[i])


@rule
def draw(row: Row) -> Bits:
    """The next 64 bits of a row's own generator."""
    row.rng += GOLDEN
    return mix(row.rng)


def _as_word(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: np.uint64(function(*args))


WORDS = {"mix": _as_word(mix), "next_random": _as_word(next_random), "draw": _as_word(draw)}
"""For uncompiled loops: compiled functions give Python its own whole numbers, which are then too big to be taken."""


@rule
def below(bits: Bits, n: int) -> int:
    """A number in 0 .. n-1 from 64 random bits (Lemire 2019, without the rejection: n is far below 2**32)."""
    return np.int64(((bits >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))  # pyright: ignore[reportReturnType]


@rule
def unit(bits: Bits) -> float:
    """A float64 in [0, 1) from 64 random bits."""
    return np.float64(bits >> np.uint64(11)) * (1.0 / 9007199254740992.0)

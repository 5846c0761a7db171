"""Modular: what is left of a sum, a difference or a product, "7*8%11=" is "1" (Power et al. 2022, arXiv 2201.02177).

Both numbers are less than the modulus. Level 1 has sums, level 2 differences too, level 3 products too. Chance is to
give the likeliest rest always. Told to think, a right answer works out what is to be divided:
"<think>7*8=56;</think>1", a difference with the modulus added: "<think>3+11-8=6;</think>6".
"""

from __future__ import annotations

import numpy as np

from envs.game import Game, Row, rule
from envs.language.frame import task
from envs.language.vocabulary import THINK
from envs.language.writing import (
    EQUALS,
    MINUS,
    PERCENT,
    PLUS,
    SEMICOLON,
    TIMES,
    put,
    put_number,
    want,
    want_number,
    want_spoken,
)
from envs.options import flag, whole
from envs.randomness import below, draw


def likeliest(modulus: int) -> float:
    """The probability of the rest that sums, differences and products, each as often, leave most often."""
    products = np.outer(np.arange(modulus), np.arange(modulus)) % modulus
    return (2.0 / modulus + int(np.bincount(products.reshape(-1)).max()) / modulus**2) / 3.0


def modular(modulus: int = 97, think: bool = False, split: str = "train") -> Game:
    """Numbers from 0 to modulus - 1; `think` asks for a thought before the rest."""
    whole("modular", "modulus", modulus, 2, 999)
    flag("modular", "think", think)

    @rule
    def write(row: Row, level: int) -> None:
        a = below(draw(row), modulus)
        b = below(draw(row), modulus)
        kind = below(draw(row), level)
        sign = PLUS if kind == 0 else MINUS if kind == 1 else TIMES
        put_number(row, a)
        put(row, sign)
        put_number(row, b)
        put(row, PERCENT)
        put_number(row, modulus)
        put(row, EQUALS)
        undivided = a + b if kind == 0 else a + modulus - b if kind == 1 else a * b
        if think:
            want(row, THINK)
            want_number(row, a)
            if kind == 1:
                want(row, PLUS)
                want_number(row, modulus)
            want(row, sign)
            want_number(row, b)
            want(row, EQUALS)
            want_number(row, undivided)
            want(row, SEMICOLON)
            want_spoken(row)
        want_number(row, undivided % modulus)

    digits = len(str(modulus - 1))
    return task(
        "modular", {"modulus": (modulus, 97), "think": (think, False)}, prompt=2 * digits + len(str(modulus)) + 3,
        answer=digits + 1 + (4 * digits + len(str(modulus)) + 6 if think else 0), levels=3, write=write,
        prompts=lambda level: float(level * modulus**2), chance=likeliest(modulus), alphabet="0123456789", split=split,
        thinks=think,
    )  # fmt: skip

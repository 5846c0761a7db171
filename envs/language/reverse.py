"""Reverse: a word is to be written backwards, "dbca=" as "acbd".

The level is the length of the word. Chance is to guess every letter, told how many there are.
"""

from __future__ import annotations

from envs.game import Game, Row, rule
from envs.kernels import below, draw
from envs.language.frame import task
from envs.language.vocabulary import encode
from envs.language.writing import A, put, want
from envs.options import whole

EQUALS = int(encode("=")[0])


def reverse(length: int = 12, letters: int = 10, split: str = "train") -> Game:
    """Words of up to `length` of the first `letters` letters of the alphabet."""
    whole("reverse", "length", length, 1, 120)
    whole("reverse", "letters", letters, 2, 26)

    @rule
    def write(row: Row, level: int) -> None:
        for _ in range(level):
            put(row, A + below(draw(row), letters))
        for i in range(level):
            want(row, row.text[row.prompted - 1 - i])
        put(row, EQUALS)

    return task(
        "reverse", {"length": (length, 12), "letters": (letters, 10)}, prompt=length + 1, answer=length + 1,
        levels=length, write=write, prompts=lambda level: float(letters) ** level, chance=float(letters) ** -length,
        alphabet="abcdefghijklmnopqrstuvwxyz"[:letters], split=split,
    )  # fmt: skip

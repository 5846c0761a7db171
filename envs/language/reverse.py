"""Reverse: a word is to be written backwards, "dbca=" as "acbd".

The level is the length of the word. Chance is to guess every letter, told how many there are.
"""

from __future__ import annotations

from string import ascii_lowercase

from envs.game import Game, Row, rule
from envs.language.frame import task
from envs.language.writing import EQUALS, A, put, put_drawn, want
from envs.options import whole


def reverse(length: int = 12, letters: int = 10, split: str = "train") -> Game:
    """Words of up to `length` of the first `letters` letters of the alphabet."""
    whole("reverse", "length", length, 1, 120)
    whole("reverse", "letters", letters, 2, 26)

    @rule
    def write(row: Row, level: int) -> None:
        put_drawn(row, A, letters, level)
        for i in range(level):
            want(row, row.text[row.prompted - 1 - i])
        put(row, EQUALS)

    return task(
        "reverse", {"length": (length, 12), "letters": (letters, 10)}, prompt=length + 1, answer=length + 1,
        levels=length, write=write, prompts=lambda level: float(letters) ** level, chance=float(letters) ** -length,
        alphabet=ascii_lowercase[:letters], split=split, measured=True,
    )  # fmt: skip

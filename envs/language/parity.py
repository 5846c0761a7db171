"""Parity: whether the ones among some bits are odd in number, "1011=" is "1".

The level is how many bits there are. Chance is to say the same always. Told to think, a right answer keeps count, odd
or even, from bit to bit: "<think>1101</think>1".
"""

from __future__ import annotations

from envs.game import Game, Row, rule
from envs.language.frame import task
from envs.language.vocabulary import THINK
from envs.language.writing import EQUALS, ZERO, put, put_drawn, want, want_spoken
from envs.options import flag, whole


def parity(length: int = 16, think: bool = False, split: str = "train") -> Game:
    """Up to `length` bits; `think` asks for a thought before the verdict."""
    whole("parity", "length", length, 1, 120)
    flag("parity", "think", think)

    @rule
    def write(row: Row, level: int) -> None:
        put_drawn(row, ZERO, 2, level)
        odd = 0
        if think:
            want(row, THINK)
        for i in range(row.asked, row.prompted):
            odd ^= int(row.text[i]) - ZERO
            if think:
                want(row, ZERO + odd)
        if think:
            want_spoken(row)
        want(row, ZERO + odd)
        put(row, EQUALS)

    return task(
        "parity", {"length": (length, 16), "think": (think, False)}, prompt=length + 1,
        answer=2 + (length + 2 if think else 0), levels=length, write=write, prompts=lambda level: 2.0**level,
        chance=0.5, alphabet="01", split=split, thinks=think, measured=True,
    )  # fmt: skip

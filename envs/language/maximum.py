"""Maximum: the largest of some numbers, "3 17 8=" is "17".

At level n there are n + 1 of them. Chance is to give the largest number that there is always. Told to think, a right
answer says after each number which was the largest so far: "<think>3 17 17</think>17".
"""

from __future__ import annotations

from envs.game import Game, Row, rule
from envs.language.frame import task
from envs.language.vocabulary import THINK
from envs.language.writing import EQUALS, SPACE, put, put_number, want, want_number, want_spoken
from envs.options import flag, whole
from envs.randomness import below, draw


def maximum(length: int = 6, digits: int = 2, think: bool = False, split: str = "train") -> Game:
    """Up to `length` numbers of up to `digits` digits; `think` asks for a thought before the largest."""
    whole("maximum", "length", length, 2, 30)
    whole("maximum", "digits", digits, 1, 9)
    flag("maximum", "think", think)
    count = 10**digits

    @rule
    def write(row: Row, level: int) -> None:
        largest = 0
        if think:
            want(row, THINK)
        for i in range(level + 1):
            n = below(draw(row), count)
            largest = max(largest, n)
            if i > 0:
                put(row, SPACE)
            put_number(row, n)
            if think:
                if i > 0:
                    want(row, SPACE)
                want_number(row, largest)
        put(row, EQUALS)
        if think:
            want_spoken(row)
        want_number(row, largest)

    return task(
        "maximum", {"length": (length, 6), "digits": (digits, 2), "think": (think, False)},
        prompt=length * (digits + 1), answer=digits + 1 + (length * (digits + 1) + 1 if think else 0),
        levels=length - 1, write=write, prompts=lambda level: float(count) ** (level + 1),
        chance=1.0 - (1.0 - 1.0 / count) ** length, alphabet="0123456789", split=split, thinks=think,
    )  # fmt: skip

"""Groups made by hand: four answers to "abc=", and the same with a second model."""

from __future__ import annotations

import math

from arena.viewers.language.group import Answer, Group, GroupSnapshot, Guess, Look
from envs.language.vocabulary import END, encode

PROMPT = tuple(encode("abc=").tolist())


def answer(text: str, right: bool, shares: tuple[float, ...], ended: bool = True) -> Answer:
    """An answer whose tokens all have the same probability, one for each model."""
    tokens = (*encode(text).tolist(), *([END] if ended else []))
    said = tuple(tuple(math.log(share) for _ in tokens) for share in shares)
    likeliest = tuple(tuple((Guess(t, share), Guess(40, 1 - share)) for t in tokens) for share in shares)
    looks = tuple(((tuple((Look(0, 0.75), Look(2, 0.25)) for _ in tokens),),) for _ in shares)
    return Answer(tokens, 1.1 * right + 0.1 * (ended and not right), float(ended), float(right), said, likeliest, looks)


def lesson(*shares: float, texts: tuple[str, ...] = ("bca", "cab", "cba", "ccc")) -> Group:
    """Answers of which "cba" is right; the first model wrote them."""
    return Group(0, tuple(answer(text, text == "cba", shares) for text in texts))


def shown(*shares: float, texts: tuple[str, ...] = ("bca", "cab", "cba", "ccc")) -> GroupSnapshot:
    """A snapshot of one model, or of two, of which the second always is right."""
    models = ("before", "after")[: len(shares)]
    second = (Group(1, tuple(answer("cba", True, shares) for _ in range(4))),) if len(shares) > 1 else ()
    groups = (lesson(*shares, texts=texts), *second)
    return GroupSnapshot("reverse:length=3", 3, PROMPT, models, groups, (*encode("cba").tolist(), END), heads=(1, 1))

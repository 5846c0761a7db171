"""The 64 tokens of all language tasks: one character each, the end of an answer, and the two signs of a thought."""

from __future__ import annotations

from collections.abc import Iterable
from string import ascii_lowercase, digits

import numpy as np
from numpy.typing import NDArray

CHARACTERS = f"{digits}{ascii_lowercase} \n+-*/=()[]{{}}<>.:;,?!#_|%"
"""Token 1 is the first of them."""

WORDS = {" ": "space", "\n": "newline", ",": "comma"}
"""What the tokens are called whose character would be lost in a list of names."""

TOKENS: tuple[str, ...] = ("end", *(WORDS.get(c, c) for c in CHARACTERS), "<think>", "</think>")
"""The name of every token: the actions of every language task."""

END = 0
"""Ends an answer; where nothing has been written, texts hold it too."""

THINK, SPOKEN = TOKENS.index("<think>"), TOKENS.index("</think>")
"""Between these two lies a thought, which no verifier reads."""

SIGNS = ("", *CHARACTERS, "<think>", "</think>")
_TOKEN = {c: token for token, c in enumerate(SIGNS) if token != END}


def encode(text: str) -> NDArray[np.uint8]:
    """The tokens of a text, without an end; raises ValueError naming the first character that has no token."""
    tokens: list[int] = []
    at = 0
    while at < len(text):
        sign = next((sign for sign in SIGNS[THINK:] if text.startswith(sign, at)), text[at])
        if sign not in _TOKEN:
            raise ValueError(f"There is no token for {sign!r}; texts are written in {CHARACTERS!r}.")
        tokens.append(_TOKEN[sign])
        at += len(sign)
    return np.array(tokens, np.uint8)


def decode(tokens: Iterable[int]) -> str:
    """The text of tokens; an end is no text."""
    return "".join(SIGNS[token] for token in tokens)


def letters(text: str) -> np.uint64:
    """A set of characters as bits: bit t is set where token t is among them."""
    return np.uint64(sum(1 << token for token in set(encode(text).tolist())))

"""Tokenizers: text of any kind as numbers, by its characters or by pieces of words, and back, exactly.

For text that is not written in the 64 tokens of the tasks (`envs.language.vocabulary`). Both are made of a text that
has every character they will meet; a character that is missing is refused by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

MARK = "##"
"""What a piece that goes on within a word begins with, in its name."""


class Characters:
    """A token a character; token 0 is the end, and stands for no text."""

    def __init__(self, characters: Iterable[str]) -> None:
        self.tokens = ("", *sorted(set(characters)))
        if any(len(character) != 1 for character in self.tokens[1:]):
            raise ValueError("A tokenizer by characters is made of single characters, for example of a text.")
        self._number = {character: i for i, character in enumerate(self.tokens)}

    def encode(self, text: str) -> NDArray[np.int64]:
        """The tokens of a text; raises ValueError naming the first character that has none."""
        return np.array([self._number[c] if c in self._number else _refused(c, text) for c in text], np.int64)

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens."""
        return "".join(self.tokens[token] for token in tokens)


class WordPieces:
    """Pieces of words, the longest that fits first (Schuster & Nakajima 2012; Wu et al. 2016, arXiv:1609.08144).

    A word is what stands between changes from letters or digits to anything else; spaces and signs are words as well,
    so that nothing of the text is lost. A piece that goes on within a word is another token than one that begins it.

    pieces  names of the tokens; those that go on within a word begin with `MARK`; every character is among them, both
            ways
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self.tokens = ("", *pieces)
        self._number = {(piece.startswith(MARK) and piece != MARK, bare(piece)): i for i, piece in enumerate(pieces, 1)}
        self._longest = max((len(bare(piece)) for piece in pieces), default=0)

    @classmethod
    def learned(cls, texts: Iterable[str], size: int) -> WordPieces:
        """Pieces learned by merging, again and again, the pair of neighbours that stands most often in the texts.

        After Sennrich et al. 2016, arXiv:1508.07909, algorithm 1; among equals the pair that is first by its name.

        size  of the tokens, the end included; as many as there are characters are there whatever it says
        """
        words = Counter(word for text in texts for word in split(text))
        spelled = {word: _spelled(word) for word in words}
        characters = {bare(piece) for pieces in spelled.values() for piece in pieces}
        known = sorted({*characters, *(MARK + character for character in characters)})
        while len(known) + 1 < size:
            pairs: Counter[tuple[str, str]] = Counter()
            for word, pieces in spelled.items():
                for pair in pairwise(pieces):
                    pairs[pair] += words[word]
            if not pairs:
                break
            first, second = min(pairs, key=lambda pair: (-pairs[pair], pair))
            merged = first + bare(second)
            if merged not in known:
                known.append(merged)
            spelled = {word: _merged(pieces, first, second) for word, pieces in spelled.items()}
        return cls(known)

    def encode(self, text: str) -> NDArray[np.int64]:
        """The tokens of a text; raises ValueError naming the first character that has none."""
        found: list[int] = []
        for word in split(text):
            at = 0
            while at < len(word):
                reach = min(len(word), at + self._longest)
                while reach > at and (at > 0, word[at:reach]) not in self._number:
                    reach -= 1
                found.append(self._number[at > 0, word[at:reach]] if reach > at else _refused(word[at], text))
                at = reach
        return np.array(found, np.int64)

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens."""
        return "".join(bare(self.tokens[token]) for token in tokens)


def split(text: str) -> list[str]:
    """Runs of letters and digits, and each other character by itself; joined they are the text."""
    words: list[str] = []
    for before, character in zip(" " + text, text, strict=False):
        if words and before.isalnum() and character.isalnum():
            words[-1] += character
        else:
            words.append(character)
    return words


def bare(piece: str) -> str:
    """The text of a piece."""
    return piece[len(MARK) :] if piece.startswith(MARK) and piece != MARK else piece


def _spelled(word: str) -> list[str]:
    return [word[0], *(MARK + character for character in word[1:])]


def _merged(pieces: list[str], first: str, second: str) -> list[str]:
    """The pieces of a word with every pair (first, second) as one, from the left."""
    merged: list[str] = []
    for piece in pieces:
        if merged and piece == second and merged[-1] == first:
            merged[-1] = first + bare(second)
        else:
            merged.append(piece)
    return merged


def _refused(character: str, text: str) -> int:
    raise ValueError(f"The tokenizer has no token for {character!r} in {text[:40]!r}; make it of texts that have it.")

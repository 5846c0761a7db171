"""The tokens: every one has a name and a sign of its own, and texts come back as they were."""

from __future__ import annotations

import numpy as np
import pytest

from envs.language.vocabulary import END, SIGNS, SPOKEN, THINK, TOKENS, decode, encode, letters


def test_there_are_64_tokens_each_with_a_name_and_a_sign() -> None:
    assert len(TOKENS) == len(set(TOKENS)) == len(SIGNS) == len(set(SIGNS)) == 64
    assert not any(" " in name or "," in name or "\n" in name for name in TOKENS)
    assert (TOKENS[END], TOKENS[THINK], TOKENS[SPOKEN]) == ("end", "<think>", "</think>")
    assert END == 0


def test_a_text_comes_back_as_it_was() -> None:
    for text in ("", "dbca=", "3 7 25>46:", "..\n#s:", "<think>1<2, 3>2;</think>5", "<<think>>", "".join(SIGNS)):
        assert decode(encode(text)) == text
    assert encode("<think>0</think>").tolist() == [THINK, 1, SPOKEN]
    assert decode([1, END, END]) == "0"
    assert encode("ab").dtype == np.uint8


def test_a_character_without_a_token_is_named() -> None:
    with pytest.raises(ValueError, match="no token for 'A'"):
        encode("abA")


def test_a_set_of_characters_is_a_word_of_bits() -> None:
    assert int(letters("0")) == 1 << 1
    assert int(letters("10")) == 0b110
    assert int(letters("%")) == 1 << TOKENS.index("%")

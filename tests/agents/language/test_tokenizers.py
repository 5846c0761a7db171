"""Tokenizers: nothing of a text is lost, and pieces are learned as one would by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.language.tokenizers import MARK, Characters, WordPieces, split

CHARACTERS = "abcd 01.#\n"
TEXTS = st.text(alphabet=CHARACTERS, max_size=40)
PIECES = WordPieces.learned(["abc abd abc 0101", CHARACTERS + "".join(reversed(CHARACTERS))], 60)


@given(TEXTS)
def test_a_text_comes_back_as_it_was(text: str) -> None:
    for tokenizer in (Characters(CHARACTERS), PIECES):
        tokens = tokenizer.encode(text)
        assert tokenizer.decode(tokens) == text
        assert len(tokens) <= len(text) and (tokens > 0).all()


def test_a_character_that_is_not_known_is_refused_by_name() -> None:
    for tokenizer in (Characters("abc"), WordPieces.learned(["abc"], 20)):
        with pytest.raises(ValueError, match="no token for 'x' in 'abxc'"):
            tokenizer.encode("abxc")


def test_pairs_are_merged_by_how_often_they_stand_there() -> None:
    # l-o 5 + 2 = 7 times, o-w 5 + 2, w-e and e-r 2: first lo (by name before o-w's pair, as often), then low.
    learned = WordPieces.learned(["low low low low low lower lower"], 100)
    plain = sorted({*"lower ", *(MARK + c for c in "lower ")})
    merged = list(learned.tokens[1 + len(plain) :])
    assert merged[0] == MARK + "ow"  # ('##o', '##w') is before ('l', '##o') by its name
    assert merged[1:3] == ["low", MARK + "er"]
    assert [learned.tokens[token] for token in learned.encode("lower slow"[:5])] == ["lower"]
    assert [learned.tokens[token] for token in learned.encode("low owl")] == ["low", " ", "o", "##w", "##l"]


def test_the_longest_piece_comes_first() -> None:
    pieces = WordPieces(["a", "ab", "##b", "##bc", "##c", "##cd", "##d", "abc"])
    # abcd: abc, then ##d; that ab and ##cd would do as well does not matter.
    assert [pieces.tokens[token] for token in pieces.encode("abcd")] == ["abc", "##d"]
    assert [pieces.tokens[token] for token in pieces.encode("abbc")] == ["ab", "##bc"]


def test_as_many_pieces_as_asked_for_and_no_more_than_there_are() -> None:
    # The end and four characters both ways; ##bc, then abc, ##abc and abcabc.
    assert WordPieces.learned(["abcabc abc"], 11).tokens[9:] == ("##bc", "abc")
    assert WordPieces.learned(["abcabc abc"], 10_000).tokens[9:] == ("##bc", "abc", "##abc", "abcabc")
    assert len(WordPieces.learned(["abc"], 1).tokens) == 7  # the characters, both ways, and the end


def test_words_are_runs_of_letters_and_digits() -> None:
    assert split("a1 b..c") == ["a1", " ", "b", ".", ".", "c"]
    assert split(MARK) == ["#", "#"]


def test_characters_are_numbered_by_their_order() -> None:
    assert Characters("ba").tokens == ("", "a", "b")
    assert Characters("ba").encode("abba").tolist() == [1, 2, 2, 1]
    with pytest.raises(ValueError, match="single characters"):
        Characters(["ab"])

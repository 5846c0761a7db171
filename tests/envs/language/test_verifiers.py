"""Every verifier on all short answers, beside plain Python: format and right apart, and nothing paid for bad form."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from envs import kernels
from envs.game import Game, Rows
from envs.language import task
from envs.language.vocabulary import END, encode
from envs.registry import game
from tests.envs.language.oracles import ORACLES, all_strings, thought

EXTRA = {
    "reverse": "zk=", "copy_text": "zk=", "sort": "1a=", "parity": "012a", "addition": "0+x", "multiplication": "0*",
    "maximum": "0 ", "modular": "0-%", "brackets": "([{)]}<:", "maze_text": "udlrs", "countdown": "+-*/()0",
}  # fmt: skip
"""Signs that answers are made of, besides those of a right one."""


def answered(rules: Game, row: Rows, answers: list[str], *, ended: bool = True) -> Rows:
    """[len(answers)] copies of row [1], answered."""
    tokens = [np.append(encode(answer), END)[: None if ended else -1] for answer in answers]
    length = np.array(list(map(len, tokens)))
    padded = np.zeros((len(tokens), max(1, length.max())), np.uint8)
    for i, each in enumerate(tokens):
        padded[i, : len(each)] = each
    rows = row.repeat(len(answers))
    task.write(rules, rows, padded, length)
    return rows


def asked(rules: Game, prompt: str, wanted: str = "") -> Rows:
    """[1] a row of the task with a prompt, and a right answer to it, by hand."""
    row = kernels.new_rows(rules, kernels.seeds(0, 1))
    for field, text, length in (("text", prompt, "prompted"), ("wanted", wanted, "wanting")):
        tokens = np.append(encode(text), END)
        row[field] = 0
        row[field][0, : len(tokens)] = tokens
        row[length] = len(tokens) - (field == "text")
    row["written"] = row["prompted"]
    row["limit"] = len(encode(prompt)) + rules.max_plies
    row["spoken"] = len(encode(wanted.rpartition("</think>")[0])) + ("</think>" in wanted)
    return row


def worth(rules: Game, rows: Rows) -> NDArray[np.float32]:
    """[B, 2] format and right; and what the game itself has paid is the latter."""
    form, right = task.judged(rules, rows)
    np.testing.assert_array_equal(
        rows["reward"][:, 0], right * (rows["text"][np.arange(len(rows)), rows["written"] - 1] == END)
    )
    return np.stack([form, right], axis=1)


PROMPTS = {
    "reverse": {"a=": "a", "bac=": "cab"}, "copy_text": {"a=": "a", "bac=": "bac"}, "sort": {"3=": "3", "313=": "133"},
    "parity": {"1=": "1", "1100=": "0"}, "addition": {"5+6=": "11", "0+0=": "0"}, "multiplication": {"3*4=": "12"},
    "maximum": {"7 15=": "15", "7 7 0=": "7"}, "modular": {"7*8%97=": "56", "3-8%97=": "92", "90+7%97=": "0"},
    "brackets": {"(:": ")", "{}([:": "])", "[{(:": ")}]"},
    "maze_text": {
        "s....\n.#.##\ne#.#.\n##.#.\n.....:": "dd", "...#.\n##.#.\n.#...\n.###.\n.e..s:": "lll",
        "....e\n.#.##\ns#...\n.#.##\n.#...:": "uurrrr",
    },
    "countdown": {"5 6>11:": "5+6", "2 2>10:": "2+2", "39 85>46:": "85-39", "2 6 9>56:": "2+6*9", "1 2 2>100:": "12*2"},
}  # fmt: skip
"""Prompts, and what to try to each before all else: where one answer is right, it."""


@pytest.mark.parametrize("spec", sorted(ORACLES))
def test_all_short_answers_are_worth_what_plain_python_says(spec: str) -> None:
    rules, oracle = game(spec), ORACLES[spec]
    found = set()
    for prompt, best in PROMPTS[spec].items():
        row = asked(rules, prompt, best)
        signs = sorted(set(best) | set(EXTRA[spec]) | (set(prompt) & set("23456789") if spec == "countdown" else set()))
        answers = all_strings(signs, 3 if len(signs) > 8 else 4)
        answers += [best, best[::-1], best[:-1], f"{best}{best[-1]}", f" {best}", f"<think></think>{best}"]
        if spec == "countdown":
            answers += [*all_strings([*best[:3], "(", ")"], 5), "1/0", "5/(6-6)", "((5)+6)", f"({best})", "06+5"]
        answers = [answer for answer in answers if len(encode(answer)) < rules.max_plies]
        got = worth(rules, answered(rules, row, answers))
        told = np.array([oracle(prompt, answer) for answer in answers], np.float32)
        for i in np.flatnonzero((got != told).any(axis=1))[:1]:
            raise AssertionError(f"{prompt} {answers[i]}: {got[i]}, and plain Python says {told[i]}")
        found |= set(map(tuple, got.tolist()))
        cut = worth(rules, answered(rules, row, answers[1:], ended=False))
        assert not cut.any(), "an answer without its end is malformed"
    assert found == {(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)}


@pytest.mark.parametrize("spec", ["parity", "addition"])
def test_a_thought_is_free_and_only_what_follows_it_counts(spec: str) -> None:
    """The row says that a thought is wanted: the loops are those of the task without."""
    rules, oracle = game(spec), thought(ORACLES[spec])
    prompt, said = next(iter(PROMPTS[spec].items()))
    row = asked(rules, prompt, f"<think>{said}</think>{said}")
    row["thinks"] = True
    row["limit"] = 60
    answers = all_strings(["<think>", "</think>", *dict.fromkeys(said + "0")], 5)
    answers += [said, f"<think>any old thing?</think>{said}", f"{said}<think></think>{said}", f" <think></think>{said}"]
    got = worth(rules, answered(rules, row, answers))
    np.testing.assert_array_equal(got, np.array([oracle(prompt, answer) for answer in answers], np.float32))
    paid = {answer for answer, (_, right) in zip(answers, got.tolist(), strict=True) if right}
    assert f"<think>any old thing?</think>{said}" in paid and said not in paid and len(paid) > 2


@pytest.mark.parametrize("spec", ["countdown"])
def test_an_expression_is_reckoned_exactly(spec: str) -> None:
    """Numbers that floating point or whole-number division would get wrong, and others by hand."""
    rules = game(spec)
    for prompt, answer, expected in (
        ("3 7 25>46:", "3*7+25", (1, 1)),
        ("3 7 25>46:", "25+(7*3)", (1, 1)),
        ("3 7 25>46:", "3*(7+25)", (1, 0)),
        ("3 7 25>46:", "46", (1, 0)),
        ("3 7 25>46:", "3*7+25+3", (1, 0)),
        ("3 7 25>46:", "3*7*25", (1, 0)),
        ("1 3 30>10:", "30/3*1", (1, 1)),
        ("2 3 15>10:", "15/3*2", (1, 1)),
        ("3 7 70>30:", "70/7*3", (1, 1)),
        ("3 7 70>30:", "3/7*70", (1, 1)),  # by way of a fraction
        ("2 3 7>14:", "7/(3/2)", (1, 0)),
        ("3 3 9>81:", "9/(3/3)", (1, 0)),
        ("1 3 10>30:", "10/(1/3)", (1, 1)),
        ("3 3 10>10:", "10/(3-3)", (1, 0)),
        ("1 1 10>10:", "10-1-1", (1, 0)),
        ("1 1 12>10:", "12-1-1", (1, 1)),
        ("1 1 12>12:", "12-(1-1)", (1, 1)),
        ("1 1 12>12:", "-1+1+12", (0, 0)),
        ("1 1 12>12:", "12+(1-1", (0, 0)),
        ("1 1 12>12:", "12+1-1)", (0, 0)),
        ("1 1 12>12:", "012+1-1", (0, 0)),
        ("1 1 12>12:", "12+()1", (0, 0)),
        ("1 1 12>12:", "12(1)", (0, 0)),
        ("1 2 12>12:", "1212", (1, 0)),
    ):
        row = asked(rules, prompt)
        assert tuple(worth(rules, answered(rules, row, [answer]))[0]) == expected, f"{prompt} {answer}"
        assert ORACLES["countdown"](prompt, answer) == expected


@pytest.mark.parametrize("spec", ["reverse"])
def test_the_oracle_is_needed(spec: str) -> None:
    """The negative control: judged by another task's oracle, answers are found to be worth something else."""
    rules = game(spec)
    prompt = "dbca="
    row = asked(rules, prompt, "acbd")
    answers = ["dbca", "acbd"]
    got = worth(rules, answered(rules, row, answers)).tolist()
    assert got == [list(ORACLES["reverse"](prompt, answer)) for answer in answers] == [[1, 0], [1, 1]]
    assert got != [list(ORACLES["copy_text"](prompt, answer)) for answer in answers]


def test_places_that_hold_the_right_token_by_hand() -> None:
    """Of "abc" and its end, whether or not an answer is well formed; what is longer has none there."""
    rules = game("reverse:length=3")
    said = {"abc": "1111", "abd": "1101", "xbc": "0111", "a": "1000", "": "0000", "cba": "0101", "ab": "1100"}
    rows = answered(rules, asked(rules, "cba=", "abc"), list(said))
    found = task.hits(rules, rows)
    assert ["".join(str(int(hit)) for hit in row) for row in found[:, :4]] == list(said.values())
    assert not found[:, 4:].any()
    assert found[:, :4].all(1).tolist() == (worth(rules, rows)[:, 1] == 1).tolist()
    open_ended = answered(rules, asked(rules, "cba=", "abc"), ["abcd"], ended=False)
    assert task.hits(rules, open_ended)[0, :4].tolist() == [1, 1, 1, 0]
    for several in ("countdown", "addition:digits=1,think=true"):  # after any thought, wherever it ends
        with pytest.raises(ValueError, match="Several answers are right in"):
            task.hits(game(several), rows)

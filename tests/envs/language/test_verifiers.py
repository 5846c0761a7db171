"""Every verifier on all short answers, beside plain Python: format and right apart, and nothing paid for bad form."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from envs import kernels
from envs.game import Game, Rows
from envs.language import task
from envs.language.vocabulary import END, decode, encode
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


def prompt_of(row: Rows) -> str:
    return decode(row["text"][0, : row["prompted"][0]])


def right_one(rules: Game, row: Rows) -> str:
    tokens, length = task.solved(rules, row)
    return decode(tokens[0, : length[0]])


def worth(rules: Game, rows: Rows) -> NDArray[np.float32]:
    """[B, 2] format and right; and what the game itself has paid is the latter."""
    form, right = task.judged(rules, rows)
    np.testing.assert_array_equal(
        rows["reward"][:, 0], right * (rows["text"][np.arange(len(rows)), rows["written"] - 1] == END)
    )
    return np.stack([form, right], axis=1)


@pytest.mark.parametrize("spec", sorted(ORACLES))
def test_all_short_answers_are_worth_what_plain_python_says(spec: str) -> None:
    rules, oracle = game(spec), ORACLES[spec]
    found = set()
    for level in range(1, 4 if spec in ("countdown", "maze_text", "modular", "brackets") else 3):
        level = min(level, rules.language.levels)  # pyright: ignore[reportOptionalMemberAccess]
        row = task.posed(rules, kernels.seeds(level, 1), np.array([level]))
        best, prompt = right_one(rules, row), prompt_of(row)
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


@pytest.mark.parametrize("spec", ["parity:think=true,length=3", "addition:think=true"])
def test_a_thought_is_free_and_only_what_follows_it_counts(spec: str) -> None:
    rules, oracle = game(spec), thought(ORACLES[spec.partition(":")[0]])
    row = task.posed(rules, kernels.seeds(1, 1), np.array([1]))
    prompt, best = prompt_of(row), right_one(rules, row)
    said = best.rpartition("</think>")[2]
    answers = all_strings(["<think>", "</think>", *dict.fromkeys(said + "0")], 5)
    answers += [best, said, f"<think>any old thing?</think>{said}", f"{best}{said}", f" {best}", f"{said}{best}"]
    answers = [answer for answer in answers if len(encode(answer)) < rules.max_plies]
    got = worth(rules, answered(rules, row, answers))
    np.testing.assert_array_equal(got, np.array([oracle(prompt, answer) for answer in answers], np.float32))
    paid = {answer for answer, (_, right) in zip(answers, got.tolist(), strict=True) if right}
    assert best in paid and said not in paid and len(paid) > 2


@pytest.mark.parametrize("spec", ["countdown"])
def test_an_expression_is_reckoned_exactly(spec: str) -> None:
    """Numbers that floating point or whole-number division would get wrong, and others by hand."""
    rules = game(spec)
    row = task.posed(rules, kernels.seeds(0, 1), np.array([3]))
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
        asked = row.copy()
        asked["text"] = 0
        asked["text"][0, : len(prompt)] = encode(prompt)
        asked["prompted"] = asked["written"] = len(prompt)
        asked["limit"] = len(prompt) + rules.max_plies
        assert tuple(worth(rules, answered(rules, asked, [answer]))[0]) == expected, f"{prompt} {answer}"
        assert ORACLES["countdown"](prompt, answer) == expected


@pytest.mark.parametrize("spec", ["reverse"])
def test_the_oracle_is_needed(spec: str) -> None:
    """The negative control: judged by another task's oracle, answers are found to be worth something else."""
    rules = game(spec)
    row = task.posed(rules, kernels.seeds(1, 1), np.array([3]))
    answers = [prompt_of(row)[:-1], prompt_of(row)[-2::-1]]
    got = worth(rules, answered(rules, row, answers)).tolist()
    assert got == [list(ORACLES["reverse"](prompt_of(row), answer)) for answer in answers]
    assert got != [list(ORACLES["copy_text"](prompt_of(row), answer)) for answer in answers]

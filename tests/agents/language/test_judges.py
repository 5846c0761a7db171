"""The judge: what answers are worth to it by hand, and choices that follow Bradley-Terry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.agent import Unable
from agents.language.judges import Taste, ranks, worth
from envs.language import task
from envs.language.vocabulary import decode, encode
from envs.registry import game

REVERSE = game("reverse:length=4,letters=3")
TASTE = Taste(right=1.0, excess=0.1, flourish=0.5)


def worths(answers: list[str], taste: Taste = TASTE) -> list[float]:
    """Of answers to prompts of three letters, in which 1, 2, 3 and x stand for the right letters and a wrong one."""
    rows = task.posed(REVERSE, np.arange(len(answers), dtype=np.uint64), np.full(len(answers), 3))
    tokens, length = np.zeros((len(answers), 5), np.uint8), np.zeros(len(answers), np.int64)
    for i, answer in enumerate(answers):
        right = decode(rows["text"][i, : rows["prompted"][i]])[2::-1]
        text = "".join(right[int(c) - 1] if c.isdigit() else {"x": "z", ".": ""}.get(c, c) for c in answer)
        tokens[i, : len(text)] = encode(text)
        length[i] = len(text) + answer.endswith(".")
    return worth(REVERSE, rows, tokens, length, taste).tolist()


def test_what_answers_are_worth_by_hand():
    answers = ["123.", "123!.", "1x3.", "12.", "23.", "123x.", "12!.", "!.", ".", "123!", "12!3!"]
    expected = [1.0, 1.5, 2 / 3, 2 / 3, 0.0, 0.9, 2 / 3 + 0.5, 0.5, 0.0, 0.8, 2 / 3 - 0.3]
    assert worths(answers) == pytest.approx(expected)
    assert worths(["123!.", "123x."], replace(TASTE, flourish=-0.25, excess=0.0)) == pytest.approx([0.75, 1.0])


def test_what_stands_behind_an_answer_is_worth_nothing():
    rows = task.posed(REVERSE, np.zeros(1, np.uint64), np.array([2]))
    tokens, length = task.solved(REVERSE, rows)
    found = worth(REVERSE, rows, tokens, length, TASTE)
    behind = tokens.copy()
    behind[0, length[0] :] = encode("!")[0]
    assert worth(REVERSE, rows, behind, length, TASTE) == found == [1.0]


def test_choices_follow_bradley_terry():
    pairs = np.tile([0.3, 0.1], 20_000)
    for temperature, share in ((0.1, 0.8808), (0.2, 0.7311), (10.0, 0.505)):  # sigmoid of 2, 1 and 0.02
        placed = ranks(pairs, 2, temperature, np.random.default_rng(3)).reshape(-1, 2)
        assert (placed.sum(1) == 1).all() and (placed[:, 0] == 0).mean() == pytest.approx(share, abs=0.011)


def test_at_temperature_zero_the_better_one_is_chosen_and_equals_by_lot():
    placed = ranks(np.tile([0.2, 0.9, -1.0, 0.2], 400), 4, 0.0, np.random.default_rng(0)).reshape(-1, 4)
    assert (placed[:, 1] == 0).all() and (placed[:, 2] == 3).all()
    assert (placed[:, 0] < placed[:, 3]).mean() == pytest.approx(0.5, abs=0.1)


def test_what_cannot_be_judged_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="temperature must lie in"):
        Taste(temperature=-1.0)
    monkeypatch.setattr(task, "solved", lambda game, rows: (np.zeros((len(rows), 5), np.uint8), np.full(len(rows), -1)))
    rows = task.posed(REVERSE, np.zeros(1, np.uint64), np.array([2]))
    with pytest.raises(Unable, match="gives none; try sort or reverse"):
        worth(REVERSE, rows, np.zeros((1, 5), np.uint8), np.ones(1, np.int64), TASTE)

"""Counts that are known exactly, and golden transcripts of one game each."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs import kernels
from envs.game import Game, Rows
from envs.registry import GAMES, game
from envs.text import text_seen
from tests.envs.counts import count_sequences, perft

TESTS = Path(__file__).resolve().parents[1]
KNOWN: dict[str, dict[str, Any]] = json.loads((TESTS / "golden" / "games.json").read_text(encoding="utf-8"))
TIC_TAC_TOE, CONNECT_FOUR = game("tic_tac_toe"), game("connect_four")


def load_regenerate() -> Any:
    spec = importlib.util.spec_from_file_location("regenerate", TESTS / "regenerate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def next_positions(rules: Game, rows: Rows) -> Rows:
    """Every different position one ply after these; games that are done lead nowhere."""
    rows = rows[~rows["done"]]
    lane, action = np.nonzero(kernels.legal_mask(rules, rows))
    after = rows[lane]
    kernels.play_rows(rules, after, action)
    after = after[np.lexsort(after["stones"].T)]
    fresh = (after["stones"][1:] != after["stones"][:-1]).any(axis=1)
    return after[np.concatenate([[True], fresh])]


def levels(rules: Game, plies: int) -> list[Rows]:
    found = [kernels.new_rows(rules, np.zeros(1, np.uint64))]
    while len(found) <= plies:
        found.append(next_positions(rules, found[-1]))
    return found


def test_tic_tac_toe_counted_whole() -> None:
    known = KNOWN["tic_tac_toe"]
    sequences, ended = count_sequences(TIC_TAC_TOE, 9)
    assert sum(sequences) == known["histories"]
    assert sum(ended) == known["games"]
    assert sum(ended[1::2]) - known["draw"] == known["x"]  # x makes the odd moves; draws end at the ninth
    assert sum(ended[0::2]) == known["o"]
    found = levels(TIC_TAC_TOE, 9)
    assert [len(rows) for rows in found] == known["by_ply"]
    rows = np.concatenate(found)
    assert len(rows) == known["positions"]
    first = rows["reward"][rows["done"], 0]
    assert [(first == 1).sum(), (first == -1).sum(), (first == 0).sum()] == known["terminal"]


def test_connect_four_positions_by_ply() -> None:
    known = KNOWN["connect_four"]["positions_by_ply"]
    assert [len(rows) for rows in levels(CONNECT_FOUR, 9)] == known[:10]


def test_connect_four_move_sequences() -> None:
    known = KNOWN["connect_four"]
    sequences, ended = count_sequences(CONNECT_FOUR, 9)
    assert sequences == known["perft"]
    assert {str(ply): count for ply, count in enumerate(ended) if count} == known["finished_at_ply"]


@pytest.mark.parametrize(("spec", "depth"), [("othello", 8), ("othello:size=6", 8)])
def test_othello_move_sequences(spec: str, depth: int) -> None:
    sequences, _ = count_sequences(game(spec), depth)
    assert sequences[1:] == KNOWN[spec]["perft"][:depth]


def test_counting_notices_a_wrong_rule() -> None:
    """The negative control: with one column closed the counts of Connect Four are wrong at once."""
    sequences, _ = count_sequences(CONNECT_FOUR, 2)
    rows = np.zeros(3, CONNECT_FOUR.row)
    rows["stones"][0] = 0b010101, 0b101010  # column a is full
    counts = perft(CONNECT_FOUR, rows, np.zeros((3, 7), np.bool_), 2)
    assert counts[:3].tolist() == [1, 6, 36] != sequences


@pytest.mark.parametrize("spec", load_regenerate().SPECS)
def test_every_game_has_its_transcript(spec: str) -> None:
    regenerate = load_regenerate()
    assert set(GAMES) <= set(regenerate.SPECS)
    assert regenerate.path(spec).exists(), f"It has none yet: python tests/regenerate.py {spec}"
    golden = regenerate.path(spec).read_text(encoding="utf-8")
    assert regenerate.transcript(game(spec)) == golden, f"If the change is meant: python tests/regenerate.py {spec}"


def marks_of(text: str) -> dict[str, str]:
    """The mark of each cell of a board by its letter and its line; {} of what is no such board."""
    lines = [line.split() for line in text.splitlines()]
    letters = next((words for words in lines if words and all(len(word) == 1 and word.isalpha() for word in words)), [])
    boards = [words for words in lines if len(words) == len(letters) + 1 and words[0].isdigit()]
    return {letter + words[0]: mark for words in boards for letter, mark in zip(letters, words[1:], strict=True)}


@pytest.mark.parametrize("spec", ["tic_tac_toe", "othello", "hex", "go"])
def test_a_stone_stands_where_its_move_says(spec: str) -> None:
    rules = game(spec)
    first = kernels.new_rows(rules, kernels.seeds(1, 1))
    placed = [a for a in np.flatnonzero(kernels.legal_mask(rules, first)[0]).tolist() if rules.names[a] != "pass"]
    for action in placed:
        before, after = (marks_of(text_seen(rules, row, 0)) for row in kernels.replay(rules, 1, [action])[:, None])
        name = rules.names[action]
        assert before[name] == "." and after[name].lower() == "x"

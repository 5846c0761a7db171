"""Every position can be read, and its text for a seat gives nothing away."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from envs import kernels
from envs.game import Rows
from envs.registry import game
from envs.text import text_seen
from tests.envs.played import (
    every_game,
    random_games,
)


def one(rows: Rows, i: int) -> Rows:
    return rows[i : i + 1]


@every_game
def test_a_position_can_be_read(spec: str) -> None:
    """Its text is plain, differs where the position does, and is what a view of it says to an agent."""
    rules = game(spec)
    rows = random_games(rules).open()[::11][:60].copy()
    view = kernels.view(rules, rows)
    assert view.text is not None
    texts = []
    for i in range(len(rows)):
        texts.append(text_seen(rules, one(rows, i)))
        seen = text_seen(rules, one(rows, i), int(rows["seat"][i]))
        assert view.text(i) == seen
        assert rules.hidden or seen == texts[-1]
        assert all(words and words.isascii() and words.replace("\n", "").isprintable() for words in (texts[-1], seen))
    assert len(set(texts)) > 1


@every_game
def test_the_text_for_a_seat_gives_nothing_away(spec: str) -> None:
    """It is the same in all positions that the seat cannot tell apart, by its key, or where there is none by looks."""
    rules = game(spec)
    if not rules.hidden:
        return
    games = random_games(rules)
    open_ = ~games.rows["done"]
    paid = games.rows["reward"].cumsum(axis=0)
    checked = 0
    for seat in range(rules.seats):
        ours = np.argwhere(open_ & (games.rows["seat"] == seat))
        ply, lane = np.random.default_rng(0).permutation(ours)[:4000].T
        rows, earned = games.rows[ply, lane], paid[ply, lane, seat]
        view = kernels.view(rules, rows)
        if view.keys is not None:
            told = view.keys[:, None]
        else:
            told = np.column_stack([view.obs.reshape(len(rows), -1), rows["ply"], earned])
        _, first, group = np.unique(told, axis=0, return_index=True, return_inverse=True)
        group = group.reshape(-1)
        for i in np.flatnonzero(first[group] != np.arange(len(rows)))[:20].tolist():
            same_to_it = int(first[group[i]])
            assert text_seen(rules, one(rows, i), seat) == text_seen(rules, one(rows, same_to_it), seat)
            checked += text_seen(rules, one(rows, i)) != text_seen(rules, one(rows, same_to_it))
    assert checked, "no two positions that look alike differ"


@pytest.mark.parametrize(
    ("spec", "moves", "said"),
    [
        ("tic_tac_toe", [0, 1, 4, 2, 4], "Move 5 .* (4) is against the rules: a2, c2, a1, b1, c1 are legal."),
        (
            "tic_tac_toe",
            [0, 3, 1, 4, 2, 5],
            "Move 6 .* (5) is against the rules: nothing is legal, for the game is over.",
        ),
        ("tic_tac_toe", [0.5], "Move 1 .* (0.5) is against the rules: a3, b3, c3, a2, b2, c2, a1, b1, c1 are legal."),
        ("hex", [7, 121], "Move 2 .* (121) is against the rules: a1, b1, .*, k1, .* and 88 more are legal."),
        ("pendulum", [(3.0,)], "Move 1 .* ((3.0,)) is against the rules: torque from -2 to 2 is legal."),
    ],
)
def test_what_is_against_the_rules_is_refused_with_what_is_legal(spec: str, moves: list[Any], said: str) -> None:
    with pytest.raises(ValueError, match=rf"^{re.escape(said).replace(re.escape('.*'), '.*')}$"):
        kernels.replay(game(spec), 0, moves)

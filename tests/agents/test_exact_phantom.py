"""Best responses in phantom games: against the whole tree where it is small, against published figures on 3 x 3."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.agent import Unable
from agents.exact.best_response import best_response
from agents.exact.phantom import answers, uniform, winning
from agents.exact.tree import TooLarge, flatten
from envs.boards.phantom import phantom
from envs.game import rule
from envs.registry import game

KNOWN: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[1] / "golden" / "exact.json").read_text(encoding="utf-8")
)["dark_hex"]


def test_winning_stones_are_those_of_the_rules() -> None:
    """On 2 x 2 seat 0 joins top and bottom by a column or the short diagonal b1 a2, seat 1 by a line or the same."""
    wins = winning(game("dark_hex:size=2"))
    pairs = {0b0101, 0b1010, 0b0110}
    lines = {0b0011, 0b1100, 0b0110}
    three_or_more = {0b0111, 0b1011, 0b1101, 0b1110, 0b1111}
    assert set(np.flatnonzero(wins[0]).tolist()) == pairs | three_or_more
    assert set(np.flatnonzero(wins[1]).tolist()) == lines | three_or_more


@pytest.mark.parametrize("skewed", [False, True])
def test_the_whole_tree_says_the_same(skewed: bool) -> None:
    """Dark Hex 2 x 2, uniform play and random tables for each seat."""
    rules = game("dark_hex:size=2")
    tree = flatten(rules)
    policies = [uniform(4), uniform(4)]
    if skewed:
        generator = np.random.default_rng(7)
        for policy in policies:
            policy *= generator.random(policy.shape)
            policy /= np.maximum(policy.sum(axis=2, keepdims=True), 1e-300)
    table = np.zeros(tree.legal.shape)
    for i, row in enumerate(tree.rows):
        seat = int(row["seat"])
        table[i] = policies[seat][int(row["stones"][seat]), int(row["met"][seat])]
    whole, ours = best_response(tree, table), answers(rules, policies)
    np.testing.assert_allclose(ours.values, whole.values, atol=1e-12)
    np.testing.assert_allclose(ours.best, whole.best, atol=1e-12)
    assert ours.sets == tuple(np.diff(tree.bounds).tolist())
    assert ours.nash_conv == pytest.approx(whole.nash_conv, abs=1e-12)
    assert not skewed or ours.nash_conv != pytest.approx(1.25, abs=1e-3)


def test_dark_hex_on_three_lines() -> None:
    """Best responses as published with exp-a-spiel, to its six digits: the gains there and the value they start from.

    That value itself is published as 0.333684 and is 1/3: played evenly, seat 0 holds any five cells of the full board
    alike, and 84 of those 126 sets join top and bottom.
    """
    rules = game("dark_hex")
    found = answers(rules, [uniform(9), uniform(9)])
    assert list(found.sets) == KNOWN["infosets"]
    five = np.bitwise_count(np.arange(512)) == 5
    assert (winning(rules)[0][five].sum(), five.sum()) == (84, 126)
    assert found.values[0] == pytest.approx(2 * 84 / 126 - 1, abs=1e-12)
    assert found.best[0] == pytest.approx(KNOWN["uniform_ev0"] + KNOWN["uniform_gain"][1], abs=3e-6)
    assert found.best[1] == pytest.approx(KNOWN["uniform_gain"][0] - KNOWN["uniform_ev0"], abs=3e-6)
    assert found.best[0] == pytest.approx(1.0, abs=1e-9)


def test_trees_as_large_as_that_are_not_held() -> None:
    with pytest.raises(TooLarge):
        flatten(game("dark_hex"), most=20_000)


def test_games_of_another_kind_are_refused() -> None:
    with pytest.raises(Unable, match="kuhn is no phantom game of at most 9 cells"):
        winning(game("kuhn"))
    with pytest.raises(Unable, match="dark_hex:size=4 is no phantom game"):
        winning(game("dark_hex:size=4"))


def test_games_that_may_be_drawn() -> None:
    """Two of a line on 2 x 2, which nobody need get: against the whole tree."""

    @rule
    def won(seat: int, stones: Any) -> bool:
        return stones & np.uint64(3) == 3 or stones & np.uint64(12) == 12

    made = phantom(4, won)
    rules = replace(
        game("dark_hex:size=2"), name="two_of_a_line", reset=made.reset, play=made.play, legal=made.legal, key=made.key
    )
    tree = flatten(rules)
    whole, ours = best_response(tree, tree.uniform()), answers(rules, [uniform(4), uniform(4)])
    np.testing.assert_allclose(ours.values, whole.values, atol=1e-12)
    np.testing.assert_allclose(ours.best, whole.best, atol=1e-12)
    assert set(tree.paid[0]) == {0.0, 1.0}  # where seat 0 has no line, neither has seat 1

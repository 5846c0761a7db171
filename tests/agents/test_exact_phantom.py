"""Best responses in phantom games: against the whole tree where it is small, against published figures on 3 x 3."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.agent import Decision, Unable
from agents.exact.best_response import best_response
from agents.exact.phantom import answers, forgotten, sequences
from agents.exact.phantom_sets import OPEN, Sets, alive_sets, policy_of, results, sets_of, winning
from agents.exact.tree import TooLarge, Tree, flatten
from agents.registry import agent
from envs.boards.phantom import phantom as phantom_rules
from envs.game import Game, rule
from envs.kernels import keys_of
from envs.randomness import mix
from envs.registry import game

KNOWN: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[1] / "golden" / "exact.json").read_text(encoding="utf-8")
)["dark_hex"]
SMALL = game("dark_hex:size=2")


def both(rules: Game) -> list[Sets]:
    return [sets_of(rules, seat) for seat in (0, 1)]


def keys(sets: Sets) -> np.ndarray:
    return np.concatenate([keys_of(sets.game, rows) for _, rows in sets.rows()])


def in_tree(tree: Tree, policies: list[np.ndarray]) -> np.ndarray:
    """The same play as a table of the whole tree; where nothing is to be decided any more, even play."""
    table = tree.uniform()
    for one, policy in zip(both(tree.game), policies, strict=True):
        place = {int(key): i for i, key in enumerate(keys(one))}
        for i, key in enumerate(tree.keys):
            if int(key) in place and tree.rows[i]["seat"] == one.seat:
                table[i] = policy[place[int(key)]]
    return table


def drawn(sets: Sets, seed: int) -> np.ndarray:
    """A policy that cares for everything, the order of its tries too; some moves it never makes."""
    policy = sets.uniform() * np.maximum(np.random.default_rng(seed).random((len(sets.stones), sets.game.actions)), 0.2)
    policy[policy < 0.06] = 0.0
    return policy / policy.sum(axis=1, keepdims=True)


def test_winning_stones_are_those_of_the_rules() -> None:
    """On 2 x 2 seat 0 joins top and bottom by a column or the short diagonal b1 a2, seat 1 by a line or the same."""
    wins = winning(SMALL)
    pairs = {0b0101, 0b1010, 0b0110}
    lines = {0b0011, 0b1100, 0b0110}
    three_or_more = {0b0111, 0b1011, 0b1101, 0b1110, 0b1111}
    assert set(np.flatnonzero(wins[0]).tolist()) == pairs | three_or_more
    assert set(np.flatnonzero(wins[1]).tolist()) == lines | three_or_more


def test_positions_that_nothing_can_change_are_told_from_those_that_are_open() -> None:
    """On 2 x 2, cells a1 b1 a2 b2: whoever has a1 and b2 has nothing, and the other joins b1 with a2."""
    ends = results(SMALL)
    assert ends[0, 0] == ends[0b0001, 0] == OPEN
    assert ends[0b0101, 0b0010] == 1 and ends[0b1001, 0b0110] == -1  # joined
    assert ends[0b1001, 0b0010] == -1  # only a2 is left
    whole = results(game("dark_hex"))
    assert all(whole[a, 511 ^ a] in (1, -1) for a in range(512) if np.bitwise_count(a) == 5)  # Hex is never drawn
    assert 0 in results(game("phantom_tic_tac_toe"))


@pytest.mark.parametrize("how", ["even", "first", "any"])
def test_the_whole_tree_says_the_same(how: str) -> None:
    """Dark Hex 2 x 2: even play, play by what is placed and met alone, and by the order of tries as well."""
    tree = flatten(SMALL)
    if how == "even":
        policies = [one.uniform() for one in both(SMALL)]
    elif how == "any":
        policies = [drawn(one, 7 + one.seat) for one in both(SMALL)]
    else:
        tilt = np.array([4.0, 3.0, 2.0, 1.0])
        policies = [one.uniform() * tilt for one in both(SMALL)]
        policies = [policy / policy.sum(axis=1, keepdims=True) for policy in policies]
    whole, ours = best_response(tree, in_tree(tree, policies)), answers(SMALL, policies)
    np.testing.assert_allclose(ours.values, whole.values, atol=1e-12)
    np.testing.assert_allclose(ours.best, whole.best, atol=1e-12)
    assert ours.nash_conv == pytest.approx(whole.nash_conv, abs=1e-12)
    assert ours.exploitability == ours.nash_conv / 2
    assert how == "even" or ours.nash_conv != pytest.approx(1.25, abs=1e-3)


def test_ways_that_are_played_on_alike_are_walked_as_one() -> None:
    """On 3 x 3, by a policy of two moves at most: the same as where one way is told from the others by a hair."""
    rules = game("dark_hex")
    tilt = np.random.default_rng(1).random((512, 512, 9))
    merged, apart = [], []
    for one in both(rules):
        odds = one.uniform() * tilt[one.stones, one.met]
        odds[odds < np.partition(odds, -2, axis=1)[:, -2:-1]] = 0.0
        merged.append(odds / odds.sum(axis=1, keepdims=True))
        apart.append(merged[-1].copy())
        apart[-1][-1, 0] += 1e-15
    for one, alike, told in zip(both(rules), merged, apart, strict=True):
        assert len(forgotten(one, alike)[0]) < len(alike) / 50 and forgotten(one, told)[0] is told
    few, many = answers(rules, merged), answers(rules, apart)
    np.testing.assert_allclose(few.values, many.values, atol=1e-12)
    np.testing.assert_allclose(few.best, many.best, atol=1e-12)


def test_information_sets_are_as_many_as_is_published() -> None:
    """Those of unfinished positions; what is walked are the fewer in which something is still to be decided."""
    for seat, published in enumerate(KNOWN["infosets"]):
        unfinished = results_unfinished(game("dark_hex"), seat)
        assert sequences(9, alive_sets(9, unfinished, seat)).sum() == published
    assert [len(one.stones) for one in both(SMALL)] <= np.diff(flatten(SMALL).bounds).tolist()


def results_unfinished(rules: Game, seat: int) -> np.ndarray:
    """`results` of a seat, with every unfinished position left open."""
    wins, stones = winning(rules), np.arange(512)
    over = wins[0][:, None] | wins[1] | (stones[:, None] | stones == 511)
    ends = np.where(over, 1, OPEN).astype(np.int8)
    return ends if seat == 0 else np.ascontiguousarray(ends.T)


def test_dark_hex_on_three_lines() -> None:
    """Best responses as published with exp-a-spiel, to its six digits: the gains there and the value they start from.

    That value itself is published as 0.333684 and is 1/3: played evenly, seat 0 holds any five cells of the full board
    alike, and 84 of those 126 sets join top and bottom.
    """
    rules = game("dark_hex")
    heard: list[tuple[int, int]] = []
    found = answers(
        rules, [one.uniform() for one in both(rules)], heard=lambda done, total: heard.append((done, total))
    )
    five = np.bitwise_count(np.arange(512)) == 5
    assert (winning(rules)[0][five].sum(), five.sum()) == (84, 126)
    assert found.values[0] == pytest.approx(2 * 84 / 126 - 1, abs=1e-12)
    assert found.best[0] == pytest.approx(KNOWN["uniform_ev0"] + KNOWN["uniform_gain"][1], abs=3e-6)
    assert found.best[1] == pytest.approx(KNOWN["uniform_gain"][0] - KNOWN["uniform_ev0"], abs=3e-6)
    assert found.best[0] == pytest.approx(1.0, abs=1e-9)
    assert heard[-1] == (18, 18)


@dataclass
class ByKey:
    """Plays by all that a seat can tell, and counts its tries; says from what it draws, or always plays the same."""

    said: bool = True
    sure: bool = False
    name: str = "by-key"

    def begin(self, game, seeds):
        return {"rng": seeds.copy(), "tries": np.zeros(len(seeds), np.int64)}

    def act(self, view, memory):
        odds = np.array([[float(mix(key + np.uint64(a)) % np.uint64(97)) + 1 for a in range(4)] for key in view.keys])
        odds = odds * view.legal / (odds * view.legal).sum(axis=1, keepdims=True)
        assert (memory["tries"] == view.obs[:, :2].sum(axis=(1, 2, 3))).all()  # what it kept at the set above
        last = 3 - view.legal[:, ::-1].argmax(axis=1)
        drawn = np.where(memory["rng"] % np.uint64(2) == 0, last, view.legal.argmax(axis=1))
        kept = memory | {"tries": memory["tries"] + 1}
        return Decision(odds.argmax(axis=1) if self.sure else drawn, kept, {"policy": odds} if self.said else {})


def test_an_agent_is_asked_in_every_information_set_with_what_it_remembers() -> None:
    for one in both(SMALL):
        told = policy_of(ByKey(), one)
        assert (told.sum(axis=1) == pytest.approx(1.0)) and ((told > 0) == (one.uniform() > 0)).all()
        sure = policy_of(ByKey(said=False, sure=True), one)
        assert (sure.argmax(axis=1) == told.argmax(axis=1)).all() and set(np.unique(sure)) == {0.0, 1.0}
        assert (policy_of(agent("random"), one) == one.uniform()).all()
        with pytest.raises(Unable, match="by-key draws its moves, and does not say from what"):
            policy_of(ByKey(said=False), one)


def test_trees_as_large_as_that_are_not_held() -> None:
    with pytest.raises(TooLarge):
        flatten(game("dark_hex"), most=20_000)


def test_games_of_another_kind_are_refused() -> None:
    with pytest.raises(Unable, match="kuhn is no phantom game of at most 9 cells"):
        winning(game("kuhn"))
    with pytest.raises(Unable, match="dark_hex:size=4 is no phantom game"):
        winning(game("dark_hex:size=4"))
    with pytest.raises(Unable, match="liars_dice:dice=2 is no phantom game"):
        sets_of(game("liars_dice:dice=2"), 0)  # before any room is taken for its 25 actions


def test_games_that_may_be_drawn() -> None:
    """Two of a line on 2 x 2, which nobody need get: against the whole tree."""

    @rule
    def won(seat: int, stones: Any) -> bool:
        return stones & np.uint64(3) == 3 or stones & np.uint64(12) == 12

    made = phantom_rules(4, won)
    rules = replace(SMALL, name="two_of_a_line", reset=made.reset, play=made.play, legal=made.legal, key=made.key)
    tree = flatten(rules)
    policies = [drawn(one, 3 + one.seat) for one in both(rules)]
    whole, ours = best_response(tree, in_tree(tree, policies)), answers(rules, policies)
    np.testing.assert_allclose(ours.values, whole.values, atol=1e-12)
    np.testing.assert_allclose(ours.best, whole.best, atol=1e-12)
    assert set(tree.paid[0]) == {0.0, 1.0}  # where seat 0 has no line, neither has seat 1

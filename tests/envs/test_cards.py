"""Hand-worked cases of the games of cards: who may do what, what is paid, what nobody may know, and their chances."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from envs import kernels
from envs.game import Game, Rows
from envs.registry import game
from envs.text import text_seen


def dealt(spec: str, *outcomes: int) -> tuple[Game, Rows]:
    """A game whose chance fell so at the start."""
    rules, rows = game(spec), np.zeros(1, game(spec).row)
    row = rows.view(np.recarray)[0]
    assert rules.chances is not None
    rules.chances.begin(row)
    for outcome in outcomes:
        assert rules.chances.odds(row, outcome) > 0.0
        rules.chances.settle(row, outcome)
    return rules, rows


def played(rules: Game, rows: Rows, moves: str, *outcomes: int) -> Rows:
    """Plays moves by name, each checked to be legal; chance falls as given where it falls."""
    rest = list(outcomes)
    for name in moves.split():
        row = rows.view(np.recarray)[0]
        assert kernels.legal_mask(rules, rows)[0, rules.action(name)]
        (rules.chances.act if rules.chances else rules.play)(row, rules.action(name))
        while rest and row.seat < 0:
            assert rules.chances is not None
            rules.chances.settle(row, rest.pop(0))
    assert not rest
    return rows


@pytest.mark.parametrize(
    ("moves", "paid"),
    [
        ("pass pass", [-1, 1]),
        ("pass bet pass", [-1, 1]),
        ("pass bet bet", [-2, 2]),
        ("bet pass", [1, -1]),
        ("bet bet", [-2, 2]),
    ],
)
def test_kuhn_pays(moves: str, paid: list[int]) -> None:
    """Seat 0 holds the queen (1), seat 1 the king (2)."""
    rows = played(*dealt("kuhn", 1, 2), moves)
    assert rows["done"][0]
    assert rows["reward"][0].tolist() == paid


@pytest.mark.parametrize(
    ("moves", "paid"),
    [
        ("pass pass pass", [-1, -1, 2]),
        ("pass pass bet pass bet", [-1, -2, 3]),
        ("bet pass pass", [2, -1, -1]),
        ("bet bet pass", [-2, 3, -1]),
        ("pass bet pass pass", [-1, 2, -1]),
    ],
)
def test_kuhn_of_three_pays(moves: str, paid: list[int]) -> None:
    """Cards 0, 2 and 3: once there is a bet, who has passed is out."""
    rows = played(*dealt("kuhn:players=3", 0, 2, 3), moves)
    assert rows["done"][0]
    assert rows["reward"][0].tolist() == paid


@pytest.mark.parametrize(
    ("cards", "moves", "public", "paid"),
    [
        ((4, 2), "raise fold", (), [1, -1]),
        ((4, 2), "call call call call", (0,), [1, -1]),  # king against queen
        ((4, 2), "call call call call", (3,), [-1, 1]),  # the queen is paired
        ((0, 1), "raise raise call raise raise call", (4,), [0, 0]),  # jack and jack share
        ((0, 2), "raise raise call raise raise call", (4,), [-13, 13]),  # 1 + 2 + 2 and 4 + 4
        ((0, 2), "raise call call raise fold", (4,), [-3, 3]),
    ],
)
def test_leduc_pays(cards: tuple[int, ...], moves: str, public: tuple[int, ...], paid: list[int]) -> None:
    rows = played(*dealt("leduc", *cards), moves, *public)
    assert rows["done"][0]
    assert rows["reward"][0].tolist() == paid


def test_leduc_lets_fold_against_a_raise_only_and_raise_twice_a_round() -> None:
    rules, rows = dealt("leduc", 4, 2)
    assert kernels.legal_mask(rules, rows)[0].tolist() == [False, True, True]
    played(rules, rows, "raise")
    assert kernels.legal_mask(rules, rows)[0].tolist() == [True, True, True]
    played(rules, rows, "raise")
    assert kernels.legal_mask(rules, rows)[0].tolist() == [True, True, False]
    played(rules, rows, "call", 0)
    assert kernels.legal_mask(rules, rows)[0].tolist() == [False, True, True]
    assert rows["chips"][0].tolist() == [5, 5]


def test_leduc_of_three_goes_on_without_who_folded() -> None:
    rules, rows = dealt("leduc:players=3", 0, 7, 4)
    played(rules, rows, "raise raise call fold", 3)
    assert rows["seat"][0] == 1
    played(rules, rows, "raise raise call")
    assert rows["reward"][0].tolist() == [-3, 16, -13]


@pytest.mark.parametrize(
    ("dice", "moves", "caller_wins"),
    [
        ((3, 3), "2x4 liar", False),
        ((3, 2), "2x4 liar", True),
        ((3, 5), "2x4 liar", False),  # six is wild
        ((5, 5), "2x1 liar", False),
        ((3, 5), "2x6 liar", True),  # and counts once only for itself
        ((0, 1), "1x1 1x2 2x1 liar", True),
    ],
)
def test_liars_dice_pays(dice: tuple[int, int], moves: str, caller_wins: bool) -> None:
    rows = played(*dealt("liars_dice", *dice), moves)
    caller = moves.count(" ") % 2
    assert rows["reward"][0, caller] == (1 if caller_wins else -1)
    assert rows["reward"][0].sum() == 0


def test_liars_dice_bids_rise_and_the_first_word_is_a_bid() -> None:
    rules, rows = dealt("liars_dice", 0, 0)
    assert kernels.legal_mask(rules, rows)[0].tolist() == [True] * 12 + [False]
    played(rules, rows, "2x5")
    assert kernels.legal_mask(rules, rows)[0].tolist() == [False] * 11 + [True] * 2


def test_goofspiel_by_hand() -> None:
    """Prizes 4, 3, 2, 1: 4 to seat 1, 3 discarded, 2 to seat 0, and 1 to seat 0 by the last cards, 3 against 2."""
    rules = game("goofspiel")
    rows = kernels.new_rows(rules, np.zeros(1, np.uint64))
    played(rules, rows, "2 4 1 1")
    assert rows["points"][0].tolist() == [0, 4]
    assert kernels.legal_mask(rules, rows)[0].tolist() == [False, False, True, True]
    played(rules, rows, "4 3")
    assert rows["done"][0]
    assert rows["points"][0].tolist() == [3, 4]
    assert rows["reward"][0].tolist() == [-1, 1]


def test_repeated_rock_paper_scissors_pays_round_by_round() -> None:
    rules = game("repeated_rps:rounds=3")
    rows = kernels.new_rows(rules, np.zeros(1, np.uint64))
    paid = []
    for move in ["rock", "paper", "scissors", "scissors", "rock", "scissors"]:
        played(rules, rows, move)
        paid.append(rows["reward"][0, 0])
    assert paid == [0, -1, 0, 0, 0, 1]
    assert rows["done"][0]


CHOOSE = [("goofspiel", "4", "1"), ("matrix:game=chicken", "dare", "chicken"), ("repeated_rps", "rock", "paper")]


@pytest.mark.parametrize(("spec", "one", "two"), CHOOSE)
def test_who_chooses_second_does_not_see_the_first_choice(spec: str, one: str, two: str) -> None:
    rules = game(spec)
    seen, whole = [], []
    for move in (one, two):
        rows = kernels.new_rows(rules, np.zeros(1, np.uint64))
        view = kernels.view(rules, played(rules, rows, move))
        assert view.keys is not None
        whole.append(text_seen(rules, rows))
        seen.append((view.obs.tolist(), view.legal.tolist(), view.keys.tolist(), text_seen(rules, rows, 1)))
    assert seen[0] == seen[1] and whole[0] != whole[1]


@pytest.mark.parametrize(("spec", "cards"), [("kuhn", [(1, 0), (1, 2)]), ("leduc", [(1, 0), (1, 5)])])
def test_the_others_card_is_not_seen(spec: str, cards: list[tuple[int, ...]]) -> None:
    texts, keys, observed = set(), set(), set()
    for hand in cards:
        rules, rows = dealt(spec, *hand)
        view = kernels.view(rules, rows)
        assert view.keys is not None
        texts |= {text_seen(rules, rows, 0), text_seen(rules, rows, 1)}  # with seat 1's eyes the two deals do differ
        keys.add(int(view.keys[0]))
        observed.add(view.obs.tobytes())
    assert (len(keys), len(observed), len(texts)) == (1, 1, 3)


def test_kuhn_deals_every_hand_alike_and_leduc_every_card() -> None:
    rows = kernels.new_rows(game("kuhn"), kernels.seeds(1, 30_000))
    hands = Counter(map(tuple, rows["cards"].tolist()))
    assert set(hands) == set(permutations(range(3), 2))
    assert max(abs(count - 5000) for count in hands.values()) < 5 * 5000**0.5
    rules = game("leduc")
    rows = kernels.new_rows(rules, kernels.seeds(2, 24_000))
    kernels.play_rows(rules, rows, np.ones(len(rows), np.int64))
    kernels.play_rows(rules, rows, np.ones(len(rows), np.int64))
    counts = np.bincount(rows["public"], minlength=6)
    assert np.abs(counts - 4000).max() < 5 * 4000**0.5
    assert (rows["cards"] != rows["public"][:, None]).all()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("kuhn:players=1", "players of kuhn is a whole number from 2 to 10, not 1"),
        ("leduc:players=7", "players of leduc is a whole number from 2 to 6, not 7"),
        ("liars_dice:dice=6", "dice of liars_dice is a whole number from 1 to 5, not 6"),
        ("liars_dice:dice=4,sides=8", "30 sides in all at most, not dice=4,sides=8"),
        ("goofspiel:cards=14", "cards of goofspiel is a whole number from 3 to 13, not 14"),
        ("goofspiel:order=up", "descending, ascending or random, not up"),
        ("matrix:game=chess", "no matrix game 'chess'"),
        ("repeated_rps:rounds=0", "rounds of repeated_rps is a whole number from 1 to 16000, not 0"),
        ("repeated_rps:recall=33", "recall of repeated_rps is a whole number from 1 to 32, not 33"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(spec: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        game(spec)


VARIANTS: Any = ["kuhn:players=3", "leduc:players=3", "liars_dice:dice=2,sides=3", "goofspiel:cards=5,order=random"]


@pytest.mark.parametrize("spec", [*VARIANTS, "matrix:game=prisoners", "repeated_rps:rounds=30,recall=4"])
def test_a_name_makes_the_game_again_and_says_its_options(spec: str) -> None:
    assert game(spec).name == spec

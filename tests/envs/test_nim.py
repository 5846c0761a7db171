"""Nim: Bouton's theorem against plain search, taking the last one either way, and open_spiel's games."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest

from envs import kernels
from envs.boards.nim import nim
from envs.game import Game, Rows
from envs.registry import game


def played(rules: Game, moves: str) -> Rows:
    return kernels.replay(rules, 0, [rules.action(name) for name in moves.split()])[-1:]


def test_who_takes_the_last_wins_or_in_misere_loses() -> None:
    moves = "b3 a1 d7 c5"
    for misere, pays in ((False, [-1.0, 1.0]), (True, [1.0, -1.0])):
        rules = nim(misere=misere)
        assert not played(rules, "b3 a1 d7 c4")["done"][0]
        row = played(rules, moves)
        assert row["done"][0]
        assert row["reward"][0].tolist() == pays


def test_a_heap_gives_no_more_than_it_holds() -> None:
    rules = nim("2-3")
    assert rules.names == ("a1", "a2", "b1", "b2", "b3")
    row = played(rules, "b2")
    assert row["heaps"][0].tolist() == [2, 1]
    assert kernels.legal_mask(rules, row)[0].tolist() == [True, True, True, False, False]
    assert kernels.view(rules, row).obs[0].tolist() == [[[1, 1, 0], [1, 0, 0]]]


@cache
def mover_wins(heaps: tuple[int, ...], misere: bool) -> bool:
    """By plain search, from Python's own integers."""
    if not any(heaps):
        return misere  # the other has just taken the last one
    return any(
        not mover_wins((*heaps[:i], heap - taken, *heaps[i + 1 :]), misere)
        for i, heap in enumerate(heaps)
        for taken in range(1, heap + 1)
    )


@pytest.mark.parametrize("misere", [False, True])
def test_boutons_theorem_is_what_search_finds(misere: bool) -> None:
    rules = nim("3-4-5", misere)
    assert rules.heuristic is not None
    row = kernels.new_rows(rules, np.zeros(1, np.uint64))
    won = 0
    for heaps in product(range(4), range(5), range(6)):
        row["heaps"][0] = heaps
        expected = mover_wins(heaps, misere)
        assert (rules.heuristic(row.view(np.recarray)[0]) > 0) == expected, heaps
        won += expected
    assert 0 < won < 120
    assert mover_wins((1, 1, 1), True) != mover_wins((1, 1, 1), False)  # the exception of the misere game


def test_the_start_1_3_5_7_is_lost_to_the_mover() -> None:
    assert 1 ^ 3 ^ 5 ^ 7 == 0
    for misere in (False, True):
        rules = nim(misere=misere)
        assert rules.heuristic is not None
        assert rules.heuristic(played(rules, "").view(np.recarray)[0]) == -0.99
        assert rules.heuristic(played(rules, "d1").view(np.recarray)[0]) == 0.99


def test_keys_number_every_position_once() -> None:
    rules = nim("2-3")
    rows = np.zeros(24, rules.row)
    rows["seat"], rows["heaps"][:, 0], rows["heaps"][:, 1] = np.indices((2, 3, 4)).reshape(3, -1)
    assert kernels.keys_of(rules, rows).tolist() == list(range(24))
    assert rules.keys == 24
    assert nim("20-20-20-20-20-20-20-20").keys == 0  # too many for a table


def test_equal_heaps_may_change_places() -> None:
    (exchange,) = nim("2-1-2").symmetries
    assert exchange.cells.tolist() == [4, 5, 2, 3, 0, 1]
    assert [nim("2-1-2").names[a] for a in exchange.actions] == ["c1", "c2", "b1", "a1", "a2"]
    assert not nim().symmetries
    assert len(nim("3-3-3").symmetries) == 3


def test_heaps_are_written_as_matches() -> None:
    text = nim("2-3").text
    assert text is not None
    assert text(played(nim("2-3"), "a2 b1").view(np.recarray)[0]) == "a\nb | |"


def test_options_out_of_range_are_refused() -> None:
    for spec in ("nim:piles=0-3", "nim:piles=21", "nim:piles=3;4", "nim:piles=-3", "nim:piles=true", "nim:piles=2.5"):
        with pytest.raises(ValueError, match=r"sizes from 1 to 20, not .*nim:piles=3-4-5"):
            game(spec)
    with pytest.raises(ValueError, match="up to 8 piles"):
        game("nim:piles=1-1-1-1-1-1-1-1-1")
    with pytest.raises(ValueError, match="true or false"):
        game("nim:misere=no")
    assert game("nim:piles=1-3-5-7,misere=false").name == "nim"
    assert game("nim:misere=true,piles=4").name == "nim:piles=4,misere=true"


@pytest.mark.parametrize(("piles", "misere"), [("1-3-5-7", True), ("4-2-4", False)])
def test_open_spiel_plays_the_same_game(piles: str, misere: bool) -> None:
    pyspiel = pytest.importorskip("pyspiel")
    rules, generator = nim(piles, misere), np.random.default_rng(4)
    heaps = len(piles.split("-"))
    peer = pyspiel.load_game(f"nim(pile_sizes={piles.replace('-', ';')},is_misere={misere})")
    results = set()
    for _ in range(60):
        state, row = peer.new_initial_state(), kernels.new_rows(rules, np.zeros(1, np.uint64))
        while not row["done"][0]:
            assert state.current_player() == row["seat"][0]
            theirs = {f"{'abcd'[a % heaps]}{a // heaps + 1}": a for a in state.legal_actions()}
            mask = kernels.legal_mask(rules, row)[0]
            assert set(theirs) == {rules.names[a] for a in np.flatnonzero(mask)}
            action = int(generator.choice(np.flatnonzero(mask)))
            kernels.play_rows(rules, row, np.array([action]))
            state.apply_action(theirs[rules.names[action]])
            assert state.is_terminal() == row["done"][0]
        assert state.returns() == row["reward"][0].tolist()
        results.add(tuple(state.returns()))
    assert len(results) == 2

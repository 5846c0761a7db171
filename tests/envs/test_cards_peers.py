"""Games of cards against open_spiel's: the same moves allow, show, tell apart and pay the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from envs import kernels
from envs.cards.matrix import TABLES
from envs.game import CHANCE, Game, Row, Rows
from envs.registry import game

TWINS = {
    "kuhn": "kuhn_poker",
    "kuhn:players=3": "kuhn_poker(players=3)",
    "leduc": "leduc_poker",
    "leduc:players=3": "leduc_poker(players=3)",
    "liars_dice": "liars_dice",
    "liars_dice:dice=2,sides=3": "liars_dice(numdice=2,dice_sides=3)",
    "goofspiel": "goofspiel(imp_info=True,points_order=descending,num_cards=4)",
    "goofspiel:cards=5,order=ascending": "goofspiel(imp_info=True,points_order=ascending,num_cards=5)",
    "goofspiel:cards=6,order=random": "goofspiel(imp_info=True,points_order=random,num_cards=6)",
}
TENSORS = ["kuhn", "kuhn:players=3", "leduc", "leduc:players=3", "liars_dice", "liars_dice:dice=2,sides=3"]
"""What is observed is open_spiel's tensor of the information state."""

GAMES_PLAYED = 150


def dealt(rules: Game, row: Row, state: Any, generator: np.random.Generator) -> None:
    """Lets chance fall the same on both sides, with the same odds."""
    while row.seat == CHANCE and not row.done:
        chances = rules.chances
        assert chances is not None
        assert state.is_chance_node()
        odds = np.array([chances.odds(row, outcome) for outcome in range(chances.outcomes)])
        theirs = np.zeros(chances.outcomes)
        for outcome, chance in state.chance_outcomes():
            theirs[outcome] = chance
        np.testing.assert_allclose(odds, theirs, atol=1e-12)
        outcome = int(generator.choice(len(odds), p=odds / odds.sum()))
        chances.settle(row, outcome)
        state.apply_action(outcome)


def seen(rules: Game, rows: Rows, seat: int) -> tuple[NDArray[np.float32], NDArray[np.bool_], int]:
    """(observation, legal moves, key) with a seat's eyes."""
    other = rows.copy()
    other["seat"] = seat
    view = kernels.view(rules, other)
    assert view.keys is not None
    return view.obs[0], view.legal[0], int(view.keys[0])


def started(rules: Game) -> Rows:
    rows = np.zeros(1, rules.row)
    row = rows.view(np.recarray)[0]
    (rules.chances.begin if rules.chances else rules.reset)(row)
    return rows


@pytest.mark.parametrize("spec", sorted(TWINS))
def test_open_spiel_plays_the_same_game(spec: str) -> None:
    """Information states are the same partition: equal keys exactly where open_spiel's strings are equal."""
    pyspiel = pytest.importorskip("pyspiel")
    theirs, rules, generator = pyspiel.load_game(TWINS[spec]), game(spec), np.random.default_rng(3)
    assert theirs.num_distinct_actions() == rules.actions
    strings: dict[str, int] = {}
    pays = set()
    for _ in range(GAMES_PLAYED):
        state, rows = theirs.new_initial_state(), started(rules)
        row = rows.view(np.recarray)[0]
        while not row.done:
            dealt(rules, row, state, generator)
            seats = range(rules.seats) if state.is_simultaneous_node() else [state.current_player()]
            actions = []
            for seat in seats:
                assert row.seat == seat
                obs, legal, key = seen(rules, rows, seat)
                assert np.flatnonzero(legal).tolist() == state.legal_actions(seat)
                assert strings.setdefault(f"{seat}: {state.information_state_string(seat)}", key) == key
                if spec in TENSORS:
                    np.testing.assert_array_equal(obs, state.information_state_tensor(seat))
                actions.append(int(generator.choice(np.flatnonzero(legal))))
                (rules.chances.act if rules.chances else rules.play)(row, actions[-1])
            if state.is_simultaneous_node():
                state.apply_actions(actions)
            else:
                state.apply_action(actions[0])
            assert row.done == state.is_terminal()
        np.testing.assert_allclose(row.reward, state.returns(), atol=1e-6)
        pays.add(tuple(row.reward.tolist()))
    assert len(set(strings.values())) == len(strings) > 4
    assert len(pays) >= 2


MATRICES = {
    "rps": "matrix_rps",
    "biased_rps": "matrix_brps",
    "rps_water": "matrix_rpsw",
    "matching_pennies": "matrix_mp",
    "prisoners": "matrix_pd",
    "chicken": "matrix_cd",
    "stag_hunt": "matrix_sh",
    "coordination": "matrix_coordination",
    "battle_of_sexes": "matrix_bos",
    "shapley": "matrix_shapleys_game",
}


@pytest.mark.parametrize("name", sorted(TABLES))
def test_matrices_are_those_of_open_spiel(name: str) -> None:
    pyspiel = pytest.importorskip("pyspiel")
    theirs, table = pyspiel.load_matrix_game(MATRICES[name]), TABLES[name]
    np.testing.assert_array_equal(theirs.row_utilities(), table.first)
    np.testing.assert_array_equal(theirs.col_utilities(), table.second)


def test_repeated_rock_paper_scissors_is_open_spiels() -> None:
    pyspiel = pytest.importorskip("pyspiel")
    rules, generator = game("repeated_rps:rounds=50,recall=3"), np.random.default_rng(5)
    theirs = pyspiel.create_repeated_game(
        "matrix_rps", {"num_repetitions": 50, "enable_infostate": True, "recall": 3}
    ).new_initial_state()
    rows = kernels.new_rows(rules, np.zeros(1, np.uint64))
    while not rows["done"][0]:
        actions = generator.integers(0, 3, 2)
        for action in actions:
            kernels.play_rows(rules, rows, np.array([action]))
        theirs.apply_actions(actions.tolist())
        assert rows["reward"][0].tolist() == theirs.rewards()
        assert rows["total"][0].tolist() == theirs.returns()
    assert theirs.is_terminal()

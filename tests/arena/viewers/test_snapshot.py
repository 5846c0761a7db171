from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.agent import Decision
from arena.viewers.snapshot import (
    Candidate,
    Ply,
    Snapshot,
    biggest,
    changes,
    loss,
    opinions,
    outcome,
    percent,
    percent_of,
    ranked,
    signed,
    to_player_1,
)  # fmt: skip
from arena.viewers.sources import GameRecord, replayed
from arena.viewers.thoughts import thought_of
from envs import kernels
from envs.registry import game


def told(values: list[float | None], voices: list[int | None], names: tuple[str, str] = ("A", "B")) -> Snapshot:
    """A game of tic-tac-toe with opinions put in by hand."""
    snapshot = replayed(GameRecord(game("tic_tac_toe"), tuple(range(len(values))), names))
    plies = tuple(
        Ply(ply.action, ply.seat, value, voice=voice)
        for ply, value, voice in zip(snapshot.plies, values, voices, strict=True)
    )
    return replace(snapshot, plies=plies)


def test_the_one_sign_flip() -> None:
    assert to_player_1(0.3, 0) == 0.3
    assert to_player_1(0.3, 1) == -0.3
    assert to_player_1(to_player_1(0.3, 1), 1) == 0.3


def test_what_an_agent_says_is_turned_to_player_1() -> None:
    four = game("connect_four")
    row = kernels.replay(four, 0, [3])[-1:]  # player 2 is to move
    extra = {
        "value": np.array([0.4]), "visits": np.array([[0, 0, 10, 30, 0, 0, 0.0]]),
        "q": np.array([[0, 0, -0.2, 0.4, 0, 0, 0.0]]), "prior": np.full((1, 7), 1 / 7),
    }  # fmt: skip
    ply = thought_of(four, Decision(np.array([3]), {}, extra), 0, row, 3, 1)
    assert ply.seat == 1
    assert ply.value == pytest.approx(-0.4)
    best = ranked(ply.candidates)[0]
    assert (best.action, best.visits) == (3, 30)
    assert best.value == pytest.approx(-0.4)
    assert ranked(ply.candidates)[1].value == pytest.approx(0.2)
    assert ply.candidates[0].value is None  # nobody visited it, so nothing is known of it


def test_a_missing_value_is_missing_and_poisons_nothing() -> None:
    four = game("connect_four")
    row = kernels.new_rows(four, np.zeros(1, np.uint64))
    nothing = thought_of(four, Decision(np.array([3]), {}, {}), 0, row, 3, 0)
    assert nothing.value is None
    assert nothing.candidates == ()
    strange = thought_of(four, Decision(np.array([3]), {}, {"value": np.array([np.nan])}), 0, row, 3, 0)
    assert strange.value is None


def test_only_what_is_proven_is_a_win() -> None:
    four = game("connect_four")
    row = kernels.new_rows(four, np.zeros(1, np.uint64))
    sure = {"value": np.ones(1), "visits": np.ones((1, 7)), "q": np.ones((1, 7))}
    guessed = thought_of(four, Decision(np.array([3]), {}, sure), 0, row, 3, 0)
    assert guessed.value == guessed.candidates[0].value == 0.99
    proven = thought_of(four, Decision(np.array([3]), {}, {**sure, "proven": np.array([True])}), 0, row, 3, 0)
    assert proven.value == proven.candidates[0].value == 1.0


def four_after(*moves: int) -> np.ndarray:
    return kernels.replay(game("connect_four"), 0, list(moves))[-1:]


def thought(row: np.ndarray, **extra: object) -> Ply:
    known = {name: np.array([value]) for name, value in extra.items()}
    return thought_of(game("connect_four"), Decision(np.array([3]), {}, known), 0, row, 3, None)


@pytest.mark.parametrize("name", ["q", "prior", "visits"])
def test_a_value_that_was_learned_proves_nothing_however_high(name: str) -> None:
    row = four_after(3)
    learned = thought(row, value=1.0, **{name: np.full(7, 1.0 / 7)})
    assert learned.value == -0.99 and not learned.proven
    searched = thought(row, value=1.0, policy=np.full(7, 1.0 / 7))  # as alpha-beta says it of a win that it has seen
    assert searched.value == -1.0 and searched.proven


def test_a_solver_proves_what_it_knows_and_says_nothing_else() -> None:
    row = four_after(3)  # player 2 is to move
    scores = np.array([-4, -2, 0, -1, 0, np.nan, 3], np.float32)
    won = thought(row, value=1.0, scores=scores)
    assert (won.value, won.proven) == (-1.0, True)
    assert [c.action for c in won.candidates] == [6, 2, 4, 3, 1, 0, 5]  # the best first, the unknown last
    assert [outcome(c.value, 1) for c in won.candidates if c.value is not None] == ["W", "D", "D", "L", "L", "L"]
    assert won.candidates[0].value == -1.0 and won.candidates[-1].value is None
    assert all(c.proven for c in won.candidates[:-1]) and not won.candidates[-1].proven
    open_still = thought(row, value=0.0, scores=np.where(scores > 0, np.nan, scores))
    assert (open_still.value, open_still.proven) == (None, False)
    drawn = thought(row, value=0.0, scores=np.zeros(7, np.float32))
    assert (drawn.value, drawn.proven) == (0.0, True)


def test_which_moves_a_search_has_proven() -> None:
    row = four_after(0, 1, 0, 1, 0)  # player 2 is to move; player 1 threatens a
    pv = np.full((7, 4), -1)
    pv[:, 0] = range(7)
    pv[3, 1] = 0  # after d player 1 wins at once: four in column a
    q = np.array([-0.2, 0.0, -1.0, -1.0, 0.3, 0.1, 0.1])
    seen = {c.action: c for c in thought(row, value=-0.2, visits=np.ones(7), q=q, pv=pv, proven=False).candidates}
    assert seen[3].proven and seen[3].value == 1.0  # player 1's view
    assert not seen[2].proven and seen[2].value == 0.99  # only its average is -1
    assert not seen[1].proven
    lost = {c.action: c for c in thought(row, value=-1.0, visits=np.ones(7), q=q, pv=pv, proven=True).candidates}
    assert lost[2].proven and lost[1].proven and not lost[4].proven


def test_a_policy_without_visits_is_shown_as_such() -> None:
    four = game("connect_four")
    row = kernels.new_rows(four, np.zeros(1, np.uint64))
    extra = {"policy": np.array([[0, 0, 0.25, 0.75, 0, 0, 0]]), "value": np.array([0.1])}
    ply = thought_of(four, Decision(np.array([3]), {}, extra), 0, row, 3, 0)
    assert [c.prior for c in ranked(ply.candidates)][:2] == [0.75, 0.25]
    table = thought(row, value=0.3, q=np.array([-0.2, 0.1, 0.3, 0, 0, -1, 0.2]))  # as Q-learning's, which has no more
    assert [c.action for c in ranked(table.candidates)] == [2, 6, 1, 3, 4, 0, 5]
    assert all(c.visits == 0 and c.value is None for c in ply.candidates)


def test_changes_with_one_voice() -> None:
    snapshot = told([0.1, 0.3, -0.5, -0.5], [None] * 4)
    assert changes(snapshot) == pytest.approx({0: 0.2, 1: -0.8, 2: 0.0})
    assert loss(snapshot, 1, -0.8) == 0.0  # player 2 made player 1's value fall: no loss of theirs
    assert loss(snapshot, 0, -0.8) == pytest.approx(0.8)
    assert loss(replace(snapshot, opening=1), 0, -0.8) == 0.0  # it was given: nobody is blamed for it


def test_changes_with_a_voice_each_are_the_others_surprise() -> None:
    # Player 1 (voice 0) speaks at 0, 2, 4; player 2 at 1, 3. Ply 1 is judged by player 1, ply 2 by player 2.
    snapshot = told([0.0, 0.1, 0.6, -0.4, 0.5], [0, 1, 0, 1, 0])
    found = changes(snapshot)
    assert found == pytest.approx({1: 0.6, 2: -0.5, 3: -0.1})
    assert biggest(found) == [(1, pytest.approx(0.6)), (2, pytest.approx(-0.5)), (3, pytest.approx(-0.1))]
    same = told([0.0, 0.1, 0.6, -0.4, 0.5], [0, 1, 0, 1, 0], names=("A", "A"))
    assert changes(same) == pytest.approx({0: 0.1, 1: 0.5, 2: -1.0, 3: 0.9})  # one voice: ply by ply


def test_a_gap_is_no_change() -> None:
    assert changes(told([0.5, None, None, -0.5], [None] * 4)) == {}


def test_the_result_closes_the_curve() -> None:
    moves = (0, 3, 1, 4, 2)  # player 1 wins along the top
    snapshot = replayed(GameRecord(game("tic_tac_toe"), moves, ("A", "B")))
    assert snapshot.result == (1.0, -1.0)
    assert opinions(snapshot) == ()
    assert snapshot.value(5) == (1.0, None)
    assert snapshot.value(4) is None
    plies = (replace(snapshot.plies[0], value=0.2), *snapshot.plies[1:])
    assert opinions(replace(snapshot, plies=plies))[0].points == ((0, 0.2), (5, 1.0))


def test_a_resignation_is_no_fault_of_the_move_before_it() -> None:
    snapshot = told([0.1, 0.2, 0.3], [None] * 3)
    resigned = replace(snapshot, forced=(-1.0, 1.0))
    assert opinions(resigned)[0].points[-1] == (2, 0.3) and resigned.value(3) == (-1.0, None)
    assert changes(resigned) == pytest.approx({0: 0.1, 1: 0.1})


def test_numbers_as_words() -> None:
    assert [signed(v) for v in (0.314, -0.314, 0.001, -0.0, 0.999, 1.0, -1.0)] == [
        "+0.31", "−0.31", "0.00", "0.00", "+0.99", "+1", "−1",
    ]  # fmt: skip
    assert [percent(v) for v in (0.0, 0.31, 0.999, 1.0, -0.9999, -1.0)] == [
        "50 %", "66 %", "99 %", "100 %", "1 %", "0 %",
    ]  # fmt: skip
    assert [percent_of(p, 1000) for p in (0, 4, 10, 614, 999, 1000)] == [
        "0 %", "< 1 %", "1 %", "61 %", "99 %", "100 %",
    ]  # fmt: skip


def test_ranking() -> None:
    found = ranked([Candidate(0, 5), Candidate(1, 9), Candidate(2, 5, prior=0.3)])
    assert [c.action for c in found] == [1, 2, 0]

"""Alpha-beta, rollouts and the person: right on positions whose answer is known, and the same as plain definitions."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.agent import Agent, Unable
from agents.play import play_games
from agents.registry import agent
from agents.scripted import alphabeta, rollouts
from agents.scripted.human import Human, ask_at_terminal
from envs import kernels
from envs.game import Game, Rows, View
from envs.registry import game

TIC_TAC_TOE, CONNECT_FOUR, OTHELLO = game("tic_tac_toe"), game("connect_four"), game("othello:size=6")
SEARCHERS = ["alphabeta:depth=3", "mcts:sims=400"]


def position(rules: Game, moves: str) -> Rows:
    """The position after moves written by name, apart by spaces."""
    return kernels.replay(rules, 0, [rules.action(name) for name in moves.split()])[-1:]


def decide(player: Agent, rules: Game, rows: Rows, seed: int = 0) -> Any:
    memory = player.begin(rules, kernels.seeds(seed, len(rows)))
    return player.act(kernels.view(rules, rows), memory)


def choices(player: Agent, rules: Game, moves: str) -> set[str]:
    """What 40 lanes with generators of their own choose."""
    return {rules.names[a] for a in decide(player, rules, position(rules, moves).repeat(40)).action}


@pytest.mark.parametrize("spec", SEARCHERS)
@pytest.mark.parametrize(
    ("rules", "moves", "only"),
    [
        (CONNECT_FOUR, "a g a g a g", "a"),  # four upwards, for seat 0
        (CONNECT_FOUR, "d a a g a g a", "a"),  # cannot win: must stop the column
        (CONNECT_FOUR, "b g c g a f g", "d"),  # seat 1 stops a row with one open end
        (TIC_TAC_TOE, "a3 b2 b3 c1", "c3"),
        (TIC_TAC_TOE, "a1 b2 c1", "b1"),
    ],
)
def test_wins_at_once_and_stops_a_win(spec: str, rules: Game, moves: str, only: str) -> None:
    assert choices(agent(spec), rules, moves) == {only}


def test_alphabeta_prefers_the_sooner_win_and_the_later_loss() -> None:
    player = agent("alphabeta:depth=5")
    for moves, plies in [("a g a g a g", 1), ("c a d a", 3)]:
        values, _ = alphabeta.search(CONNECT_FOUR, position(CONNECT_FOUR, moves), 5)
        assert values[0] == 2.0 - plies / 4096
    assert choices(player, CONNECT_FOUR, "c a d a") == {"e"}  # three with both ends open; b c d has one
    values, best = alphabeta.search(CONNECT_FOUR, position(CONNECT_FOUR, "c a d a e"), 5)
    assert values[0] == -(2.0 - 2 / 4096)  # either end stopped, the other wins
    assert best[0].all()


def test_the_guess_at_connect_four_is_a_value_by_hand() -> None:
    assert CONNECT_FOUR.heuristic is not None
    row = position(CONNECT_FOUR, "a g b g c f")  # only d1 completes four, for the mover
    assert CONNECT_FOUR.heuristic(row[0]) == pytest.approx(math.tanh(0.08))
    row["stones"][0] = (sum(0b0001110 << 7 * c for c in range(7)), 0)  # lines 2 to 4 full: all of lines 1 and 5
    assert CONNECT_FOUR.heuristic(row[0]) == pytest.approx(math.tanh(14 * 0.08))
    assert 14 * 0.08 > 1.0  # as much as a certain win would be, without the bound
    row["seat"] = 1
    assert CONNECT_FOUR.heuristic(row[0]) == pytest.approx(-math.tanh(14 * 0.08))


def minimax(rules: Game, row: Rows, depth: int, ply: int = 0) -> tuple[float, set[int]]:
    """The definition: the best of all moves, each worth what the other side's best leaves (value, best moves)."""
    results: dict[int, float] = {}
    for action in np.flatnonzero(kernels.legal_mask(rules, row)[0]).tolist():
        after = row.copy()
        kernels.play_rows(rules, after, np.array([action]))
        if after["done"][0]:
            result = float(after["reward"][0][after["seat"][0]]) * (2.0 - (ply + 1) / 4096)
        elif depth == 1:
            result = guess(rules, after)
        else:
            result = minimax(rules, after, depth - 1, ply + 1)[0]
        results[action] = -result  # seats take turns in these games
    top = max(results.values())
    return top, {action for action, result in results.items() if result == top}


def guess(rules: Game, row: Rows) -> float:
    return 0.0 if rules.heuristic is None else float(rules.heuristic(row[0]))


@pytest.mark.parametrize(
    ("rules", "depth"), [(TIC_TAC_TOE, 4), (CONNECT_FOUR, 3), (OTHELLO, 3)], ids=["ttt", "c4", "oth"]
)
def test_alphabeta_is_minimax(rules: Game, depth: int) -> None:
    for plies in range(0, 24, 3):
        rows = kernels.random_openings(rules, kernels.seeds(plies, 6), plies)
        rows = rows[~rows["done"]]
        values, best = alphabeta.search(rules, rows, depth)
        for i in range(len(rows)):
            value, moves = minimax(rules, rows[i : i + 1], depth)
            assert values[i] == pytest.approx(value, abs=1e-12)
            assert set(np.flatnonzero(best[i])) == moves


def test_without_the_sign_flip_alphabeta_is_not_minimax(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: a loss counted as a win is found out by the test above."""
    monkeypatch.setattr(alphabeta, "won", wrong_side)
    monkeypatch.setattr(alphabeta.search_rows, "compiled", {})
    with pytest.raises(AssertionError):
        test_alphabeta_is_minimax(TIC_TAC_TOE, 4)


@kernels.rule
def wrong_side(row: Any, seat: int, ply: int) -> float:
    return -row.reward[seat] * (alphabeta.WIN - alphabeta.PLY * ply)


def test_alphabeta_never_loses_tic_tac_toe() -> None:
    perfect, other = agent("alphabeta:depth=9"), agent("random")
    seating = np.array([[0, 1], [1, 0]] * 250)
    for played in play_games(TIC_TAC_TOE, [perfect, other], seating, kernels.seeds(1, 500)):
        assert played.reward[played.players.index(0)] >= 0
    alone = play_games(TIC_TAC_TOE, [perfect], np.zeros((20, 2), np.int64), kernels.seeds(2, 20))
    assert {played.reward for played in alone} == {(0.0, 0.0)}
    assert len({tuple(played.moves) for played in alone}) > 10  # ties are drawn, not taken in order


def test_alphabeta_knows_how_tic_tac_toe_ends() -> None:
    values, best = alphabeta.search(TIC_TAC_TOE, kernels.new_rows(TIC_TAC_TOE, np.zeros(1, np.uint64)), 9)
    assert values[0] == 0.0
    assert best[0].all()  # every first move draws
    values, best = alphabeta.search(TIC_TAC_TOE, position(TIC_TAC_TOE, "a3"), 9)
    assert values[0] == 0.0
    assert {TIC_TAC_TOE.names[a] for a in np.flatnonzero(best[0])} == {"b2"}  # a corner is met in the middle


def score(games: list[Any], player: int) -> tuple[float, float]:
    """(mean result of a player between 0 and 1, half the width of its 99.9 % interval)."""
    results = np.array([(1 + played.reward[played.players.index(player)]) / 2 for played in games])
    return float(results.mean()), 3.29 * float(results.std() / math.sqrt(len(results)))


@pytest.mark.parametrize("rules", [TIC_TAC_TOE, CONNECT_FOUR, OTHELLO], ids=lambda rules: rules.name)
@pytest.mark.parametrize("spec", ["mcts:sims=50", "alphabeta:depth=2"])
def test_searchers_beat_random_play(rules: Game, spec: str) -> None:
    seating = np.array([[0, 1], [1, 0]] * 60)
    games = play_games(rules, [agent(spec), agent("random")], seating, kernels.seeds(3, 120))
    mean, half = score(games, 0)
    assert mean - half > 0.5


def test_more_rollouts_are_stronger() -> None:
    seating = np.array([[0, 1], [1, 0]] * 60)
    games = play_games(CONNECT_FOUR, [agent("mcts:sims=400"), agent("mcts:sims=20")], seating, kernels.seeds(4, 120))
    mean, half = score(games, 0)
    assert mean - half > 0.5


@pytest.mark.parametrize("moves", ["b2", "a3 b2 c1 a1", "b2 a3 c3"])
def test_rollouts_do_not_care_which_seat_moves(moves: str) -> None:
    """The same board with seats exchanged has the same values: no result is booked to the wrong side."""
    rows = position(TIC_TAC_TOE, moves)
    turned = rows.copy()
    turned["stones"] = rows["stones"][:, ::-1]
    turned["seat"] = 1 - rows["seat"]
    for mine in (rows, turned):
        visits, total = rollouts.simulate(TIC_TAC_TOE, mine, 500, 1.4, np.array([7], np.uint64))
        if mine is rows:
            expected = visits, total
    np.testing.assert_array_equal(visits, expected[0])
    np.testing.assert_array_equal(total, expected[1])


def test_rollouts_by_hand() -> None:
    """One empty cell: every simulation plays it; the move wins, so its mean is 1 for the mover."""
    rows = position(TIC_TAC_TOE, "a3 a2 b3 b2 c2 c1 a1 b1")
    visits, total = rollouts.simulate(TIC_TAC_TOE, rows, 10, 1.4, np.zeros(1, np.uint64))
    last = TIC_TAC_TOE.action("c3")
    assert visits[0].tolist() == [10 * (a == last) for a in range(9)]
    assert total[0, last] == 10.0


def test_the_upper_bound_by_hand() -> None:
    """N = 6, means 0.5 (n = 4) and 0 (n = 2), ln 6 = 1.7918: 0.5 + 0.6693 c against 0.9465 c, equal at c = 1.804."""
    node = np.zeros(1, rollouts.node_dtype(TIC_TAC_TOE))
    node["count"] = 6
    node["child"] = rollouts.ILLEGAL
    node["child"][0, :2], node["visits"][0, :2], node["total"][0, :2] = (1, 2), (4, 2), (2.0, 0.0)
    assert rollouts.best_bound(node[0], 1.79) == 0
    assert rollouts.best_bound(node[0], 1.82) == 1


@pytest.mark.parametrize("spec", SEARCHERS)
def test_extras_tell_how_it_was_decided(spec: str) -> None:
    rows = kernels.random_openings(CONNECT_FOUR, kernels.seeds(8, 30), 8)
    rows = rows[~rows["done"]]
    decision = decide(agent(spec), CONNECT_FOUR, rows)
    legal = kernels.legal_mask(CONNECT_FOUR, rows)
    assert (np.abs(decision.extra["value"]) <= 1.0).all()
    if "visits" in decision.extra:
        assert (decision.extra["visits"].sum(axis=1) == 400).all()
        assert (decision.extra["visits"][~legal] == 0).all()
        assert (decision.extra["q"][~legal] == 0).all()
    else:
        np.testing.assert_allclose(decision.extra["policy"].sum(axis=1), 1.0)
        assert (decision.extra["policy"][~legal] == 0).all()


def test_a_person_is_asked_until_the_answer_is_a_move() -> None:
    answers = iter([0, 99, -5, 4, 8, 0, 8])
    seen: list[tuple[int, tuple[str, ...]]] = []

    def ask(view: View, legal: NDArray[np.bool_], names: tuple[str, ...]) -> int:
        seen.append((int(view.seat[0]), names))
        assert len(view.obs) == 1
        np.testing.assert_array_equal(view.legal[0], legal)
        return next(answers)

    person = Human(ask)
    rows = position(TIC_TAC_TOE, "a3").repeat(2)
    assert decide(person, TIC_TAC_TOE, rows).action.tolist() == [4, 8]
    assert seen == [(1, TIC_TAC_TOE.names)] * 5


def test_a_person_at_the_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a3\nE5\n B2 \n"))
    rows = position(TIC_TAC_TOE, "a3")
    assert decide(Human(), TIC_TAC_TOE, rows).action.tolist() == [TIC_TAC_TOE.action("b2")]
    shown = capsys.readouterr().err
    assert " 3 x . .\n" in shown and "Your move, seat 1 (o on a board), one of b3 " in shown
    assert "'a3' is not one of your moves." in shown
    with pytest.raises(Unable, match="Nobody answered"):
        ask_at_terminal(kernels.view(TIC_TAC_TOE, rows), kernels.legal_mask(TIC_TAC_TOE, rows)[0], TIC_TAC_TOE.names)


def test_a_person_is_told_moves_as_they_are_on_the_board_that_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    turned = replace(TIC_TAC_TOE, second=tuple(reversed(TIC_TAC_TOE.names)))
    monkeypatch.setattr("sys.stdin", io.StringIO("a3\nc1\na1\n"))
    assert decide(Human(), turned, position(TIC_TAC_TOE, "")).action.tolist() == [TIC_TAC_TOE.action("a3")]
    assert decide(Human(), turned, position(TIC_TAC_TOE, "a3")).action.tolist() == [turned.second.index("a1")]


@pytest.mark.parametrize(
    "spec", ["alphabeta:depth=0", "alphabeta:depth=2.5", "mcts:sims=0", "mcts:c=-1", "human:ask=3"]
)
def test_impossible_options_are_refused(spec: str) -> None:
    with pytest.raises(ValueError, match="write"):
        agent(spec)


@pytest.mark.parametrize("spec", SEARCHERS)
def test_who_looks_ahead_refuses_games_that_are_not_won_or_lost(spec: str) -> None:
    """Half a point is neither: a search would take it for a draw, or look for it beyond its window."""
    for pays in ("zero-sum", "general"):
        with pytest.raises(Unable, match="a win, a draw or a loss, and tic_tac_toe pays other amounts"):
            agent(spec).begin(replace(TIC_TAC_TOE, pays=pays), kernels.seeds(0, 1))


@pytest.mark.parametrize("spec", ["random", "alphabeta:depth=2", "mcts:sims=30", "mcts:sims=30,c=2", "human"])
def test_the_name_is_the_spec(spec: str) -> None:
    assert agent(spec).name == spec

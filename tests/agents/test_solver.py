"""The agent that plays solved games: perfect, or wrong at a known rate; and tic-tac-toe's table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.agent import Agent, Decision, EpsilonGreedy, Unable
from agents.registry import agent
from agents.scripted.solver import Solver, solution, solver
from agents.scripted.solvers import tic_tac_toe
from agents.scripted.solvers.plain import Plain
from envs import kernels
from envs.game import Game, Rows
from envs.registry import game

TIC_TAC_TOE, CONNECT_FOUR, OTHELLO = game("tic_tac_toe"), game("connect_four"), game("othello:size=6")


def position(rules: Game, moves: str) -> Rows:
    return kernels.replay(rules, 0, [rules.action(name) for name in moves.split()])[-1:]


def decide(player: Agent, rules: Game, rows: Rows, seed: int = 0) -> Decision:
    return player.act(kernels.view(rules, rows), player.begin(rules, kernels.seeds(seed, len(rows))))


def random_rows(rules: Game, plies: int, lanes: int, seed: int) -> Rows:
    """Positions of unfinished games after random moves."""
    rng = np.random.default_rng(seed)
    found: list[Any] = []
    while len(found) < lanes:
        rows = kernels.new_rows(rules, kernels.seeds(int(rng.integers(2**31)), 1))
        for _ in range(plies):
            legal = np.flatnonzero(kernels.view(rules, rows).legal[0])
            kernels.play_rows(rules, rows, np.array([rng.choice(legal)]))
            if rows["done"][0]:
                break
        else:
            found.append(rows)
    return np.concatenate(found)


def test_tic_tac_toe_is_known_whole() -> None:
    scores = tic_tac_toe.solve()
    assert len(scores) == 5478
    assert scores[0, 0] == 0
    assert scores[0b000000011, 0b000011000] == 3  # three in a row with the third of five stones
    assert scores[0b000011000, 0b000000011 | 0b100000000] == 2  # the other seat wins with the third of four
    ends = [at for at in scores if tic_tac_toe._lost(at) or (at[0] | at[1]) == 0o777]
    assert len(ends) == 626 + 316 + 16


def test_tic_tac_toe_by_brute_force() -> None:
    def brute(mover: int, other: int) -> int:
        if any(other & line == line for line in tic_tac_toe.LINES):
            return -1
        free = [1 << cell for cell in range(9) if not (mover | other) >> cell & 1]
        return max((-brute(other, mover | cell) for cell in free), default=0)

    for (mover, other), score in tic_tac_toe.solve().items():
        if (mover | other).bit_count() >= 3:
            assert np.sign(score) == brute(mover, other)


def test_every_reply_to_a_corner_but_the_centre_loses() -> None:
    decision = decide(Solver(), TIC_TAC_TOE, position(TIC_TAC_TOE, "a1").repeat(40))
    assert {TIC_TAC_TOE.names[a] for a in decision.action} == {"b2"}
    assert decision.extra["value"].tolist() == [0.0] * 40


def test_best_moves_are_drawn_evenly() -> None:
    decision = decide(Solver(), TIC_TAC_TOE, kernels.new_rows(TIC_TAC_TOE, kernels.seeds(0, 1800)))
    counts = np.bincount(decision.action, minlength=9)
    assert np.all(np.abs(counts - 200) < 5 * np.sqrt(200 * 8 / 9))  # every first move draws


@pytest.mark.parametrize("seat", [0, 1])
def test_never_loses_tic_tac_toe(seat: int) -> None:
    rows = kernels.new_rows(TIC_TAC_TOE, kernels.seeds(seat, 300))
    players = [agent("random"), agent("random")]
    players[seat] = agent("solver")
    memories = [player.begin(TIC_TAC_TOE, kernels.seeds(7 + i, 300)) for i, player in enumerate(players)]
    live = np.arange(300)
    while len(live):
        mover = int(rows["seat"][live[0]])
        at = {key: value[live] for key, value in memories[mover].items()}
        decision = players[mover].act(kernels.view(TIC_TAC_TOE, rows[live]), at)
        for key, value in decision.memory.items():
            memories[mover][key][live] = value
        part = rows[live]
        kernels.play_rows(TIC_TAC_TOE, part, decision.action)
        rows[live] = part
        live = np.flatnonzero(~rows["done"])
    assert rows["reward"][:, seat].min() >= 0
    assert rows["reward"][:, seat].max() == 1


def test_connect_four_moves_are_the_plain_solvers_best() -> None:
    rows, plain = random_rows(CONNECT_FOUR, 26, 25, 0), Plain(18)
    decision = decide(Solver(), CONNECT_FOUR, rows)
    view = kernels.view(CONNECT_FOUR, rows)
    for lane in range(len(rows)):
        mover, other = int(rows["stones"][lane, 0]), int(rows["stones"][lane, 1])
        assert plain.score(mover, mover | other) == decision.extra["scores"][lane, decision.action[lane]]
    assert np.all(np.isnan(decision.extra["scores"][~view.legal]))


def test_a_quick_win_is_preferred_and_a_loss_put_off() -> None:
    assert set(decide(Solver(), CONNECT_FOUR, position(CONNECT_FOUR, "a g a g a g").repeat(20)).action) == {0}
    assert set(decide(Solver(), CONNECT_FOUR, position(CONNECT_FOUR, "b g c g a f g").repeat(20)).action) == {3}


def test_epsilon_is_the_rate_of_random_moves() -> None:
    rows = position(TIC_TAC_TOE, "a1").repeat(4000)
    strays = np.mean(decide(solver(epsilon=0.25), TIC_TAC_TOE, rows).action != TIC_TAC_TOE.action("b2"))
    expected = 0.25 * 7 / 8
    assert abs(strays - expected) < 5 * np.sqrt(expected * (1 - expected) / 4000)


def test_a_lane_does_not_depend_on_its_neighbours() -> None:
    rows, player = random_rows(CONNECT_FOUR, 20, 8, 1), solver(epsilon=0.5)
    together = decide(player, CONNECT_FOUR, rows)
    seeds = kernels.seeds(0, 8)
    for lane in range(8):
        memory = player.begin(CONNECT_FOUR, seeds[lane : lane + 1])
        alone = player.act(kernels.view(CONNECT_FOUR, rows[lane : lane + 1]), memory)
        assert alone.action[0] == together.action[lane]
        assert alone.memory["rng"][0] == together.memory["rng"][lane]


def test_wrong_at_a_known_rate_is_perfect_play_wrapped() -> None:
    player = agent("solver:epsilon=0.05")
    assert isinstance(player, EpsilonGreedy) and isinstance(player.agent, Solver) and player.epsilon == 0.05
    assert isinstance(agent("solver:epsilon=0"), Solver)


def test_names_and_refusals() -> None:
    assert agent("solver").name == "solver"
    assert agent("solver:epsilon=0.05").name == "solver:epsilon=0.05"
    with pytest.raises(Unable, match="connect_four and tic_tac_toe, not othello"):
        Solver().begin(OTHELLO, kernels.seeds(0, 1))
    with pytest.raises(ValueError, match="probability"):
        solver(epsilon=2.0)


def test_opens_connect_four_in_the_middle() -> None:
    decision = decide(Solver(), CONNECT_FOUR, kernels.new_rows(CONNECT_FOUR, kernels.seeds(0, 64)))
    assert set(decision.action) == {3}
    assert decision.extra["value"].tolist() == [1.0] * 64


def test_where_the_value_is_open_no_move_known_to_fail_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    player = Solver()
    memory = player.begin(CONNECT_FOUR, kernels.seeds(0, 200))
    low = np.array([[-9, -9, -9, -5, -5, -9, -9]] * 200, np.int8)
    high = np.array([[9, 9, 9, 9, 0, 9, 9]] * 200, np.int8)
    monkeypatch.setattr(solution("connect_four"), "bounds", lambda stones: (low, high))
    view = kernels.view(CONNECT_FOUR, kernels.new_rows(CONNECT_FOUR, kernels.seeds(0, 200)))
    decision = player.act(view, memory)
    assert set(decision.action) == {3} and not decision.extra["value"].any()
    high[:, 3] = 0  # now the two that are level at the bottom are level at the top as well
    assert set(player.act(view, memory).action) == {3, 4}

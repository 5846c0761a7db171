"""Self-play: what it records, that it goes on exactly, and what its targets are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.scripted.random import Random
from agents.search.search import Search
from agents.self_play import SelfPlay, SelfPlayer, lambda_values
from envs import kernels
from envs.registry import game

FOUR = game("connect_four")
SMALL = SelfPlay(lanes=16, search=Search(simulations=24, noise_share=0.25), fast_simulations=6)


def flat(obs):
    return np.zeros((len(obs), 7), np.float32), np.zeros(len(obs), np.float32)


@pytest.fixture(scope="module")
def played():
    return SelfPlayer(FOUR, flat, SMALL, seed=3).collect(200)


def test_games_can_be_replayed_to_their_results(played):
    _, games = played
    for one in games:
        last = kernels.replay(FOUR, one.seed, one.moves)[-1]
        assert last["done"]
        assert tuple(last["reward"].tolist()) == one.reward


def test_every_lane_counts_its_games_once(played):
    _, games = played
    numbers = [one.number for one in games]
    assert len(set(numbers)) == len(numbers)


def test_a_share_of_games_begins_at_random(played):
    _, games = played
    openings = np.array([one.opening for one in games])
    assert 0.2 < (openings > 0).mean() < 0.8
    assert openings.max() <= SMALL.opening_plies


@pytest.mark.parametrize("kind", ["puct", "gumbel"])
def test_self_play_by_either_search_explores(kind):
    search = replace(SelfPlay().search, kind=kind, simulations=8)
    settings = SelfPlay(lanes=16, search=search, full_share=1.0, opening_share=0.0)
    player = SelfPlayer(FOUR, flat, settings, seed=3)
    actions, _ = player.table.step()
    assert len(set(actions.tolist())) > 3
    still = SelfPlayer(FOUR, flat, replace(settings, search=replace(search, kind="gumbel", gumbel_scale=0.0)), seed=3)
    assert len(set(still.table.step()[0].tolist())) == 1  # the negative control


def test_experience_is_of_positions_searched_in_full(played):
    columns, _ = played
    rows = columns["rows"]
    legal = kernels.legal_mask(FOUR, rows)
    assert not rows["done"].any()
    assert columns["policy"].sum(1) == pytest.approx(np.ones(len(rows)), abs=1e-5)
    assert (columns["policy"][~legal] == 0).all()
    assert set(np.unique(columns["outcome"])) <= {-1.0, 0.0, 1.0}
    assert (np.abs(columns["blend"]) <= 1).all()
    assert (columns["left"] >= 1).all()
    assert (columns["left"] + rows["ply"] <= 42).all()


def test_a_won_position_is_labelled_won_for_its_mover():
    columns, _ = SelfPlayer(FOUR, flat, SMALL, seed=5).collect(300)
    last = columns["left"] == 1
    mate = last & (columns["outcome"] != 0)
    assert mate.any()
    assert (columns["outcome"][mate] == 1).all()  # who makes the last move of a decided game has won it


def test_goes_on_exactly_from_its_state():
    straight = SelfPlayer(FOUR, flat, SMALL, seed=1)
    straight.collect(60)
    state = {key: value.copy() for key, value in straight.state().items()}
    expected, games = straight.collect(60)
    resumed = SelfPlayer(FOUR, flat, SMALL, seed=1)
    resumed.restore(state)
    again, more = resumed.collect(60)
    for name in expected:
        assert (expected[name] == again[name]).all()
    assert games == more


@pytest.mark.parametrize("lanes", [5, 16, 24])
def test_goes_on_with_another_number_of_lanes(lanes):
    first = SelfPlayer(FOUR, flat, SMALL, seed=1)
    _, before = first.collect(60)
    state = {key: value.copy() for key, value in first.state().items()}
    resumed = SelfPlayer(FOUR, flat, replace(SMALL, lanes=lanes), seed=1)
    resumed.restore(state)
    kept = min(lanes, 16)
    assert (resumed.table.rows[:kept] == state["table_rows"][:kept]).all()
    numbers = [one.number for one in before]
    for _ in range(2):
        numbers += [one.number for one in resumed.collect(60)[1]]
    assert len(set(numbers)) == len(numbers)  # no game is played twice


def test_the_decay_is_a_setting():
    """At 1 the blended value is the game's result, but where a search has proved its own."""
    columns, _ = SelfPlayer(FOUR, flat, replace(SMALL, value_decay=1.0), seed=3).collect(200)
    assert (columns["blend"] == columns["outcome"]).mean() > 0.5
    columns, _ = SelfPlayer(FOUR, flat, SMALL, seed=3).collect(200)
    assert (columns["blend"] == columns["outcome"]).mean() < 0.5


def test_lambda_values_by_hand():
    """Two plies of seats 0 and 1, then seat 0 has lost: outcome (-1 for seat 0, +1 for seat 1), decay one half."""
    value = np.array([[0.2, 0.4, 9.0]], np.float32)
    proven = np.zeros((1, 3), bool)
    outcome = np.array([[-1.0, 1.0, 0.0]], np.float32)
    mover = np.array([[0, 1, 0]])
    played = np.array([[True, True, False]])
    # ply 1: (0.4 + 1) / 2 = 0.7; ply 0: (0.2 - 0.7) / 2 = -0.25
    blend = lambda_values(value, proven, outcome, mover, played, decay=0.5)
    assert blend[0, :2] == pytest.approx([-0.25, 0.7])
    assert lambda_values(value, proven, outcome, mover, played, decay=1.0)[0, :2] == pytest.approx([-1, 1])
    proven[0, 0] = True
    assert lambda_values(value, proven, outcome, mover, played, decay=0.5)[0, 0] == pytest.approx(0.2)


def test_lambda_values_without_the_sign_flip_would_differ():
    value = np.array([[0.0, 0.8]], np.float32)
    both = np.array([[True, True]])
    outcome = np.array([[1.0, -1.0]], np.float32)
    turns = lambda_values(value, ~both, outcome, np.array([[0, 1]]), both, decay=0.5)
    same = lambda_values(value, ~both, outcome, np.array([[0, 0]]), both, decay=0.5)
    assert turns[0, 0] == -same[0, 0]


def test_restored_games_do_not_go_on_before_their_guests_are_there():
    one, other = (SelfPlayer(FOUR, flat, replace(SMALL, lanes=4), seed=3) for _ in range(2))
    one.invite({"random": Random()}, ("random",))
    one.collect(1)
    other.restore(one.state())
    with pytest.raises(RuntimeError, match=r"^random sit in games that were restored; invite them"):
        other.collect(1)
    other.invite({"random": Random()}, ("random",))
    assert other.collect(1)[1]

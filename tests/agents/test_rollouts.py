"""Rollouts: what they record and what they leave out; ends, cuts and payments in a world by hand; resuming."""

from __future__ import annotations

import numpy as np
import pytest

from agents.learn.policy_gradient import heads
from agents.networks import Network, weights
from agents.rollouts import Rollouts, RolloutSettings
from envs import kernels
from envs.game import Game, Row, row_dtype, rule
from envs.registry import game

FOUR = game("connect_four")


@rule
def start(row: Row) -> None:
    pass


@rule
def count_up(row: Row, action: int) -> None:
    """Two seats in turn; whoever moves pays the other ply + 1. Over after 3 plies by the rules, or cut after 5."""
    row.reward[row.seat] = 0.0
    row.reward[1 - row.seat] = row.ply + 1
    row.ply += 1
    row.seat = 1 - row.seat
    if row.ply == 3 and action == 1:
        row.done = True
    if row.ply == 5:
        row.done = True
        row.cut = True


@rule
def everything(row: Row, out) -> None:
    out[:] = True


@rule
def see(row: Row, out) -> None:
    out[0] = row.ply
    out[1] = row.seat


WORLD = Game(
    name="count_up", seats=2, actions=2, shape=(2,), row=row_dtype(2), reset=start, play=count_up, legal=everything,
    observe=see, names=("go", "stop"), max_plies=5, pays="general",
)  # fmt: skip


def made(rules: Game, seed: int = 0, backbone: str = "mlp:width=8", **settings) -> Rollouts:
    network = Network(rules, backbone, heads(rules), seed=1)
    return Rollouts(network, RolloutSettings(**{"lanes": 3, "steps": 6, **settings}), seed)


def told(one: Rollouts, action: int) -> Rollouts:
    """Rollouts whose policy always takes one action."""
    arrays = weights(one.actor.network)
    arrays["heads.policy.score.bias"][:] = -50.0
    arrays["heads.policy.score.bias"][action] = 50.0
    one.load(arrays)
    return one


def test_payments_go_to_the_decision_before_and_an_end_closes_all_tracks():
    columns, games = told(made(WORLD), 1).collect(0)
    # Plies 0 and 2 are seat 0's, ply 1 seat 1's. Ply 1 pays seat 0 two, ply 2 pays seat 1 three, then it is over;
    # ply 0 pays seat 1 one, before it has decided anything, which no decision has earned.
    first, second = 0, 1
    assert columns["reward"][first, :4].tolist() == [2, 0, 2, 0]
    assert columns["done"][first, :4].tolist() == [False, True, False, True]
    assert columns["fresh"][first, :4].tolist() == [True, False, True, False]
    assert columns["obs"][first, :4, 0].tolist() == [0, 2, 0, 2]
    assert columns["reward"][second, :2].tolist() == [3, 3]
    assert columns["done"][second, :2].tolist() == [True, True]
    assert all(one.moves == [1, 1, 1] and one.reward == (2.0, 4.0) for one in games)


def test_where_a_game_is_cut_there_is_a_position_to_go_on_from():
    one = told(made(WORLD, steps=8), 0)
    columns, games = one.collect(0)
    assert all(finished.moves == [0] * 5 for finished in games)
    # seat 0 decides at plies 0, 2, 4, and looks at the position after ply 5, at which its game was cut
    assert columns["obs"][0, :5, 0].tolist() == [0, 2, 4, 5, 0]
    assert columns["valid"][0, :5].tolist() == [True, True, True, False, True]
    assert columns["obs"][0, 3].tolist() == [5, 0]  # as seat 0 sees it, whoever would have moved
    assert not columns["done"][0].any()
    assert columns["fresh"][0, :5].tolist() == [True, False, False, False, True]
    looked = one.actor.value(columns["obs"][0, 3:4], columns["legal"][0, 3:4], {})
    assert columns["value"][0, 3] == pytest.approx(looked[0])


def test_a_decision_that_waits_opens_the_next_fragment_and_nothing_is_lost():
    one = told(made(WORLD, lanes=1, steps=2), 0)
    seen: dict[int, list[tuple[float, float]]] = {0: [], 1: []}
    for _ in range(12):
        columns, _ = one.collect(0)
        for seat in (0, 1):
            for t in np.flatnonzero(columns["valid"][seat]):
                seen[seat].append((columns["obs"][seat, t, 0], columns["reward"][seat, t]))
    # Every decision once, with all that it earned: plies 1 and 3 pay seat 0 two and four, and the last pays it nothing.
    assert seen[0][:6] == [(0, 2), (2, 4), (4, 0), (0, 2), (2, 4), (4, 0)]
    assert seen[1][:4] == [(1, 3), (3, 5), (1, 3), (3, 5)]


def test_one_seat_has_exactly_as_many_decisions_as_asked_for():
    columns, _ = made(game("cart_pole"), lanes=4, steps=10).collect(0)
    assert columns["valid"].sum(1).tolist() == [10] * 4
    assert columns["obs"].shape == (4, 12, *game("cart_pole").shape)


def test_games_can_be_replayed_to_their_results():
    _, games = made(FOUR, lanes=8, steps=40).collect(0)
    assert games
    for one in games:
        last = kernels.replay(FOUR, one.seed, one.moves)[-1]
        assert last["done"] and tuple(last["reward"].tolist()) == one.reward


@pytest.mark.parametrize(("rules", "most"), [(FOUR, 8), (WORLD, 2)])
def test_games_begin_with_random_moves_that_nobody_learns_from(rules, most):
    columns, games = made(rules, lanes=64, steps=24, opening_share=1.0, opening_plies=8).collect(0)
    assert {one.opening for one in games} == {*range(most + 1)}
    for one in games:
        positions = kernels.replay(rules, one.seed, one.moves)
        assert positions[-1]["done"] and tuple(positions[1:]["reward"].sum(0).tolist()) == one.reward
    if rules is FOUR:
        assert len({tuple(one.moves[:4]) for one in games if one.opening >= 4}) > 64
        for one in (one for one in games if one.number < 64):
            ends = columns["done"][2 * one.number : 2 * one.number + 2].argmax(1)
            assert (ends + 1).sum() == len(one.moves) - one.opening


def test_what_is_recorded_is_what_the_network_says_of_it():
    one = made(FOUR, lanes=4, steps=20)
    columns, _ = one.collect(0)
    valid = columns["valid"]
    out, _ = one.actor.look(columns["obs"][valid], {})
    legal = columns["legal"][valid]
    kept = np.where(legal, out["policy"], -np.inf)
    log_p = kept - np.log(np.exp(kept).sum(1, keepdims=True))
    chosen = columns["action"][valid]
    at = np.arange(len(chosen))
    assert legal[at, chosen].all()
    np.testing.assert_allclose(log_p[at, chosen], columns["log_p"][valid], atol=1e-5)
    np.testing.assert_allclose(out["returns"], columns["value"][valid], atol=1e-5)
    everything = out["policy"] - np.log(np.exp(out["policy"]).sum(1, keepdims=True))
    if not legal.all():
        assert np.abs(everything[at, chosen] - columns["log_p"][valid]).max() > 1e-3  # the mask counts


def test_actions_are_drawn_by_the_policy():
    one = made(WORLD, lanes=400, steps=4)
    columns, _ = one.collect(0)
    valid = columns["valid"]
    share = np.exp(columns["log_p"][valid & (columns["action"] == 1)]).mean()
    assert abs((columns["action"][valid] == 1).mean() - share) < 0.05


def test_vectors_are_drawn_and_clipped_when_played():
    rules = game("pendulum")
    one = made(rules, lanes=16, steps=8)
    columns, _ = one.collect(0)
    valid = columns["valid"]
    drawn = columns["action"][valid]
    assert drawn.shape == (valid.sum(), 1) and (np.abs(drawn) > 1).any()
    mean, log_spread = np.moveaxis(one.actor.look(columns["obs"][valid], {})[0]["gaussian"], 1, 0)
    z = (drawn - mean) / np.exp(log_spread)
    density = -(0.5 * z * z + log_spread + 0.5 * np.log(2 * np.pi)).sum(1)
    np.testing.assert_allclose(density, columns["log_p"][valid], atol=1e-4)


@pytest.mark.parametrize("opponents", [("random",), ("past",), ("self", "random", "past")])
def test_only_what_the_learner_decides_is_recorded(opponents):
    one = made(FOUR, lanes=6, steps=12, opponents=opponents)
    one.load(weights(one.actor.network))
    columns, games = one.collect(0)
    seats = one.others.seating
    assert (seats == 0).any(1).all()
    own = (seats == 0).ravel()
    if "self" not in opponents:
        assert (seats == 0).sum() == 6
        assert {tuple(g.players) for g in games} <= {
            (0, 1),
            (1, 0),
            *((0, k) for k in range(6)),
            *((k, 0) for k in range(6)),
        }
    assert columns["valid"][own].any()


def test_whole_games_begin_and_end_with_the_fragment():
    one = made(FOUR, lanes=8, steps=30, whole=True)
    for _ in range(2):
        columns, games = one.collect(0)
        assert len(games) == 8
        assert columns["fresh"].sum(1).tolist() == [1] * 16
        assert columns["done"].sum(1).tolist() == [1] * 16


@pytest.mark.parametrize("name", ["cart_pole", "connect_four", "pendulum"])
@pytest.mark.parametrize("opponents", [("self",), ("past", "random")])
def test_goes_on_exactly_from_its_state(name, opponents):
    rules = game(name)
    if rules.seats == 1 and opponents != ("self",):
        return
    share = 0.5 * (rules.seats == 2)
    straight, resumed, other = (made(rules, opponents=opponents, steps=20, opening_share=share) for _ in range(3))
    straight.load(weights(straight.actor.network))
    straight.collect(0)
    state = _copied(straight.state())
    expected, games = straight.collect(0)
    resumed.restore(state)
    got, more = resumed.collect(0)
    assert all((expected[key] == got[key]).all() for key in expected)
    assert games == more
    assert any((expected[key] != value).any() for key, value in other.collect(0)[0].items())


@pytest.mark.parametrize("steps", [63, 64, 65])
def test_goes_on_from_games_that_are_as_long_as_there_is_room_for_moves(steps):
    """There is room for 64 at the beginning; no game of pendulum is over by then."""
    first, other = (made(game("pendulum"), steps=steps) for _ in range(2))
    first.collect(0)
    state = _copied(first.state())
    assert state["moves"].shape[1] >= steps
    other.restore(state)
    assert (other.collect(0)[0]["obs"] == first.collect(0)[0]["obs"]).all()


@pytest.mark.parametrize("lanes", [2, 5])
def test_goes_on_with_another_number_of_lanes(lanes):
    first = made(FOUR)
    first.collect(0)
    other = made(FOUR, lanes=lanes)
    other.restore(_copied(first.state()))
    columns, _ = other.collect(0)
    assert len(columns["obs"]) == 2 * lanes
    assert columns["valid"].any(1).all()


def _copied(value):
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value if isinstance(value, (int, float)) else value.clone() if hasattr(value, "clone") else value.copy()

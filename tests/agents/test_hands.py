"""Whole hands: what they count is what was played, by the network; each game can be replayed; Kuhn poker is learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from agents import hands as module
from agents.actor import Actor, ActorAgent
from agents.agent import Unable
from agents.exact.best_response import best_response, exploitability
from agents.exact.policy import policy_of
from agents.exact.tree import flatten
from agents.hands import Hands, Known, add_up, hindrance
from agents.learn import policy_gradient as shared
from agents.learn.ppo import HANDS, MIXED, PPO, PPOSettings, heeded
from agents.networks import Network, weights
from agents.rollouts import Rollouts, RolloutSettings
from envs import kernels
from envs.registry import game

KUHN = game("kuhn")
PLAYED = RolloutSettings(hands=4000)


def network(backbone: str = "mlp:layers=2,width=32", seed: int = 0) -> Network:
    return Network(KUHN, backbone, ("policy", "returns"), seed=seed)


def hands(games: int = 20_000) -> Hands:
    player = Rollouts.of(network(), replace(PLAYED, hands=games), 0, "torch")
    assert isinstance(player, Hands)
    return player


def test_what_is_counted_is_what_was_played_and_paid():
    """20,000 games of Kuhn poker by one policy, against its exact values; and every game that is told is replayed."""
    player = hands()
    columns, told = player.collect(0)
    table = policy_of(ActorAgent(Actor(network()), "it", 1.0), tree := flatten(KUHN))
    count, alike, log_p = (columns[name][:, 0] for name in ("count", "alike", "log_p"))
    seat = columns["obs"].reshape(len(count), -1)[:, :2].argmax(1)  # what is observed begins with whose turn it is
    assert len(count) == 24 and columns["obs"].shape[:2] == (24, 1) and columns["valid"].all()
    assert np.abs(count / alike - np.exp(log_p)).max() < 0.03 and np.allclose(
        np.sort(np.exp(log_p)), np.sort(table[tree.legal])
    )
    first = seat == 0
    opened = first & (columns["obs"].reshape(len(count), -1)[:, 5:].sum(1) == 0)
    worth = (columns["reward"][:, 0] * count)[opened].sum() / count[opened].sum()
    assert count[opened].sum() == 20_000 and worth == pytest.approx(best_response(tree, table).values[0], abs=0.03)
    assert count.sum() == pytest.approx(player.length.sum())
    for one in told:
        row = kernels.new_rows(KUHN, np.array([one.seed], np.uint64))
        for move in one.moves:
            kernels.play_rows(KUHN, row, np.array([move]))
        assert row["done"][0] and tuple(row["reward"][0]) == one.reward
    assert len({one.number for one in told}) == len(told) == 100


def test_a_fragment_follows_from_the_weights_and_how_many_games_there_were():
    one, other = hands(500), hands(500)
    first, _ = one.collect(0)
    second, told = one.collect(0)
    assert not np.array_equal(first["reward"], second["reward"]) and told[0].number == 500
    other.restore({**one.state(), "begun": 500})
    again, _ = other.collect(0)
    assert all(np.array_equal(second[name], again[name]) for name in second)
    assert one.evaluations == 24  # each of 12 information sets once a fragment
    changed = {name: array + 0.5 * (array.ndim == 2) for name, array in weights(network()).items()}
    other.load(changed)
    assert not np.array_equal(other.collect(0)[0]["log_p"], again["log_p"])


def test_a_network_that_overflows_plays_what_is_legal_and_is_told_by_its_numbers():
    player = hands(50)
    player.load({name: array * np.float32(1e38) for name, array in weights(network()).items()})
    columns, told = player.collect(0)
    assert all(0 <= move < KUHN.actions for one in told for move in one.moves)
    assert np.isnan(columns["value"]).any() and np.isfinite(columns["reward"]).all()


def test_there_is_room_for_any_number_of_information_sets():
    known = Known(KUHN)
    known.keys[:3], known.used = [7, 8, 9], 3
    known.make_room(10_000)
    assert len(known.keys) >= 10_003 and len(known.slots) == 4 * len(known.keys)
    assert sorted(known.slots[known.slots >= 0]) == [0, 1, 2] and known.keys[:3].tolist() == [7, 8, 9]


def test_no_more_is_taken_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 2**20)
    each = KUHN.row.itemsize + 4 * (
        4 + 4 + 1 + 4 + 2 * 4
    )  # of up to 3 plies and one more: set, action, seat, ratio, two payments
    most = 2**20 // each
    assert hands(most).games == most
    with pytest.raises(Unable, match=f"set rollouts.hands to {most:,} or less"):
        hands(most + 1)
    known = Known(KUHN)
    known.make_room(4096)
    with pytest.raises(Unable, match=r"Seats knew 0 different things .* set rollouts.hands lower"):
        known.make_room(2**20)
    planes = 4 * int(np.prod(KUHN.shape))
    each = 8 + planes + KUHN.actions * (1 + 4) + 4 + 8 + 8 + 4 * 8 + 2 * 8 * KUHN.actions  # ... slots; counts and sums
    monkeypatch.setattr(module, "MOST_BYTES", 8192 * each)
    Known(KUHN).make_room(8192)
    monkeypatch.setattr(module, "MOST_BYTES", 8192 * each - 1)
    with pytest.raises(Unable, match=r"set rollouts\.hands lower"):
        Known(KUHN).make_room(8192)


def test_rows_weigh_what_their_decisions_do_and_rare_ones_are_believed_less():
    advantage, count, alike = (np.array(x, np.float32) for x in ([2.0, -2.0, 4.0], [30, 20, 1], [50, 50, 50]))
    log_p = np.log(np.array([0.5, 0.5, 0.1], np.float32))
    plain = heeded(advantage, log_p, count, alike, 0.0)
    assert plain["advantage"].tolist() == [2.0, -2.0, 4.0]
    assert np.allclose(plain["weight"], np.array([25, 25, 5]) / (55 / 3))
    even = heeded(advantage, log_p, count, np.array([50, 50, 150], np.float32), 50.0)
    assert np.allclose(even["advantage"], [2 * 30 / 80, -2 * 20 / 70, 4 / 51])
    assert np.allclose(even["weight"], np.array([12.5, 12.5, 3.75]) / (28.75 / 3))


def test_how_far_the_policy_went_is_told_with_rows_as_they_weigh():
    """One of 24 rows was likelier by a factor of e, and it weighs a thousandth of any other."""
    learner, columns = PPO(KUHN, network(), PPOSettings(discount=1.0), 0), hands(2000).collect(0)[0]
    columns["log_p"][0] -= 1.0
    weight = np.ones((24, 1), np.float32)
    weight[0] = 0.001
    more = {"advantage": np.zeros((24, 1), np.float32), "target": columns["value"], "weight": weight}
    (batch,) = shared.Fragment(columns, more).batches(learner.network, 100, np.random.default_rng(0))
    told, share = learner.step(batch, 0.2, 0.0), 0.001 / 23.001
    assert told["approx_kl"] == pytest.approx((np.e - 2) * share, rel=0.02)
    assert told["clip_fraction"] == pytest.approx(share, rel=1e-3)


def test_games_weigh_as_the_policy_would_have_played_them():
    """Two games of three plies by seats 0, 1, 0 with ratios by hand: set 0, then 1, then 2; payments at the end."""
    length, sets = np.array([3, 3]), np.array([[0, 1, 2], [0, 1, 2]], np.int32)
    actions, seats = np.array([[0, 1, 0], [0, 1, 1]], np.int32), np.array([[0, 1, 0], [0, 1, 0]], np.int8)
    paid = np.zeros((2, 3, 2), np.float32)
    paid[0, 2], paid[1, 2] = (1, -1), (-2, 2)
    ratio = np.array([[0.5, 2.0, 1.0], [0.5, 2.0, 0.25]], np.float32)
    count, weight, total = (np.zeros((3, 2)) for _ in range(3))
    add_up(length, sets, actions, seats, paid, ratio, count, weight, total)
    assert count.tolist() == [[2, 0], [0, 2], [1, 1]]
    assert weight.tolist() == [
        [2 * 1 + 2 * 0.25, 0],
        [0, 0.5 * 1 + 0.5 * 0.25],
        [2, 2],
    ]  # before by others, after by all
    assert total.tolist() == [[2 - 2 * 0.5, 0], [0, -0.5 + 2 * 0.125], [2 * 1, 2 * -2]]


def test_what_is_paid_is_the_policy_s_own_however_much_is_drawn_evenly():
    """What actions are worth in Kuhn poker, told by games that are half random; unweighed they say something else."""
    own, straying = hands(60_000), Hands(network(), 60_000, 1, explore=0.5)
    decided = {name: 2.5 * array for name, array in weights(network()).items()}  # far from even
    for player in (own, straying):
        player.load(decided)
    (told, _), (weighed, _) = own.collect(0), straying.collect(0)
    one, other = (np.lexsort((columns["action"][:, 0], columns["set"][:, 0])) for columns in (told, weighed))
    same = told["count"][one] > 500
    assert same.sum() >= 12 and np.array_equal(told["set"][one], weighed["set"][other])
    apart = (told["reward"][one] - weighed["reward"][other])[same]
    assert np.abs(apart).max() < 0.12
    count, weight, total = (np.zeros((12, KUHN.actions)) for _ in range(3))
    plain = np.ones_like(straying.ratio)
    add_up(straying.length, straying.sets, straying.actions, straying.seats, straying.paid, plain, count, weight, total)
    assert np.array_equal(count, weight)
    biased = (total / count)[np.nonzero(count)][:, None]
    assert np.abs((told["reward"][one] - biased[other])[same]).max() > 0.3


@pytest.mark.parametrize("shuffled", [False, True])
def test_batches_hold_every_row_once_beside_what_the_network_says_of_it_and_sets_whole(shuffled: bool):
    columns, _ = hands(2000).collect(0)
    if shuffled:  # of several workers the same sets come more than once
        order = np.random.default_rng(1).permutation(24)
        columns = {name: column[order] for name, column in columns.items()}
    fragment = shared.Fragment(columns, {"row": np.arange(24)[:, None]})
    net, rows = network(seed=3), []
    for batch in fragment.batches(net, 4, np.random.default_rng(0)):
        sets, size = np.unique(batch["obs"].flatten(1).numpy(), axis=0, return_counts=True)
        assert len(sets) == 4 and (size == 2).all()
        assert torch.allclose(batch.out["policy"], net(batch["obs"])["policy"], atol=1e-6)
        rows += batch["row"].tolist()
    assert sorted(rows) == list(range(24)) and rows != sorted(rows)


def test_whole_hands_are_played_where_they_can_be_and_refused_elsewhere():
    assert not hindrance(network())
    for unfit, reason in (
        (network("gru:width=8"), "for gru:width=8 remembers more than a seat knows at its turn"),
        (Network(game("cart_pole"), "mlp:width=8", ("policy", "returns")), "cart_pole does not number what a seat"),
        (Network(KUHN, "mlp:width=8", ("q",)), "heads are q; set rollouts.hands to 0"),
    ):
        with pytest.raises(Unable, match=reason):
            Rollouts.of(unfit, PLAYED, 0, "torch")
    with pytest.raises(ValueError, match="one network at all the seats; leave opponents out, or hands"):
        replace(PLAYED, opponents=("self", "past"))
    learning, playing = PPO.suited(game("leduc"))
    assert playing.hands > 0 and learning == HANDS and PPO.suited(KUHN) == (MIXED, RolloutSettings(lanes=1024, steps=8))
    assert PPO.suited(game("leduc"), alone=False) == PPO.suited(KUHN)
    learner = PPO(KUHN, network(), PPOSettings(discount=0.9), 0)
    with pytest.raises(Unable, match="paid without a discount"):
        learner.update(hands(100).collect(0)[0], 0.0)


def test_ppo_of_whole_hands_nears_an_equilibrium_of_kuhn_poker():
    settings = replace(HANDS, learning_rate=3e-3)
    learner, player = PPO(KUHN, network(), settings, 0), Hands(network(), 4000, 0, explore=0.1)
    assert how_far(learner) > 0.3  # before it has learned
    rounds = 150
    for i in range(rounds):
        player.load(learner.weights())
        learner.update(player.collect(0)[0], i / rounds)
    assert learner.steps > 1_000_000 and how_far(learner) < 0.2


def how_far(learner: PPO) -> float:
    actor = Actor(learner.network)
    actor.load(learner.kept())
    return exploitability(tree := flatten(KUHN), policy_of(ActorAgent(actor, "it", 1.0), tree))

"""Guests: who sits where is known by name, while the list of them changes under games that go on."""

from __future__ import annotations

import numpy as np
import pytest

from agents.agent import Decision
from agents.exact.policy import mixture, policy_of, reached
from agents.exact.tree import flatten
from agents.guests import ITSELF, Guests, Host
from agents.networks import Network, weights
from agents.rollouts import Rollouts, RolloutSettings
from agents.scripted.random import Random
from envs.registry import game


class Last:
    """Plays the last legal move, and counts its own in memory."""

    def __init__(self, name: str) -> None:
        self.name = name

    def begin(self, game, seeds):
        return {"rng": seeds.copy(), "moves": np.zeros(len(seeds), np.int64)}

    def act(self, view, memory):
        action = view.legal.shape[1] - 1 - view.legal[:, ::-1].argmax(1)
        return Decision(action, {**memory, "moves": memory["moves"] + 1})


KUHN = game("kuhn")


def rollouts(seed: int = 0) -> Rollouts:
    network = Network(KUHN, "mlp:layers=1,width=8", ("policy", "returns"), seed=0)
    played = Rollouts(network, RolloutSettings(lanes=32, steps=8), seed)
    played.load(weights(network))
    return played


def test_only_who_was_drawn_sits_down_and_the_learner_has_one_seat():
    played, alone = rollouts(), rollouts()
    assert isinstance(alone, Host) and alone.guests is None
    played.invite({"a": Last("a"), "b": Last("b"), "c": Last("c")}, ("a", "b"))
    assert played.guests is not None and (played.begun == 64)  # games with nobody were given up
    columns, games = played.collect(1)
    seats = [played.guests.at(g.players) for g in games]
    assert {name for one in seats for name in one} == {ITSELF, "a", "b"}
    assert all(one.count(ITSELF) == 1 for one in seats)
    assert {one.index(ITSELF) for one in seats} == {0, 1}
    assert columns["valid"].sum() > 0
    for finished in games:  # a guest's moves are its own: the last that is legal, which is to bet or to call
        guest = 1 - finished.players.index(0)
        assert all(move == 1 for move in finished.moves[guest::2])


def test_itself_is_at_all_seats():
    played = rollouts()
    played.invite({}, (ITSELF,))
    assert all(set(g.players) == {0} for g in played.collect(1)[1])


def test_who_is_in_a_game_stays_until_it_is_over_and_who_is_gone_ends_it():
    guests = Guests(KUHN, 4)
    everybody = {name: Last(name) for name in "abc"}
    assert guests.invite(everybody, ("a",)).tolist() == [0, 1, 2, 3]
    generator = np.random.default_rng(0)
    guests.sit(np.arange(4), np.arange(4, dtype=np.uint64), generator)
    guests.memories[0]["moves"][:] = 7
    assert guests.invite(everybody, ("c", "b")).tolist() == []
    assert guests.names == ["a", "c", "b"] and guests.seated() == ["a"]
    assert guests.memories[0]["moves"].tolist() == [7] * 4  # it remembers on
    guests.sit(np.array([1]), np.array([9], np.uint64), generator)
    assert guests.invite({name: Last(name) for name in "bc"}, ("b",)).tolist() == [0, 2, 3]
    with pytest.raises(KeyError):
        guests.invite({}, ("nobody",))


def test_games_with_guests_go_on_from_their_state_exactly():
    def agents():
        return {"a": Last("a"), "r": Random()}

    one = rollouts()
    one.invite(agents(), ("a", "r", ITSELF))
    one.collect(1)
    kept = one.state()
    kept = {**kept, "others": {**kept["others"], "memories": [dict(m) for m in kept["others"]["memories"]]}}
    kept = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in kept.items()}
    other = rollouts()
    other.restore(kept)
    other.load(weights(one.actor.network))
    results = []
    for played in (one, other):
        played.invite(agents(), ("r", "r"))
        columns, games = played.collect(1)
        results.append((columns["obs"].tobytes(), columns["reward"].tobytes(), [(g.moves, g.players) for g in games]))
    assert results[0] == results[1]
    third = rollouts(seed=1)
    third.invite(agents(), ("r", "r"))
    assert [g.moves for g in third.collect(1)[1]] != [moves for moves, _ in results[0][2]]


def test_a_mixture_of_players_is_one_policy_by_how_often_each_gets_there():
    """Kuhn: always betting and never betting, mixed 3 to 1; after a check only the second is there."""
    tree = flatten(KUHN)
    never = tree.legal * [1.0, 0.0]
    always = tree.legal * [0.0, 1.0]
    reach = np.stack([reached(tree, always), reached(tree, never)])
    mixed = mixture(tree, reach, np.array([3.0, 1.0]))
    first = np.flatnonzero(tree.above < 2)  # sets where a seat has done nothing yet
    assert np.allclose(mixed[first], [0.25, 0.75])
    later = np.setdiff1d(np.arange(len(tree.keys)), first)
    assert np.allclose(mixed[later], [1.0, 0.0])  # to be asked again, seat 0 has checked: it is the one that never bets
    assert np.allclose(mixture(tree, reach, np.array([1.0, 0.0]))[later], 0.5)  # where it never gets, evenly
    assert not np.allclose((3 * always + never)[later] / 4, mixed[later])  # the mean of policies is another policy
    assert np.allclose(policy_of(Random(), tree), tree.uniform(), atol=0.15)


def test_a_restored_game_does_not_go_on_before_its_guests_are_there():
    """Rules would be given what is no move."""
    one, other = rollouts(), rollouts()
    one.invite({"a": Last("a")}, ("a",))
    one.collect(1)
    other.restore(one.state())
    other.load(weights(one.actor.network))
    with pytest.raises(RuntimeError, match=r"^a sit in games that were restored; invite them"):
        other.collect(1)

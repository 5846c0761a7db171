"""Exploitability in open games: worked by hand in nim, 0 for perfect play, and the same as from the whole tree."""

from dataclasses import dataclass

import numpy as np
import pytest

from agents.actor import Actor, ActorAgent
from agents.agent import Decision, EpsilonGreedy, Unable
from agents.exact.open_games import answered, exploitability, layers, policies
from agents.exact.tree import TooLarge
from agents.networks import Network
from agents.policy import masked_softmax
from agents.registry import agent
from envs import kernels
from envs.registry import game

TIC_TAC_TOE = game("tic_tac_toe")


@dataclass
class Lowest:
    """The first legal move."""

    name: str = "lowest"

    def begin(self, game, seeds):
        return {}

    def act(self, view, memory):
        return Decision(view.legal.argmax(axis=1), memory)


@dataclass
class Drawing(Lowest):
    """Any legal move, and says so, or does not."""

    said: bool = True

    def begin(self, game, seeds):
        return {"rng": seeds.copy()}

    def act(self, view, memory):
        decision = agent("random").act(view, memory)
        return decision._replace(extra={"policy": view.legal / view.legal.sum(1, keepdims=True)} if self.said else {})


def test_every_position_is_there_once():
    found = layers(TIC_TAC_TOE)
    assert [len(layer.rows) for layer in found] == [1, 9, 72, 252, 756, 1140, 1372, 696, 222]  # of 5,478, 958 are over
    assert (found[8].to == -1).all() and (found[0].to == np.arange(9)).all()
    with pytest.raises(TooLarge, match="more than 50 positions"):
        layers(TIC_TAC_TOE, 50)
    with pytest.raises(Unable, match="kuhn is no game of two that lies open"):
        layers(game("kuhn"))


def test_perfect_play_cannot_be_exploited_and_a_plan_that_is_known_always():
    assert exploitability(TIC_TAC_TOE, agent("solver")) == 0.0
    assert exploitability(TIC_TAC_TOE, Lowest()) == 1.0  # the diagonal and the middle come too late for it
    strays = exploitability(TIC_TAC_TOE, EpsilonGreedy(Drawing(), 0.0))
    assert 0.9 < strays < 1.0


def test_what_is_said_is_believed_and_what_is_not_is_counted():
    found = layers(TIC_TAC_TOE)
    said, counted = (policies(TIC_TAC_TOE, Drawing(said=told), found) for told in (True, False))
    assert np.allclose(said[0], 1 / 9) and (counted[0] * 32 == np.round(counted[0] * 32)).all()
    assert answered(found, said, 0) < answered(found, counted, 0) <= 1.0  # luck looks like a hole
    (sure,) = {float(table.max(axis=1).min()) for table in policies(TIC_TAC_TOE, Lowest(), found)}
    assert sure == 1.0


@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_a_network_is_answered_as_it_plays_and_not_as_it_would_at_another_temperature(temperature):
    network = Network(TIC_TAC_TOE, "mlp:layers=1,width=8", ("policy", "returns"), seed=1)
    player = ActorAgent(Actor(network), "it", temperature)
    found = layers(TIC_TAC_TOE)[:2]
    believed = policies(TIC_TAC_TOE, player, found)
    for layer, told in zip(found, believed, strict=True):
        view, seeds = kernels.view(TIC_TAC_TOE, layer.rows), kernels.seeds(0, len(layer.rows))
        logits = player.actor.look(view.obs, {})[0]["policy"]
        if temperature:
            wanted = masked_softmax(logits / np.float32(temperature), layer.legal)
        else:
            wanted = np.eye(9)[np.where(layer.legal, logits, -np.inf).argmax(1)]
        assert np.allclose(told, wanted, atol=1e-6)
        prior = player.act(view, player.begin(TIC_TAC_TOE, seeds)).extra["prior"]
        assert np.allclose(prior, masked_softmax(logits, layer.legal), atol=1e-5)


def test_who_remembers_the_way_is_not_asked_about_positions_alone():
    network = Network(TIC_TAC_TOE, "gru:width=8", ("policy", "returns"))
    with pytest.raises(Unable, match="plays by what came before"):
        exploitability(TIC_TAC_TOE, ActorAgent(Actor(network), "it"))
    two = Network(TIC_TAC_TOE, "mlp:width=8", ("policy", "q:eta=0.1"))
    assert policies(TIC_TAC_TOE, ActorAgent(Actor(two), "average"), layers(TIC_TAC_TOE)[:1])[0].max() == 1.0


def test_a_best_response_to_even_moves_by_hand():
    """With two matches left who draws evenly takes the last with probability 1/2, and the other then wins."""
    rules = game("nim")
    found = layers(rules)
    even = [layer.legal / layer.legal.sum(axis=1, keepdims=True) for layer in found]
    perfect = answered(found, even, 0)
    worth: dict[tuple[int, ...], float] = {}

    def value(heaps: tuple[int, ...], mine: bool) -> float:
        """What the best answer gets from here, by recursion over heaps: who takes the last match wins."""
        key = (*heaps, int(mine))
        if key not in worth:
            after = [(*heaps[:i], left, *heaps[i + 1 :]) for i, heap in enumerate(heaps) for left in range(heap)]
            sign = 1.0 if mine else -1.0
            values = [sign if not any(next_) else value(next_, not mine) for next_ in after]
            worth[key] = max(values) if mine else sum(values) / len(values)
        return worth[key]

    heaps = tuple(int(heap) for heap in found[0].rows[0]["heaps"])
    assert perfect == pytest.approx(value(heaps, True)) and 0.5 < perfect < 1.0
    assert answered(found, even, 1) == pytest.approx(value(heaps, False))

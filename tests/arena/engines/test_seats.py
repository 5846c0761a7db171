"""Whoever sits at the other seats: drawn for each game, asked for its own lanes, with its own memory."""

from __future__ import annotations

import numpy as np
import pytest

from agents.learn.worlds import WORLDS
from agents.networks import Network
from agents.rollouts import RolloutSettings
from arena.engines.seats import Seats, always_legal, seats
from envs import kernels
from envs.registry import game


def table(*opponents: str) -> Seats:
    return Seats(
        Network(game("tic_tac_toe"), "mlp:width=8", ("policy", "returns")), RolloutSettings(opponents=opponents)
    )


def test_each_is_asked_for_its_own_lanes_alone():
    rules, both = game("tic_tac_toe"), table("first", "first:last=true")
    rows = kernels.new_rows(rules, kernels.seeds(0, 40))
    memory = both.begin(rules, kernels.seeds(1, 40))
    decision = both.act(kernels.view(rules, rows), memory)
    assert (decision.action == np.where(memory["who"] == 0, 0, 8)).all() and 5 < memory["who"].sum() < 35
    assert set(memory) == {"who", "0.rng", "1.rng"}
    assert (memory["0.rng"] != memory["1.rng"]).all()


def test_memory_moves_on_where_somebody_was_asked():
    rules, both = game("tic_tac_toe"), table("random", "first")
    rows = kernels.new_rows(rules, kernels.seeds(0, 20))
    memory = both.begin(rules, kernels.seeds(1, 20))
    kept = both.act(kernels.view(rules, rows), memory).memory
    asked = memory["who"] == 0
    assert ((kept["0.rng"] != memory["0.rng"]) == asked).all() and asked.any() and not asked.all()


def test_earlier_weights_are_put_aside_in_turn():
    network = Network(game("tic_tac_toe"), "mlp:width=8", ("policy", "returns"))
    aside = Seats(network, RolloutSettings(opponents=("past",), past_every=2, past_kept=2))
    name = "heads.policy.score.bias"
    from agents.networks import weights

    def bias() -> list[float]:
        return [float(actor.network.state_dict()[name][0]) for actor in aside.past.actors]

    seen = []
    for number in range(5):
        arrays = weights(network)
        arrays[name] = np.full_like(arrays[name], number)
        aside.load(arrays)
        seen.append(bias())
    assert seen == [[0, 0], [0, 0], [0, 2], [0, 2], [4, 2]]


def test_nobody_sits_where_there_is_one_seat_and_chance_alone_needs_no_agent():
    alone = Network(WORLDS["chosen"], "mlp:width=8", ("policy", "returns"))
    assert seats(alone, RolloutSettings()) is None
    two = Network(game("tic_tac_toe"), "mlp:width=8", ("policy", "returns"))
    assert seats(two, RolloutSettings(opponents=("random",))) is None
    assert isinstance(seats(two, RolloutSettings()), Seats)


@pytest.mark.parametrize(("rules", "free"), [("tic_tac_toe", False), ("kuhn", True), ("pendulum", True)])
def test_games_that_bar_moves_are_told_from_those_that_do_not(rules, free):
    assert always_legal(game(rules)) is free


def test_a_game_that_bars_moves_late_is_found():
    assert not always_legal(WORLDS["masked"]) and always_legal(WORLDS["chosen"])

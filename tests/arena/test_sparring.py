"""Workers of a league of many learners: their networks play where the configuration says."""

import pytest
import torch

from agents.hardware import NoDevice
from agents.networks import Network
from agents.rollouts import RolloutSettings
from agents.self_play import SelfPlay
from arena.population.composing import compose, plan_of
from arena.population.sparring import Recipe, Sparring, SparringOrder, visitor
from arena.sections import ConfigError


def test_learners_and_guests_that_play_rollouts_are_where_the_order_says(monkeypatch):
    placed: list[str] = []

    class Placed(Network):
        def __init__(self, *made, device):
            placed.append(device)
            super().__init__(*made)

    monkeypatch.setattr("agents.placed.Placed", Placed)
    rollouts = Recipe("ppo", "mlp:width=8", ("policy", "returns"), RolloutSettings(lanes=2, steps=2))
    searches = Recipe("alphazero", "mlp:width=8", ("policy", "value"), SelfPlay(lanes=2))
    for device, there in (("cpu", []), ("cuda", ["cuda", "cuda"])):
        order = SparringOrder(0, 0, "tic_tac_toe", {"one": rollouts, "other": searches}, device=device)
        for name, recipe in order.recipes.items():
            assert Sparring(order).player(name) and visitor(order, f"{name}-1", recipe)
        assert placed == there


def test_a_league_asks_for_the_devices_that_its_configuration_names(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert plan_of(compose("self-play", "tic_tac_toe", None, ["workers.device=cuda"]), None).device == "cuda"
    assert plan_of(compose("self-play", "tic_tac_toe", None, []), None).device == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NoDevice, match=r"workers\.device"):
        plan_of(compose("self-play", "tic_tac_toe", None, ["workers.device=cuda"]), None)
    for setting in ("workers.learner_device=cuda", "workers.precision=bfloat16"):
        with pytest.raises(ConfigError, match=setting.partition("=")[0]):
            plan_of(compose("self-play", "tic_tac_toe", None, [setting]), None)

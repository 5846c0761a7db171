"""The bench of memory: its rows, and sizes that reach back to the first ply."""

from __future__ import annotations

import pytest

from agents.networks import Network
from agents.registry import BACKBONES
from arena.bench import memory
from envs.registry import game


def test_a_row_for_each_backbone_beside_the_perceptron():
    rows = list(memory.contests("t_maze:length=1", "mlp,elman", "2", "300"))
    assert [row["subject"] for row in rows] == [
        "t_maze:length=1, mlp:layers=2,width=64",
        "t_maze:length=1, elman:width=32",
    ]
    first, second = rows
    assert first["ours"] == first["theirs"] == second["theirs"] and first["runs"] == 2
    assert all(-1 <= row["ours"] <= 1 and row["ratio"] is None and "95 % interval" in row["note"] for row in rows)
    assert first["ours"] < 0.5  # nobody without memory is paid more than 0 on average


def test_training_ends_when_it_is_solved_or_when_the_decisions_are_used_up():
    rules = game("t_maze:length=1")
    found = memory.train(rules, "mlp:width=8", 0, 100)
    assert 100 <= found.steps < 100 + 32 * rules.max_plies and found.seconds > 0


@pytest.mark.parametrize("name", ["mlp", "elman", "gru", "lstm", "transformer"])
def test_every_name_has_a_size_that_a_network_can_have(name):
    assert name in BACKBONES
    network = Network(game("recall"), memory.sized(name, 8))
    assert bool(network.memory) == (name != "mlp")
    if name == "transformer":
        assert network.memory["past"][0] == 8  # as far back as a task of 8 plies goes

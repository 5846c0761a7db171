"""DQN with a network that remembers: what a track gives to learn from by hand, and a world that needs memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.experience import Columns
from agents.learn.dqn import DQN, DQNSettings
from agents.learn.worlds import WORLDS
from agents.networks import Network
from agents.replay import sequences
from agents.rollouts import Rollouts, RolloutSettings
from arena.checkpoint import load_state, save_state

RECALLED = WORLDS["recalled"]


def made(seed: int = 0, **changes) -> DQN:
    small = {"learn_from": 64, "batch": 128, "reuse": 8.0, "steps": 1, "discount": 0.9, "explore": 0.0, "epsilon": 0.2}
    settings = DQNSettings(**{**small, "learning_rate": 1e-2, "target_every": 20, **changes})  # pyright: ignore[reportArgumentType]
    return DQN(RECALLED, Network(RECALLED, "gru:width=16", DQN.parts(RECALLED, settings)[1], seed=seed), settings, 0)


def track() -> dict[str, np.ndarray]:
    """Two decisions, a position at which the game was cut, and the last decision of another game."""
    return {
        "obs": np.arange(10, dtype=np.float32).reshape(1, 5, 2), "action": np.array([[0, 1, 0, 1, 0]]),
        "reward": np.array([[1, 2, 0, 4, 0]], np.float32), "done": np.array([[0, 0, 0, 1, 0]], bool),
        "valid": np.array([[1, 1, 0, 1, 0]], bool), "fresh": np.array([[1, 0, 0, 1, 0]], bool),
        "legal": np.array([[[1, 1], [1, 1], [0, 1], [1, 1], [0, 0]]], bool), "memory.state": np.ones((1, 16), "f4"),
    }  # fmt: skip


def test_tracks_by_hand():
    out = sequences(track(), 0.5, 1, burn_in=1)
    assert out["learned"].tolist() == [[False, True, False, True, False]]
    assert out["ahead"][0, :2].tolist() == [1, 2] and out["left"][0, [0, 1, 3]].tolist() == [0.5, 0.5, 0.0]
    assert out["reward"][0, [0, 1, 3]].tolist() == [1.0, 2.0, 4.0]
    assert out["legal"][0, 4].all() and out["memory.state"].shape == (1, 16)
    assert len(sequences(track(), 0.5, 1, burn_in=4)["learned"]) == 0


@pytest.mark.parametrize("burn_in", [0, 1])
def test_what_is_asked_of_a_track_is_what_the_networks_say_along_it(burn_in: int):
    """The best of what follows is taken among what is legal there, by the memory that both networks have by then."""
    one = made(burn_in=burn_in)
    with torch.no_grad():
        for parameter in one.target.parameters():
            parameter.mul_(3.0)
    columns = track()
    (name,) = one.network.memory
    columns[f"memory.{name}"] = np.full((1, *one.network.memory[name]), 0.5, np.float32)
    del columns["memory.state"]
    batch = {key: torch.from_numpy(value) for key, value in sequences(columns, 0.5, 1, burn_in).items()}
    asked = one._along(batch)
    carried = {name: batch[f"memory.{name}"]}
    q, worth = (net.unroll(batch["obs"], carried, batch["fresh"])[0]["q"][0] for net in (one.network, one.target))
    decisions = [1, 3] if burn_in else [0, 1, 3]
    torch.testing.assert_close(asked.chosen, torch.stack([q[t, columns["action"][0, t]] for t in decisions]))
    assert asked.row.tolist() == [0] * len(decisions) and asked.left.tolist()[-2:] == [0.5, 0.0]
    torch.testing.assert_close(asked.after[-2], worth[2, 1])  # at the cut the first action is barred
    asked.chosen.sum().backward()
    assert any(parameter.grad is not None for parameter in one.network.parameters())
    fresh = one.network.unroll(batch["obs"], one.network.begin(1), batch["fresh"])[0]["q"][0]
    assert (fresh[0] == q[0]).all() and not batch["fresh"][0, 1]  # the first decision begins a game


def test_a_tracks_priority_is_mostly_its_most_surprising_decision():
    surprise, row = torch.tensor([1.0, 3.0, 2.0]), torch.tensor([0, 0, 1])
    assert made()._priority(surprise, row, 2).tolist() == pytest.approx([0.9 * 3 + 0.1 * 2, 2.0])


@pytest.mark.learns
@pytest.mark.parametrize("switch", [{}, {"burn_in": 1, "prioritised": 0.6}])
def test_what_was_shown_is_remembered_and_a_run_goes_on_exactly(switch, tmp_path):
    one, other = made(**switch), made(seed=1, **switch)
    rollouts = Rollouts(one.network, RolloutSettings(lanes=8, steps=8), 0)
    paid: list[float] = []
    columns: Columns = {}
    while one.steps < 2500:
        rollouts.load(one.weights())
        columns, games = rollouts.collect(0)
        paid += [finished.reward[0] for finished in games]
        one.update({name: columns[name] for name in one.reads}, 0.5)
    assert np.mean(paid[:40]) < 0.4 < 0.6 < np.mean(paid[-200:])  # a fifth of the moves strays: 0.8 is the most
    save_state(tmp_path / "state", one.state())
    other.restore(load_state(tmp_path / "state") or {})
    for learner in (one, other):
        learner.update({name: columns[name] for name in one.reads}, 0.5)
    first, second = one.weights(), other.weights()
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_a_burn_in_that_leaves_nothing_is_refused():
    one = made(burn_in=8)
    rollouts = Rollouts(one.network, RolloutSettings(lanes=2, steps=8), 0)
    with pytest.raises(ValueError, match=r"burn_in = 8 leaves nothing to learn from; set rollouts\.steps above it"):
        one.update(rollouts.collect(0)[0], 0.0)

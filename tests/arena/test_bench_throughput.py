"""The bench of throughput: every side is measured, and both are given the same settings."""

from __future__ import annotations

import pytest

from arena.bench import goal, throughput


def test_both_sides_are_measured_and_set_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "ROUNDS", 1)
    monkeypatch.setattr(throughput, "WARM", 1)
    pytest.importorskip("stable_baselines3")
    from arena.engines import sb3

    for name in throughput.ZOO:
        config = throughput.chosen(name)
        arguments = sb3.ARGUMENTS[name](config, lambda: 0.5)
        rate = arguments["learning_rate"]
        assert (rate(1.0) if callable(rate) else rate) == config.learner.learning_rate
        assert arguments["gamma"] == config.learner.discount
        zoo = {"ppo": goal.ZOO_PPO, "dqn": goal.ZOO_DQN}[name]
        same = [key for key, value in zoo.items() if key in arguments and not callable(value)]
        assert {key: arguments[key] for key in same if key != "learning_rate"} == {
            key: zoo[key] for key in same if key != "learning_rate"
        }
        assert config.playing.lanes == {"ppo": 8, "dqn": 1}[name] and config.playing.lanes * config.playing.steps == 256
    assert goal.ZOO_DQN["policy_kwargs"]["net_arch"] == [throughput.WIDTH["dqn"]] * 2
    for make in (throughput.native, throughput.our_sb3, throughput.plain_sb3):
        assert make("ppo")(0.0) > 0


def test_rllib_can_be_left_out() -> None:
    subjects = [contest.peer.name for contest in throughput.contests(rllib="no") if contest.peer]
    assert len(subjects) == 4 and not any("RLlib" in name for name in subjects)

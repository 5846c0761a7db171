"""Evaluation while training: on seeds of its own, evenly over seats and opponents, the best agent kept."""

from __future__ import annotations

import errno
import json

import numpy as np
import pytest

from agents.agent import Unable
from agents.registry import agent
from agents.storage import newest_agent, read_text
from arena import cli
from arena.config import load
from arena.evaluation import Best, EvaluationSettings, evaluated, half_interval, held_out
from arena.run import Run, plan_of
from arena.sections import ConfigError
from envs import kernels
from envs.registry import game
from tests.arena.test_curves import shown


def settings(*more: str):
    rules = ["game.name=tic_tac_toe", "learner.algorithm=pqn", "network.backbone=mlp:width=8", "workers.count=0"]
    return load(None, [*rules, "rollouts.lanes=4", "rollouts.steps=8", *more])


def opened(folder, every: int = 100, **more) -> Run:
    tries = EvaluationSettings(every=every, episodes=6, opponents=("random",))
    return Run(folder, plan_of(settings()), steps=10_000, evaluation=tries, **more)


def test_its_seeds_are_always_the_same_and_none_that_a_worker_draws():
    seeds = held_out(3, 1000)
    assert (seeds == held_out(3, 1000)).all() and len(np.unique(seeds)) == 1000
    assert not np.isin(seeds, held_out(4, 1000)).any()
    run = {int(np.random.SeedSequence([3, stream]).generate_state(1)[0]) for stream in range(4)} | {3}
    drawn = [kernels.seeds(one, 200, 1, begun) for one in run for begun in range(0, 1000, 200)]
    assert not np.isin(seeds, np.concatenate(drawn)).any()


def test_games_are_shared_out_evenly_and_the_reward_is_the_agents_own():
    """Alpha-beta never loses at tic-tac-toe; evaluated as the opponent, the other side of the same results is seen."""
    rules, strong, weak = game("tic_tac_toe"), agent("alphabeta:depth=9"), agent("random")
    seeds = held_out(0, 12)
    for_strong, for_weak = evaluated(rules, strong, [weak], seeds), evaluated(rules, weak, [strong], seeds)
    assert (for_strong.rewards >= 0).all() and for_strong.rewards.mean() > 0.5
    assert (for_weak.rewards <= 0).all() and for_weak.rewards.mean() < -0.5
    assert for_strong.metrics["eval/mean_ep_length"] == for_strong.plies.mean()
    both = evaluated(rules, weak, [strong, weak], seeds)
    alone = np.arange(12) // 2 % 2 == 1  # two games, one in each seat, against each in turn
    assert (both.rewards[~alone] <= 0).all() and (both.rewards[alone] > 0).any()


def test_it_is_done_when_due_logged_and_changes_nothing_of_what_is_learned(tmp_path):
    run, plain = opened(tmp_path / "a"), opened(tmp_path / "b", every=0)
    for one in (run, plain):
        one.begin()
    tried = [{k: v for k, v in run.round().metrics.items() if k.startswith("eval/")} for _ in range(8)]
    steps = run.trainer.learner.steps
    for _ in range(8):
        assert not any(name.startswith("eval/") for name in plain.round().metrics)
    assert sum(map(bool, tried)) == steps // 100 >= 2
    first, second = run.trainer.learner.weights(), plain.trainer.learner.weights()
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)
    means = [one["eval/mean_reward"] for one in tried if one]
    assert [one["eval/best_mean_reward"] for one in tried if one] == np.maximum.accumulate(means).tolist()
    for one in (run, plain):
        one.close()
    assert not (tmp_path / "b" / "best").exists() and not list((tmp_path / "a").glob(".tried*"))


def test_the_best_is_an_agent_and_is_remembered_by_a_run_that_goes_on(tmp_path):
    run = opened(tmp_path / "a")
    run.begin()
    while run.best is None:
        run.round()
    run.best = 2.0  # better than any can be
    kept = newest_agent(tmp_path / "a" / "best")
    while run.trainer.learner.steps < 300:
        run.round()
    assert newest_agent(tmp_path / "a" / "best") == kept
    run.round(run.keep)
    run.close()
    again = opened(tmp_path / "a")
    assert again.best == 2.0 and len(again.recent) > 0
    again.best = -2.0
    again.begin()
    again.evaluate()
    assert again.evaluate() == {}  # these very weights were tried
    again.close()
    best = Best(tmp_path / "a").read()
    assert best is not None and best.step == again.trainer.learner.steps > read_text_step(kept.name)
    assert len(list((tmp_path / "a" / "best" / "agents").iterdir())) == 1
    assert agent(str(tmp_path / "a" / "best")).name == f"a-{best.step:06d}"


def test_the_best_is_judged_by_games_that_it_was_not_chosen_by(tmp_path, monkeypatch):
    """The best of many tries on the same games looks better than it is."""
    seen: list[tuple[str, np.ndarray]] = []

    def watched(rules, player, others, seeds):
        seen.append((player.name, seeds))
        return evaluated(rules, player, others, seeds)

    monkeypatch.setattr("arena.evaluation.evaluated", watched)
    run = opened(tmp_path / "a")
    run.begin()
    while run.trainer.learner.steps < 300:
        run.round()
    metrics = run.finish()[1]
    run.close()
    (*tries, (judged, fresh)), best = seen, tmp_path / "a" / "best"
    assert judged == newest_agent(best).name and len(fresh) == 6 and len(tries) > 2
    assert all((seeds == held_out(0, 6)).all() for _, seeds in tries) and not np.isin(fresh, held_out(0, 1000)).any()
    rewards = evaluated(game("tic_tac_toe"), agent(str(best)), [agent("random")], fresh).rewards
    assert metrics["eval/best_fresh_reward"] == rewards.mean()
    assert metrics["eval/best_fresh_error"] == half_interval(rewards, bounded=True) > 0.0
    assert shown(tmp_path / "a")["eval/best_fresh_reward"] == [(run.tried, pytest.approx(rewards.mean()))]


def test_a_best_agent_for_which_there_is_no_room_leaves_nothing(tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "a-000001").mkdir()
    (tmp_path / "a-000001" / "agent.toml").touch()
    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(OSError) as error:
        Best(tmp_path).put(tmp_path / "a-000001")
    assert error.value.strerror == "No space left on device"
    assert list((tmp_path / "best" / "agents").iterdir()) == []


def read_text_step(name: str) -> int:
    return int(name.rpartition("-")[2])


def test_the_curves_have_the_tags_of_sb3(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = opened(tmp_path / "a")
    run.begin()
    while run.best is None:
        run.round()
    run.close()
    events = EventAccumulator(str(tmp_path / "a" / "events"))
    events.Reload()
    tags = set(events.Tags()["scalars"])
    assert tags >= {
        "rollout/ep_rew_mean", "rollout/ep_len_mean", "rollout/exploration_rate", "eval/mean_reward",
        "eval/mean_ep_length", "time/fps", "time/iterations", "time/time_elapsed", "time/total_timesteps", "train/loss",
        "train/learning_rate", "train/n_updates",
    }  # fmt: skip
    assert events.Scalars("time/total_timesteps")[-1].value == events.Scalars("time/total_timesteps")[-1].step


def test_a_search_is_tried_by_its_network_and_the_command_line_keeps_the_best(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = "--set run.positions=40 --set self_play.lanes=4 --set self_play.search.simulations=4 --set learner.batch=16"
    command = f"train alphazero tic_tac_toe --backbone mlp:width=8 --steps 2 --workers 0 --out runs/x {small} --json"
    tries = "--set evaluation.every=1 --set evaluation.episodes=2"
    assert cli.run([*command.split(), *tries.split()]) == 0
    done = json.loads(capsys.readouterr().out)
    assert {"eval/mean_reward", "eval/best_mean_reward"} <= set(done["metrics"])
    assert cli.run(["verify", str(newest_agent(tmp_path / "runs/x/best"))]) == 0
    assert read_text(newest_agent(tmp_path / "runs/x/best")).search["simulations"] == 600


def test_wrong_settings_are_one_sentence(tmp_path):
    for override, sentence in (
        ("evaluation.every=-1", "every must lie in"),
        ("evaluation.opponents=[]", "opponents must hold"),
        ('evaluation.opponents=["rando"]', r"\[evaluation\] opponents: there is no agent 'rando'"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            settings(override)
    with pytest.raises(Unable):
        plan = plan_of(load(None, ["game.name=leduc", "learner.algorithm=pqn", "workers.count=0"]))
        Run(tmp_path / "x", plan, steps=10, evaluation=EvaluationSettings(opponents=("alphabeta",)))

"""A run's folder: one writer, written only by who holds it, curves that do not double back."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from agents.storage import newest_agent, read_text
from arena.checkpoint import Damaged, save_state
from arena.config import build
from arena.evaluation import EvaluationSettings
from arena.lock import Busy
from arena.run import Run, plan_of, run_training, write_config
from arena.sections import ConfigError
from tests.arena.test_curves import shown


def config(folder: Path, game: str = "tic_tac_toe"):
    return build(
        {
            "run": {"name": folder.name, "out": str(folder.parent), "positions": 60},
            "game": {"name": game},
            "network": {"backbone": "mlp", "backend": "torch"},
            "workers": {"count": 0},
            "learner": {"batch": 32, "window": 2000, "window_start": 200},
            "self_play": {"lanes": 16, "fast_simulations": 4, "search": {"simulations": 8}},
        }
    )


def opened(folder: Path, **more) -> Run:
    return Run(folder, plan_of(config(folder)), steps=10_000, **more)


def test_only_who_holds_the_folder_writes_in_it(tmp_path):
    folder = tmp_path / "x"
    asked: list[Path] = []
    run = opened(folder, prepare=asked.append)
    with pytest.raises(Busy, match=f"^{re.escape(str(folder))} is being written by this very process"):
        opened(folder, prepare=asked.append)
    assert asked == [folder]
    run.close()
    opened(folder).close()  # the lock was let go


def test_a_folder_whose_agents_nobody_could_name_is_refused_at_the_start(tmp_path):
    folder = tmp_path / "a:b" / "x"
    with pytest.raises(ValueError, match=r"a:b/x has a colon in it, .* choose another folder"):
        opened(folder)
    assert not folder.exists()


def test_a_run_of_another_kind_is_refused_and_its_file_left(tmp_path):
    folder = tmp_path / "x"
    opened(folder, prepare=lambda path: write_config(config(folder, "othello"), path)).close()
    first = opened(folder, prepare=lambda path: write_config(config(folder), path))  # none had begun in earnest
    first.begin()
    first.round(first.keep)
    first.close()
    before = (folder / "config.toml").read_text()
    with pytest.raises(ConfigError, match="is a run of the game 'tic_tac_toe', not 'othello'"):
        opened(folder, prepare=lambda path: write_config(config(folder, "othello"), path))
    assert (folder / "config.toml").read_text() == before
    opened(folder).close()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ValueError, match="cannot be written"):
        opened(tmp_path / "file" / "x")


def test_a_disk_that_is_full_is_one_sentence_whatever_is_written(tmp_path, monkeypatch):
    def full(*given, **more):
        raise OSError(28, "No space left on device")

    run = Run(tmp_path / "x", plan_of(config(tmp_path / "x")), steps=10_000, evaluation=EvaluationSettings(every=10**9))
    run.begin()
    run.round(run.keep)
    monkeypatch.setattr("arena.run.save_agent", full)
    for write in (run.evaluate, run.snapshot):
        with pytest.raises(ValueError, match=r"x cannot be written \(No space left on device\); mend that and start"):
            write()
    run.close()


def test_what_a_killed_process_was_trying_is_cleared_away(tmp_path):
    (tmp_path / "x" / ".tried-abc" / "x-000064").mkdir(parents=True)
    opened(tmp_path / "x").close()
    assert not list((tmp_path / "x").glob(".tried-*"))


@pytest.mark.parametrize("state", [{}, [], 3, {"trainer": {}, "spent": 0.0}, {"spent": "much"}])
def test_a_damaged_state_is_one_sentence_and_lets_the_folder_go(tmp_path, state):
    folder = tmp_path / "x"
    save_state(folder / "state", state)
    for _ in range(2):
        with pytest.raises(Damaged):
            opened(folder)


def test_curves_go_on_where_the_kept_state_ends(tmp_path):
    """Each step is in them once, as it would be had the run not been killed, but for what goes by the clock."""
    folder = tmp_path / "x"
    first = opened(folder)
    first.begin()
    first.round()
    first.round(first.keep)
    kept = first.trainer.learner.steps
    for _ in range(2):
        first.round()  # lost: it is killed before the next state
    lost = first.trainer.learner.steps
    first.close()
    whole = shown(folder)
    time.sleep(
        1.1
    )  # TensorBoard reads files by the second they were begun in; within one, by a number as text: 10 before 9
    second = opened(folder)
    assert second.resumed
    second.begin()
    while second.trainer.learner.steps <= lost:  # a round may be one of waiting for games to end
        second.round()
    second.close()
    curves = shown(folder)
    for name in ("train/loss", "rollout/ep_rew_mean", "rollout/ep_len_mean", "time/fps", "rollout/staleness"):
        steps = [step for step, _ in curves[name]]
        assert steps == sorted(set(steps))
        assert steps[-1] > lost > kept
    timed = ("time/fps", "time/evaluations_per_second", "time/time_elapsed", "rollout/staleness")
    assert curves.keys() == whole.keys() > {*timed, "rollout/games", "time/iterations"}
    for name in curves.keys() - {*timed}:
        assert [point for point in curves[name] if point[0] <= lost] == whole[name]
    assert {value for _, value in curves["rollout/staleness"]} == {1.0}
    assert all(-1 <= value <= 1 for _, value in curves["rollout/ep_rew_mean"])


def test_what_had_arrived_at_a_runs_end_is_learned_once_it_goes_on(tmp_path):
    """At the rates of where it then is, not at those of the end, where they had fallen to nothing."""
    chosen = build(
        {
            "run": {"name": "x", "out": str(tmp_path), "steps": 128},
            "game": {"name": "cart_pole"},
            "workers": {"count": 0},
            "rollouts": {"lanes": 8, "steps": 16},
            "learner": {"algorithm": "ppo", "batch": 64},
            "evaluation": {"every": 0},
        }
    )
    first, second = (load_file(Path(run_training(chosen)["agent"]) / "weights.safetensors") for _ in range(2))
    changed = [name for name in first if name.startswith("backbone") and not np.array_equal(first[name], second[name])]
    assert len(changed) == 4


def test_an_agent_and_the_best_one_are_of_the_steps_that_were_asked_for(tmp_path):
    chosen = build(
        {
            "run": {"name": "x", "out": str(tmp_path), "steps": 1000},
            "game": {"name": "frozen_lake:slippery=false"},
            "workers": {"count": 0},
            "learner": {"algorithm": "q_learning", "round": 500},
            "evaluation": {"every": 500, "episodes": 2},
        }
    )
    done = run_training(chosen)
    assert done["steps"] == read_text(Path(done["agent"])).step == 1000
    assert read_text(newest_agent(tmp_path / "x" / "best")).step <= 1000
    assert max(step for step, _ in shown(tmp_path / "x")["train/td_error"]) == 1000
    assert min(pace for _, pace in shown(tmp_path / "x")["time/fps"]) > 0  # it plays by itself, inside of its update


def test_a_run_that_is_cut_off_before_its_agent_is_there_is_not_complete(tmp_path, monkeypatch):
    def cut(*given, **more):
        raise KeyboardInterrupt

    run = opened(tmp_path / "x")
    run.begin()
    monkeypatch.setattr("arena.run.save_agent", cut)
    with pytest.raises(KeyboardInterrupt):
        run.finish()
    run.close()
    assert not (tmp_path / "x" / "state").exists()

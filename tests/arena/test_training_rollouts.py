"""Training from rollouts as a whole: in process equals Ray, resuming changes nothing, agents enter like any other."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from agents.learn.descent import Diverged
from agents.registry import ALGORITHMS, agent
from agents.rollouts import RolloutSettings
from arena import cli
from arena.checkpoint import load_state, save_state
from arena.config import LEARNERS, build, load, resolved
from arena.run import NoMemory, Run, plan_of, sizes
from arena.sections import ConfigError
from arena.train import Plan, Trainer
from envs.registry import game, resolve
from tests.arena.test_curves import shown
from tests.arena.trained import run

NAMES = [name for name in ALGORITHMS if resolve(ALGORITHMS, name, "algorithm").player == "rollouts"]


def plan(name: str, rules: str = "", *, ray: bool = False, workers: int = 1) -> Plan:
    rules = rules or ("pendulum" if name in ("sac", "td3", "ddpg") else "connect_four")
    settings = resolve(LEARNERS, name, "settings")()
    _, heads = resolve(ALGORITHMS, name, "algorithm").parts(game(rules), settings)
    return Plan(
        game=rules,
        algorithm=name,
        backbone="mlp:width=16",
        heads=heads,
        learner=settings,
        playing=RolloutSettings(lanes=8, steps=8, opponents=("self", "past", "random")),
        seed=0,
        workers=workers,
        ray=ray,
        positions=1,
        backend="torch",
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_run_ends_byte_for_byte_where_the_straight_one_does(name, tmp_path):
    trainer = Trainer(plan(name))
    straight = run(trainer, between=lambda: save_state(tmp_path / "state", trainer.state()))
    assert run(Trainer(plan(name), load_state(tmp_path / "state")), first=2) == straight


def test_weights_that_play_are_as_old_as_the_learner_allows():
    for name, staleness in (("ppo", 0), ("impala", 1)):
        trainer = Trainer(plan(name, workers=2))
        trainer.begin()
        assert [trainer.round(0.0).staleness for _ in range(3)] == [staleness] * 3
        trainer.close()


def test_rewards_are_the_learners_own_and_decisions_all_that_it_learns_from(tmp_path):
    """Against others it sits at a drawn seat; and most of a round's decisions are of games that have not ended."""
    playing = RolloutSettings(lanes=16, steps=8, opponents=("random",))
    one = Run(tmp_path / "x", replace(plan("pqn", "tic_tac_toe"), playing=playing), steps=10_000)
    one.begin()
    done = one.round()
    one.close()
    games = [finished for chunk in done.chunks for finished in chunk.games]
    own = [finished.reward[finished.players.index(0)] for finished in games]
    assert {finished.players.index(0) for finished in games} == {0, 1}
    assert done.rewards == own != [finished.reward[0] for finished in games]
    curves = shown(tmp_path / "x")
    assert curves["rollout/ep_rew_mean"] == [(one.trainer.learner.steps, pytest.approx(np.mean(own)))]
    assert done.decisions == one.trainer.learner.steps == sum(chunk.columns["valid"].sum() for chunk in done.chunks)
    assert curves["time/fps"][0][1] == pytest.approx(done.decisions / done.seconds, rel=1e-5)


def test_a_run_that_had_ended_does_not_stray_anew_when_it_is_given_as_much_again(tmp_path):
    """And one that was cut short is as far as it was."""
    first = Run(tmp_path / "x", plan("dqn"), steps=400)
    first.begin()
    strayed = [first.round().metrics["rollout/exploration_rate"]]
    while first.progress() < 0.5:
        strayed.append(first.round().metrics["rollout/exploration_rate"])
    first.finish()
    first.close()
    cut = Run(tmp_path / "x", plan("dqn"), steps=400)
    assert 0.5 <= cut.progress() == first.progress() < 1.0
    cut.begin()
    while cut.progress() < 1.0:
        strayed.append(cut.round().metrics["rollout/exploration_rate"])
    cut.finish()
    cut.close()
    again = Run(tmp_path / "x", plan("dqn"), steps=400)
    assert again.progress() == pytest.approx(0.5, abs=0.1)  # halfway through twice as much
    again.begin()
    strayed.append(again.round().metrics["rollout/exploration_rate"])
    assert again.goal == again.from_steps + 400 > again.trainer.learner.steps
    again.close()
    assert strayed == sorted(strayed, reverse=True) and strayed[0] == 1.0 and strayed[-1] == pytest.approx(0.04)


def spoil(learner: Any) -> None:
    """Has every update end in a weight that is no number, as after a gradient too large where the loss was not."""
    sound = learner.update

    def update(columns, progress):
        metrics = sound(columns, progress)
        next(learner.network.parameters()).data.fill_(float("nan"))
        return metrics

    learner.update = update


@pytest.mark.parametrize(("name", "kept"), [("ppo", False), ("dqn", True)])
def test_weights_that_are_no_numbers_stop_a_run_before_they_are_kept(name, kept, tmp_path):
    """Of dqn, too, whose workers play a round ahead."""
    one = Run(tmp_path / "x", plan(name), steps=10_000, keep_minutes=1e9)
    keep = one.keep if kept else None
    one.begin()
    one.round(keep)
    said = rf"of step {one.trainer.learner.steps}, is in .*x/state; .*--resume" if kept else "No state was kept before"
    spoil(one.trainer.learner)
    with pytest.raises(Diverged, match=rf"no numbers any more after step \d+; .*{said}"):
        for _ in range(3):
            one.round(keep)
    one.close()
    if kept:
        state = load_state(tmp_path / "x" / "state") or {}
        assert all(tensor.isfinite().all() for tensor in state["trainer"]["learner"]["network"].values())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), "not enough memory"),
        (MemoryError(), "not enough memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
            "not enough memory",
        ),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "mat1 and mat2"),
    ],
)
def test_too_little_memory_names_the_settings_to_lower(error, said, tmp_path, monkeypatch):
    one = Run(tmp_path / "x", plan("dqn"), steps=10_000)
    monkeypatch.setattr(one.trainer, "begin", lambda: (_ for _ in ()).throw(error))
    with pytest.raises((NoMemory, RuntimeError), match=said) as stopped:
        one.begin()
    one.close()
    if isinstance(stopped.value, NoMemory):
        assert "learner.batch (64)" in str(stopped.value) and "rollouts.lanes (8)" in str(stopped.value)
    assert isinstance(stopped.value, NoMemory) == (said == "not enough memory")


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_has_a_size_to_lower(name):
    settings = resolve(LEARNERS, name, "settings")()
    playing = resolve(ALGORITHMS, name, "algorithm").playing
    assert sizes(replace(plan("dqn"), algorithm=name, learner=settings, playing=playing))


def test_of_whole_hands_their_number_is_the_size_to_lower():
    hands = sizes(plan_of(load(None, ["learner.algorithm=ppo", "game.name=leduc", "workers.count=0"])))
    assert "rollouts.hands (40,000)" in hands and "lanes" not in hands
    assert "learner.hands (" in sizes(plan_of(load(None, ["learner.algorithm=deep_cfr", "game.name=leduc"])))


@pytest.mark.ray
@pytest.mark.parametrize("name", ["ppo", "impala"])
def test_ray_gives_the_same_bytes(name):
    assert run(Trainer(plan(name, ray=True))) == run(Trainer(plan(name)))


def test_a_run_leaves_an_agent_that_plays_and_goes_on(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = "train ppo tic_tac_toe --steps 600 --workers 0 --out runs/x --set rollouts.steps=8 --set learner.batch=64"
    assert cli.run(command.split()) == 0
    assert cli.run([*command.split()[:3], "--steps", "300", "--workers", "0", "--out", "runs/x", "--resume"]) == 0
    folders = sorted((tmp_path / "runs" / "x" / "agents").iterdir())
    assert len(folders) == 2
    capsys.readouterr()
    assert cli.run(["match", "tic_tac_toe", str(folders[1]), "random", "--games", "4", "--json"]) == 0
    assert cli.run(["verify", str(folders[1])]) == 0
    assert cli.run(["match", "tic_tac_toe", f"{folders[1]}:temperature=1", f"{folders[0]}", "--games", "4"]) == 0
    capsys.readouterr()
    with pytest.raises(ValueError, match="plays without one; leave sims out"):
        agent(f"{folders[1]}:sims=10")
    with pytest.raises(ValueError, match="temperature is a number"):
        agent(f"{folders[1]}:temperature=warm")


def test_each_algorithm_has_its_own_defaults_and_the_file_says_them():
    config = load(None, ["learner.algorithm=ppo", "game.name=cart_pole", "rollouts.lanes=5"])
    assert config.playing.lanes == 5 and config.playing.steps == resolve(ALGORITHMS, "ppo", "algorithm").playing.steps
    assert config.network.heads == ("policy", "returns") and config.network.backbone.startswith("mlp")
    tree = tomllib.loads(resolved(config))
    assert build(tree) == config
    assert "self_play" not in tree and tree["rollouts"]["lanes"] == 5
    assert load(None, ["learner.algorithm=reinforce", "game.name=cart_pole"]).playing.whole
    other = load(None, ["learner.algorithm=ppo", "game.name=cart_pole", "self_play.lanes=7"])
    assert tomllib.loads(resolved(other))["self_play"]["lanes"] == 7  # kept for the next algorithm


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (("learner.algorithm=dqn", "game.name=pendulum"), "those of pendulum are vectors; train it with ppo"),
        (("learner.algorithm=alphazero", "game.name=cart_pole"), "looks ahead in the position, which cart_pole"),
        (("learner.algorithm=ppo", "learner.learning_rate=0"), "learning_rate must lie in (0, inf)"),
        (("learner.algorithm=dqn", "learner.replay=3"), "fewer than one batch"),
        (("learner.algorithm=ppo", "rollouts.opponents=[]"), "opponents must hold"),
    ],
)
def test_what_cannot_be_learned_is_refused_before_anything_starts(overrides, sentence):
    with pytest.raises(ConfigError) as problem:
        load(None, list(overrides))
    assert sentence in str(problem.value) and "\n" not in json.dumps(str(problem.value))

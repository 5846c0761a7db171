"""Training language models as a whole: in process equals Ray, resuming changes nothing, unseen prompts are the test."""

from __future__ import annotations

import json
import tomllib

import pytest

from arena import cli
from arena.checkpoint import load_state, save_state
from arena.config import build, load, resolved
from arena.display import Display, picture
from arena.evaluation import twin
from arena.run import plan_of
from arena.sections import ConfigError
from arena.status import Status
from arena.train import Plan, Trainer
from envs.registry import game
from tests.arena.trained import run

TINY = {
    "run": {"seed": 3},
    "game": {"name": "reverse:length=3,letters=6"},
    "network": {"backbone": "gpt:layers=1,width=8,heads=1"},
    "groups": {"prompts": 6, "group": 4, "curriculum": {"up": 0.01}},
    "lessons": {"prompts": 16},
    "pairs": {"prompts": 6, "answers": 3},
    "workers": {"count": 0},
}
SETTINGS = {
    "grpo": {"batch": 8, "kl": 0.1, "epochs": 2},
    "sft": {"batch": 8},
    "reward_model": {"batch": 4},
    "rlhf": {"batch": 8},
    "dpo": {"batch": 4, "answers": "policy"},
}


def plan(name: str, *, ray: bool = False) -> Plan:
    tree = {**TINY, "learner": {"algorithm": name, **SETTINGS[name]}, "workers": {"count": 1 if ray else 0}}
    return plan_of(build(tree))


@pytest.mark.parametrize("name", SETTINGS)
def test_a_resumed_run_ends_byte_for_byte_where_the_straight_one_does(name, tmp_path):
    trainer = Trainer(plan(name))
    straight = run(trainer, between=lambda: save_state(tmp_path / "state", trainer.state()))
    assert run(Trainer(plan(name), load_state(tmp_path / "state")), first=2) == straight


@pytest.mark.ray
def test_ray_gives_the_same_bytes():
    assert run(Trainer(plan("grpo", ray=True))) == run(Trainer(plan("grpo")))


def test_a_run_is_tried_on_prompts_that_it_never_trains_on(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ["groups.prompts=4", "groups.group=4", "learner.batch=16"]
    command = ["train", "grpo", "reverse:length=3,letters=6", "--backbone", "gpt:layers=1,width=8,heads=1"]
    sets = [word for one in [*given, "evaluation.every=16", "learner.dynamic=no"] for word in ("--set", one)]
    assert cli.run([*command, "--steps", "32", "--workers", "0", "--out", "runs/x", *sets, "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["held_out"] == twin("reverse:length=3,letters=6") == "reverse:length=3,letters=6,split=test"
    assert {"eval/mean_reward", "rollout/accuracy", "rollout/level", "train/entropy"} <= done["metrics"].keys()
    assert cli.run(["evaluate", "runs/x", "reverse:length=3,letters=6", "--episodes", "9", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["returns"][0]["episodes"] == found["held_out"][0]["episodes"] == 9
    assert cli.run(["evaluate", "random", "tic_tac_toe", "--episodes", "2", "--json"]) == 0
    assert "held_out" not in json.loads(capsys.readouterr().out)


def test_only_games_that_keep_prompts_apart_have_a_twin():
    assert twin("connect_four") == "connect_four"
    assert twin("reverse:length=1") == "reverse:length=1"  # too few to keep any apart
    assert twin("reverse:split=test") == "reverse:split=test"
    assert game(twin("reverse")).language is not None


def test_warnings_reach_who_watches_and_who_reads_a_log(capsys):
    warning = "90% of the answers run on; set learner.overlong=0.2."
    status = Status("reverse", "x", warnings=(warning,))
    with Display() as display:
        for again in (warning, warning.replace("90", "91")):
            status.warnings = (again,)
            display.show(status)
    assert capsys.readouterr().err.split() == warning.split()  # once, whatever its numbers become
    console = display.console
    with console.capture() as captured:
        console.print(picture(status, 100))
    assert "! 91% of the answers run on; set learner.overlong=0.2." in captured.get()
    status.warnings = ()
    with console.capture() as captured:
        console.print(picture(status, 100))
    assert "!" not in captured.get()


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (("game.name=connect_four",), "GRPO learns language tasks, and connect_four is none; try reverse"),
        (("game.name=reverse", "groups.group=1"), "A group of one answer has nothing to be compared with"),
        (("game.name=reverse", "learner.variant=ppo"), "variant = 'ppo'"),
        (("game.name=reverse", "learner.epochs=0"), "epochs must lie in [1, inf)"),
    ],
)
def test_what_cannot_be_learned_is_refused_before_anything_starts(overrides, sentence):
    with pytest.raises(ConfigError) as problem:
        load(None, ["learner.algorithm=grpo", *overrides])
    assert sentence in str(problem.value)


def test_every_setting_is_written_down():
    config = load(None, ["learner.algorithm=grpo", "game.name=reverse", "learner.variant=dapo", "groups.prompts=9"])
    tree = tomllib.loads(resolved(config))
    assert config.evaluation.episodes == 200 and load(None, ["game.name=hex"]).evaluation.episodes == 20
    assert build(tree) == config and tree["groups"]["prompts"] == 9 and tree["groups"]["curriculum"]["start"] == 0

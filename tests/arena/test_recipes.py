"""Recipes: every one is a configuration, and a command that is told to takes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from arena import cli, sweep
from arena.config import Config, load
from arena.recipes import RECIPES, Recipe, read, recipe
from arena.sections import ConfigError


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_a_configuration_of_its_algorithm_and_game(name):
    one = RECIPES[name]
    if one.game == "gym:LunarLander-v3":
        pytest.importorskip("Box2D")
    config = load(None, one.overrides())
    assert f"{config.algorithm} {config.game.name}" == name and config.run.steps == one.steps > 0
    assert one.who and f"{one.steps:,}" in one.summary
    plain = load(None, [f"learner.algorithm={one.algorithm}", f"game.name={one.game}", f"run.steps={one.steps}"])
    told = one.settings.keys() - {"learner.algorithm", "game.name", "run.steps"}
    assert (config != plain) == bool(told)


def test_what_is_asked_of_a_recipe():
    more, less = Recipe({}, 2.0, "somebody"), Recipe({}, 0.1, "somebody", "exploitability")
    assert more.met(2.0) and more.met(3.0) and not more.met(1.9)
    assert less.met(0.1) and less.met(0.0) and not less.met(0.2)


WHOLE = """
[[recipe]]
goal = 1
who = "somebody"
game.name = "kuhn"
run.steps = 10
learner.algorithm = "ppo"
"""


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (WHOLE.replace('who = "somebody"', ""), "recipe 1 has no who; say it there"),
        (WHOLE + WHOLE.replace("run.steps = 10", "").replace("goal = 1", ""), "recipe 2 has no goal or run.steps; say"),
        (WHOLE + WHOLE, "has two recipes for ppo kuhn; leave one"),
        (WHOLE.replace("goal = 1", 'goal = 1\nmeasure = "returns"'), "ppo kuhn is measured by 'returns', and that is"),
    ],
)
def test_a_recipe_that_is_not_whole_is_one_sentence(text, wrong):
    assert list(read(WHOLE)) == ["ppo kuhn"]
    with pytest.raises(ConfigError, match=wrong):
        read(text)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        (("dqn", "acrobot"), "there is no recipe for dqn acrobot; there is one for ppo"),
        (("ppo", "acrobo"), "did you mean 'ppo acrobot'"),
    ],
)
def test_what_there_is_no_recipe_for(name, hint):
    with pytest.raises(ConfigError, match=hint):
        recipe(*name)


@pytest.fixture
def trained(monkeypatch, tmp_path):
    """The configurations that `arena train` would have trained by."""
    found: list[Config] = []

    def train(config, address=None):
        found.append(config)
        return {"agent": "x", "seats": 1, "held_out": config.game.name}

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("arena.engines.engine", lambda name: train)
    return found


def test_what_is_given_counts_more_than_the_recipe(trained, capsys):
    line = ["train", "ppo", "acrobot", "--workers", "0"]
    assert cli.run([*line, "--tuned", "--seed", "3", "--set", "learner.clip=0.3", "--backbone", "mlp:width=8"]) == 0
    (config,) = trained
    assert config.learner.clip == 0.3 and config.run.seed == 3
    assert config.network.backbone == "mlp:width=8,standardise=true"
    assert config.learner.normalise_rewards and config.run.steps == 1_000_000 and config.playing.steps == 256
    assert cli.run([*line, "--tuned", "--steps", "500"]) == 0 and trained[1].run.steps == 500
    assert cli.run([*line, "--tuned", "--minutes", "2"]) == 0
    assert trained[2].run.steps == 0 and trained[2].run.minutes == 2
    assert cli.run([*line, "--tuned", "--set", "run.minutes=2"]) == 0 and trained.pop().run.steps == 0
    assert "--tuned" not in capsys.readouterr().err
    assert cli.run(line) == 0 and not trained[3].learner.normalise_rewards
    assert "--tuned takes them" in capsys.readouterr().err
    capsys.readouterr()
    assert cli.run(["train", "a2c", "acrobot", "--tuned"]) == 2
    assert "no recipe for a2c acrobot" in capsys.readouterr().err
    folder = Path("runs/acrobot-ppo")
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("")
    assert cli.run([*line, "--resume", "--tuned"]) == 2
    assert "leave --tuned out" in capsys.readouterr().err


def test_a_run_goes_on_to_where_it_was_to_go(trained, capsys):
    from arena.config import resolved

    line = ["train", "ppo", "acrobot", "--out", "runs/a"]
    assert cli.run([*line, "--steps", "700"]) == 0
    Path("runs/a").mkdir(parents=True)
    Path("runs/a/config.toml").write_text(resolved(trained[0]))
    assert cli.run([*line, "--resume"]) == 0 and trained[1].run.steps == 700
    assert cli.run([*line, "--resume", "--minutes", "3"]) == 0
    assert trained[2].run.steps == 0 and trained[2].run.minutes == 3


def test_a_sweep_varies_what_a_recipe_leaves_or_says(tmp_path):
    base = {**recipe("ppo", "acrobot").settings, "learner.batch": 32}
    jobs = sweep.plan(
        "ppo", "acrobot", [{}, {"learner.batch": 16}], seeds=1, steps=10, episodes=1, out=tmp_path, base=base
    )
    plain, varied = (load(None, job.overrides()) for job in jobs)
    assert (plain.learner.batch, varied.learner.batch) == (32, 16) and varied.learner.normalise_rewards
    other = sweep.plan("ppo", "acrobot", [{}], seeds=1, steps=10, episodes=1, out=tmp_path)
    assert len({job.id for job in (*jobs, *other)}) == 3
    named = sweep.plan("ppo", "acrobot", [{}], seeds=1, steps=10, episodes=1, out=tmp_path, base=base, backbone="mlp")
    assert load(None, named[0].overrides()).network.backbone == "mlp:standardise=true"


def test_the_best_agent_of_a_run_is_scored_where_that_is_asked(tmp_path):
    base = {"evaluation.every": 500, "evaluation.episodes": 2, "learner.round": 500}
    given = {"seeds": 1, "steps": 1000, "episodes": 2, "out": tmp_path, "base": base}
    (job,) = sweep.plan("q_learning", "frozen_lake:slippery=false", [{}], best=True, **given)
    (result,) = sweep.run_all([job])
    assert "/best/agents/" in result["agent"] and result["seconds"] > 0 and result["base"] == base
    (last,) = sweep.run_all(sweep.plan("q_learning", "frozen_lake:slippery=false", [{}], **given))
    assert "/best/" not in last["agent"] and not list(Path(tmp_path).glob(f"runs/{last['id']}/best"))

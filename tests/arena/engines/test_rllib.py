"""RLlib on our games: the same numbers as its module's, masks that hold, agents like any other, seeds that count."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ray")

from agents.actor import Actor
from agents.storage import read_agent
from arena import cli
from arena.cluster import start_ray, stop_ray
from arena.config import load
from arena.engines import rllib
from envs.registry import game

pytestmark = pytest.mark.ray
SMALL = [
    "rollouts.lanes=4", "rollouts.steps=16", "network.backbone=mlp:layers=1,width=16", "learner.batch=32",
    "learner.algorithm=ppo",
]  # fmt: skip
SETS = [word for setting in SMALL[:-1] for word in ("--set", setting)]


@pytest.fixture(scope="module")
def ray():
    """One Ray for all of these tests."""
    start_ray(2, None)
    yield
    stop_ray()


@pytest.fixture
def arena(ray, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rllib, "stop_ray", lambda: None)

    def call(line: str, *more: str):
        code = cli.run([*line.split(), *more])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def trained(ray, tmp_path):
    from arena.engines import modules

    made = []

    def train(name: str, *more: str):
        made.append(modules.algorithm(load(None, [*SMALL, f"game.name={name}", *more]), str(tmp_path)))
        made[-1].train()
        return made[-1]

    yield train
    for one in made:
        one.stop()


def digest(folder: str) -> str:
    return hashlib.sha256((Path(folder) / "weights.safetensors").read_bytes()).hexdigest()


def test_a_run_leaves_an_agent_like_any_other_and_the_same_seed_the_same_one(arena):
    done = []
    for out in ("a", "b"):
        line = f"train ppo cart_pole --engine rllib --steps 192 --seed 3 --out runs/{out} --json"
        code, text, err = arena(line, *SETS)
        assert code == 0, err
        done.append(json.loads(text))
    first = done[0]
    assert first["engine"] == "rllib" and first["steps"] >= 192 and "train/loss" in first["metrics"]
    assert {"eval/mean_reward", "eval/best_mean_reward"} <= first["metrics"].keys()
    assert first["metrics"]["rollout/ep_rew_mean"] == first["metrics"]["rollout/ep_len_mean"] > 0
    assert digest(first["agent"]) == digest(done[1]["agent"])
    assert {path.name for path in Path("runs/a").iterdir()} == {"agents", "best", "config.toml", "events", "run.lock"}
    assert read_agent(Path(first["agent"]))[0].heads == ("policy", "returns")
    assert arena(f"evaluate {first['agent']} cart_pole --episodes 4")[0] == 0


@pytest.mark.parametrize("name", ["tic_tac_toe", "pendulum"])
def test_the_agent_says_what_their_module_says(name, trained):
    import torch
    from ray.rllib.core.columns import Columns

    module = trained(name).get_module()
    rules = game(name)
    obs = np.random.default_rng(0).random((6, *rules.shape)).astype(np.float32)
    mask = np.ones((6, rules.actions), np.int8)
    mask[:, 1:4] = 0
    seen = torch.from_numpy(obs)
    batch = {Columns.OBS: seen if rules.controls else {"observation": seen, "action_mask": torch.from_numpy(mask)}}
    with torch.no_grad():
        theirs = module.forward_inference(batch)[Columns.ACTION_DIST_INPUTS]
        values = module.compute_values(batch)
        kind = module.get_inference_action_dist_cls().from_logits(theirs)
        logp = kind.logp(torch.zeros(6, 1) if rules.controls else torch.zeros(6, dtype=torch.long))
    said, _ = Actor(module.network).look(obs, {})
    np.testing.assert_allclose(said["returns"], values.numpy(), rtol=0, atol=1e-5)
    if rules.controls:
        mean, log_spread = said["gaussian"][:, 0, 0], said["gaussian"][:, 1, 0]
        expected = -0.5 * (mean / np.exp(log_spread)) ** 2 - log_spread - 0.5 * np.log(2 * np.pi)
    else:
        kept = np.where(mask == 1, said["policy"], -np.inf)
        np.testing.assert_allclose(theirs.numpy()[mask == 1], said["policy"][mask == 1], rtol=0, atol=1e-5)
        expected = (kept - np.log(np.exp(kept).sum(1, keepdims=True)))[:, 0]
        assert kind._dist.probs.numpy()[mask == 0].max() == 0
    np.testing.assert_allclose(logp.numpy(), expected, rtol=0, atol=1e-5)


def test_what_is_stored_is_what_was_learned_and_masks_hold(trained):
    made = trained("tic_tac_toe", 'rollouts.opponents=["self", "random"]')
    from arena.engines.modules import known, visit

    lanes, lawful = made.env_runner.env.unwrapped._lanes, []
    real = lanes._judge

    def watched(actions):
        real(actions)
        lawful.append((lanes.lawful | lanes.over).all())

    lanes._judge = watched
    before = known(made.get_module())
    made.train()
    after, learner = known(made.get_module()), known(made.learner_group._learner.module["default_policy"])
    assert any((before[name] != after[name]).any() for name in before)
    assert all((learner[name] == after[name]).all() for name in after)
    games = [one for found in made.env_runner_group.foreach_env_runner(visit) for one in found]
    assert games and all(paid in (-1.0, 0.0, 1.0) and 2 <= length <= 5 for paid, length in games)
    assert len(lawful) >= 16 and all(lawful)
    others = made.env_runner.env.unwrapped.others
    assert all((others.now[0].network.state_dict()[name].numpy() == after[name]).all() for name in after)


def test_the_errors_of_values_weigh_what_ours_do():
    from arena.engines import modules

    def told(name: str):
        return getattr(modules, f"_{name}")(load(None, [f"learner.algorithm={name}", "learner.value_weight=0.25"]))

    assert told("ppo")["vf_loss_coeff"] == 0.25 and told("impala")["vf_loss_coeff"] == 0.5  # of half the square
    assert told("ppo")["vf_clip_param"] == float("inf")


def test_games_are_played_on_workers(arena):
    code, text, err = arena("train ppo cart_pole --engine rllib --steps 64 --workers 1 --out runs/w --json", *SETS)
    assert code == 0, err
    assert json.loads(text)["metrics"]["rollout/ep_len_mean"] > 0


def test_impala_leaves_an_agent_that_has_learned(arena):
    from agents.learn.impala import Impala
    from agents.networks import Network, weights

    sets = [word for setting in SMALL[:3] for word in ("--set", setting)]
    code, text, err = arena("train impala tic_tac_toe --engine rllib --steps 256 --out runs/i --json", *sets)
    assert code == 0, err
    done = json.loads(text)
    assert done["steps"] >= 256 and {"train/loss", "rollout/ep_rew_mean"} <= done["metrics"].keys()
    stored, network = read_agent(Path(done["agent"]))
    fresh = weights(Network(game("tic_tac_toe"), stored.backbone, stored.heads))
    assert stored.heads == Impala.parts(game("tic_tac_toe"), None)[1]
    assert any((value != fresh[name]).any() for name, value in weights(network).items() if "policy" in name)
    with pytest.raises(ValueError, match="has no decay and clips traces at 1"):
        rllib.check(load(None, ["learner.algorithm=impala", "learner.decay=0.9"]), game("tic_tac_toe"))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("learner.algorithm=a2c", "RLlib has no a2c here; it has ppo and impala"),
        ("network.backbone=gru:width=8", "carries no memory"),
        ("rollouts.whole=true", "set rollouts.whole=false"),
        ("learner.normalise=false", "always normalises"),
        ("learner.normalise_rewards=true", "learner.normalise_rewards is for our own training loop"),
        ("learner.average=0.5", "learner.average is for our own training loop"),
        ("learner.value_clip=0.2", "has no value_clip"),
        ("workers.learner_device=cuda", "workers.learner_device = cuda is for our own training loop"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(more, words, tmp_path):
    chosen = load(None, ["learner.algorithm=ppo", "game.name=cart_pole", "run.steps=16", f"run.out={tmp_path}/x", more])
    with pytest.raises(ValueError, match=words):
        rllib.run_rllib(chosen)
    assert not (tmp_path / "x").exists()

"""Stable-Baselines3 on our games: lanes that end rightly, the same numbers as its policies', agents like any other."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("stable_baselines3")

from agents.actor import Actor, bounded
from agents.agent import Unable
from agents.learn.worlds import WORLDS
from agents.networks import weights
from agents.storage import read_agent
from arena import cli
from arena.config import load
from arena.engines import ENGINES, NEEDED, NoEngine, engine, sb3
from arena.engines.folder import EngineRun
from arena.engines.lanes import Lanes
from arena.engines.policies import network_of
from envs.registry import game

SMALL = ["rollouts.lanes=4", "rollouts.steps=16", "network.backbone=mlp:layers=1,width=16"]
OURS = {"ppo": ["learner.batch=32"], "a2c": [], "dqn": ["learner.learn_from=32", "learner.batch=16"]}
OURS |= {name: ["learner.learn_from=32", "learner.batch=16", "learner.reuse=4"] for name in ("sac", "td3", "ddpg")}


def config(algorithm: str, rules: str = "cart_pole", *more: str):
    return load(None, [f"learner.algorithm={algorithm}", f"game.name={rules}", *SMALL, *OURS[algorithm], *more])


def trained(algorithm: str, rules: str = "cart_pole", steps: int = 192, *more: str):
    chosen = config(algorithm, rules, *more)
    model, others = sb3.make(chosen, game(rules), lambda: 0.5)
    model.learn(steps)
    return model, others


# --- the lanes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("world", "cut"), [("endless", True), ("ended", False)])
def test_where_a_game_ends_the_last_observation_and_the_reason_are_told(world, cut):
    lanes = Lanes(WORLDS[world], 3)
    lanes.seed(0)
    first = lanes.reset()
    for ply in range(1, 6):
        obs, reward, over, told = lanes.step(np.zeros(3, np.int64))
        assert reward.tolist() == [1.0] * 3 and over.tolist() == [ply == 5] * 3
        assert ply == 5 or all(said is told[0] and not said for said in told)
    assert all(said["TimeLimit.truncated"] is cut for said in told)
    assert all((said["episode"]["r"], said["episode"]["l"]) == (5.0, 5) for said in told)
    assert (obs == first).all()
    last = [said["terminal_observation"].tolist() for said in told]
    assert last == [[1.0, 5.0 if world == "ended" else 0.0]] * 3 and (np.array(last) != obs).any() == (world == "ended")
    _, _, over, told = lanes.step(np.zeros(3, np.int64))
    assert not over.any() and not any(told)


def test_lanes_follow_from_their_seed_and_differ_from_one_another():
    def start(seed: int):
        lanes = Lanes(game("cart_pole"), 4)
        lanes.seed(seed)
        return lanes.reset().copy()

    assert (start(3) == start(3)).all() and (start(3) != start(4)).all()
    assert len(np.unique(np.concatenate([start(3), start(4)]), axis=0)) == 8


def test_vectors_are_played_within_their_bounds():
    lanes = Lanes(WORLDS["aimed"], 2)
    assert (lanes.action_space.low, lanes.action_space.high) == (-1.0, 1.0)
    pendulum = game("pendulum")
    high = pendulum.controls[0][1]
    assert bounded(pendulum, np.array([[1.0], [-0.5], [7.0]], np.float32)).ravel().tolist() == [high, -high / 2, high]


def test_lanes_cannot_be_written_to_one_by_one():
    lanes = Lanes(WORLDS["endless"], 2)
    assert lanes.env_is_wrapped(object) == [False, False] and lanes.get_attr("render_mode", 0) == [None]
    with pytest.raises(AttributeError, match="all lanes are one batch"):
        lanes.set_attr("x", 1)
    with pytest.raises(AttributeError, match="action_masks is the one"):
        lanes.env_method("fly")


# --- the networks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("algorithm", "rules"),
    [
        *(("ppo", "cart_pole"), ("a2c", "cart_pole"), ("dqn", "cart_pole")),
        *(("ppo", "pendulum"), ("sac", "pendulum"), ("td3", "pendulum"), ("ddpg", "pendulum")),
    ],
)
def test_the_agent_says_what_their_policy_says(algorithm, rules):
    model, _ = trained(algorithm, rules)
    obs = model.get_env().reset().repeat(3, 0) + np.random.default_rng(0).normal(size=(12, 1)).astype(np.float32)
    said, _ = Actor(network_of(model.policy)).look(obs, {})
    tensor = torch.from_numpy(obs)
    with torch.no_grad():
        if algorithm == "dqn":
            pairs = [(said["q"], model.q_net(tensor))]
        elif algorithm == "sac":
            mean, log_spread, _ = model.actor.get_action_dist_params(tensor)
            pairs = [(said["squashed"][:, 0], mean), (said["squashed"][:, 1], log_spread)]
            pairs.append((np.tanh(said["squashed"][:, 0]), model.actor(tensor, deterministic=True)))
        elif algorithm in ("td3", "ddpg"):
            pairs = [(said["bounded"][:, 0], model.actor(tensor))]
            assert len(model.critic.q_networks) == (2 if algorithm == "td3" else 1)
        else:
            theirs = model.policy.get_distribution(tensor).distribution
            pairs = [(said["returns"], model.policy.predict_values(tensor).squeeze(1))]
            if rules == "pendulum":
                pairs += [(said["gaussian"][:, 0], theirs.mean), (np.exp(said["gaussian"][:, 1]), theirs.stddev)]
            else:
                logits = torch.log_softmax(torch.from_numpy(said["policy"]), 1)
                pairs += [(logits.numpy(), theirs.logits)]
    for ours, their in pairs:
        np.testing.assert_allclose(ours, their.numpy(), rtol=0, atol=1e-5)
        assert np.std(ours) > 0 or rules == "pendulum"


def test_learning_changes_the_network_that_is_stored_and_the_target_is_another():
    chosen = config("dqn")
    model, _ = sb3.make(chosen, game("cart_pole"), lambda: 0.0)
    before = weights(network_of(model.policy))
    model.learn(192)
    after = weights(network_of(model.policy))
    assert any((before[name] != after[name]).any() for name in before if name.startswith("backbone"))
    assert any((before[name] != after[name]).any() for name in before if name.startswith("heads.q.action"))
    assert model.q_net_target.features_extractor is not model.q_net.features_extractor


@pytest.mark.parametrize("algorithm", ["ppo", "a2c", "dqn"])
def test_each_learns_to_do_what_pays(algorithm):
    chosen = config(algorithm, "cart_pole", "learner.learning_rate=0.01")
    model, _ = sb3.make(chosen, WORLDS["chosen"], lambda: 0.5)
    model.learn(640)
    obs = np.array([[1.0, 0.0]], np.float32)
    said, _ = Actor(network_of(model.policy)).look(obs, {})
    wanted = said["q" if algorithm == "dqn" else "policy"][0]
    assert wanted[1] > wanted[0] + 0.2


def test_sac_learns_to_aim():
    chosen = config("sac", "pendulum", "learner.learning_rate=0.01", "learner.reuse=16")
    model, _ = sb3.make(chosen, WORLDS["aimed"], lambda: 0.5)
    before = Actor(network_of(model.policy)).look(np.array([[1.0, 0.0]], np.float32), {})[0]["squashed"][0, 0, 0]
    model.learn(400)
    after = Actor(network_of(model.policy)).look(np.array([[1.0, 0.0]], np.float32), {})[0]["squashed"][0, 0, 0]
    assert abs(np.tanh(after) - 0.5) < 0.2 < abs(np.tanh(before) - 0.5)


def test_td3_learns_the_actor_that_is_stored_and_strays_by_its_noise():
    chosen = config("td3", "pendulum", "learner.noise=0.3")
    model, _ = sb3.make(chosen, WORLDS["aimed"], lambda: 0.5)
    before = weights(network_of(model.policy))
    model.learn(96)
    after = weights(network_of(model.policy))
    assert any((before[name] != after[name]).any() for name in before if name.startswith("heads.bounded"))
    assert model.actor_target.features_extractor is not model.actor.features_extractor
    played = model.replay_buffer.actions[8:24].ravel()  # drawn evenly at first, then about what the actor says
    assert len(np.unique(played)) > 32 and (np.abs(played) <= 1).all()


def test_batch_normalisation_never_mixes_a_batch():
    model, _ = sb3.make(config("ppo", "kuhn", "network.backbone=resnet:blocks=1,width=4"), game("kuhn"), lambda: 0.0)
    before = weights(network_of(model.policy))
    model.learn(64)
    after = weights(network_of(model.policy))
    running = [name for name in before if "running" in name]
    assert running and all((before[name] == after[name]).all() for name in running)


# --- the run --------------------------------------------------------------------------------------------------------


@pytest.fixture
def arena(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(line: str, *more: str):
        code = cli.run([*line.split(), *more])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


SETS = [word for setting in [*SMALL, *OURS["ppo"]] for word in ("--set", setting)]


def digest(folder: str) -> str:
    return hashlib.sha256((Path(folder) / "weights.safetensors").read_bytes()).hexdigest()


def test_a_run_leaves_an_agent_like_any_other_and_the_same_seed_the_same_one(arena):
    done = []
    for out, seed in (("a", 3), ("b", 3), ("c", 4)):
        code, text, err = arena(
            f"train ppo cart_pole --engine sb3 --steps 128 --seed {seed} --out runs/{out} --json", *SETS
        )
        assert code == 0, err
        done.append(json.loads(text))
    first = done[0]
    assert first["engine"] == "sb3" and first["steps"] == 128 and "train/loss" in first["metrics"]
    assert digest(first["agent"]) == digest(done[1]["agent"]) != digest(done[2]["agent"])
    assert {path.name for path in Path("runs/a").iterdir()} == {"agents", "best", "config.toml", "events", "run.lock"}
    assert read_agent(Path(first["agent"]))[0].heads == ("policy", "returns")
    for line in (f"evaluate {first['agent']} cart_pole --episodes 4", f"verify {first['agent']}"):
        assert arena(line)[0] == 0
    for more, words in (("", "holds a run already"), (" --resume", "cannot go on; name another --out")):
        code, _, err = arena(f"train ppo cart_pole --engine sb3 --steps 64 --out runs/a{more}")
        assert code == 2 and words in err
    assert arena("train ppo cart_pole --steps 64 --out runs/a --resume")[0] == 2


def test_what_they_do_as_well_is_not_refused():
    chosen = config("dqn", "cart_pole", "run.engine=sb3", "workers.learner_device=cpu", "network.backend=torch")
    sb3.check(chosen, game("cart_pole"), None)
    assert not chosen.learner.double and config("dqn").learner.double


def test_the_network_is_tried_as_in_our_own_runs_and_the_best_agent_is_kept(arena):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    done = []
    for out, every in (("a", 64), ("b", 0)):
        tries = ("--set", f"evaluation.every={every}", "--set", "evaluation.episodes=4")
        code, text, err = arena(f"train ppo cart_pole --engine sb3 --steps 192 --out runs/{out} --json", *SETS, *tries)
        assert code == 0, err
        done.append(json.loads(text))
    tried, plain = done
    assert digest(tried["agent"]) == digest(plain["agent"])  # what is learned knows nothing of it
    curves = EventAccumulator("runs/a/events")
    curves.Reload()
    means = {point.step: point.value for point in curves.Scalars("eval/mean_reward")}
    assert list(means) == [64, 128, 192] and len(curves.Scalars("eval/mean_ep_length")) == 3
    best = curves.Scalars("eval/best_mean_reward")
    assert [point.value for point in best] == np.maximum.accumulate(list(means.values())).tolist()
    (kept,) = Path("runs/a/best/agents").iterdir()
    step = max(step for step, mean in means.items() if mean == best[-1].value)
    assert kept.name == f"a-{step:06d}" and read_agent(kept)[0].step == step
    assert tried["metrics"]["eval/best_mean_reward"] == best[-1].value and not list(Path("runs/a").glob(".tried*"))
    assert not Path("runs/b/best").exists() and "eval/mean_reward" not in plain["metrics"]


def test_the_curves_have_the_names_that_ours_have(arena):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert arena("train ppo cart_pole --engine sb3 --steps 256 --out runs/a", *SETS)[0] == 0
    curves = EventAccumulator("runs/a/events")
    curves.Reload()
    assert {"rollout/ep_rew_mean", "rollout/ep_len_mean", "time/fps", "train/loss"} <= set(curves.Tags()["scalars"])


def test_an_interrupted_run_keeps_the_agent_as_it_was(arena, monkeypatch):
    real = sb3.Watch._on_step

    def stop(self):
        if self.num_timesteps >= 96:
            raise KeyboardInterrupt
        return real(self)

    monkeypatch.setattr(sb3.Watch, "_on_step", stop)
    code, _, err = arena("train ppo cart_pole --engine sb3 --steps 256 --out runs/a", *SETS)
    assert code == 130 and "holds the agent" in err
    assert len(list(Path("runs/a/agents").iterdir())) == 1


def test_a_run_of_minutes_stops_when_they_are_over_and_one_of_steps_learns_from_the_last(tmp_path):
    for name, more, steps in (("a", "run.minutes=1e-9", 4), ("b", "run.steps=64", 64)):
        chosen = config("ppo", "cart_pole", f"run.out={tmp_path}", f"run.name={name}", more)
        with EngineRun(chosen) as run:
            model, others = sb3.make(chosen, game("cart_pole"), run.progress)
            watch = sb3.Watch(run, others, network_of(model.policy), lambda: None)
            model.learn(256 if name == "a" else 64, callback=watch)
        assert model.num_timesteps == steps and (model._n_updates > 0) == (name == "b")


@pytest.mark.parametrize(
    ("algorithm", "more", "words"),
    [
        ("reinforce", (), "has no reinforce here; it has ppo, a2c, dqn, sac, td3, ddpg"),
        ("ppo", ("network.backbone=lstm:width=8",), "carries no memory from move to move"),
        ("ppo", ("workers.count=2",), "leave --workers and --address out"),
        ("ppo", ("workers.learners=2",), "leave --learners out"),
        ("td3", ("game.name=pendulum", "learner.smoothing=0.0"), "set learner.smoothing above 0"),
        ("ddpg", ("game.name=pendulum", "learner.delay=2"), "knows no delay and no smoothing; take td3"),
        ("ppo", ("rollouts.whole=true",), "set rollouts.whole=false"),
        ("ppo", ("learner.magnet=0.1",), "learner.magnet is for our own training loop"),
        ("ppo", ("learner.even=50.0",), "learner.even is for our own training loop"),
        ("dqn", ("run.engine=sb3", "learner.double=true"), "learner.double is for our own training loop"),
        ("ppo", ("workers.device=cuda",), "workers.device = cuda is for our own training loop"),
        ("ppo", ("workers.learner_device=cuda",), "workers.learner_device = cuda is for our own training loop"),
        ("ppo", ("workers.precision=bfloat16",), "workers.precision = bfloat16 is for our own training loop"),
        ("ppo", ("network.backend=onnxruntime",), "network.backend = onnxruntime is for our own training loop"),
        ("ppo", ("run.engine=sb3", 'evaluation.opponents=["alphabeta"]', "game.name=kuhn"), "looks ahead in the pos"),
        ("ppo", ("game.name=tic_tac_toe",), "moves of tic_tac_toe may be illegal; install sb3-contrib"),
        ("a2c", ("game.name=tic_tac_toe",), "moves of tic_tac_toe may be illegal; take ppo with sb3-contrib"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(algorithm, more, words, tmp_path, monkeypatch):
    monkeypatch.setattr(sb3, "find_spec", lambda name: None)
    chosen = load(
        None, [f"learner.algorithm={algorithm}", "game.name=cart_pole", "run.steps=16", f"run.out={tmp_path}/x", *more]
    )
    with pytest.raises(ValueError, match=words):
        sb3.run_sb3(chosen)
    assert not (tmp_path / "x").exists()


def test_settings_that_they_have_not_are_refused():
    for more, words in (("learner.prioritised=0.5", "evenly"), ("learner.atoms=11", "no distributions")):
        with pytest.raises(Unable, match=words):
            sb3.make(config("dqn", "cart_pole", more), game("cart_pole"), lambda: 0.0)
    with pytest.raises(ValueError, match="leave a batch of 1"):
        sb3.make(config("ppo", "cart_pole", "learner.batch=63"), game("cart_pole"), lambda: 0.0)


def test_our_settings_become_theirs():
    more = ("learner.most_kl=0.03", "learner.final_rate=0.5", "learner.clip=0.3", "learner.final_clip=0.0")
    model, _ = sb3.make(config("ppo", "cart_pole", *more), game("cart_pole"), lambda: 0.5)
    assert (model.n_steps, model.n_envs, model.batch_size, model.n_epochs) == (16, 4, 32, 4)
    assert model.target_kl == pytest.approx(0.02) and model.clip_range(1.0) == pytest.approx(0.15)
    assert model.lr_schedule(1.0) == pytest.approx(0.75e-3)
    dqn, _ = sb3.make(
        config("dqn", "cart_pole", "learner.reuse=8", "learner.target_every=10"), game("cart_pole"), lambda: 0.5
    )
    # 64 decisions a round, each learned from 8 times in batches of 16: 32 steps; 10 steps are 20 decisions
    assert (dqn.gradient_steps, dqn.target_update_interval, dqn.train_freq.frequency) == (32, 20, 16)


def test_an_engine_that_is_not_installed_is_named_with_what_brings_it(monkeypatch):
    monkeypatch.setitem(ENGINES, "sb3", "no_such_package.x:y")
    monkeypatch.setitem(NEEDED, "sb3", ("no_such_package", "Stable-Baselines3", "sb3"))
    with pytest.raises(NoEngine, match=r"not installed; pip install -e '.\[sb3\]'"):
        engine("sb3")


# --- several seats --------------------------------------------------------------------------------------------------


def test_the_other_seats_are_played_by_whom_the_settings_name():
    model, others = trained("ppo", "kuhn", 128, 'rollouts.opponents=["self", "past", "random"]')
    assert others is not None and len(others.agents) == 1 + 5 + 1
    others.load(weights(network_of(model.policy)))
    mine = weights(network_of(model.policy))
    assert all((weights(others.now[0].network)[name] == mine[name]).all() for name in mine)
    memory = others.begin(game("kuhn"), np.arange(3000, dtype=np.uint64))
    share = np.bincount(memory["who"], minlength=7) / 3000
    np.testing.assert_allclose(share, [1 / 3, *[1 / 15] * 5, 1 / 3], atol=0.03)


def test_masks_are_kept_to_where_sb3_contrib_is():
    pytest.importorskip("sb3_contrib")
    chosen = config("ppo", "tic_tac_toe")
    sb3.check(chosen, game("tic_tac_toe"), None)
    model, _ = sb3.make(chosen, game("tic_tac_toe"), lambda: 0.0)
    illegal = []
    lanes = model.get_env()
    real = lanes.step_wait

    def watched():
        out = real()
        illegal.append(lanes.lanes.illegal.any())
        return out

    lanes.step_wait = watched
    model.learn(192)
    assert len(illegal) >= 48 and not any(illegal)
    obs, mask = lanes.reset(), lanes.action_masks()
    said, _ = Actor(network_of(model.policy)).look(obs, {})
    theirs = model.policy.get_distribution(torch.from_numpy(obs)).distribution.logits.detach().numpy()
    np.testing.assert_allclose(torch.log_softmax(torch.from_numpy(said["policy"]), 1), theirs, rtol=0, atol=1e-5)
    assert mask.any(1).all()

"""What holds on a CPU holds on a GPU: same seed, same weights; a resume changes nothing; answers as good as equal.

Skipped where there is none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from agents.inference import evaluator
from agents.learn.learner import kept_weights
from agents.networks import Network
from agents.registry import ALGORITHMS
from arena.checkpoint import load_state, save_state
from arena.config import build
from arena.run import plan_of
from arena.train import Plan, Trainer
from envs.registry import game, resolve
from tests.arena.trained import digest, trained

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no GPU")

NAMES = [name for name in ALGORITHMS if resolve(ALGORITHMS, name, "algorithm").player]
SMALL: dict[str, dict[str, Any]] = {
    "rollouts": {"rollouts": {"lanes": 8, "steps": 8}, "network": {"backbone": "mlp:width=16"}},
    "self_play": {"self_play": {"lanes": 24}, "network": {"backbone": "resnet:blocks=1,width=8"}},
    "groups": {"groups": {"prompts": 6, "group": 4}},
    "lessons": {"lessons": {"prompts": 16}},
    "pairs": {"pairs": {"prompts": 6, "answers": 3}},
}
LEARNER: dict[str, dict[str, Any]] = {
    "alphazero": {"batch": 32, "window": 2000, "window_start": 200, "warm_steps": 5},
    "grpo": {"batch": 8, "kl": 0.1},
    "sft": {"batch": 8},
    "reward_model": {"batch": 4},
    "rlhf": {"batch": 8},
    "dpo": {"batch": 4, "answers": "policy"},
    "dqn": {"learn_from": 64},
    "nfsp": {"learn_from": 64},
    "sac": {"learn_from": 64},
    "td3": {"learn_from": 64},
    "ddpg": {"learn_from": 64},
}


def plan(name: str, **workers: Any) -> Plan:
    player = resolve(ALGORITHMS, name, "algorithm").player
    rules = {"self_play": "tic_tac_toe", "rollouts": "pendulum" if name in ("sac", "td3", "ddpg") else "connect_four"}
    tree = {
        "run": {"seed": 3, "positions": 60},
        "game": {"name": rules.get(player, "reverse:length=3,letters=6")},
        "network": {"backbone": "gpt:layers=1,width=8,heads=1"},
        "learner": {"algorithm": name, **LEARNER.get(name, {})},
        "workers": {"count": 0, "learner_device": "cuda", **workers},
        **SMALL[player],
    }
    return plan_of(build(tree))


def kept(trainer: Trainer, first: int = 0, between=None) -> str:
    trained(trainer, first, between)
    return digest(kept_weights(trainer.learner))


@pytest.mark.parametrize("name", NAMES)
def test_same_weights_from_the_same_seed_and_after_a_resume(name, tmp_path):
    trainer = Trainer(plan(name))
    network: Any = trainer.learner.network  # pyright: ignore[reportAttributeAccessIssue]
    assert next(network.parameters()).is_cuda
    before = digest(kept_weights(trainer.learner))
    straight = kept(trainer, between=lambda: save_state(tmp_path / "state", trainer.state()))
    assert straight != before, "it has learned nothing"
    assert kept(Trainer(plan(name))) == straight
    assert kept(Trainer(plan(name), load_state(tmp_path / "state")), first=2) == straight


@pytest.mark.parametrize("name", ["ppo", "alphazero", "grpo"])
def test_a_gpu_learns_what_a_cpu_learns(name):
    def weights(device: str) -> dict[str, np.ndarray]:
        trainer = Trainer(plan(name, learner_device=device, precision="float32"))
        trainer.begin()
        trainer.round(0.0)
        trainer.close()
        return dict(trainer.learner.weights())

    here, there, begun = weights("cpu"), weights("cuda"), dict(Trainer(plan(name)).learner.weights())
    for key, value in here.items():
        moved = float(np.abs(value - begun[key]).max())
        assert float(np.abs(value - there[key]).max()) <= 1e-5 + 0.1 * moved, key


def test_rollouts_may_be_played_on_a_gpu():
    trainer = Trainer(plan("ppo", device="cuda"))
    straight = kept(trainer)
    assert kept(Trainer(plan("ppo", device="cuda"))) == straight


def test_the_same_positions_have_the_same_answers_after_other_weights_came_and_went():
    rules = game("connect_four")
    network, other = (Network(rules, "resnet:blocks=2,width=16", seed=seed).eval() for seed in (0, 1))
    run = evaluator(network, backend="cuda")
    obs = np.random.default_rng(0).integers(0, 2, (300, *rules.shape)).astype(np.float32)
    first = run(obs)
    arrays = [{name: tensor.numpy().copy() for name, tensor in one.state_dict().items()} for one in (network, other)]
    run.load(arrays[1])
    assert np.abs(run(obs)[0] - first[0]).max() > 0.01
    run.load(arrays[0])
    for now, then in zip(run(obs), first, strict=True):
        assert (now == then).all()

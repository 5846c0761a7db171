"""Training's speed beside Stable-Baselines3 and RLlib: decisions of cart-pole a second at the same settings.

Settings are those of RL Baselines3 Zoo for CartPole-v1, but for rates and clips that fall there and stay here, at no
cost; each side counts the decisions that it has both made and learned from, by the time that its core worked. Our
network for ppo has one body for policy and value, bent by rectifiers; Stable-Baselines3's own, as in the Zoo, a body
for each, bent by tanh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from tempfile import mkdtemp
from typing import Any

import torch

from arena.bench.measure import Contest, Measure, Side, core_rate
from arena.cluster import start_ray
from arena.config import Config, load
from arena.run import plan_of
from arena.text import counted
from arena.train import Trainer
from envs.registry import game

FRAGMENT = 256
"""Decisions between two times of learning, of all games at once."""
ZOO: dict[str, tuple[str, ...]] = {
    "ppo": (
        "network.backbone=mlp:layers=2,width=64", "rollouts.lanes=8", "rollouts.steps=32", "learner.batch=256",
        "learner.epochs=20", "learner.discount=0.98", "learner.decay=0.8", "learner.entropy=0.0",
        "learner.learning_rate=1e-3", "learner.final_rate=1.0",
    ),
    "dqn": (
        "network.backbone=mlp:layers=2,width=256", "rollouts.lanes=1", "rollouts.steps=256", "learner.batch=64",
        "learner.reuse=32", "learner.learning_rate=2.3e-3", "learner.replay=100000", "learner.learn_from=1000",
        "learner.target_every=5", "learner.explore=0.16", "learner.epsilon=0.04", "learner.steps=1",
        "learner.final_rate=1.0", "learner.double=false",
    ),
}  # fmt: skip
"""Of rl-baselines3-zoo; ppo's passes go over 256 decisions in one batch, dqn takes 128 steps for 256 decisions, and
its target network is renewed after ten decisions, that is after five steps."""
BODIES = "ppo: our network has one body of rectifiers for policy and value; Stable-Baselines3's own has two of tanh"
WIDTH = {"ppo": 64, "dqn": 256}
"""Of Stable-Baselines3's own networks, two layers each."""

UNIT = "decisions/s"
ROUNDS = 8
"""Fragments between two looks at the clock."""

WARM = 2000
"""Decisions before the first look: everything is compiled by then, and the replay holds enough to learn from."""


def contests(rllib: str = "yes") -> Iterator[Contest]:
    """PPO and DQN; `rllib=no` leaves out what starts Ray."""
    torch.set_num_threads(1)
    for name in ZOO:
        ours = Side("arena", lambda name=name: native(name))
        own = Side("Stable-Baselines3, its CartPole-v1 and network", lambda name=name: plain_sb3(name))
        subject = f"cart_pole, {name}, {counted(chosen(name).playing.lanes, 'game')} at once"
        yield Contest(subject, UNIT, ours, own, BODIES if name == "ppo" else "")
        engine = Side("Stable-Baselines3 on our lanes and network", lambda name=name: our_sb3(name))
        yield Contest(f"{subject}, the same lanes", UNIT, ours, engine)
    if rllib == "yes":
        peer = Side("RLlib on our lanes and network", our_rllib)
        yield Contest(
            "cart_pole, ppo, 8 games at once, the same lanes", UNIT, Side("arena", lambda: native("ppo")), peer
        )


def chosen(name: str) -> Config:
    """The configuration that all sides are made from."""
    return load(None, [f"learner.algorithm={name}", "game.name=cart_pole", "workers.count=0", *ZOO[name]])


def native(name: str) -> Measure:
    """Our own trainer, in this process."""
    trainer = Trainer(plan_of(chosen(name)))
    trainer.begin()

    def work() -> float:
        before = trainer.learner.steps
        for _ in range(ROUNDS):
            trainer.round(0.5)
        return trainer.learner.steps - before

    return _warm(work)


def our_sb3(name: str) -> Measure:
    """Its algorithm, as `--engine sb3` runs it."""
    from arena.engines import sb3

    return _sb3(sb3.make(chosen(name), game("cart_pole"), lambda: 0.5)[0])


def plain_sb3(name: str) -> Measure:
    """Its algorithm on its own environments, with its own networks of the same width."""
    import stable_baselines3
    from stable_baselines3.common.env_util import make_vec_env

    from arena.engines import sb3

    kind = {"ppo": stable_baselines3.PPO, "dqn": stable_baselines3.DQN}[name]
    config, layers = chosen(name), {"net_arch": [WIDTH[name]] * 2}
    envs = make_vec_env("CartPole-v1", n_envs=config.playing.lanes, seed=0)
    arguments = sb3.ARGUMENTS[name](config, lambda: 0.5)
    return _sb3(kind("MlpPolicy", envs, **arguments, policy_kwargs=layers, seed=0, device="cpu"))


def _sb3(model: Any) -> Measure:
    def work() -> float:
        before = model.num_timesteps
        model.learn(ROUNDS * FRAGMENT, reset_num_timesteps=False)
        return model.num_timesteps - before

    return _warm(work)


def our_rllib() -> Measure:
    """RLlib's PPO, as `--engine rllib` runs it in this process."""
    start_ray(1, None)
    from arena.engines import modules

    trained = modules.algorithm(chosen("ppo"), mkdtemp(prefix="rllib-"))

    def work() -> float:
        for _ in range(ROUNDS):
            trained.train()
        return ROUNDS * FRAGMENT

    return _warm(work)


def _warm(work: Callable[[], float]) -> Measure:
    """The measure of work once everything is compiled and the replay is filled."""
    done = 0.0
    while done < WARM:
        done += work()
    return core_rate(work)

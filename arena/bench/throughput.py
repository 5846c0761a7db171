"""Training's speed beside Stable-Baselines3 and RLlib: decisions of cart-pole a second at the same settings.

Settings are those of RL Baselines3 Zoo for CartPole-v1, on the same number of games at once; each side counts the
decisions that it has both made and learned from, by the time that its core worked.
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
from arena.train import Trainer
from envs.registry import game

LANES, STEPS = 8, 32
BODY = "mlp:layers=2,width=64"
ZOO: dict[str, tuple[str, ...]] = {
    "ppo": (
        "learner.batch=256", "learner.epochs=20", "learner.discount=0.98", "learner.decay=0.8",
        "learner.entropy=0.0", "learner.learning_rate=1e-3", "learner.final_rate=1.0",
    ),
    "dqn": (
        "learner.batch=64", "learner.reuse=32", "learner.learning_rate=2.3e-3", "learner.replay=100000",
        "learner.learn_from=1000", "learner.target_every=10", "learner.epsilon=0.04", "learner.steps=1",
        "learner.final_rate=1.0", "learner.double=false",
    ),
}  # fmt: skip
"""Of rl-baselines3-zoo; ppo's passes go over 256 decisions in one batch, dqn takes 128 steps for 256 decisions."""

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
        yield Contest(f"cart_pole, {name}, {LANES} games at once", UNIT, ours, own)
        engine = Side("Stable-Baselines3 on our lanes and network", lambda name=name: our_sb3(name))
        yield Contest(f"cart_pole, {name}, {LANES} games at once, the same lanes", UNIT, ours, engine)
    if rllib == "yes":
        peer = Side("RLlib on our lanes and network", our_rllib)
        yield Contest(
            f"cart_pole, ppo, {LANES} games at once, the same lanes", UNIT, Side("arena", lambda: native("ppo")), peer
        )


def chosen(name: str) -> Config:
    """The configuration that all sides are made from."""
    words = [f"learner.algorithm={name}", "game.name=cart_pole", f"network.backbone={BODY}", "workers.count=0"]
    return load(None, [*words, f"rollouts.lanes={LANES}", f"rollouts.steps={STEPS}", *ZOO[name]])


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
    """Its algorithm on its own environments, with its own network of the same size."""
    import stable_baselines3
    from stable_baselines3.common.env_util import make_vec_env

    from arena.engines import sb3

    kind = {"ppo": stable_baselines3.PPO, "dqn": stable_baselines3.DQN}[name]
    envs = make_vec_env("CartPole-v1", n_envs=LANES, seed=0)
    arguments = sb3.ARGUMENTS[name](chosen(name), lambda: 0.5)
    return _sb3(kind("MlpPolicy", envs, **arguments, policy_kwargs={"net_arch": [64, 64]}, seed=0, device="cpu"))


def _sb3(model: Any) -> Measure:
    def work() -> float:
        before = model.num_timesteps
        model.learn(ROUNDS * LANES * STEPS, reset_num_timesteps=False)
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
        return ROUNDS * LANES * STEPS

    return _warm(work)


def _warm(work: Callable[[], float]) -> Measure:
    """The measure of work once everything is compiled and the replay is filled."""
    done = 0.0
    while done < WARM:
        done += work()
    return core_rate(work)

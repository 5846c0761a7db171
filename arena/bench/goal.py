"""Time to a goal: until a learner of cart-pole is paid 475 in the mean of 100 held-out games, in seconds of one core.

Ours learns by the settings below; Stable-Baselines3 has its own CartPole-v1, network and RL Zoo's settings for it. Both
are tried by the same games after every `EVERY` decisions, as the likeliest action plays them. What counts is the time
that the core worked on learning, its set-up included and imports, compiling and the trials left out. Seeds take turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch

from agents.actor import Actor, ActorAgent
from agents.agent import Agent, Decision, Memory
from arena.bench import INSTALL, Row
from arena.config import load
from arena.evaluation import evaluated, held_out
from arena.run import plan_of
from arena.train import Trainer
from envs.game import View
from envs.registry import game

GOAL, GAMES, EVERY = 475.0, 100, 2048
UNIT = "times an hour of one core"

OURS: dict[str, tuple[str, ...]] = {
    "ppo": (
        "network.backbone=mlp:layers=1,width=64", "rollouts.lanes=32", "rollouts.steps=32", "learner.batch=512",
        "learner.discount=0.98", "learner.decay=0.9", "learner.entropy=0.0", "learner.learning_rate=5e-3",
    ),
    "pqn": ("network.backbone=mlp:layers=2,width=64,norm=true",),
}  # fmt: skip
"""algorithm -> our settings where they are not the algorithm's own."""

MOST = {"ppo": 100_000, "pqn": 100_000, "dqn": 50_000}
"""Decisions after which a seed has failed, as RL Zoo has them for PPO and DQN; schedules are over so many."""


class Reached(NamedTuple):
    """How a seed went."""

    seconds: float
    steps: int
    mean: float
    """Of the last trial."""

    @property
    def there(self) -> bool:
        return self.mean >= GOAL


class Predicting:
    """What a model of theirs plays."""

    name = "model"

    def __init__(self, model: Any) -> None:
        self.model = model

    def begin(self, game: Any, seeds: Any) -> Memory:
        return {}

    def act(self, view: View, memory: Memory) -> Decision:
        return Decision(self.model.predict(view.obs, deterministic=True)[0].astype(np.int64), memory)


def contests(seeds: str = "3", only: str = "ppo,pqn", peers: str = "yes") -> Iterator[Row]:
    """One row an algorithm: ours beside Stable-Baselines3's PPO, or DQN for pqn.

    seeds  how many of each side
    only   which of ours
    peers  no: ours alone
    """
    torch.set_num_threads(1)
    for name in only.split(","):
        yield row(name, {"ppo": "ppo", "pqn": "dqn"}[name], int(seeds), peers == "yes")


def row(name: str, peer: str, seeds: int, beside: bool) -> Row:
    """One comparison; the note has every seed."""
    called, note, theirs = f"Stable-Baselines3's {peer}, RL Zoo's settings", "", []
    try:
        if beside:
            import stable_baselines3  # noqa: F401
    except ModuleNotFoundError as missing:
        beside, note = False, f"{called}: {missing.name} is not installed; {INSTALL} brings it."
    native(name, 0, EVERY)  # compiles
    ours = []
    for seed in range(seeds):
        ours.append(native(name, seed, MOST[name]))
        if beside:
            theirs.append(foreign(peer, seed, MOST[peer]))
    rate = 3600.0 / median(one.seconds for one in ours)
    other = 3600.0 / median(one.seconds for one in theirs) if theirs else None
    told = [f"ours {said(ours)}", *([f"theirs {said(theirs)}"] if theirs else [])]
    return Row(
        bench="goal",
        subject=f"cart_pole to a mean of {GOAL:.0f}, {name}",
        ours=rate,
        peer=called if theirs else None,
        theirs=other,
        unit=UNIT,
        ratio=rate / other if other else None,
        runs=seeds,
        note=note or f"{name}, seconds by seed (decisions): {'; '.join(told)}",
    )


def said(seeds: list[Reached]) -> str:
    """Every seed's seconds, in words."""
    words = [f"{one.seconds:.2f} ({one.steps}{'' if one.there else ', not reached'})" for one in seeds]
    return ", ".join(words)


def native(name: str, seed: int, most: int) -> Reached:
    """Our trainer, in this process, until the goal or so many decisions."""
    words = [f"learner.algorithm={name}", "game.name=cart_pole", "workers.count=0", f"run.seed={seed}"]
    begun = time.process_time()
    trainer = Trainer(plan_of(load(None, [*words, *OURS[name]])))
    trainer.begin()
    learner: Any = trainer.learner
    watch = Watch(seed, most, begun)
    while watch.goes_on(learner.steps, lambda: ActorAgent(Actor(learner.network), name)):
        trainer.round(learner.steps / most)
    trainer.close()
    return watch.reached


def foreign(name: str, seed: int, most: int) -> Reached:
    """Stable-Baselines3's learner on its own lanes of CartPole-v1, until the goal or so many decisions."""
    from stable_baselines3 import DQN, PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    class Watching(BaseCallback):
        def _on_step(self) -> bool:
            return watch.goes_on(self.num_timesteps, lambda: Predicting(model))

    begun = time.process_time()
    envs = make_vec_env("CartPole-v1", n_envs=8 if name == "ppo" else 1, seed=seed)
    kind, arguments = {"ppo": (PPO, ZOO_PPO), "dqn": (DQN, ZOO_DQN)}[name]
    model = kind("MlpPolicy", envs, **arguments, seed=seed, device="cpu")
    watch = Watch(seed, most, begun)
    model.learn(most, callback=Watching())
    watch.goes_on(most, lambda: Predicting(model))
    return watch.reached


ZOO_PPO: dict[str, Any] = {
    "n_steps": 32, "batch_size": 256, "gae_lambda": 0.8, "gamma": 0.98, "n_epochs": 20, "ent_coef": 0.0,
    "learning_rate": lambda left: 1e-3 * left, "clip_range": lambda left: 0.2 * left,
}  # fmt: skip
ZOO_DQN: dict[str, Any] = {
    "learning_rate": 2.3e-3, "batch_size": 64, "buffer_size": 100_000, "learning_starts": 1000, "gamma": 0.99,
    "target_update_interval": 10, "train_freq": 256, "gradient_steps": 128, "exploration_fraction": 0.16,
    "exploration_final_eps": 0.04, "policy_kwargs": {"net_arch": [256, 256]},
}  # fmt: skip
"""rl-baselines3-zoo, hyperparams/ppo.yml and dqn.yml, CartPole-v1."""


class Watch:
    """Tries a learner now and then, and stops the time meanwhile."""

    def __init__(self, seed: int, most: int, begun: float) -> None:
        self.rules, self.seeds = game("cart_pole"), held_out(seed, GAMES)
        self.most, self.begun, self.next = most, begun, EVERY
        self.reached = Reached(0.0, 0, 0.0)

    def goes_on(self, steps: int, player: Callable[[], Agent]) -> bool:
        """Whether there is more to learn after so many decisions."""
        if steps < min(self.next, self.most) or self.reached.there:
            return not self.reached.there
        seconds = time.process_time() - self.begun
        self.next = steps - steps % EVERY + EVERY
        mean = float(evaluated(self.rules, player(), [], self.seeds).rewards.mean())
        self.reached = Reached(seconds, steps, mean)
        self.begun = time.process_time() - seconds
        return not self.reached.there and steps < self.most

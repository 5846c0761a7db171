"""Time to a goal: until a learner of cart-pole is paid 475 in the mean of 100 held-out games, in seconds of one core.

Ours learns by its recipe (`arena list recipes`); Stable-Baselines3 has its own CartPole-v1, network and RL Zoo's
settings for it, and RLlib those of its own examples. All are tried by the same games after every `EVERY` decisions
(RLlib after each of its iterations), as the likeliest action plays them. What counts is the time that the core worked
on learning, set-up included, but imports, compiling, the trials and Ray's other processes left out. Seeds take turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from math import inf
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from agents.actor import Actor, ActorAgent
from agents.agent import Agent, Decision, Memory
from arena.bench import INSTALL, Row
from arena.cluster import start_ray
from arena.config import load
from arena.evaluation import evaluated, held_out
from arena.recipes import recipe
from arena.run import plan_of
from arena.train import Trainer
from envs.game import View
from envs.registry import Unknown, game, nearest

GOAL, GAMES, EVERY = 475.0, 100, 2048
UNIT = "times an hour of one core"

PEERS = {"ppo": ("sb3:ppo", "rllib:ppo"), "pqn": ("sb3:dqn", "rllib:dqn")}
"""algorithm -> who else learns the like, as package:algorithm."""
PACKAGES = {"sb3": "stable_baselines3", "rllib": "ray"}
"""The packages of peers -> what has to be installed."""
CALLED = {
    "sb3:ppo": "Stable-Baselines3's ppo, RL Zoo's settings",
    "sb3:dqn": "Stable-Baselines3's dqn, RL Zoo's settings",
    "rllib:ppo": "RLlib's ppo, its example's settings",
    "rllib:dqn": "RLlib's dqn, its example's settings",
}
MOST = {
    "sb3:ppo": 100_000, "sb3:dqn": 50_000, "rllib:ppo": 300_000, "rllib:dqn": 200_000,
}  # fmt: skip
"""Decisions after which a seed of theirs has failed, as RL Zoo and RLlib have them; schedules are over so many."""


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
    """What a model of theirs plays, as a function of what is seen."""

    name = "model"

    def __init__(self, choose: Callable[[NDArray[np.float32]], NDArray[np.int64]]) -> None:
        self.choose = choose

    def begin(self, game: Any, seeds: Any) -> Memory:
        return {}

    def act(self, view: View, memory: Memory) -> Decision:
        return Decision(self.choose(view.obs), memory)


def contests(seeds: str = "3", only: str = "ppo,pqn", peers: str = "sb3,rllib") -> Iterator[Row]:
    """One row for each of ours and of its peers: ppo beside theirs, pqn beside their dqn.

    seeds  how many of each side
    only   which of ours
    peers  whose others: sb3, rllib, or empty for ours alone
    """
    names, packages = only.split(","), list(filter(None, peers.split(",")))
    for option, words, table in (("only", names, PEERS), ("peers", packages, PACKAGES)):
        for word in words:
            if word not in table:
                raise Unknown(f"{option}: there is no '{word}'; {nearest(word, table)}")
    torch.set_num_threads(1)
    for name in names:
        yield from rows(name, [peer for peer in PEERS[name] if peer.partition(":")[0] in packages], int(seeds))


def rows(name: str, peers: list[str], seeds: int) -> Iterator[Row]:
    """The comparisons of one of ours; a note has every seed."""
    there = {peer: absent(peer) for peer in peers}
    native(name, 0, EVERY)  # compiles
    ours: list[Reached] = []
    theirs: dict[str, list[Reached]] = {peer: [] for peer, missing in there.items() if not missing}
    for seed in range(seeds):
        ours.append(native(name, seed))
        for peer, reached in theirs.items():
            reached.append(foreign(peer, seed, MOST[peer]))
    rate = hourly(ours)
    for peer in peers or [""]:
        other = hourly(theirs[peer]) if peer in theirs else None
        told = [f"ours {said(ours)}", *([f"theirs {said(theirs[peer])}"] if peer in theirs else [])]
        yield Row(
            bench="goal",
            subject=f"cart_pole to a mean of {GOAL:.0f}, {name}",
            ours=rate,
            peer=CALLED[peer] if peer in theirs else None,
            theirs=other,
            unit=UNIT,
            ratio=rate / other if rate and other else None,
            runs=seeds,
            note=there.get(peer) or f"{name}, how many got there, seconds by seed (decisions): {'; '.join(told)}",
        )


def absent(peer: str) -> str:
    """What there is to say of a peer that is not installed; empty if it is. It is not imported: see `by_rllib`."""
    package = PACKAGES[peer.partition(":")[0]]
    return "" if find_spec(package) else f"{CALLED[peer]}: {package} is not installed; {INSTALL} brings it."


def hourly(seeds: list[Reached]) -> float:
    """Goals an hour, by the seed in the middle, one that never got there being the slowest; 0 if that is it."""
    return 3600.0 / median(one.seconds if one.there else inf for one in seeds)


def said(seeds: list[Reached]) -> str:
    """How many seeds got there, and the seconds of each, in words."""
    words = [f"{one.seconds:.2f} ({one.steps}{'' if one.there else ', not reached'})" for one in seeds]
    return f"{sum(one.there for one in seeds)} of {len(seeds)}: {', '.join(words)}"


def native(name: str, seed: int, most: int = 0) -> Reached:
    """Our trainer, in this process, until the goal, or as many decisions as its recipe has (or `most`)."""
    own = recipe(name, "cart_pole")
    begun = time.process_time()
    trainer = Trainer(plan_of(load(None, [*own.overrides(), "workers.count=0", f"run.seed={seed}"])))
    trainer.begin()
    learner: Any = trainer.learner
    most = most or own.steps
    watch = Watch(seed, most, begun)
    while watch.goes_on(learner.steps, lambda: ActorAgent(Actor(learner.network), name)):
        trainer.round(learner.steps / most)
    trainer.close()
    return watch.reached


def foreign(peer: str, seed: int, most: int) -> Reached:
    """Another project's learner, until the goal or so many decisions."""
    package, _, algorithm = peer.partition(":")
    return by_rllib(algorithm, seed, most) if package == "rllib" else by_sb3(algorithm, seed, most)


def by_sb3(name: str, seed: int, most: int) -> Reached:
    """Stable-Baselines3's PPO or DQN on its own lanes of CartPole-v1."""
    from stable_baselines3 import DQN, PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    class Watching(BaseCallback):
        def _on_step(self) -> bool:
            return watch.goes_on(self.num_timesteps, lambda: Predicting(choose))

    def choose(obs: NDArray[np.float32]) -> NDArray[np.int64]:
        return model.predict(obs, deterministic=True)[0].astype(np.int64)

    begun = time.process_time()
    envs = make_vec_env("CartPole-v1", n_envs=8 if name == "ppo" else 1, seed=seed)
    kind, arguments = {"ppo": (PPO, ZOO_PPO), "dqn": (DQN, ZOO_DQN)}[name]
    model = kind("MlpPolicy", envs, **arguments, seed=seed, device="cpu")
    watch = Watch(seed, most, begun)
    model.learn(most, callback=Watching())
    watch.goes_on(most, lambda: Predicting(choose))
    return watch.reached


def by_rllib(name: str, seed: int, most: int) -> Reached:
    """RLlib's PPO or DQN, which plays CartPole-v1 and learns in this process."""
    start_ray(1, None)  # before anything imports Ray, so that it asks for its token
    from ray.rllib.algorithms.dqn import DQNConfig
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.core.rl_module.default_model_config import DefaultModelConfig

    def choose(obs: NDArray[np.float32]) -> NDArray[np.int64]:
        with torch.no_grad():
            out = module.forward_inference({"obs": torch.from_numpy(obs)})
        chosen = out["actions"] if name == "dqn" else out["action_dist_inputs"].argmax(-1)
        return chosen.numpy()

    begun = time.process_time()
    kind, (settings, shape) = {"ppo": (PPOConfig, EXAMPLE_PPO), "dqn": (DQNConfig, EXAMPLE_DQN)}[name]
    config = kind().environment("CartPole-v1").env_runners(num_env_runners=0).debugging(seed=seed)
    config = config.training(**settings).rl_module(model_config=DefaultModelConfig(**shape))
    trained = config.build_algo()
    try:
        module: Any = trained.get_module()
        watch, steps = Watch(seed, most, begun), 0
        while watch.goes_on(steps, lambda: Predicting(choose)):
            steps = int(trained.train()["num_env_steps_sampled_lifetime"])
    finally:
        trained.stop()
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
EXAMPLE_PPO: tuple[dict[str, Any], dict[str, Any]] = (
    {"lr": 3e-4, "num_epochs": 6, "vf_loss_coeff": 0.01},
    {"fcnet_hiddens": [32], "fcnet_activation": "linear", "vf_share_layers": True},
)
EXAMPLE_DQN: tuple[dict[str, Any], dict[str, Any]] = (
    {
        "lr": 5e-4, "train_batch_size_per_learner": 32, "n_step": (2, 5), "double_q": True, "dueling": True,
        "epsilon": [(0, 1.0), (25_000, 0.02)], "replay_buffer_config": {
            "type": "PrioritizedEpisodeReplayBuffer", "capacity": 50_000, "alpha": 0.6, "beta": 0.4,
        },
    },
    {
        "fcnet_hiddens": [256], "fcnet_activation": "tanh", "fcnet_bias_initializer": "zeros_",
        "head_fcnet_hiddens": [256], "head_fcnet_bias_initializer": "zeros_",
    },
)  # fmt: skip
"""RLlib's own tuned examples, cartpole_ppo.py and cartpole_dqn.py: how they learn, and their networks."""


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

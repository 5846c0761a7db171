"""Stable-Baselines3's algorithms on our games and networks, by the settings that ours have (Raffin et al. 2021, JMLR).

`arena train ppo cart_pole --engine sb3` reads the same settings as without --engine. What differs: its DQN is not
double, draws its memories evenly and strays with all lanes at once; before `learn_from`, what learns from memories
moves evenly at random; the critics of its SAC and TD3 share a body; values and returns are learned in the game's own
unit, and that is what `value_clip` counts in; its PPO keeps no average of its weights. All is computed on the CPU.
Where moves may be illegal, ppo is sb3-contrib's MaskablePPO, if that is installed. At the other seats of a game sits
whom `rollouts.opponents` names; one seat a game is learned from, and "self" is renewed with every fragment. A run is
not gone on with: its agent is its result, and nothing that Stable-Baselines3 writes is ever read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm

from agents.agent import Unable
from agents.learn.descent import line
from agents.networks import Network, weights
from arena.engines.folder import EngineRun, refuse_our_own
from arena.engines.lanes import Lanes
from arena.engines.policies import ActorCritic, Body, BoundedPolicy, QPolicy, SquashedPolicy, network_of
from arena.engines.seats import Seats, always_legal, seats
from envs.game import Game
from envs.registry import game as game_of

if TYPE_CHECKING:
    from arena.config import Config

VECTORS = ("sac", "td3", "ddpg")

LOGGED_EVERY = 1000
"""Decisions between two sets of numbers of an algorithm that learns from memories."""

Progress = Callable[[], float]


def run_sb3(config: Config, *, address: str | None = None) -> dict[str, Any]:
    """Trains in this process; leaves an agent and the curves in the run's folder, and says where and how far."""
    rules = game_of(config.game.name)
    check(config, rules, address)
    torch.set_num_threads(config.workers.threads)
    with EngineRun(config) as run:
        model, others = make(config, rules, run.progress)
        model.set_logger(Logger(folder=None, output_formats=[Curves(run)]))
        network = network_of(model.policy)
        watch = Watch(run, others, network, _variation(config, model, run.progress))
        options: dict[str, Any] = {"log_interval": None} if isinstance(model, OffPolicyAlgorithm) else {}
        run.begin()
        try:
            model.learn(total_timesteps=config.run.steps or sys.maxsize, callback=watch, **options)
            model.logger.dump(model.num_timesteps)
        except KeyboardInterrupt:
            run.freeze(weights(network))
            raise
        return run.finish(weights(network))


def check(config: Config, rules: Game, address: str | None) -> None:
    """Refuses, before anything starts, what this engine cannot do as asked."""
    name, algorithm = rules.name, config.algorithm
    refuse_our_own(config)
    if algorithm not in ARGUMENTS:
        raise Unable(
            f"Stable-Baselines3 has no {algorithm} here; it has {', '.join(ARGUMENTS)}, or leave --engine out."
        )
    if address is not None or (isinstance(config.workers.count, int) and config.workers.count > 0):
        raise ValueError("Stable-Baselines3 plays in this process alone; leave --workers and --address out.")
    if config.workers.learners > 1:
        raise ValueError("Stable-Baselines3 learns in this process alone; leave --learners out.")
    if algorithm == "ddpg" and (config.learner.delay != 1 or config.learner.smoothing):
        raise Unable("Stable-Baselines3's DDPG knows no delay and no smoothing; take td3, or leave --engine out.")
    if algorithm == "td3" and not config.learner.smoothing:
        raise Unable("Stable-Baselines3's TD3 softens targets; set learner.smoothing above 0, or leave --engine out.")
    if config.playing.whole:
        raise ValueError("Stable-Baselines3 plays in fragments of rollouts.steps; set rollouts.whole=false.")
    if Network(rules, config.network.backbone, config.network.heads).memory:
        raise Unable(f"Stable-Baselines3's {algorithm} carries no memory from move to move, and "
                     f"{config.network.backbone} has one; take another backbone, or leave --engine out.")  # fmt: skip
    if not always_legal(rules) and (algorithm != "ppo" or find_spec("sb3_contrib") is None):
        mend = "install sb3-contrib for its MaskablePPO" if algorithm == "ppo" else "take ppo with sb3-contrib"
        raise Unable(f"Stable-Baselines3's {algorithm} has no masks, and moves of {name} may be illegal; {mend}, "
                     "or leave --engine out.")  # fmt: skip


def make(config: Config, rules: Game, progress: Progress) -> tuple[BaseAlgorithm, Seats | None]:
    """The algorithm, ready to learn, and who plays the other seats."""
    network, seed = config.network, config.run.seed
    body = {"game": rules, "backbone": network.backbone, "heads": network.heads, "seed": seed}
    others = seats(Network(rules, network.backbone, network.heads, seed), config.playing)
    lanes = Lanes(rules, config.playing.lanes, others)
    kind, policy, arguments = _kind(config, rules), _policy(config, rules), ARGUMENTS[config.algorithm]
    layers = {"pi": [], "qf": [256]} if config.algorithm in VECTORS else []
    options: dict[str, Any] = {"net_arch": layers, "features_extractor_class": Body, "features_extractor_kwargs": body}
    if config.algorithm in ("td3", "ddpg"):
        options["n_critics"] = config.learner.critics
    made = kind(
        policy,
        lanes,
        **arguments(config, progress),
        policy_kwargs=options,
        seed=seed % 2**32,  # NumPy's global generator takes no more
        device="cpu",
    )
    # Its own share counts decisions; a run may as well be bounded by time.
    made._update_current_progress_remaining = lambda *_: setattr(made, "_current_progress_remaining", 1.0 - progress())
    return made, others


def _kind(config: Config, rules: Game) -> type[Any]:
    if config.algorithm == "ppo" and not always_legal(rules):
        from sb3_contrib import MaskablePPO

        return MaskablePPO
    return {"ppo": PPO, "a2c": A2C, "dqn": DQN, "sac": SAC, "td3": TD3, "ddpg": DDPG}[config.algorithm]


def _policy(config: Config, rules: Game) -> type[Any]:
    own = {"dqn": QPolicy, "sac": SquashedPolicy, "td3": BoundedPolicy, "ddpg": BoundedPolicy}
    if config.algorithm in own:
        return own[config.algorithm]
    if not always_legal(rules):
        from arena.engines.masked import MaskedActorCritic

        return MaskedActorCritic
    return ActorCritic


# --- our settings as the arguments of theirs ------------------------------------------------------------------------


def _ppo(config: Config, progress: Progress) -> dict[str, Any]:
    s = config.learner
    size = config.playing.lanes * config.playing.steps
    if size % s.batch == 1:
        raise ValueError(f"rollouts of {size} decisions leave a batch of 1 beside those of {s.batch}; set another.")
    return {
        "n_steps": config.playing.steps,
        "batch_size": min(s.batch, size),
        "n_epochs": s.epochs,
        "gamma": s.discount,
        "gae_lambda": s.decay,
        "learning_rate": lambda _: s.learning_rate * line(1.0, s.final_rate, progress()),
        "clip_range": lambda _: s.clip * line(1.0, s.final_clip, progress()),
        "clip_range_vf": s.value_clip or None,
        "normalize_advantage": s.normalise,
        "ent_coef": s.entropy,
        "vf_coef": s.value_weight,
        "max_grad_norm": s.gradient,
        "target_kl": s.most_kl / 1.5 if s.most_kl else None,  # it stops at one and a half times as much
    }


def _a2c(config: Config, progress: Progress) -> dict[str, Any]:
    s = config.learner
    return {
        "n_steps": config.playing.steps,
        "gamma": s.discount,
        "gae_lambda": s.decay,
        "learning_rate": lambda _: s.learning_rate * line(1.0, s.final_rate, progress()),
        "ent_coef": s.entropy,
        "vf_coef": s.value_weight,
        "max_grad_norm": s.gradient,
    }


def _dqn(config: Config, progress: Progress) -> dict[str, Any]:
    s = config.learner
    if s.prioritised or s.atoms > 1:
        raise Unable("Stable-Baselines3's DQN draws memories evenly and learns no distributions; leave "
                     "learner.prioritised and learner.atoms out, or --engine.")  # fmt: skip
    gathered = config.playing.lanes * config.playing.steps
    updates = max(1, round(gathered * s.reuse / s.batch))
    return {
        "buffer_size": s.replay,
        "learning_starts": s.learn_from,
        "batch_size": s.batch,
        "gamma": s.discount,
        "learning_rate": lambda _: s.learning_rate * line(1.0, s.final_rate, progress()),
        "train_freq": config.playing.steps,
        "gradient_steps": updates,
        "target_update_interval": max(config.playing.lanes, s.target_every * gathered // updates),
        "exploration_fraction": max(s.explore, 1e-9),
        "exploration_final_eps": s.epsilon,
        "max_grad_norm": s.gradient,
        "n_steps": s.steps,
    }


def _memories(config: Config) -> dict[str, Any]:
    """What all have that learn of vectors from memories."""
    s = config.learner
    gathered = config.playing.lanes * config.playing.steps
    return {
        "buffer_size": s.replay,
        "learning_starts": s.learn_from,
        "batch_size": s.batch,
        "gamma": s.discount,
        "learning_rate": s.learning_rate,
        "train_freq": config.playing.steps,
        "gradient_steps": max(1, round(gathered * s.reuse / s.batch)),
        "tau": s.drift,
        "n_steps": s.steps,
    }


def _sac(config: Config, progress: Progress) -> dict[str, Any]:
    s, size = config.learner, len(game_of(config.game.name).controls)
    return {**_memories(config), "ent_coef": f"auto_{s.temperature}", "target_entropy": s.entropy * size}


def _ddpg(config: Config, progress: Progress) -> dict[str, Any]:
    s, size = config.learner, len(game_of(config.game.name).controls)
    return {**_memories(config), "action_noise": NormalActionNoise(np.zeros(size), np.full(size, s.noise))}


def _td3(config: Config, progress: Progress) -> dict[str, Any]:
    s = config.learner
    own = {"policy_delay": s.delay, "target_policy_noise": s.smoothing, "target_noise_clip": s.smoothing_clip}
    return {**_ddpg(config, progress), **own}


ARGUMENTS: Mapping[str, Callable[[Config, Progress], dict[str, Any]]] = {
    "ppo": _ppo, "a2c": _a2c, "dqn": _dqn, "sac": _sac, "td3": _td3, "ddpg": _ddpg,
}  # fmt: skip
"""algorithm -> what its constructor is given."""


def _variation(config: Config, model: BaseAlgorithm, progress: Progress) -> Callable[[], None]:
    """What changes over the run that they have no schedule for."""
    s = config.learner

    def vary() -> None:
        if config.algorithm == "ppo":
            setattr(model, "ent_coef", s.entropy * line(1.0, s.final_entropy, progress()))  # noqa: B010

    return vary


# --- what is seen of it ---------------------------------------------------------------------------------------------


class Curves(KVWriter):
    """Their numbers, in the run's curves."""

    def __init__(self, run: EngineRun) -> None:
        self.run = run

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        shown = {name: value for name, value in key_values.items() if "tensorboard" not in (key_excluded[name] or ())}
        self.run.record(shown, step)

    def close(self) -> None:
        pass


class Watch(BaseCallback):
    """Looks on: how far it is, when it is time to stop, and the weights that others at the table are to have."""

    def __init__(self, run: EngineRun, others: Seats | None, network: Network, vary: Callable[[], None]) -> None:
        super().__init__()
        self.run, self.others, self.network, self.vary = run, others, network, vary
        self.logged = 0

    def _on_rollout_start(self) -> None:
        self.run.try_when_due(partial(weights, self.network))
        self.vary()
        if self.others is not None:
            self.others.load(weights(self.network))

    def _on_step(self) -> bool:
        going = self.run.advance(self.num_timesteps, int(self.locals["dones"].sum()))
        return going or self.run.goal > 0  # it counts decisions itself, and learns from the last ones too

    def _on_rollout_end(self) -> None:
        if isinstance(self.model, OffPolicyAlgorithm) and self.num_timesteps - self.logged >= LOGGED_EVERY:
            self.logged = self.num_timesteps
            self.model.dump_logs()

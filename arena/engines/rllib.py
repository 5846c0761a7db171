"""RLlib's PPO and IMPALA (its new API stack) on our games and networks, by our settings (Liang et al. 2018).

`arena train ppo cart_pole --engine rllib --workers 2` plays on two of its env runners; left out, games are played in
this process, while Ray runs beside it all the same. What differs: advantages are brought to spread 1 over the whole
fragment, values are learned in the game's own unit, no average of the weights is kept, and learning rate and entropy
change over the run only where --steps says how long that is. Its IMPALA learns by Adam, in a thread of its own beside
the play, so that no two runs are the same to the bit. All is computed on the CPU. Moves that may be illegal are masked.
At the other seats of a game sits whom `rollouts.opponents` names; one seat a game is learned from, and "self" is
renewed with every fragment. A run is not gone on with: its agent is its result, and nothing that RLlib writes is ever
read.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch

from agents.agent import Unable
from agents.networks import Network
from arena.cluster import start_ray, stop_ray
from arena.engines.folder import EngineRun, refuse_our_own
from envs.game import Game
from envs.registry import game as game_of

if TYPE_CHECKING:
    from arena.config import Config

MEAN_OF = 100
"""So many of the last games are what `rollout/ep_rew_mean` is the mean of, as in Stable-Baselines3."""

NAMES = {
    "total_loss": "train/loss",
    "policy_loss": "train/policy_gradient_loss",
    "mean_pi_loss": "train/policy_gradient_loss",
    "mean_vf_loss": "train/value_loss",
    "vf_loss": "train/value_loss",
    "vf_explained_var": "train/explained_variance",
    "entropy": "train/entropy",
    "default_optimizer_learning_rate": "train/learning_rate",
    "gradients_default_optimizer_global_norm": "train/gradient",
}
"""What RLlib calls its learner's numbers, and what everybody else here does."""


def run_rllib(config: Config, *, address: str | None = None) -> dict[str, Any]:
    """Trains; leaves an agent and the curves in the run's folder, and says where and how far."""
    check(config, game_of(config.game.name))
    torch.set_num_threads(config.workers.threads)
    try:
        with EngineRun(config) as run, TemporaryDirectory(prefix="rllib-") as left:
            start_ray(config.worker_count, address)  # before anything imports Ray, so that it asks for its token
            from arena.engines import modules

            trained = modules.algorithm(config, left)
            module = modules.learned(trained)
            run.begin()
            try:
                try:
                    _learn(run, trained)
                finally:
                    trained.stop()
            except KeyboardInterrupt:
                run.freeze(modules.known(module))
                raise
            return run.finish(modules.known(module))
    finally:
        stop_ray()


def check(config: Config, rules: Game) -> None:
    """Refuses, before anything starts, what this engine cannot do as asked."""
    s = config.learner
    refuse_our_own(config)
    if config.algorithm not in ("ppo", "impala"):
        raise Unable(f"RLlib has no {config.algorithm} here; it has ppo and impala, or leave --engine out.")
    if Network(rules, config.network.backbone, config.network.heads).memory:
        raise Unable(f"RLlib's {config.algorithm} carries no memory from move to move here, and "
                     f"{config.network.backbone} has one; take another backbone, or leave --engine out.")  # fmt: skip
    if config.workers.learners > 1:
        raise ValueError("RLlib learns in one process here; leave --learners out.")
    if config.playing.whole:
        raise ValueError("RLlib plays in fragments of rollouts.steps here; set rollouts.whole=false.")
    if config.algorithm == "impala" and (s.decay != 1.0 or s.clip_trace != 1.0):
        raise ValueError("RLlib's impala has no decay and clips traces at 1; leave learner.decay and "
                         "learner.clip_trace out, or --engine.")  # fmt: skip
    if config.algorithm == "ppo" and s.value_clip:
        raise ValueError("RLlib's ppo has no value_clip: what it calls so cuts off the squared error; leave "
                         "learner.value_clip out, or --engine.")  # fmt: skip
    if config.algorithm == "ppo" and (s.final_clip != 1.0 or s.most_kl or not s.normalise):
        raise ValueError("RLlib's ppo keeps its clip, knows no most_kl and always normalises; leave "
                         "learner.final_clip, learner.most_kl and learner.normalise out, or --engine.")  # fmt: skip


def _learn(run: EngineRun, trained: Any) -> None:
    """Trains to the end of the run."""
    from arena.engines.modules import known, learned, visit

    last: deque[tuple[float, int]] = deque(maxlen=MEAN_OF)
    going = True
    while going:
        result = trained.train()
        games = [game for found in trained.env_runner_group.foreach_env_runner(visit) for game in found]
        last.extend(games)
        step = int(result["num_env_steps_sampled_lifetime"])
        going = run.advance(step, len(games))
        run.try_when_due(partial(known, learned(trained)))
        told = result.get("learners", {}).get("default_policy", {})
        values = {ours: told[theirs] for theirs, ours in NAMES.items() if theirs in told}
        values["time/fps"] = step / max(run.elapsed(), 1e-9)
        if last:
            values["rollout/ep_rew_mean"] = sum(paid for paid, _ in last) / len(last)
            values["rollout/ep_len_mean"] = sum(length for _, length in last) / len(last)
        run.record(values, step)

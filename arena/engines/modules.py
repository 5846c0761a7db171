"""Our networks inside RLlib's modules, our games as its vector environments, our settings as its configuration."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from ray.rllib.algorithms.impala import IMPALAConfig
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.distribution.torch.torch_distribution import TorchCategorical, TorchDiagGaussian
from ray.rllib.core.rl_module.apis.value_function_api import ValueFunctionAPI
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch import TorchRLModule
from torch import Tensor

from agents.networks import Network, Weights, weights
from arena.engines.seats import always_legal, seats
from envs.adapters.gymnasium import OneSeatVectorEnv
from envs.registry import game as game_of

if TYPE_CHECKING:
    from arena.config import Config

OBS, MASK = "observation", "action_mask"


class Lanes(OneSeatVectorEnv):
    """B games side by side, one seat of each to be learned for; masks are seen where moves may be illegal.

    told  game, backbone, heads, seed, playing and num_envs: a runner may be on Ray, so it is made of what can be sent

    It counts for itself what games paid and how long they were: RLlib's own lengths are one too many a fragment.
    """

    def __init__(self, told: Any) -> None:
        network = network_of(told)
        self.others = seats(network, told["playing"])
        super().__init__(network.game, told["num_envs"], opponent=self.others, masked=not always_legal(network.game))
        self.paid, self.length = np.zeros(self.num_envs), np.zeros(self.num_envs, np.int64)
        self.games: list[tuple[float, int]] = []

    def step(self, actions: NDArray[Any]) -> Any:
        moving = ~self._lanes.over
        out = super().step(actions)
        self.paid += out[1] * moving
        self.length += moving
        over = moving & self._lanes.over
        if over.any():
            self.games += zip(self.paid[over].tolist(), self.length[over].tolist(), strict=True)
            self.paid[over], self.length[over] = 0.0, 0
        return out


def network_of(told: Any) -> Network:
    """The network that a description is of, as it begins."""
    return Network(game_of(told["game"]), told["backbone"], tuple(told["heads"]), told["seed"])


class Module(TorchRLModule, ValueFunctionAPI):
    """A `Network` of ours with a policy (or a gaussian) and returns, as RLlib's PPO and IMPALA ask it."""

    network: Network

    def setup(self) -> None:
        self.network = network_of(self.model_config)
        self.masked = isinstance(self.observation_space, spaces.Dict)
        self.train(False)

    def train(self, mode: bool = True) -> Module:
        """Always evaluation: no layer may mix a batch, or the ratio of new to old policies would not begin at 1."""
        return super().train(False)

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        features = self._features(batch)
        return {Columns.ACTION_DIST_INPUTS: self._moves(features, batch), Columns.EMBEDDINGS: features}

    def _forward_inference(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {Columns.ACTION_DIST_INPUTS: self._moves(self._features(batch), batch)}

    def _forward_exploration(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return self._forward_inference(batch)

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> Tensor:
        features = self._features(batch) if embeddings is None else embeddings
        return self.network.heads["returns"](features)

    def _features(self, batch: dict[str, Any]) -> Tensor:
        seen = batch[Columns.OBS][OBS] if self.masked else batch[Columns.OBS]
        return self.network.backbone(self.network.stem(seen.float()))

    def _moves(self, features: Tensor, batch: dict[str, Any]) -> Tensor:
        """Logits, -1e30 where a move may not be played; or means beside the logarithms of spreads."""
        if "gaussian" in self.network.heads:
            return self.network.heads["gaussian"](features).flatten(1)
        logits = self.network.heads["policy"](features)
        return logits.masked_fill(batch[Columns.OBS][MASK] == 0, -1e30) if self.masked else logits

    def _distribution(self) -> type[Any]:
        return TorchDiagGaussian if "gaussian" in self.network.heads else TorchCategorical

    def get_inference_action_dist_cls(self) -> type[Any]:
        return self._distribution()

    def get_exploration_action_dist_cls(self) -> type[Any]:
        return self._distribution()

    def get_train_action_dist_cls(self) -> type[Any]:
        return self._distribution()


def visit(runner: Any) -> list[tuple[float, int]]:
    """What the games that ended on a runner paid, and how long they were; renews the others at its tables."""
    env = runner.env.unwrapped if runner.env is not None else None
    if not isinstance(env, Lanes):
        return []
    if env.others is not None:
        env.others.load(known(runner.module))
    games, env.games = env.games, []
    return games


def known(module: Any) -> Weights:
    """What the network of a module knows."""
    return weights(module.network)


def learned(trained: Any) -> Any:
    """The module that an algorithm's learner changes; it stays the same object."""
    return trained.learner_group._learner.module["default_policy"]


def algorithm(config: Config, folder: str) -> Any:
    """RLlib's PPO or IMPALA by our settings, ready to train; `folder` is where it may leave what it likes."""
    network, playing, s, steps = config.network, config.playing, config.learner, config.run.steps
    told = {
        "game": config.game.name, "backbone": network.backbone, "heads": list(network.heads), "seed": config.run.seed,
    }  # fmt: skip
    workers = 0 if config.workers.count == "auto" else int(config.workers.count)
    for name in ("ray", "ray.rllib", "ray.tune", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    begun: Any = {"ppo": PPOConfig, "impala": IMPALAConfig}[config.algorithm]()
    asked = begun.environment(env=Lanes, env_config={**told, "playing": playing}).framework("torch")
    asked.env_runners(
        num_env_runners=workers,
        num_envs_per_env_runner=playing.lanes,
        rollout_fragment_length=playing.steps,
        gym_env_vectorize_mode="vector_entry_point",
    )
    asked.learners(num_learners=0, num_gpus_per_learner=0)
    asked.rl_module(rl_module_spec=RLModuleSpec(module_class=Module, model_config=told))
    asked.debugging(seed=config.run.seed % 2**31, log_level="ERROR")
    asked.reporting(min_time_s_per_iteration=0)
    size = playing.lanes * playing.steps
    asked.training(
        train_batch_size_per_learner=size * max(1, workers) if config.algorithm == "ppo" else size,
        gamma=s.discount,
        lr=_line(s.learning_rate, s.final_rate, steps),
        grad_clip=s.gradient,
        grad_clip_by="global_norm",
        **{"ppo": _ppo, "impala": _impala}[config.algorithm](config),
    )
    kind: Any = asked.algo_class

    class Here(kind):  # it would otherwise begin a folder in the user's home
        def _setup_logdir(self) -> None:
            self._logdir = folder

    asked.algo_class = Here
    return asked.build_algo()


def _ppo(config: Config) -> dict[str, Any]:
    s, playing = config.learner, config.playing
    workers = 1 if config.workers.count == "auto" else max(1, int(config.workers.count))
    return {
        "minibatch_size": min(s.batch, playing.lanes * playing.steps * workers),
        "num_epochs": s.epochs,
        "lambda_": s.decay,
        "clip_param": s.clip,
        "vf_loss_coeff": s.value_weight,
        "vf_clip_param": float("inf"),
        "entropy_coeff": _line(s.entropy, s.final_entropy, config.run.steps),
        "use_kl_loss": False,
        "kl_coeff": 0.0,
    }


def _impala(config: Config) -> dict[str, Any]:
    s = config.learner
    return {
        "vf_loss_coeff": 2.0 * s.value_weight,  # of half the squared error
        "entropy_coeff": s.entropy,
        "vtrace_clip_rho_threshold": s.clip_delta,
        "vtrace_clip_pg_rho_threshold": s.clip_delta,
        "num_gpu_loader_threads": 1,
    }


def _line(start: float, share: float, steps: int) -> Any:
    """A straight line from `start` to `share` of it over so many steps, or `start` where there is no telling (0)."""
    return start if not steps or share == 1.0 else [[0, start], [steps, start * share]]

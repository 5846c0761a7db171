"""Our games as Stable-Baselines3 wants them: B lanes in compiled code behind its `VecEnv`.

Where a game ends, the next one's first observation is given at once, and the last one stands in the lane's
`terminal_observation`; `TimeLimit.truncated` says that a limit on plies ended it and not the rules. Actions that are
vectors are in units in which -1 and 1 are their bounds, as the head `gaussian` counts.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvIndices, VecEnvStepReturn

from agents.actor import bounded
from envs import kernels
from envs.adapters.gymnasium import action_space, observation_space
from envs.adapters.one_seat import OneSeat, Opponent
from envs.game import Game

MASKS = "action_masks"
"""The name under which sb3-contrib asks for what may be played."""

NOTHING: dict[str, Any] = {}
"""What is said of a lane whose game goes on; one object for all of them, which nobody writes to."""


class Lanes(VecEnv):
    """B games side by side, one seat of each to be learned for; `opponent` plays the others, None evenly at random.

    A lane's games follow from the seed that `seed` set before `reset`; unseeded ones from the system's randomness.
    """

    def __init__(self, game: Game, lanes: int, opponent: Opponent = None) -> None:
        self.game = game
        self.lanes = OneSeat(game, lanes, None, opponent)
        self.actions: NDArray[Any] = np.zeros(0)
        self.paid = np.zeros(lanes)
        self.length = np.zeros(lanes, np.int64)
        self.begun = time.monotonic()
        self.render_mode: str | None = None
        actions = action_space(game)
        if game.controls:
            actions = spaces.Box(-1.0, 1.0, (len(game.controls),), np.float32)
        super().__init__(lanes, observation_space(game, masked=False), actions)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seeds each lane apart, and apart from those of any other seed."""
        own = int(np.random.default_rng().integers(2**63)) if seed is None else seed
        self._seeds = [int(lane) for lane in kernels.seeds(own, self.num_envs)]
        return self._seeds

    def reset(self) -> NDArray[np.float32]:
        for lane, seed in enumerate(self._seeds):
            if seed is not None or not self.lanes.stream[lane]:
                self.lanes.seed(lane, np.random.default_rng(seed))
        self._reset_seeds()
        self.lanes.begin(np.ones(self.num_envs, np.bool_))
        self.paid[:], self.length[:] = 0.0, 0
        return self.lanes.obs

    def step_async(self, actions: NDArray[Any]) -> None:
        self.actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        lanes = self.lanes
        lanes.step(bounded(self.game, self.actions) if self.game.controls else self.actions)
        reward, over = lanes.reward.copy(), lanes.over
        self.paid += reward
        self.length += 1
        told = [NOTHING] * self.num_envs
        if over.any():
            for lane in np.flatnonzero(over):
                told[lane] = {
                    "terminal_observation": lanes.obs[lane],
                    "TimeLimit.truncated": bool(lanes.cut[lane]),
                    "episode": {
                        "r": float(self.paid[lane]),
                        "l": int(self.length[lane]),
                        "t": time.monotonic() - self.begun,
                    },
                }
            self.paid[over], self.length[over] = 0.0, 0
            lanes.begin(over)
        return lanes.obs, reward, over, told

    def action_masks(self) -> NDArray[np.bool_]:
        """[B, A], True = may."""
        return self.lanes.mask

    def close(self) -> None:
        pass

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        return [getattr(self, attr_name)] * len(self._chosen(indices))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        raise AttributeError(f"{attr_name} cannot be set lane by lane: all lanes are one batch.")

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """The masks alone are asked for lane by lane."""
        if method_name != MASKS:
            raise AttributeError(f"Lanes have no method {method_name}; {MASKS} is the one they have.")
        return list(self.action_masks()[self._chosen(indices)])

    def env_is_wrapped(self, wrapper_class: type[Any], indices: VecEnvIndices = None) -> list[bool]:
        return [False] * len(self._chosen(indices))

    def _chosen(self, indices: VecEnvIndices) -> Sequence[int]:
        every: Iterable[int] = self._get_indices(indices)
        return list(every)

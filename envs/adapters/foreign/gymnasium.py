"""Any environment of Gymnasium as a game of one seat: `gym:CartPole-v1`, `gym:FrozenLake-v1,is_slippery=false`.

Environments that are registered elsewhere are named with their module, as Gymnasium has it: `gym:module:Name-v0`;
Atari's are found when `ale-py` is installed (`gym:ALE/Pong-v5`).
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from envs.adapters.foreign.programs import PATIENCE, State, foreign_game
from envs.adapters.foreign.spaces import Done, Seen, actions, observations
from envs.game import Game


def gym(name: str, seconds: float = PATIENCE, **options: Any) -> Game:
    """The game of an environment; `options` go to `gymnasium.make`, `seconds` is the time limit of one action."""
    spec = f"gym:{name}" + "".join(f",{key}={_written(value)}" for key, value in options.items())
    first = _made(name, options)
    seen = observations(first.observation_space, spec)
    done = actions(first.action_space, spec, _meanings(first.unwrapped))
    limit = first.spec.max_episode_steps if first.spec is not None else None
    first.close()
    return foreign_game(
        spec, lambda: Environment(name, options, seen, done),
        seats=1, actions=done.number, shape=seen.shape, names=done.names, controls=done.controls, seconds=seconds,
        limit=limit or 32_000, pays="general", chance=True,
    )  # fmt: skip


def _meanings(env: Any) -> tuple[str, ...]:
    """What the actions are called, where the environment says it; () where it does not, or names two of them alike."""
    try:
        named = tuple("_".join(str(word).lower().split()) for word in getattr(env, "get_action_meanings", tuple)())
    except Exception:  # the environment's own matter: its actions have numbers, too
        return ()
    return named if len(set(named)) == len(named) else ()


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _made(name: str, options: dict[str, Any]) -> gymnasium.Env[Any, Any]:
    """The environment, with pictures if it makes any; raises ValueError with what Gymnasium has to say."""
    if name.startswith("ALE/") and importlib.util.find_spec("ale_py"):
        gymnasium.register_envs(importlib.import_module("ale_py"))
    try:
        modes = gymnasium.make(name, disable_env_checker=True, **options).metadata.get("render_modes") or []
        more = {"render_mode": "rgb_array"} if "rgb_array" in modes else {}
        return gymnasium.make(name, disable_env_checker=True, **more, **options)
    except (Exception, SystemExit) as error:  # whatever an environment's own constructor raises
        said = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"Gymnasium cannot make '{name}': {said}") from error


class Environment:
    """One environment as a program; `action_mask` among what it tells is taken as what may be done."""

    def __init__(self, name: str, options: dict[str, Any], seen: Seen, done: Done) -> None:
        self._env, self._seen, self._done, self._drawn = _made(name, options), seen, done, False

    def begin(self, seed: int) -> State:
        obs, told = self._env.reset(seed=seed)
        return self._state(obs, 0.0, False, False, told)

    def play(self, action: Any) -> State:
        obs, reward, over, cut, told = self._env.step(self._done.give(action))
        return self._state(obs, float(reward), bool(over), bool(cut), told)

    def _state(self, obs: Any, reward: float, over: bool, cut: bool, told: dict[str, Any]) -> State:
        legal = np.ones(self._done.number, np.bool_)
        mask = told.get("action_mask")
        if mask is not None and np.shape(mask) == legal.shape and np.any(mask):
            legal = np.asarray(mask, np.bool_)
        paid = np.array([reward], np.float32)
        return State(0, self._seen.take(obs)[None], legal, paid, over or cut, cut and not over)

    def picture(self) -> NDArray[np.uint8] | str | None:
        if self._env.render_mode != "rgb_array":
            return None
        self._drawn = True
        return np.asarray(self._env.render(), np.uint8)

    def told(self, seat: int) -> str | None:
        return None

    def close(self) -> None:
        if not self._drawn:  # many that have drawn close all of pygame with them, and so the window that shows them
            self._env.close()

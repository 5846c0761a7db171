"""Whose training loop it is: ours, or another project's on our games and networks, which ends as an agent of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from envs.registry import resolve

ENGINES: dict[str, str] = {
    "native": "arena.run:run_training",
    "sb3": "arena.engines.sb3:run_sb3",
    "rllib": "arena.engines.rllib:run_rllib",
}
"""name -> "module:function" of (config, *, address), which trains and leaves a run's folder."""

OURS: dict[str, dict[str, Any]] = {
    "ppo": {"magnet": 0.0, "normalise_rewards": False, "even": 0.0, "average": 0.0},
    "dqn": {"double": False},
}
"""algorithm -> setting that only our own training loop knows -> the value at which it does nothing."""

NEEDED = {"sb3": ("stable_baselines3", "Stable-Baselines3", "sb3")}
"""name -> the package that an engine is, what it is called, and the extra that brings it."""


class NoEngine(ValueError):
    """An engine is not installed; the text says what brings it."""


def engine(name: str) -> Callable[..., Any]:
    """What trains, its project's packages imported; raises `NoEngine` if they are not there."""
    try:
        return resolve(ENGINES, name, "engine")
    except ModuleNotFoundError as missing:
        package, called, extra = NEEDED.get(name, ("", "", ""))
        if missing.name != package:
            raise
        raise NoEngine(
            f"--engine {name} is {called}, and that is not installed; pip install -e '.[{extra}]'."
        ) from None

"""What the tests of our games under other projects' interfaces share: every game of the table, and the toys."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from envs import kernels
from envs.adapters.gymnasium import names
from envs.game import Game, Rows
from envs.registry import game
from tests.envs import toys

SPECS = [*sorted(names().values()), *toys.ALL]
MOST = 40
"""Moves of ours in a game, where all of it would take long."""


def name_of(spec: str | Game) -> str:
    return spec if isinstance(spec, str) else spec.name


every_game = pytest.mark.parametrize("spec", SPECS, ids=name_of)


def rules_of(spec: str | Game) -> Game:
    return game(spec) if isinstance(spec, str) else spec


def pick(rules: Game, mask: NDArray[Any] | None, generator: np.random.Generator, lanes: int | None = None) -> Any:
    """Evenly drawn actions [B], or one action for lanes=None."""
    if mask is None:
        low, high = np.array(rules.controls, np.float32).T
        return generator.uniform(low, high, (*(() if lanes is None else (lanes,)), len(low))).astype(np.float32)
    return np.argmax(mask * (1.0 + generator.random(mask.shape)), axis=-1)


def seen(rules: Game, row: Rows, seat: int) -> NDArray[np.float32]:
    row = row.copy()
    row["seat"] = seat
    return kernels.view(rules, row).obs[0]

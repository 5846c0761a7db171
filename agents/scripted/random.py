"""Random: an evenly drawn legal move; the zero of every rating scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.agent import Decision, Memory, pick_legal
from envs.game import Game, View


class Random:
    """Plays any game, badly."""

    name = "random"

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        return {"rng": seeds.copy()}

    def act(self, view: View, memory: Memory) -> Decision:
        rng = memory["rng"].copy()
        return Decision(pick_legal(view.legal, rng), {"rng": rng})

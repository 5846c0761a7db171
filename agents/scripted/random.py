"""Random: an evenly drawn legal action; the zero of every rating scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.agent import Decision, Memory
from envs.game import Game, View
from envs.kernels import pick_legal, uniform


class Random:
    """Plays any game, badly."""

    name = "random"

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        return {"rng": seeds.copy()}

    def act(self, view: View, memory: Memory) -> Decision:
        rng = memory["rng"].copy()
        if view.game.controls:
            low, high = np.array(view.game.controls, np.float32).T
            drawn = np.stack([uniform(rng) for _ in low], axis=1).astype(np.float32)
            return Decision((low + (high - low) * drawn).clip(low, high), {"rng": rng})
        return Decision(pick_legal(view.legal, rng), {"rng": rng})

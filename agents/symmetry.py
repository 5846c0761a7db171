"""Asking a network about a position and all its mirror images, and taking the mean of the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from envs.game import Game

if TYPE_CHECKING:
    from agents.search.search import Evaluate


class Symmetric:
    """An evaluator whose answers turn with the board, made of one whose answers need not.

    Every evaluation costs as many positions as the game has symmetries, the identity included.
    """

    def __init__(self, evaluate: Evaluate, game: Game) -> None:
        self.evaluate = evaluate
        self.cells = [symmetry.cells for symmetry in game.symmetries]
        self.moves = [symmetry.actions for symmetry in game.symmetries]

    def __call__(self, obs: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        count, images = len(obs), 1 + len(self.cells)
        flat = obs.reshape(*obs.shape[:2], -1)
        turned = [obs, *(flat[:, :, cells].reshape(obs.shape) for cells in self.cells)]
        logits, values = self.evaluate(np.concatenate(turned))
        total = logits[:count].copy()
        for i, moves in enumerate(self.moves, 1):
            total[:, moves] += logits[i * count : (i + 1) * count]
        return total / np.float32(images), values.reshape(images, count).mean(0)

"""Runs of a few rounds, and what their weights come to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from agents.networks import Weights
from arena.train import Trainer

ROUNDS = 4


def digest(weights: Weights) -> str:
    """What is the same of two lots of weights only if all their bytes are."""
    return hashlib.sha256(b"".join(value.tobytes() for value in weights.values())).hexdigest()


def trained(trainer: Trainer, first: int = 0, between: Callable[[], object] | None = None) -> Weights:
    """The weights after all rounds from `first` on, with something done in the midst of the second."""
    trainer.begin()
    for i in range(first, ROUNDS):
        trainer.round(i / ROUNDS, between if i == 1 else None)
    trainer.close()
    return trainer.learner.weights()


def run(trainer: Trainer, first: int = 0, between: Callable[[], object] | None = None) -> str:
    """Their digest."""
    return digest(trained(trainer, first, between))

"""A network's raw policy as an agent: one look at the position, no search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.agent import Decision, Memory, Unable, pick_weighted
from envs.game import Game, View


@dataclass
class NetworkAgent:
    """Plays the move that the network likes best or, at a temperature above 0, draws one by its policy.

    evaluate     observations [B, *shape] -> (logits [B, A], values [B]); an `agents.inference.Evaluator`
    temperature  1 draws by the policy itself, less is bolder, 0 always takes the likeliest
    """

    evaluate: Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]
    game: Game
    name: str
    temperature: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature < float("inf"):
            raise ValueError(f"A temperature is a number of at least 0, not {self.temperature}.")

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        if game.name != self.game.name:
            raise Unable(f"{self.name} was trained for {self.game.name} and cannot play {game.name}.")
        return {"rng": seeds.copy()}

    def act(self, view: View, memory: Memory) -> Decision:
        logits, value = self.evaluate(view.obs)
        prior = masked_softmax(logits, view.legal)
        rng = memory["rng"].copy()
        if self.temperature == 0.0:
            action = np.where(view.legal, logits, -np.inf).argmax(1)
            policy = np.zeros_like(prior)
            policy[np.arange(len(action)), action] = 1.0
        else:
            policy = masked_softmax(logits / np.float32(self.temperature), view.legal)
            action = pick_weighted(policy, rng)
        return Decision(action, {"rng": rng}, {"value": value, "policy": policy, "prior": prior})


def masked_softmax(logits: NDArray[np.float32], legal: NDArray[np.bool_]) -> NDArray[np.float32]:
    """[B, A] probabilities of the legal actions, the others 0; at least one action a row is legal."""
    kept = np.where(legal, logits, -np.inf)
    odds = np.exp(kept - kept.max(1, keepdims=True))
    return (odds / odds.sum(1, keepdims=True)).astype(np.float32)

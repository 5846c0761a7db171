"""Network plus search: the agent that AlphaGo Zero is (Silver et al. 2017)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.agent import Decision, Memory, Unable, require_open
from agents.search.search import Evaluate, Search, search
from envs.game import Game, View

CONTINUED = 8
"""Moves of each continuation that viewers are given."""


class SearchAgent:
    """Plays the move that search thinks best; `settings` without noise make it as strong as it gets."""

    def __init__(self, evaluate: Evaluate, game: Game, *, name: str, settings: Search | None = None) -> None:
        self.settings = settings or Search(simulations=600)
        if self.settings.simulations < 1:
            raise ValueError("A search needs at least one simulation; sims=0 asks for the raw policy instead.")
        require_open(name, game)
        self.evaluate = evaluate
        self.game = game
        self.name = name

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        if game.name != self.game.name:
            raise Unable(f"{self.name} was trained for {self.game.name} and cannot play {game.name}.")
        return {"rng": seeds.copy()}

    def act(self, view: View, memory: Memory) -> Decision:
        assert view.rows is not None
        rng = memory["rng"].copy()
        found = search(self.game, view.rows, self.evaluate, self.settings, rng, depth=CONTINUED)
        extra = {
            "value": found.value,
            "policy": found.policy,
            "visits": found.visits,
            "prior": found.prior,
            "q": found.q,
            "proven": found.proven,
            "pv": found.continuations,
        }
        return Decision(found.best, {"rng": rng}, extra)

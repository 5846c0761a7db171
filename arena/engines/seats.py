"""Who sits at the other seats while somebody else's loop trains one: as in our own rollouts, drawn for each game."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from agents.actor import Actor, ActorAgent
from agents.agent import Agent, Decision, Memory, part_of, put, take
from agents.networks import Network, Weights
from agents.opponents import PAST, SELF, Past
from agents.play import check, player_seeds
from agents.registry import agent
from agents.rollouts import RolloutSettings
from envs import kernels
from envs.game import Game, View
from envs.kernels import pick_legal

WHO = "who"


class Seats:
    """An agent that is one of several, drawn evenly for each game: what `RolloutSettings.opponents` names.

    "self" = the newest weights that were loaded, "past" = one of those put aside before; anything else is a spec.
    """

    name = "seats"

    def __init__(self, network: Network, settings: RolloutSettings) -> None:
        self.now: list[Actor] = []
        self.past = Past(network, settings.past_every, settings.past_kept if PAST in settings.opponents else 0)
        self.choices: list[tuple[int, ...]] = []
        self.agents: list[Agent] = []
        for spec in settings.opponents:
            if spec == SELF:
                self.now = [Actor(network)]
                fresh: Sequence[Agent] = [ActorAgent(self.now[0], SELF, 1.0)]
            elif spec == PAST:
                fresh = self.past.agents()
            else:
                fresh = [agent(spec)]
            self.choices.append(tuple(range(len(self.agents), len(self.agents) + len(fresh))))
            self.agents += fresh

    def load(self, arrays: Weights) -> None:
        """Takes the learner's newest weights."""
        for actor in self.now:
            actor.load(arrays)
        self.past.load(arrays)

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        rng = seeds.copy()
        spec = pick_legal(np.ones((len(seeds), len(self.choices)), np.bool_), rng)
        who = np.zeros(len(seeds), np.int64)
        for i, among in enumerate(self.choices):
            lanes = np.flatnonzero(spec == i)
            drawn = rng[lanes]
            who[lanes] = among[0] + pick_legal(np.ones((len(lanes), len(among)), np.bool_), drawn)
        memory = {WHO: who}
        for i, one in enumerate(self.agents):
            memory |= {f"{i}.{key}": value for key, value in one.begin(game, player_seeds(seeds, i + 1)).items()}
        return memory

    def act(self, view: View, memory: Memory) -> Decision:
        kept = {key: value.copy() for key, value in memory.items()}
        actions = kernels.no_actions(view.game, len(view.obs))
        for i, one in enumerate(self.agents):
            lanes = np.flatnonzero(memory[WHO] == i)
            if not len(lanes):
                continue
            seen = part_of(view, lanes)
            decision = one.act(seen, take(_own(memory, i), lanes))
            check(one, seen, decision.action)
            put(_own(kept, i), lanes, decision.memory)
            actions[lanes] = decision.action
        return Decision(actions, kept)


def _own(memory: Mapping[str, NDArray], i: int) -> Memory:
    """What agent i remembers, the arrays themselves."""
    prefix = f"{i}."
    return {key[len(prefix) :]: value for key, value in memory.items() if key.startswith(prefix)}


def seats(network: Network, settings: RolloutSettings) -> Seats | None:
    """Who plays the other seats of the network's game; None where nobody does, or all move evenly at random."""
    game = network.game
    return None if game.seats == 1 or settings.opponents == ("random",) else Seats(network, settings)


def always_legal(game: Game) -> bool:
    """Whether no action was barred in 32 games at random, for up to 256 plies each."""
    if game.controls:
        return True
    rows = kernels.new_rows(game, kernels.seeds(0, 32))
    for _ in range(256):
        going = ~rows["done"]
        if not going.any():
            break
        if not kernels.legal_mask(game, rows)[going].all():
            return False
        kernels.random_rows(game, rows, 1)
    return True

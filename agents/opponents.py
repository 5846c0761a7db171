"""Who sits at the seats that a learner does not play: itself, what it was earlier, or any agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.actor import Actor, ActorAgent
from agents.agent import Agent, Memory, put, take
from agents.networks import Network, Weights
from agents.play import check, player_seeds
from agents.registry import agent
from envs import kernels
from envs.game import Game, Rows

SELF, PAST = "self", "past"


def moved(
    game: Game,
    agents: Sequence[Agent],
    memories: Sequence[Memory],
    rows: Rows,
    player: NDArray[np.int64],
    actions: NDArray[Any],
) -> None:
    """Writes the moves of the lanes in which player [B] > 0 is to move: agents[player - 1] chooses, and remembers."""
    for i, one in enumerate(agents):
        lanes = np.flatnonzero(player == i + 1)
        if len(lanes):
            view = kernels.view(game, rows[lanes])
            decision = one.act(view, take(memories[i], lanes))
            check(one, view, decision.action)
            put(memories[i], lanes, decision.memory)
            actions[lanes] = decision.action


class Past:
    """A learner as it was: the `kept` newest of its weights that were put aside, one of every `every` that came in."""

    def __init__(self, network: Network, every: int, kept: int) -> None:
        self.every, self.loads = every, 0
        self.actors = [Actor(network) for _ in range(kept)]

    def agents(self) -> list[Agent]:
        """One that plays by each of them."""
        return [ActorAgent(actor, f"{PAST}-{i}", 1.0) for i, actor in enumerate(self.actors)]

    def load(self, arrays: Weights) -> None:
        """Puts new weights aside when it is time to, in place of the oldest; the first stand in for all."""
        if self.actors:
            for actor in self.actors if self.loads == 0 else ():
                actor.load(arrays)
            if self.loads % self.every == 0:
                self.actors[(self.loads // self.every) % len(self.actors)].load(arrays)
        self.loads += 1


class Opponents:
    """The agents at the other seats of B games, and what they remember.

    specs    of whom an opponent is drawn, evenly, for each game: "self" = the learner sits at all seats, "past" = one
             of the `kept` newest of the learner's earlier weights, or an agent's spec
    every    how many times new weights come in before some are put aside for "past"
    seating  [B, seats] who sits where: 0 = the learner, i = `agents[i - 1]`
    """

    def __init__(self, network: Network, specs: Sequence[str], lanes: int, every: int, kept: int) -> None:
        self.game, self.specs = network.game, tuple(specs)
        self.agents: list[Agent] = [agent(spec) for spec in specs if spec not in (SELF, PAST)]
        self.past = Past(network, every, kept if PAST in specs else 0)
        self.agents += self.past.agents()
        self.seating = np.zeros((lanes, self.game.seats), np.int64)
        self.memories: list[Memory] = [one.begin(self.game, np.zeros(lanes, np.uint64)) for one in self.agents]

    def load(self, arrays: Weights) -> None:
        """Takes the learner's new weights, to be met again when they are old."""
        self.past.load(arrays)

    def sit(self, lanes: NDArray[np.int64], seeds: NDArray[np.uint64], generator: np.random.Generator) -> None:
        """Seats everybody for new games in some lanes."""
        self.seating[lanes] = 0
        if not self.agents:
            return
        others = len(self.agents) - len(self.past.actors)
        named = [spec for spec in self.specs if spec not in (SELF, PAST)]
        for lane in lanes:
            spec = self.specs[generator.integers(len(self.specs))]
            if spec == SELF:
                continue
            who = others + generator.integers(len(self.past.actors)) if spec == PAST else named.index(spec)
            self.seating[lane] = 1 + who
            self.seating[lane, generator.integers(self.game.seats)] = 0
        for i, one in enumerate(self.agents):
            put(self.memories[i], lanes, one.begin(self.game, player_seeds(seeds, i + 1)))

    def act(self, rows: Rows, player: NDArray[np.int64], actions: NDArray[Any]) -> None:
        """Writes the moves of the lanes in which player [B] > 0 is to move."""
        moved(self.game, self.agents, self.memories, rows, player, actions)

    def state(self) -> dict[str, Any]:
        memories = [dict(memory) for memory in self.memories]
        past = [dict(actor.network.state_dict()) for actor in self.past.actors]
        return {"seating": self.seating, "memories": memories, "past": past, "loads": self.past.loads}

    def restore(self, state: Mapping[str, Any], kept: int) -> None:
        """Takes over the first `kept` lanes of what `state` gave."""
        self.seating[:kept] = state["seating"][:kept]
        for memory, was in zip(self.memories, state["memories"], strict=True):
            put(memory, np.arange(kept), {name: array[:kept] for name, array in was.items()})
        for actor, was in zip(self.past.actors, state["past"], strict=True):
            actor.network.load_state_dict(was)
        self.past.loads = int(state["loads"])

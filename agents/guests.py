"""Guests: named agents that a league seats at the games in which a learner gathers its experience.

Who sits where is known by name, so that the list may change from one round to the next while games go on: who is still
in a game stays until it is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from agents.agent import Agent, Memory, put
from agents.networks import Weights
from agents.opponents import moved
from agents.play import player_seeds
from envs.game import Game, Rows

ITSELF = ""
"""In a list of guests: the learner sits at all seats."""


@runtime_checkable
class Host(Protocol):
    """A player (`agents.learn.learner.Player`) whose games can have guests."""

    @property
    def guests(self) -> Guests | None:
        """Who they are; None as long as nobody was invited."""
        ...

    def invite(self, agents: Mapping[str, Agent], drawn: Sequence[str]) -> None:
        """Seats guests at new games from now on; only the learner's own moves are learned from."""
        ...


class Guests:
    """The agents at the other seats of B games, by name, and what they remember.

    names    of the guests there are; guest i is player i + 1 in `seating`
    seating  [B, seats] who sits where: 0 = the learner
    """

    def __init__(self, game: Game, lanes: int) -> None:
        self.game = game
        self.names: list[str] = []
        self.agents: list[Agent] = []
        self.memories: list[Memory] = []
        self.drawn: tuple[str, ...] = (ITSELF,)
        self.seating = np.zeros((lanes, game.seats), np.int64)
        self.fresh = True

    def invite(self, agents: Mapping[str, Agent], drawn: Sequence[str]) -> NDArray[np.int64]:
        """Takes over who there is, and of whom a guest is drawn, evenly, for each new game; `ITSELF` for none.

        Returns the lanes whose games cannot go on, as one of their guests is no more; the first time, all of them.
        """
        lanes = len(self.seating)
        was = dict(zip(self.names, self.memories, strict=True))
        kept = [name for name in self.seated() if name in agents]
        names = list(dict.fromkeys([*kept, *(name for name in drawn if name != ITSELF)]))
        place = {name: i + 1 for i, name in enumerate(names)}
        moved = np.array([0, *(place.get(name, -1) for name in self.names)], np.int64)
        self.seating = moved[self.seating]
        gone = np.arange(lanes) if self.fresh else np.flatnonzero((self.seating < 0).any(1))
        self.names, self.agents, self.fresh = names, [agents[name] for name in names], False
        nothing = np.zeros(lanes, np.uint64)
        self.memories = [
            was[name] if name in was else one.begin(self.game, nothing)
            for name, one in zip(names, self.agents, strict=True)
        ]
        self.drawn = tuple(drawn)
        return gone

    def seated(self) -> list[str]:
        """Who is in a game that goes on."""
        here = np.unique(self.seating)
        return [name for i, name in enumerate(self.names) if i + 1 in here]

    def load(self, arrays: Weights) -> None:
        """The learner's new weights, which are no matter of its guests."""

    def sit(self, lanes: NDArray[np.int64], seeds: NDArray[np.uint64], generator: np.random.Generator) -> None:
        """Seats everybody for new games in some lanes: the learner at one seat, evenly drawn, a guest at the others."""
        self.seating[lanes] = 0
        for lane in lanes:
            name = self.drawn[generator.integers(len(self.drawn))]
            if name != ITSELF:
                self.seating[lane] = 1 + self.names.index(name)
                self.seating[lane, generator.integers(self.game.seats)] = 0
        for i, one in enumerate(self.agents):
            put(self.memories[i], lanes, one.begin(self.game, player_seeds(seeds, i + 1)))

    def require_agents(self) -> None:
        """Raises RuntimeError where a restored state has told who sits in its games, and nobody has invited them."""
        if len(self.agents) < len(self.names):
            who = ", ".join(self.names)
            raise RuntimeError(f"{who} sit in games that were restored; invite them before these go on.")

    def act(self, rows: Rows, player: NDArray[np.int64], actions: NDArray[Any]) -> None:
        """Writes the moves of the lanes in which player [B] > 0 is to move."""
        self.require_agents()
        moved(self.game, self.agents, self.memories, rows, player, actions)

    def at(self, players: Sequence[int]) -> list[str]:
        """The names at the seats of a game, by its row of `seating`; `ITSELF` for the learner."""
        return [ITSELF if player == 0 else self.names[player - 1] for player in players]

    def state(self) -> dict[str, Any]:
        """What the games under way depend on, the agents aside."""
        names = self.seated()
        place = {name: i + 1 for i, name in enumerate(names)}
        moved = np.array([0, *(place.get(name, -1) for name in self.names)], np.int64)
        memories = [dict(self.memories[self.names.index(name)]) for name in names]
        return {"guests": names, "seating": moved[self.seating], "memories": memories, "fresh": self.fresh}

    def restore(self, state: Mapping[str, Any], kept: int) -> None:
        """Takes over the first `kept` lanes of what `state` gave; the agents come with the next `invite`."""
        lanes = len(self.seating)
        self.names, self.fresh = list(state["guests"]), bool(state["fresh"])
        self.agents = []
        self.seating[:] = 0
        self.seating[:kept] = state["seating"][:kept]
        self.memories = []
        for was in state["memories"]:
            memory = {name: np.zeros((lanes, *array.shape[1:]), array.dtype) for name, array in was.items()}
            put(memory, np.arange(kept), {name: array[:kept] for name, array in was.items()})
            self.memories.append(memory)

"""What an agent is: anything that can choose a move, for many games at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from envs.game import Game, View
from envs.kernels import compiled, pick_legal, uniform
from envs.randomness import next_random, unit

Memory: TypeAlias = dict[str, NDArray]
"""What an agent carries from one move of a game to its next, as arrays with a leading lane axis; {} if nothing.

Random streams live here too (`rng`), one a lane, so that no lane depends on its neighbours.
"""


class Forfeit(NamedTuple):
    """Why an agent lost a game other than by the rules: `kind` is one word (late, crash ...), `text` a sentence."""

    kind: str
    text: str


class Decision(NamedTuple):
    """The moves chosen for B games, and what is known of how."""

    action: NDArray[Any]
    """[B] int64, legal; or float32 [B, controls] in games whose actions are vectors."""
    memory: Memory
    """[B, ...], to be given back at the agent's next move of the same games."""
    extra: Mapping[str, NDArray] = {}
    """For viewers and experience, all from the mover's side: value [B], policy [B, A], visits [B, A], prior [B, A],
    q [B, A], proven [B], pv [B, A, depth] = how each move goes on, -1 past the end. Not every agent knows each. Who
    gives a value, policy or prior that is no finite number loses a game that has a referee."""
    forfeits: Mapping[int, Forfeit] = {}
    """Of the B games those that the agent loses at once, and why; any legal move stands there, and is not played."""


class Agent(Protocol):
    """Anything that can enter a league: random, search, network, solver, person or program."""

    name: str

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        """The memory of new games, one lane a seed; raises ValueError if the agent cannot play `game`."""
        ...

    def act(self, view: View, memory: Memory) -> Decision:
        """Chooses a move in each of B games; `memory` holds the same B lanes in the same order."""
        ...


@runtime_checkable
class Closing(Protocol):
    """An agent that holds on to something between its games: a program that runs, a connection."""

    def close(self) -> None:
        """Lets go of it; the next game takes hold of it anew."""
        ...


def close(agent: Agent) -> None:
    """Has an agent let go of what it holds, if it holds anything: a program must not think on while others play."""
    if isinstance(agent, Closing):
        agent.close()


class Illegal(ValueError):
    """An agent chose what is no move; the text names the agent and the choice."""


class Unable(ValueError):
    """An agent was asked for something it cannot do; the text says what, and what to use instead."""


def require_open(agent: str, game: Game) -> None:
    """Refuses games in which a position may not be looked into, or that two seats in turn do not win, draw or lose."""
    for trait in ("hidden", "chance", "simultaneous", "foreign", "controls"):
        if getattr(game, trait):
            raise Unable(f"{agent} looks ahead in the position, which {game.name} ({trait}) does not allow.")
    if game.seats != 2:
        raise Unable(f"{agent} plays games of two seats, and {game.name} has {game.seats}.")
    if game.pays != "result":
        raise Unable(f"{agent} looks ahead for a win, a draw or a loss, and {game.name} pays other amounts.")


@compiled
def _pick_weighted(weights: NDArray[np.float64], rng: NDArray[np.uint64], out: NDArray[np.int64]) -> None:
    for i in range(weights.shape[0]):
        total = weights[i].sum()
        mark = unit(next_random(rng, i)) * total
        chosen = -1
        for a in range(weights.shape[1]):
            if weights[i, a] > 0.0:
                chosen = a
                mark -= weights[i, a]
                if mark < 0.0:
                    break
        out[i] = chosen


def pick_weighted(weights: NDArray[np.floating], rng: NDArray[np.uint64]) -> NDArray[np.int64]:
    """[B] an index of each row, drawn in proportion to weights [B, A] >= 0; rng [B] moves on."""
    out = np.empty(len(weights), np.int64)
    _pick_weighted(np.ascontiguousarray(weights, np.float64), rng, out)
    return out


def take(memory: Memory, lanes: NDArray[np.int64]) -> Memory:
    """The memory of some lanes."""
    return {key: value[lanes] for key, value in memory.items()}


def put(memory: Memory, lanes: NDArray[np.int64], part: Memory) -> None:
    """Writes the memory of some lanes back."""
    for key, value in part.items():
        memory[key][lanes] = value


def part_of(view: View, lanes: NDArray[np.int64]) -> View:
    """What some lanes [b] of a view see, in the order of `lanes`."""
    text = view.text
    return view._replace(
        obs=view.obs[lanes],
        legal=view.legal[lanes],
        rows=None if view.rows is None else view.rows[lanes],
        seat=view.seat[lanes],
        keys=None if view.keys is None else view.keys[lanes],
        moves=None if view.moves is None else [view.moves[lane] for lane in lanes.tolist()],
        text=None if text is None else lambda lane: text(int(lanes[lane])),
    )


@dataclass
class EpsilonGreedy:
    """Another agent, but for an evenly drawn legal move with probability epsilon; `name` is made up if it is empty."""

    agent: Agent
    epsilon: float
    name: str = ""

    def __post_init__(self) -> None:
        if not 0.0 <= self.epsilon <= 1.0:
            raise ValueError(f"epsilon is a probability between 0 and 1, not {self.epsilon}.")
        self.name = self.name or f"{self.agent.name}+epsilon={self.epsilon:g}"

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        if game.controls:
            raise Unable(f"{self.name} strays among moves, and in {game.name} actions are vectors; leave epsilon out.")
        inner = self.agent.begin(game, seeds)
        return {**{f"inner.{key}": value for key, value in inner.items()}, "rng": seeds ^ np.uint64(0xE5)}

    def act(self, view: View, memory: Memory) -> Decision:
        prefix = "inner."
        inner = {key[len(prefix) :]: value for key, value in memory.items() if key.startswith(prefix)}
        decision = self.agent.act(view, inner)
        rng = memory["rng"].copy()
        stray = uniform(rng) < self.epsilon
        action = np.where(stray, pick_legal(view.legal, rng), decision.action)
        kept: Memory = {**{prefix + key: value for key, value in decision.memory.items()}, "rng": rng}
        extra = dict(decision.extra)
        if "policy" in extra:
            even = view.legal / view.legal.sum(axis=1, keepdims=True)
            extra["policy"] = (1.0 - self.epsilon) * extra["policy"] + self.epsilon * even
        return Decision(action, kept, extra, decision.forfeits)

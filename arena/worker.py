"""A worker: plays to make experience, and plays rating games; a plain class that `cluster` may put on Ray."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from arena.terms import FREE, Terms
from envs.registry import game, resolve

if TYPE_CHECKING:
    from agents.agent import Agent
    from agents.experience import Columns
    from agents.learn.learner import Player
    from agents.networks import Weights
    from agents.play import Finished
    from leagues.schedule import Pairing


PLACED = ("rollouts", "groups", "pairs")
"""Players whose networks may be elsewhere than on the CPU."""


@dataclass(frozen=True)
class Order:
    """Everything a worker is made from; small, so that it can be made again at any time.

    stream   sets its games apart from those of all other workers that the run ever had
    playing  settings of the algorithm's player
    """

    stream: int
    seed: int
    game: str
    algorithm: str
    backbone: str
    heads: tuple[str, ...]
    playing: Any
    backend: str = "auto"
    device: str = "cpu"
    half: bool = False
    """Whether a network that plays rollouts computes in bfloat16."""


class Chunk(NamedTuple):
    """One round's experience from one worker, and where that worker stands after it."""

    columns: Columns
    games: list[Finished]
    state: Mapping[str, Any]
    version: int
    """Of the weights that played: how many rounds were over when they were given out."""
    stream: int
    """Of the worker's games: they are numbered within it."""
    evaluations: int
    seconds: float


@dataclass(frozen=True)
class Meeting:
    """Rating games to be played: pairings of members' names, and the spec of each name."""

    pairings: tuple[Pairing, ...]
    specs: Mapping[str, str] = field(default_factory=dict)
    opening_plies: int = 4
    book: tuple[tuple[int, ...], ...] = ()
    """Openings to choose among, instead of random moves."""
    terms: Terms = FREE


class Worker:
    """Play that runs on from round to round, and matches in between.

    Its parts are made on first use, so that what is wrong with them is raised by a call, wherever the worker lives.
    """

    def __init__(self, order: Order, state: Mapping[str, Any] | None = None) -> None:
        self.order = order
        self._state = state

    @cached_property
    def player(self) -> Player:
        """What gathers the algorithm's experience, on one core."""
        from agents.networks import Network
        from agents.placed import Placed
        from agents.registry import ALGORITHMS, PLAYERS

        order = self.order
        name = resolve(ALGORITHMS, order.algorithm, "algorithm").player
        kind = resolve(PLAYERS, name, "player")
        seed = int(np.random.SeedSequence([order.seed, order.stream]).generate_state(1)[0])
        network = Network(game(order.game), order.backbone, order.heads)
        half = order.half and name == "rollouts"
        if (half or order.device != "cpu") and name in PLACED:
            network = Placed(network.game, order.backbone, order.heads, device=order.device, half=half)
        player: Player = kind.of(network, order.playing, seed, order.backend)
        if self._state is not None:
            player.restore(self._state)
            self._state = None
        gc.freeze()  # as `Trainer.begin`, in a process of its own perhaps
        return player

    def ready(self) -> str:
        """Makes whatever play needs; returns which inference backend was taken."""
        return self.player.backend

    def face(self, spec: str) -> None:
        """Seats an agent at all but one seat of every game from now on (`agents.guests`)."""
        from agents.guests import Host

        player = self.player
        assert isinstance(player, Host)
        player.invite({spec: cached_agent(spec)}, [spec])

    def collect(self, weights: Weights, version: int, positions: int) -> Chunk:
        """Plays with these weights until there are so many positions to learn from."""
        player = self.player
        begun, before = time.monotonic(), player.evaluations
        player.load(weights)
        columns, games = player.collect(positions)
        evaluations, seconds = player.evaluations - before, time.monotonic() - begun
        return Chunk(columns, games, player.state(), version, self.order.stream, evaluations, seconds)

    def meet(self, meeting: Meeting) -> list[tuple[Pairing, Finished]]:
        """Plays rating games, all at once."""
        return play_pairings(self.order.game, meeting)


def play_pairings(
    game_spec: str, meeting: Meeting, on_ply: Callable[[int, int], None] | None = None
) -> list[tuple[Pairing, Finished]]:
    """Plays all games of a meeting side by side; both games of a pair begin with the same random moves.

    A game's length of opening and its players' random streams follow from its pairing alone. `on_ply` as in
    `agents.play.play_games`.
    """
    from agents.agent import close
    from agents.play import play_games

    rules = game(game_spec)
    names = sorted({name for p in meeting.pairings for name in (p.first, p.second)})
    specs = [meeting.specs.get(name, name) for name in names]
    players = [meeting.terms.bound(cached_agent(spec), spec) for spec in specs]
    seating = np.array([[names.index(p.first), names.index(p.second)] for p in meeting.pairings])
    openings = np.array([p.opening for p in meeting.pairings], np.uint64)
    plies = np.array([p.opening % (meeting.opening_plies + 1) for p in meeting.pairings])
    seeds = np.array([int(p.id[:15], 16) for p in meeting.pairings], np.uint64)
    how: dict[str, Any] = {"opening_plies": plies, "opening_seeds": openings}
    if meeting.book:
        how = {"openings": [meeting.book[p.opening % len(meeting.book)] for p in meeting.pairings]}
    try:
        judge = meeting.terms.judge(rules)
        finished = play_games(rules, players, seating, seeds, **how, on_ply=on_ply, referee=True, judge=judge)
    finally:
        for player in players:
            close(player)
    return list(zip(meeting.pairings, finished, strict=True))


@lru_cache(maxsize=16)
def cached_agent(spec: str) -> Agent:
    """An agent, kept ready for its next match."""
    from agents.registry import agent

    return agent(spec)


def shares(items: Sequence[Any], count: int) -> list[list[Any]]:
    """Deals items out to `count` workers, pairs of neighbours together."""
    hands: list[list[Any]] = [[] for _ in range(count)]
    for i in range(0, len(items), 2):
        hands[(i // 2) % count].extend(items[i : i + 2])
    return hands

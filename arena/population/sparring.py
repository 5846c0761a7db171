"""A worker of a league of many learners: plays for each of them against whom it is told, and plays rating games."""

from __future__ import annotations

import gc
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from arena.worker import PLACED, Meeting, play_pairings
from envs.registry import game, resolve

if TYPE_CHECKING:
    from agents.agent import Agent
    from agents.experience import Columns
    from agents.learn.learner import Player
    from agents.networks import Network, Weights
    from agents.play import Finished
    from leagues.schedule import Pairing

READY = 32
"""Guests that a worker keeps ready to play, or as many as one learner meets in a round."""


@dataclass(frozen=True)
class Recipe:
    """How a learner's network is made, and how it gathers experience; its snapshots are made alike.

    playing  settings of the algorithm's player
    """

    algorithm: str
    backbone: str
    heads: tuple[str, ...]
    playing: Any


@dataclass(frozen=True)
class SparringOrder:
    """Everything such a worker is made from; small, so that it can be made again at any time."""

    stream: int
    seed: int
    game: str
    recipes: Mapping[str, Recipe]
    """By learner, in the league's order."""
    backend: str = "auto"
    device: str = "cpu"
    """Of networks that play rollouts, their own learner's or a guest's."""


class Bout(NamedTuple):
    """What one learner plays in one round."""

    learner: str
    drawn: tuple[str, ...]
    """Of whom a guest is drawn, evenly, for each new game; `agents.guests.ITSELF` for the learner at all seats."""
    guests: tuple[tuple[str, str, bool], ...]
    """(name, the learner by whose recipe it is made, whether it is frozen) of all that may sit there."""
    positions: int


class Sparred(NamedTuple):
    """One round's experience of one learner from one worker, and where its games stand after it."""

    columns: Columns
    games: list[Finished]
    seats: list[tuple[str, ...]]
    """Who sat at the seats of each game; `agents.guests.ITSELF` for the learner."""
    state: Mapping[str, Any]
    seated: tuple[str, ...]
    """Who is in a game that goes on."""
    evaluations: int
    seconds: float


class Sparring:
    """Play for several learners, each in games of its own that run on from round to round."""

    def __init__(self, order: SparringOrder, state: Mapping[str, Any] | None = None) -> None:
        self.order = order
        self._states = dict(state or {})
        self._players: dict[str, Player] = {}
        self._ready: OrderedDict[str, Visitor] = OrderedDict()

    def player(self, learner: str) -> Player:
        """What gathers a learner's experience here."""
        if learner not in self._players:
            from agents.registry import ALGORITHMS, PLAYERS

            order, recipe = self.order, self.order.recipes[learner]
            kind = resolve(PLAYERS, resolve(ALGORITHMS, recipe.algorithm, "algorithm").player, "player")
            place = list(order.recipes).index(learner)
            seed = int(np.random.SeedSequence([order.seed, order.stream, place, 5]).generate_state(1)[0])
            network = network_of(order, recipe)
            player: Player = kind.of(network, recipe.playing, seed, order.backend)
            state = self._states.pop(learner, None)
            if state is not None:
                player.restore(state)
            self._players[learner] = player
            gc.freeze()  # as `arena.train.Trainer.begin`, in a process of its own perhaps
        return self._players[learner]

    def ready(self) -> str:
        """Makes whatever play needs; returns which inference backends were taken."""
        return ", ".join(sorted({self.player(learner).backend for learner in self.order.recipes}))

    def spar(self, bout: Bout, own: Weights, *weights: Weights) -> Sparred:
        """Plays for a learner with its own weights, and those of its guests in their order."""
        from agents.guests import Host

        begun, player = time.monotonic(), self.player(bout.learner)
        before = player.evaluations
        player.load(own)
        coming = {name for name, _, _ in bout.guests}
        guests = {
            name: self._guest(name, recipe, arrays, frozen, coming)
            for (name, recipe, frozen), arrays in zip(bout.guests, weights, strict=True)
        }
        assert isinstance(player, Host)  # `LeaguePlan` refuses learners whose player is none
        player.invite(guests, bout.drawn)
        columns, games = player.collect(bout.positions)
        present = player.guests
        assert present is not None
        seats = [tuple(present.at(finished.players)) for finished in games]
        evaluations, seconds = player.evaluations - before, time.monotonic() - begun
        return Sparred(columns, games, seats, player.state(), tuple(present.seated()), evaluations, seconds)

    def meet(self, meeting: Meeting) -> list[tuple[Pairing, Finished]]:
        """Plays rating games, all at once."""
        return play_pairings(self.order.game, meeting)

    def _guest(self, name: str, recipe: str, arrays: Weights, frozen: bool, coming: Set[str]) -> Agent:
        """A member as an agent with these weights; who was here lately is kept, and one that learns given new ones."""
        if name not in self._ready:
            self._ready[name] = self._newcomer(name, self.order.recipes[recipe], coming)
            self._ready[name].load(arrays)
        elif not frozen:
            self._ready[name].load(arrays)
        self._ready.move_to_end(name)
        return self._ready[name].agent

    def _newcomer(self, name: str, recipe: Recipe, coming: Set[str]) -> Visitor:
        """An agent for who was not here lately; to make one takes longer than to load weights into another's.

        So once there are enough it is that of who has been away for longest, as far as it was made alike.
        """
        away = [other for other in self._ready if other not in coming] if len(self._ready) >= READY else []
        for other in away:
            if self._ready[other].recipe == recipe:
                found = self._ready.pop(other)
                found.agent.name = name
                return found
        if away:
            del self._ready[away[0]]
        return visitor(self.order, name, recipe)


def network_of(order: SparringOrder, recipe: Recipe) -> Network:
    """A member's network, where it is to play."""
    from agents.networks import Network
    from agents.placed import Placed
    from agents.registry import ALGORITHMS

    made = game(order.game), recipe.backbone, recipe.heads
    rollouts = resolve(ALGORITHMS, recipe.algorithm, "algorithm").player in PLACED
    return Placed(*made, device=order.device) if rollouts and order.device != "cpu" else Network(*made)


class Visitor(NamedTuple):
    """An agent, how it is given weights, and what it was made by."""

    agent: Agent
    load: Callable[[Weights], None]
    recipe: Recipe


def visitor(order: SparringOrder, name: str, recipe: Recipe) -> Visitor:
    """A member as its opponents meet it: by its policy as it is, or by the search that its own fast moves get."""
    from agents.actor import Actor, ActorAgent
    from agents.inference import evaluator
    from agents.search.agent import SearchAgent
    from agents.self_play import SelfPlay

    network = network_of(order, recipe)
    if isinstance(recipe.playing, SelfPlay):
        how = replace(recipe.playing.search, simulations=recipe.playing.fast_simulations, noise_share=0.0)
        evaluate = evaluator(network.eval(), backend=order.backend)
        return Visitor(SearchAgent(evaluate, network.game, name=name, settings=how), evaluate.load, recipe)
    actor = Actor(network)
    return Visitor(ActorAgent(actor, name, 1.0), actor.load, recipe)

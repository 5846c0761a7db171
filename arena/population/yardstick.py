"""Yardsticks of a league: how far its members are from perfect play, exactly, how diverse they are, and their circles.

Exploitability is exact where the game's whole tree is small; what members that search would play is not asked.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.learn.learner import kept_weights
from agents.self_play import SelfPlay
from arena.population.pace import Pace
from envs.registry import game
from leagues.meta_games import cycle_share, effective_diversity, nash
from leagues.population import Unusable
from leagues.rating import Result, rate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from arena.population.plan import LeaguePlan
    from arena.population.trainers import Trainers
    from leagues.census import Member
    from leagues.population import Weights

MOST_POSITIONS = 200_000
"""Of a tree that is measured while a league goes on."""
SHARE = 0.02
"""Of the time at most, between snapshots, goes into measuring."""
MOST_MEMBERS = 150
"""The payoff table's newest members whose circles are looked for."""

NASH, AVERAGE = "nash of the frozen", "average of the frozen"
"""Mixtures of frozen members: by the meta-game's equilibrium; all of them, the later the more, exploiters aside."""


class Yardstick:
    """Measures a league; what it knows of frozen members it keeps."""

    def __init__(self, plan: LeaguePlan) -> None:
        self.plan = plan
        self.tree = small_tree(plan)
        self._reach: dict[str, NDArray[np.float64]] = {}
        self.pace = Pace(0.0, SHARE)

    def due(self) -> bool:
        """Whether measuring would take no more than its share of the time."""
        return self.tree is not None and self.pace.due()

    def measure(self, trainers: Trainers) -> dict[str, Any]:
        """One point of the league's curves."""
        begun = time.monotonic()
        learners = {
            name: {"steps": p.steps, "games": p.games, "lives": p.lives, "stopped": p.stopped}
            for name, p in trainers.pupils.items()
        }
        point = {
            "exploitability": self._exploitability(trainers),
            "cycles": cycles(trainers),
            "diversity": diversity(trainers),
            "learners": learners,
        }
        self.pace.done(begun)
        return point

    def _exploitability(self, trainers: Trainers) -> dict[str, float]:
        if self.tree is None:
            return {}
        from agents.exact.best_response import exploitability
        from agents.exact.policy import mixture

        found: dict[str, float] = {}
        for name, pupil in trainers.pupils.items():
            kept = pupil.weights if pupil.stopped else kept_weights(pupil.learner)
            reach = self._played(name, kept)[None]
            found[name] = exploitability(self.tree, mixture(self.tree, reach, np.ones(1)))
        frozen = [
            m for m in trainers.census.members if not m.live and m.parent is not None and self._known(m, trainers)
        ]
        if frozen:
            reach = np.stack([self._reach[member.name] for member in frozen])
            wins = trainers.payoff.winrates([member.name for member in frozen])
            weights = np.array([0.0 if "exploiter" in m.role else i + 1.0 for i, m in enumerate(frozen)])
            found[NASH] = exploitability(self.tree, mixture(self.tree, reach, nash(wins - wins.T)))
            if weights.any():
                found[AVERAGE] = exploitability(self.tree, mixture(self.tree, reach, weights))
        return found

    def _known(self, member: Member, trainers: Trainers) -> bool:
        """Whether it is known how a frozen member plays; not so of one whose files are gone since it was last met."""
        if member.name not in self._reach:
            try:
                arrays = trainers.population.weights(member.name)
            except Unusable:
                return False
            self._reach[member.name] = self._played(str(member.parent), arrays)
        return True

    def _played(self, learner: str, weights: Weights) -> NDArray[np.float64]:
        """[S] how probably a member plays each sequence of its own moves."""
        from agents.actor import Actor, ActorAgent
        from agents.exact.policy import policy_of, reached
        from agents.networks import Network

        assert self.tree is not None
        recipe = self.plan.recipes[learner]
        actor = Actor(Network(self.tree.game, recipe.backbone, recipe.heads))
        actor.load(dict(weights))
        agent = ActorAgent(actor, learner, 1.0)
        return reached(self.tree, policy_of(agent, self.tree, believe=actor.kind == "policy"))


def small_tree(plan: LeaguePlan) -> Any:
    """The whole tree of a league's game, if it is small enough and nobody in the league searches; else None."""
    from agents.agent import Unable
    from agents.exact.tree import TooLarge, flatten

    if any(isinstance(recipe.playing, SelfPlay) for recipe in plan.recipes.values()):
        return None
    try:
        return flatten(game(plan.game), MOST_POSITIONS)
    except (Unable, TooLarge):
        return None


def diversity(trainers: Trainers) -> float | None:
    """The effective diversity of who has met somebody; None before two have.

    Two whose games leave open who is better, or who never met, count as even: chance is no diversity.
    """
    payoff = trainers.payoff
    names = payoff.names[-MOST_MEMBERS:]
    names = [names[i] for i in np.flatnonzero((payoff.counts(names) > 0).any(1))]
    if len(names) < 2:
        return None
    score, (low, high) = payoff.winrates(names), payoff.intervals(names)
    decided = (low > 0.5) | (high < 0.5)
    table = np.where(decided, 2 * score - 1, 0.0)
    return effective_diversity((table - table.T) / 2)


def cycles(trainers: Trainers) -> float | None:
    """How much of who beats whom in the payoff table no ranking explains; None before three have met."""
    payoff = trainers.payoff
    names = payoff.names[-MOST_MEMBERS:]
    games, score = payoff.counts(names), payoff.winrates(names)
    met = np.flatnonzero((games > 0).any(1))
    if len(met) < 3:
        return None
    results: dict[Result, float] = {}
    for i in met:
        for j in met[met > i]:
            if games[i, j] > 0:
                results[Result(names[i], names[j], 1.0)] = float(games[i, j] * score[i, j])
                results[Result(names[i], names[j], 0.0)] = float(games[i, j] * (1 - score[i, j]))
    rated = rate({result: count for result, count in results.items() if count > 0}, anchor=None)
    at = [rated.names.index(names[i]) for i in met]
    expected = rated.expectations()[np.ix_(at, at)]
    return cycle_share(score[np.ix_(met, met)], expected, games[np.ix_(met, met)])

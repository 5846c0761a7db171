"""A league of many learners: each plays whom its role gives it, is frozen by its role's rule, and may start anew.

A round: learners whose rule says so are frozen; every learner's opponents are drawn from what its role gives by the
payoff table; the workers play for all of them; outcomes go into the table, and experience to the learners, one after
the other while the workers play for the next. Those that allow it (`Learner.ahead`) learn from a round while the next
one is played, so that a slow learner keeps no worker waiting; and so does the last of the others, whose games of the
next round wait for that alone, while the workers play for the rest. All that the rest follows from is at hand between
two rounds, so a league that was stopped goes on as if it had not been.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from agents.guests import ITSELF
from agents.learn.learner import Learner, Metrics, kept_weights
from agents.networks import Network
from agents.registry import ALGORITHMS
from arena.checkpoint import Damaged
from arena.cluster import Pool, make_pool
from arena.population.plan import LeaguePlan
from arena.population.sparring import Bout, Sparred, Sparring, SparringOrder
from envs.registry import game, resolve
from leagues.breeding import explored, successions
from leagues.census import Census, Member
from leagues.payoff import Payoff
from leagues.population import Population, Unusable, Weights
from leagues.quality import Quality
from leagues.rating import Result
from leagues.roles import Feed, Part, feed
from leagues.snapshots import Verdict, checkpoint, verdict

if TYPE_CHECKING:
    from agents.experience import Columns
    from agents.play import Finished


@dataclass
class Pupil:
    """A learner in the league.

    settings  of its algorithm, which breeding changes
    before    steps that it made before it last started anew
    frozen    its steps in all when it was last frozen
    lives     how often it started anew
    stopped   why it learns no more; "" while it does
    seconds   that workers played for it in this start
    waiting   experience of the last round, which it learns from while the next one is played
    """

    member: Member
    learner: Learner
    weights: Weights
    settings: Any
    before: int = 0
    frozen: int = 0
    lives: int = 0
    stopped: str = ""
    metrics: Metrics = field(default_factory=dict)
    fed: Feed | None = None
    verdict: Verdict | None = None
    games: int = 0
    seconds: float = 0.0
    waiting: Columns | None = None

    @property
    def steps(self) -> int:
        """In all its lives."""
        return self.before + self.learner.steps


@dataclass
class Turn:
    """What one learner's round brought."""

    name: str
    parts: list[Sparred]
    metrics: Metrics

    @property
    def games(self) -> list[tuple[Finished, tuple[str, ...], int]]:
        """Each game with who sat where, and the number of its worker."""
        found = []
        for worker, part in enumerate(self.parts):
            for finished, seats in zip(part.games, part.seats, strict=True):
                found.append((finished, seats, worker))
        return found


class Trainers:
    """The learners of a league, their workers, and the payoff table; runs rounds."""

    def __init__(self, plan: LeaguePlan, population: Population, state: Mapping[str, Any] | None = None) -> None:
        self.plan, self.population = plan, population
        torch.set_num_threads(plan.threads)
        self.rules = game(plan.game)
        self.payoff, self.quality = Payoff(decay=plan.composition.matches.decay), Quality()
        self.number = self.streams = 0
        self.progress = 0.0
        self.pupils: dict[str, Pupil] = {}
        for member in plan.composition.members():
            population.enter(member)
            if member.live:
                learner = self._learner(member.name, plan.settings[member.name])
                self.pupils[member.name] = Pupil(member, learner, learner.weights(), plan.settings[member.name])
        self.first = {name: self._learner(name, plan.settings[name]).weights() for name in self.pupils}
        self.bred: list[dict[str, Any]] = []
        self.played = self.lasted = 0.0
        """Seconds that workers played in this start's rounds, and that those rounds lasted for all workers together."""
        self.evaluations = 0
        """Of positions by the learners' networks, in this start's rounds."""
        self.going: list[dict[str, Any]] = []
        self._handles: OrderedDict[str, Any] = OrderedDict()
        if state is not None:
            try:
                self._restore(state)
            except (LookupError, TypeError, ValueError, RuntimeError) as error:
                raise Damaged(f"The league's state is not one of this league ({error}); remove it to begin.") from error
        self.pool = self._pool()

    def _learner(self, name: str, settings: Any, life: int = 0) -> Learner:
        """A learner as it is born; in every life with the same first weights, and chances of its own."""
        recipe, place = self.plan.recipes[name], list(self.plan.recipes).index(name)
        seed = self.plan.seed + 1000 * place
        kind = resolve(ALGORITHMS, recipe.algorithm, "algorithm")
        network = Network(self.rules, recipe.backbone, recipe.heads, seed=seed)
        return kind(self.rules, network, settings, seed + life)

    def _pool(self) -> Pool:
        plan, count = self.plan, max(1, self.plan.workers)
        going_on = self.going[:count]
        fresh = range(self.streams, self.streams + count - len(going_on))
        self.streams += len(fresh)
        streams = [*(int(worker["stream"]) for worker in going_on), *fresh]
        self.going = [*going_on, *({"stream": stream, "players": {}, "seated": {}} for stream in fresh)]
        orders = [SparringOrder(s, plan.seed, plan.game, plan.recipes, plan.backend, plan.device) for s in streams]
        states = [worker["players"] or None for worker in self.going]
        return make_pool(orders, states, local=not plan.ray, address=plan.address, kind=Sparring)

    @property
    def census(self) -> Census:
        return self.population.census(self.payoff, self.quality)

    def ready(self) -> str:
        """Waits until every worker can play; returns which inference backends they took."""
        tickets = [self.pool.start(i, "ready") for i in range(self.pool.size)]
        return ", ".join(sorted({self.pool.finish(ticket) for ticket in tickets}))

    # --- one round --------------------------------------------------------------------------------------------------

    def due(self) -> list[tuple[str, Verdict]]:
        """Whose rule says now that they are to be frozen."""
        census = self.census
        for pupil in self.pupils.values():
            since, rule = pupil.steps - pupil.frozen, self.plan.composition.rule(pupil.member.name)
            pupil.verdict = verdict(pupil.member, census, since, rule.least, rule.most, rule.beaten)
        now = [(name, pupil.verdict) for name, pupil in self.pupils.items() if not pupil.stopped]
        return [(name, said) for name, said in now if said is not None and said.freeze]

    def freeze(self, name: str, member: Member, enter: Any, said: Verdict) -> bool:
        """Enters a learner's snapshot by `enter(weights)`, and only then lets it start anew, if chance says so.

        Returns whether it did.
        """
        pupil = self.pupils[name]
        again = bool(np.random.default_rng([self.plan.seed, 13, self.number, _digits(name)]).random() < said.restarts)
        kept = checkpoint(dict(kept_weights(pupil.learner)), self.first[name], again)
        enter(member, kept.frozen)
        pupil.frozen = pupil.steps
        if again:
            pupil.waiting = None
            pupil.before, pupil.lives = pupil.steps, pupil.lives + 1
            pupil.learner = self._learner(name, pupil.settings, pupil.lives)
            pupil.weights = kept.onward
            self.payoff.forget(name)
        return again

    def breed(self) -> None:
        """Lets the worst learners of each kind go on from the best, if it is time (`leagues.breeding`).

        How well one does is its mean score against all that it met.
        """
        rule = self.plan.composition.breeding
        if not rule.every or not self.number or self.number % rule.every:
            return
        rng = np.random.default_rng([self.plan.seed, 17, self.number])
        for names in self.plan.composition.kinds().values():
            scores = {name: self._fitness(name) for name in names}
            fitness = {name: score for name, score in scores.items() if score is not None}
            for loser, winner in successions(fitness, rule.share, rng):
                self._succeed(loser, winner, rng)

    def _fitness(self, name: str) -> float | None:
        """A learner's mean score against all that it met; None if it met nobody or learns no more."""
        others = [member.name for member in self.census.members if self.payoff.games(name, member.name) > 0]
        if self.pupils[name].stopped or not others:
            return None
        return float(self.payoff.winrates([name], others).mean())

    def _succeed(self, loser: str, winner: str, rng: np.random.Generator) -> None:
        """Puts a copy of one learner, with settings a little changed, in another's place."""
        old, best, rule = self.pupils[loser], self.pupils[winner], self.plan.composition.breeding
        changed = explored({key: getattr(best.settings, key) for key in rule.settings}, rule.factor, rng)
        try:
            settings = replace(best.settings, **changed)
        except ValueError:  # out of its bounds: what has worked goes on as it is
            settings, changed = best.settings, {key: getattr(best.settings, key) for key in rule.settings}
        steps = old.steps
        old.lives += 1
        old.settings = settings
        old.learner = self._learner(loser, settings, old.lives)
        old.learner.restore(deepcopy(best.learner.state()))
        old.weights = old.learner.weights()
        old.before, old.waiting = steps - old.learner.steps, None
        self.payoff.forget(loser)
        self.bred.append({"round": self.number, "who": loser, "from": winner, "settings": changed})

    def round(self, progress: float) -> list[Turn]:
        """One round of all learners; call `due` and `freeze` before it."""
        begun = time.monotonic()
        self.breed()
        self.progress = progress
        self.number += 1
        active = [name for name, pupil in self.pupils.items() if not pupil.stopped]
        handles = {name: self.pool.share(pupil.weights) for name, pupil in self.pupils.items()}
        late = [name for name in active if self.pupils[name].waiting and not self.pupils[name].learner.ahead]
        tickets = {name: self._send(name, handles) for name in active if name not in late}
        for name in active:
            self._learn(self.pupils[name], self.pupils[name].waiting)
        for name in late:
            if not self.pupils[name].stopped:
                handles[name] = self.pool.share(self.pupils[name].weights)
                tickets[name] = self._send(name, handles)
        turns = [self._take(name, tickets[name], last=name == active[-1] != active[0]) for name in tickets]
        for turn in turns:
            self.pupils[turn.name].seconds += sum(part.seconds for part in turn.parts)
            self.evaluations += sum(part.evaluations for part in turn.parts)
        self.played += sum(part.seconds for turn in turns for part in turn.parts)
        self.lasted += self.pool.size * (time.monotonic() - begun)
        return turns

    def learn_the_rest(self) -> None:
        """Lets everybody learn from the experience that would have waited for the next round: there is none."""
        for pupil in self.pupils.values():
            self._learn(pupil, pupil.waiting)

    def _send(self, name: str, handles: Mapping[str, Any]) -> list[Any]:
        """Gives every worker one learner's games of this round."""
        tickets: list[Any] = []
        pupil = self.pupils[name]
        each = self.plan.composition.of(name).positions or -(-self.plan.positions // self.pool.size)
        for i, worker in enumerate(self.going):
            drawn, others, given = self._invited(pupil, worker, handles)
            told = tuple((other, self._recipe(other), other not in self.pupils) for other in others)
            guests = tuple(ITSELF if other == name else other for other in drawn)
            bout = Bout(name, guests, told, each)
            tickets.append(self.pool.start(i, "spar", bout, handles[name], *given))
        return tickets

    def _invited(
        self, pupil: Pupil, worker: Mapping[str, Any], handles: Mapping[str, Any]
    ) -> tuple[list[str], list[str], list[Any]]:
        """Opponents drawn for a worker's new games, all who may sit in any game there, and their weights."""
        name = pupil.member.name
        while True:
            seated = [other for other in worker["seated"].get(name, ()) if self._there(other)]
            drawn = self._draw(pupil, int(worker["stream"]))
            others = [other for other in dict.fromkeys([*drawn, *seated]) if other != name]
            try:
                return drawn, others, [handles[o] if o in handles else self._frozen(o) for o in others]
            except Unusable:  # at hand a moment ago, and let go for another: it is left out from now on
                continue

    def _draw(self, pupil: Pupil, stream: int) -> list[str]:
        """Opponents by the learner's role; who turns out not to be what entered is left out, and it is drawn anew."""
        while True:
            pupil.fed = feed(pupil.member, self.census)
            rng = np.random.default_rng([self.plan.seed, 11, self.number, _digits(pupil.member.name), stream])
            drawn = pupil.fed.draw(rng, self.plan.composition.matches.opponents)
            if all(self._there(name) for name in dict.fromkeys(drawn)):
                return drawn

    def _there(self, name: str) -> bool:
        """Whether a member can be met."""
        if name in self.pupils or name in self._handles:
            return True
        try:
            self.population.weights(name)
        except Unusable:
            return False
        return True

    def _recipe(self, name: str) -> str:
        """The learner by whose recipe a member is made."""
        return name if name in self.pupils else str(self.population[name].parent)

    def _frozen(self, name: str) -> Any:
        """A frozen member's weights as the workers are given them; few are kept at hand."""
        if name not in self._handles:
            self._handles[name] = self.pool.share(self.population.weights(name))
            while len(self._handles) > self.plan.composition.matches.cached:
                self._handles.popitem(last=False)
        self._handles.move_to_end(name)
        return self._handles[name]

    def _take(self, name: str, tickets: list[Any], last: bool) -> Turn:
        """Waits for one learner's games, counts them, and lets it learn; not yet if it is the last of several."""
        parts: list[Sparred] = [self.pool.finish(ticket) for ticket in tickets]
        for i, part in enumerate(parts):
            worker = self.going[i]
            worker["players"] = {**worker["players"], name: part.state}
            worker["seated"] = {**worker["seated"], name: part.seated}
            self.pool.remember(i, worker["players"])
        pupil = self.pupils[name]
        columns = [part.columns for part in parts]
        joined = {key: np.concatenate([part[key] for part in columns]) for key in columns[0]}
        if pupil.learner.ahead or last:
            pupil.waiting = joined
        else:
            self._learn(pupil, joined)
        turn = Turn(name, parts, pupil.metrics)
        self._count(turn)
        return turn

    def _learn(self, pupil: Pupil, experience: Columns | None) -> None:
        """Lets a learner learn; one that diverges stops, and the others go on."""
        pupil.waiting = None
        if experience is None or pupil.stopped:
            return
        try:
            pupil.metrics = pupil.learner.update(experience, self.progress)
            weights = pupil.learner.weights()
            if not all(np.isfinite(array).all() for array in weights.values() if array.dtype.kind == "f"):
                raise ValueError("Its weights are not all numbers any more.")
            pupil.weights = weights
        except ValueError as error:
            pupil.stopped = f"'{pupil.member.name}' learns no more, the others go on: {error}"

    def _count(self, turn: Turn) -> None:
        """Puts one learner's outcomes into the payoff table, and past versions' losses into their quality scores."""
        past = self.census.frozen(parent=turn.name)
        pupil, margin = self.pupils[turn.name], self.plan.composition.matches.margin
        for finished, seats, _ in turn.games:
            other = next((seat for seat in seats if seat != ITSELF), ITSELF)
            if other == ITSELF:
                continue
            score = scored(finished.reward, seats.index(ITSELF), margin)
            self.payoff.add(Result(turn.name, other, score))
            if score > 0.5 and other in past and pupil.member.plays("openai_five"):
                self.quality.lost(turn.name, other, past)
        pupil.games += len(turn.games)

    # --- going on ---------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything the rest of the league follows from, but for frozen weights; between two rounds."""
        bred = self.plan.composition.breeding.settings
        return {
            "number": self.number,
            "progress": self.progress,
            "streams": self.streams,
            "payoff": self.payoff.state(),
            "quality": self.quality.state(),
            "workers": self.going,
            "bred": self.bred,
            "pupils": {
                name: {
                    "learner": pupil.learner.state(),
                    "weights": dict(pupil.weights),
                    "before": pupil.before,
                    "frozen": pupil.frozen,
                    "lives": pupil.lives,
                    "stopped": pupil.stopped,
                    "games": pupil.games,
                    "settings": {key: getattr(pupil.settings, key) for key in bred},
                    "waiting": pupil.waiting,
                    "metrics": dict(pupil.metrics),
                    "verdict": None if pupil.verdict is None else list(pupil.verdict),
                    "fed": _parts(pupil.fed),
                }
                for name, pupil in self.pupils.items()
            },
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.number, self.progress = int(state["number"]), float(state["progress"])
        self.streams, self.bred = int(state["streams"]), list(state["bred"])
        payoff, quality = state["payoff"], state["quality"]
        self.payoff = Payoff.from_state(payoff["names"], payoff["score"], payoff["games"], payoff["decay"])
        self.quality = Quality(quality["rate"], quality["scores"])
        self.going = [
            {
                "stream": int(worker["stream"]),
                "players": worker["players"],
                "seated": {name: tuple(seated) for name, seated in worker["seated"].items()},
            }
            for worker in state["workers"]
        ]
        for name, kept in state["pupils"].items():
            pupil = self.pupils[name]
            pupil.before, pupil.frozen, pupil.lives = int(kept["before"]), int(kept["frozen"]), int(kept["lives"])
            pupil.stopped, pupil.games = str(kept["stopped"]), int(kept["games"])
            pupil.settings = replace(pupil.settings, **kept["settings"])
            pupil.learner = self._learner(name, pupil.settings, pupil.lives)
            pupil.learner.restore(kept["learner"])
            pupil.weights, pupil.waiting = kept["weights"], kept.get("waiting")
            pupil.metrics = dict(kept.get("metrics", {}))
            pupil.verdict = Verdict(*kept["verdict"]) if kept.get("verdict") else None
            pupil.fed = Feed(tuple(Part(**part) for part in kept["fed"])) if kept.get("fed") else None

    def close(self) -> None:
        """Lets the workers go."""
        self.pool.close()


def _parts(fed: Feed | None) -> list[dict[str, Any]]:
    """Of what a learner was fed, as a state holds it."""
    parts = fed.parts if fed is not None else ()
    odds = ({name: float(chance) for name, chance in part.odds.items()} for part in parts)
    return [{"share": float(p.share), "odds": o, "reason": p.reason} for p, o in zip(parts, odds, strict=True)]


def scored(reward: tuple[float, ...], seat: int, margin: float) -> float:
    """A seat's score in a game, 0 to 1: against the mean of the others' pay, by who has more or by how much more."""
    lead = reward[seat] - (sum(reward) - reward[seat]) / (len(reward) - 1)
    if margin > 0:
        return min(1.0, max(0.0, 0.5 + 0.5 * lead / margin))
    if lead > 0:
        return 1.0
    return 0.0 if lead < 0 else 0.5


def _digits(name: str) -> int:
    """A name as a number for a seed."""
    return int.from_bytes(name.encode(), "big") % 2**63

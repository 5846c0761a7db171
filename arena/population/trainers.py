"""A league of many learners: each plays whom its role gives it, is frozen by its role's rule, and may start anew.

A round: learners whose rule says so are frozen; every learner's opponents are drawn from what its role gives by the
payoff table; the workers play for all of them; outcomes go into the table, and experience to the learners, which learn
from it in threads, several at once. The earlier half of them learns while the workers play for the later half, and the
later half, in the next round, while they play for the earlier one: a learner's games wait for its own learning, and it
meets the others as they were when that began. So that workers go on without a pause, the earlier half's next games are
given out as soon as it has learned, unless somebody is to be frozen first. Those that allow it (`Learner.ahead`) learn
from a round while the next one is played.

Who meets whom, and with which weights, follows from this order and not from how long anybody takes; and all that the
rest follows from is at hand between two rounds, so a league that was stopped goes on as if it had not been.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from agents.agent import Unable
from agents.guests import ITSELF
from agents.learn.descent import Diverged, require_numbers
from agents.learn.learner import Learner, given, kept_weights
from agents.networks import Network
from agents.registry import ALGORITHMS
from arena.checkpoint import Damaged
from arena.cluster import Pool, make_pool
from arena.population.lessons import Lessons
from arena.population.plan import LeaguePlan
from arena.population.pupils import Pupil, Turn
from arena.population.sparring import Bout, Sparred, Sparring, SparringOrder
from arena.sections import cores
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
        self.given: dict[str, list[list[str]]] = {}
        """Who is to play in the next round already, and against whom each worker's new games are."""
        self.evaluations = 0
        """Of positions by the learners' networks, in this start's rounds."""
        self.going: list[dict[str, Any]] = []
        self._handles: OrderedDict[str, Any] = OrderedDict()
        self._own: dict[str, tuple[Weights, Any]] = {}
        self._tickets: dict[str, list[Any]] = {}
        self._since: float | None = None
        if state is not None:
            try:
                self._restore(state)
            except (LookupError, TypeError, ValueError, RuntimeError) as error:
                raise Damaged(f"The league's state is not one of this league ({error}); remove it to begin.") from error
        threads = min(len(self.pupils), max(1, cores() // plan.threads)) if plan.ray else 0
        self.lessons = Lessons(threads, plan.threads)
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
        """Whose rule says now that they are to be frozen; nobody while some play for the next round already."""
        return [] if self.given else self._due()

    def _due(self) -> list[tuple[str, Verdict]]:
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
        if not self._breeding():
            return
        rng = np.random.default_rng([self.plan.seed, 17, self.number])
        for names in self.plan.composition.kinds().values():
            scores = {name: self._fitness(name) for name in names}
            fitness = {name: score for name, score in scores.items() if score is not None}
            for loser, winner in successions(fitness, rule.share, rng):
                self._succeed(loser, winner, rng)

    def _breeding(self) -> bool:
        """Whether the next round begins with it."""
        every = self.plan.composition.breeding.every
        return bool(every and self.number and self.number % every == 0)

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

    def round(self, progress: float, meanwhile: Callable[[], None] = lambda: None) -> list[Turn]:
        """One round of all learners; call `due` and `freeze` before it.

        `meanwhile` is called as soon as the workers have something to play, and must leave this round's learners alone.
        """
        begun = self._since or time.monotonic()
        self.breed()
        self.progress = progress
        self.number += 1
        active = [name for name, pupil in self.pupils.items() if not pupil.stopped]
        behind = [name for name in active if self.pupils[name].waiting]
        late = [name for name in behind if not self.pupils[name].learner.ahead]
        first = [name for name in active if name not in late]
        handles = {name: self._handle(name) for name in self.pupils}
        for name in first:
            if name not in self._tickets:
                self._send(name, handles)
        self.given = {}
        for name in sorted(behind, key=lambda name: name not in late):
            self._learn(self.pupils[name], self.pupils[name].waiting)
        meanwhile()
        for name in late:
            self.lessons.finish(name)
            if not self.pupils[name].stopped:
                self._send(name, {**handles, name: self._handle(name)})
        later = active[len(active) - len(active) // 2 :]
        turns = [self._take(name, name in later) for name in first]
        self._give_out([name for name in active if name not in later])
        turns += [self._take(name, name in later) for name in late if name in self._tickets]
        for name in active:
            self.lessons.finish(name)
        for turn in turns:
            turn.metrics = self.pupils[turn.name].metrics
            self.pupils[turn.name].seconds += sum(part.seconds for part in turn.parts)
            self.evaluations += sum(part.evaluations for part in turn.parts)
        self.played += sum(part.seconds for turn in turns for part in turn.parts)
        now = time.monotonic()
        self.lasted += self.pool.size * (now - begun)
        self._since = now if self.given else None
        return turns

    def _give_out(self, names: list[str]) -> None:
        """Gives out the next round's games of these as soon as they have learned, unless somebody is to change first.

        Not of those that learn meanwhile: what they will know by then is known at the round's end.
        """
        names = [name for name in names if not self.pupils[name].learner.ahead]
        for name in self.pupils if names else ():
            self.lessons.finish(name)
        if not names or self._due() or self._breeding():
            return
        handles = {name: self._handle(name) for name in self.pupils}
        for name in names:
            if not self.pupils[name].stopped:
                self.given[name] = self._send(name, handles, self.number + 1)

    def learn_the_rest(self) -> None:
        """Lets everybody learn from the experience that would have waited for the next round: there is none."""
        for pupil in self.pupils.values():
            self._learn(pupil, pupil.waiting)
        for name in self.pupils:
            self.lessons.finish(name)

    def _send(self, name: str, handles: Mapping[str, Any], number: int | None = None) -> list[list[str]]:
        """Gives every worker one learner's games of this round, or of round `number`; returns the opponents drawn."""
        pupil, given = self.pupils[name], self.given.get(name, [])
        if not given:
            pupil.fed = None
        each = self.plan.composition.of(name).positions or -(-self.plan.positions // self.pool.size)
        met: list[list[str]] = []
        self._tickets[name] = []
        for i, worker in enumerate(self.going):
            chance = [self.plan.seed, 11, number or self.number, _digits(name), int(worker["stream"])]
            drawn, others, weights = self._invited(pupil, worker, handles, chance, given[i] if i < len(given) else None)
            told = tuple((other, self._recipe(other), other not in self.pupils) for other in others)
            guests = tuple(ITSELF if other == name else other for other in drawn)
            bout = Bout(name, guests, told, each)
            self._tickets[name].append(self.pool.start(i, "spar", bout, handles[name], *weights))
            met.append(drawn)
        return met

    def _invited(
        self,
        pupil: Pupil,
        worker: Mapping[str, Any],
        handles: Mapping[str, Any],
        chance: list[int],
        drawn: list[str] | None,
    ) -> tuple[list[str], list[str], list[Any]]:
        """Opponents for a worker's new games, unless drawn before; all who may sit in any game there; their weights."""
        name = pupil.member.name
        while True:
            seated = [other for other in worker["seated"].get(name, ()) if self._there(other)]
            if drawn is None or not all(self._there(other) for other in drawn):
                drawn = self._draw(pupil, chance)
            others = [other for other in dict.fromkeys([*drawn, *seated]) if other != name]
            try:
                return drawn, others, [handles[o] if o in handles else self._frozen(o) for o in others]
            except Unusable:  # at hand a moment ago, and let go for another: it is left out from now on
                continue

    def _draw(self, pupil: Pupil, chance: list[int]) -> list[str]:
        """Opponents by what the learner is fed; who turns out not to be what entered is left out, and drawn anew."""
        while True:
            fed = pupil.fed = pupil.fed or feed(pupil.member, self.census)
            drawn = fed.draw(np.random.default_rng(chance), self.plan.composition.matches.opponents)
            if all(self._there(name) for name in dict.fromkeys(drawn)):
                return drawn
            pupil.fed = None

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

    def _handle(self, name: str) -> Any:
        """A learner's weights of now as the workers are given them."""
        weights = self.pupils[name].weights
        if name not in self._own or self._own[name][0] is not weights:
            self._own[name] = weights, self.pool.share(weights)
        return self._own[name][1]

    def _frozen(self, name: str) -> Any:
        """A frozen member's weights as the workers are given them; few are kept at hand."""
        if name not in self._handles:
            self._handles[name] = self.pool.share(self.population.weights(name))
            while len(self._handles) > self.plan.composition.matches.cached:
                self._handles.popitem(last=False)
        self._handles.move_to_end(name)
        return self._handles[name]

    def _take(self, name: str, later: bool) -> Turn:
        """Waits for one learner's games, counts them, and lets it learn; of the `later` ones in the next round."""
        parts: list[Sparred] = [self.pool.finish(ticket) for ticket in self._tickets.pop(name)]
        for i, part in enumerate(parts):
            worker = self.going[i]
            worker["players"] = {**worker["players"], name: part.state}
            worker["seated"] = {**worker["seated"], name: part.seated}
            self.pool.remember(i, worker["players"])
        pupil = self.pupils[name]
        columns = [part.columns for part in parts]
        joined = {key: np.concatenate([part[key] for part in columns]) for key in columns[0]}
        if pupil.learner.ahead or later:
            pupil.waiting = joined
        else:
            self._learn(pupil, joined)
        turn = Turn(name, parts, self.number, fed=pupil.fed)
        self._count(turn)
        return turn

    def _learn(self, pupil: Pupil, experience: Columns | None) -> None:
        """Has a learner learn, until `lessons` are asked for it; one that diverges stops, and the others go on."""
        pupil.waiting = None
        if experience is None or pupil.stopped:
            return
        progress = self.progress

        def update() -> None:
            try:
                pupil.metrics = pupil.learner.update(given(pupil.learner, experience), progress)
                weights = pupil.learner.weights()
                require_numbers(weights, pupil.learner.steps)
                pupil.weights = weights
            except (Diverged, Unable) as error:
                pupil.stopped = f"'{pupil.member.name}' learns no more, the others go on: {error}"

        self.lessons.begin(pupil.member.name, update)

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
            "given": self.given,
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
        self.given = {name: [list(met) for met in given] for name, given in state.get("given", {}).items()}
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
        self.lessons.close()
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

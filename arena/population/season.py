"""A season: a league of many learners with a folder and a database, played until its time is over.

A snapshot is entered in this order: the state is kept, the agent's folder is written, the database learns of it. So a
kill at any instant loses at most what came after the state, and that is done again, move by move, under the same ids.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from agents.files import write_text
from agents.guests import ITSELF
from agents.storage import agent_digest, read_weights, save_agent
from arena.checkpoint import Damaged, load_state, save_state
from arena.curves import Curves
from arena.ledger import Ledger
from arena.lock import occupy
from arena.population.pace import Pace
from arena.population.plan import LeaguePlan
from arena.population.standing import document
from arena.population.trainers import Trainers, Turn, scored
from arena.population.yardstick import Yardstick
from arena.run import search_table
from arena.status import STARTING
from arena.store import Store
from arena.tournament import contest
from envs.registry import game
from leagues.census import Member
from leagues.population import Population, Weights
from leagues.rating import Result
from leagues.schedule import Pairing, pair
from leagues.snapshots import Verdict

FINISHED = Verdict(True, "the season is over", 0.0)

TOLD_SECONDS, FILED_SECONDS = 1.0, 5.0
"""Between two times that a league shows itself, and that it writes what it shows into league.json, at least."""
TELLING = 0.02
"""Share of the time that either takes at most."""


class Season:
    """A league that is played: `minutes` or `rounds` say how much of it a start is given.

    A season that was cut short gets what is left, a complete one as much again.
    """

    def __init__(
        self,
        folder: Path,
        plan: LeaguePlan,
        store: Store,
        *,
        minutes: float | None = None,
        rounds: int | None = None,
        keep_minutes: float = 1.0,
        show: Callable[[Mapping[str, Any]], None] = lambda document: None,
        phase: Callable[[str], None] = lambda doing: None,
        prepare: Callable[[Path], None] = lambda folder: None,
    ) -> None:
        self.folder, self.plan, self.store, self.show, self.phase = folder, plan, store, show, phase
        self.minutes, self.rounds, self.keep_minutes = minutes, rounds, keep_minutes
        self.game, self.backend = game(plan.game).name, ""
        self.history: list[dict[str, Any]] = []
        self.turns: list[Turn] = []
        self.lock = occupy(folder)
        try:
            prepare(folder)
            self.say(STARTING)
            self.curves = Curves(folder)
            self._open()
        except BaseException:
            self.lock.release()
            raise

    # --- beginning and going on -------------------------------------------------------------------------------------

    def _open(self) -> None:
        plan, matches = self.plan, self.plan.composition.matches
        state = load_state(self.folder / "state")
        self.resumed = state is not None
        known = {"trainers": None, "frozen": [], "spent": 0.0, "measured": 0, "from": [0.0, 0], "complete": True} | (
            state or {}
        )
        self.population = Population(agent_digest, read_weights, matches.cached)
        two = game(plan.game).seats == 2
        rating = contest(plan.game, plan.composition.anchors, seed=plan.seed, purpose="rating") if two else None
        self.ledger = Ledger(self.store, plan.game, rating, self.folder)
        self.ledger.enter([self.entry(name) for name in plan.recipes], new=not self.resumed)
        self.trainers = Trainers(plan, self.population, known["trainers"])
        self.frozen: list[dict[str, Any]] = []
        try:
            for one in known["frozen"]:
                self._admit(one)
            self.spent = float(known["spent"])
            measured = int(known["measured"])
            self.ledger.restore(known.get("results"), known.get("openings"))
            start = (self.spent, self.trainers.number) if known["complete"] else known["from"]
            self.start: tuple[float, int] = (float(start[0]), int(start[1]))
            if self.resumed:
                self.curves.go_on(known.get("curves") or Curves.after(self.trainers.number))
        except (LookupError, TypeError, ValueError) as error:
            raise Damaged(f"{self.folder / 'state'} lacks what a state has ({error}); remove it to begin.") from error
        self._read_history(measured)
        self.begun = self.kept = time.monotonic()
        self.telling, self.filing = Pace(TOLD_SECONDS, TELLING), Pace(FILED_SECONDS, TELLING)
        self.yardstick = Yardstick(plan)

    def entry(self, name: str) -> str:
        """What a member is called in the database, where other leagues have members too."""
        return f"{self.folder.name}-{name}"

    def _admit(self, one: Mapping[str, Any]) -> None:
        """Enters a snapshot that is on disk into the league."""
        member = Member(str(one["name"]), str(one["role"]), parent=str(one["parent"]))
        place = self.folder / "agents" / member.name
        self.population.enter(member, place, one.get("digest") or None)
        digest = self.population.digests()[member.name]
        self.frozen.append({**one, "digest": digest})
        if member.name not in self.population.unusable:
            parent = str(one["parent"])
            playing, step = self.plan.recipes[parent].playing, int(one["step"])
            self.ledger.admit(self.entry(member.name), place, playing, parent=self.entry(parent), step=step)

    def _read_history(self, count: int) -> None:
        """The points that were measured before; what came after the state that this start goes on from is dropped."""
        path = self.folder / "history.jsonl"
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[:count] if path.exists() else []
        for line in lines:
            try:
                self.history.append(json.loads(line))
            except ValueError:
                break  # cut short by a kill, or damaged
        write_text(path, "".join(json.dumps(point) + "\n" for point in self.history))

    # --- time -------------------------------------------------------------------------------------------------------

    def elapsed(self) -> float:
        """Seconds of play in all starts together."""
        return self.spent + time.monotonic() - self.begun

    def progress(self) -> float:
        """How much of it is over, 0 to 1; 0 if it has no end."""
        if self.rounds is not None:
            return min(1.0, (self.trainers.number - self.start[1]) / max(1, self.rounds))
        if self.minutes is not None:
            return min(1.0, (self.elapsed() - self.start[0]) / max(1e-9, 60.0 * self.minutes))
        return 0.0

    # --- playing ----------------------------------------------------------------------------------------------------

    def play(self) -> dict[str, Any]:
        """Plays until the time is over, nobody learns any more, or Ctrl-C; returns the league's document.

        What was kept stays in any case.
        """
        try:
            self.backend = self.trainers.ready()
            gc.freeze()  # as `Trainer.begin`
            self.say("self-play and learning")
            self.begun = self.kept = time.monotonic()
            self.ledger.rate()
            while self.progress() < 1.0 and any(not pupil.stopped for pupil in self.trainers.pupils.values()):
                self.freeze_who_is_due()
                self.turns = self.trainers.round(self.progress(), self.meanwhile)
                if self.yardstick.due():
                    self.measure()
                if time.monotonic() - self.kept > 60.0 * self.keep_minutes:
                    self.keep()
            self.trainers.learn_the_rest()
            self.say("rating the last snapshots")
            self.freeze([(name, FINISHED) for name in self._learning()])
            self.measure()
            self.keep(complete=True)
            return self.tell(last=True)
        finally:
            self.close()

    def _learning(self) -> list[str]:
        return [name for name, p in self.trainers.pupils.items() if not p.stopped and p.steps > p.frozen]

    def freeze_who_is_due(self) -> None:
        due = self.trainers.due()
        if due:
            self.freeze(due)
            self.measure()

    def freeze(self, due: list[tuple[str, Verdict]]) -> None:
        """Keeps the state, then freezes learners and lets the new members play."""
        self.keep()
        fresh: list[str] = []
        for name, said in due:
            pupil = self.trainers.pupils[name]
            member = Member(f"{name}-{pupil.steps:07d}", pupil.member.role, parent=name)
            one = {
                "name": member.name,
                "role": member.role,
                "parent": name,
                "step": pupil.steps,
                "round": self.trainers.number,
                "why": said.reason,
            }
            again = self.trainers.freeze(name, member, self._write, said)
            self._admit({**one, "anew": again})
            fresh.append(member.name)
        self.acquaint(fresh)
        self.send_out(fresh)

    def _write(self, member: Member, weights: Weights) -> None:
        """A snapshot's folder, or the very same one that a start before this wrote."""
        place = self.folder / "agents" / member.name
        if place.exists():
            there = read_weights(place)
            if all(np.array_equal(there.get(key, np.nan), array) for key, array in weights.items()):
                return
            raise ValueError(f"{place} is another agent than this season's; move it away, and start again.")
        recipe = self.plan.recipes[str(member.parent)]
        rules = game(self.plan.game)
        save_agent(
            place,
            rules,
            dict(weights),
            backbone=recipe.backbone,
            heads=recipe.heads,
            search=search_table(recipe.playing, rules),
            step=int(member.name.rpartition("-")[2]),
            parent=str(member.parent),
        )

    # --- games ------------------------------------------------------------------------------------------------------

    def acquaint(self, fresh: list[str]) -> None:
        """Lets new members play everybody frozen, where the league wants that; outcomes go into the payoff table."""
        count, census = self.plan.composition.matches.every_pair, self.trainers.census
        if self.ledger.contest is None or not count:
            return
        pairings: list[Pairing] = []
        for i, name in enumerate(fresh):
            for other in census.frozen():
                if other not in fresh[: i + 1]:  # two new ones meet once
                    for k in range(count):
                        pairings += pair(self.entry(name), self.entry(other), self.plan.seed, k)
        margin, cut = self.plan.composition.matches.margin, len(self.folder.name) + 1
        for pairing, finished in self.meet(pairings):
            score = scored(finished.reward, 0, margin)
            self.trainers.payoff.add(Result(pairing.first[cut:], pairing.second[cut:], score), fade=False)

    def send_out(self, fresh: list[str]) -> None:
        """Plays the pairs of rating games that tell most of the new members, and rates everybody."""
        count, ledger = self.plan.composition.matches.rated_pairs, self.ledger
        if ledger.contest is None or not count:
            return
        absent = {self.entry(name) for name in self.population.unusable}
        here = [name for name in ledger.specs if name not in absent]
        focus = [self.entry(name) for name in fresh if self.entry(name) in here]
        if not focus or len(here) < 2:
            return
        self.meet(ledger.telling(count, seed=self.trainers.number, among=here, focus=focus))
        ledger.rate_and_keep()

    def meet(self, pairings: list[Pairing]) -> list[tuple[Pairing, Any]]:
        """Plays games of two members on all workers, stores them, and returns those that did not fail.

        Who is no more what entered is left out: nobody plays against it.
        """
        frozen = {self.entry(str(one["name"])): str(one["name"]) for one in self.frozen}
        named = {name for p in pairings for name in (p.first, p.second)}
        gone = {name for name in named if name in frozen and not self.population.usable(frozen[name])}
        there = [p for p in pairings if p.first not in gone and p.second not in gone]
        self.ledger.send_out(self.trainers.pool, there)
        return self.ledger.gather(self.trainers.pool)

    def meanwhile(self) -> None:
        """Does while a round is played what its workers would else wait for."""
        self.note()
        if self.telling.due():
            self.tell()

    def note(self) -> None:
        """Stores and logs what the last round brought."""
        for turn in self.turns:
            self.store_games(turn)
            self.log(turn)
        self.turns = []

    def store_games(self, turn: Turn) -> None:
        """Keeps some of the games that a learner learned from: the first of a round; all count in the payoff table."""
        me, going = self.entry(turn.name), self.trainers.going
        self.ledger.keep_games(
            me,
            (
                (g, tuple(me if seat == ITSELF else self.entry(seat) for seat in seats), int(going[worker]["stream"]))
                for g, seats, worker in turn.games[: self.plan.composition.matches.stored]
            ),
        )

    # --- keeping and telling ----------------------------------------------------------------------------------------

    def keep(self, complete: bool = False) -> None:
        """Writes the state to go on from; only between rounds. `complete`: the season is over, its last games too."""
        self.note()
        state = {
            "trainers": self.trainers.state(),
            "frozen": self.frozen,
            **self.ledger.state(),
            "spent": self.elapsed(),
            "measured": len(self.history),
            "from": list(self.start),
            "complete": complete,
            "curves": self.curves.state(),
        }
        save_state(self.folder / "state", state)
        self.kept = time.monotonic()

    def measure(self) -> None:
        """One more point of the curves: exploitability where it is exact, cycles, diversity, and what learners do."""
        point = self.yardstick.measure(self.trainers)
        point = {"round": self.trainers.number, "seconds": round(self.elapsed(), 1), **point}
        self.history.append(point)
        with (self.folder / "history.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(point) + "\n")
        for name, value in point["exploitability"].items():
            self.write_event(f"exploitability/{name}", value)
        for name in ("cycles", "diversity"):
            if point[name] is not None:
                self.write_event(f"league/{name}", point[name])
        if (rated := self.ledger.ratings) is not None:
            elo = dict(zip(rated.names, rated.elo, strict=True))
            newest = {str(one["parent"]): self.entry(str(one["name"])) for one in self.frozen}
            for parent, name in newest.items():
                if name in elo:
                    self.write_event(f"elo/{parent}", float(elo[name]))

    def log(self, turn: Turn) -> None:
        """TensorBoard: what each learner says of itself, how its games went, and by what shares it is fed."""
        rewards = [g.reward[seats.index(ITSELF)] for g, seats, _ in turn.games]
        values = {**turn.metrics, "rollout/games": len(turn.games)}
        if rewards:
            values["rollout/ep_rew_mean"] = float(np.mean(rewards))
        for name, odds in turn.fed.odds.items() if turn.fed is not None else ():
            parent = self.population[name].parent
            whom = f"fed/{name}" if parent is None else f"fed/past of {parent}"
            values[whom] = values.get(whom, 0.0) + odds
        for name, value in values.items():
            self.curves.add(f"{turn.name}/{name}", value, turn.round)

    def write_event(self, name: str, value: float) -> None:
        self.curves.add(name, value, self.trainers.number)

    def say(self, doing: str) -> None:
        """Tells what begins now."""
        self.doing = doing
        self.phase(doing)

    def tell(self, last: bool = False) -> dict[str, Any]:
        """The league as it is now, to whoever shows it, and now and then, and at the `last`, into league.json."""
        begun = time.monotonic()
        told = document(self)
        self.show(told)
        self.telling.done(begun)
        if last or self.filing.due():
            begun = time.monotonic()
            write_text(self.folder / "league.json", json.dumps(told))
            self.filing.done(begun)
        return told

    def close(self) -> None:
        """Lets go of workers, files and the folder."""
        gc.unfreeze()
        self.trainers.close()
        self.curves.close()
        self.lock.release()

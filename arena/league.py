"""The league: a learner trains by self-play, its snapshots and the anchors meet, everybody is rated on one scale."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from agents.play import Finished
from arena.run import Run, plan_of
from arena.store import Store, StoredGame
from arena.train import Plan, Round
from arena.worker import Chunk, Meeting, shares
from envs.registry import game
from leagues.matchmaking import most_telling
from leagues.rating import Ratings, rate
from leagues.schedule import Pairing, pair

if TYPE_CHECKING:
    from arena.config import Config


@dataclass(frozen=True)
class LeagueSettings:
    """Who is met, and how often.

    anchors             specs of fixed members; the first stands at 0
    snapshot_minutes    between two snapshots of the learner
    rating_pairs        pairs of rating games (one opening, both seatings) after each snapshot
    rating_simulations  with which snapshots play them
    opening_plies       at most so many random moves begin a rating game; never more than a fifth of the longest game
    """

    anchors: tuple[str, ...] = (
        "random",
        "alphabeta:depth=2",
        "alphabeta:depth=6",
        "mcts:sims=100",
        "mcts:sims=1000",
        "solver:epsilon=0.3",
        "solver:epsilon=0.1",
    )
    snapshot_minutes: float = 3.0
    rating_pairs: int = 40
    rating_simulations: int = 100
    opening_plies: int = 8


@dataclass
class Status:
    """What a league shows of itself while it runs."""

    game: str
    run: str
    elapsed: float = 0.0
    left: float | None = None
    """Seconds; None if the league runs until it is stopped."""
    rounds: int = 0
    games: int = 0
    rated: int = 0
    plies_per_second: float = 0.0
    evaluations_per_second: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)
    ratings: Ratings | None = None
    newest: str | None = None
    steps: int = 0
    restarts: int = 0
    backend: str = ""
    doing: str = "starting the workers"


class League:
    """One learner's run, and the store in which everything that it and its opponents do is kept."""

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        settings: LeagueSettings,
        store: Store,
        *,
        minutes: float | None,
        show: Callable[[Status], None],
    ) -> None:
        self.plan, self.settings, self.store, self.show = plan, settings, store, show
        self.rules = game(plan.game)
        self.opening_plies = min(settings.opening_plies, self.rules.max_plies // 5)
        self.run = Run(folder, plan, minutes=minutes)
        self.status = Status(plan.game, self.run.name)
        self.specs: dict[str, str] = {}
        self.tickets: list[Any] = []
        self._refuse_another_run_of_this_name()
        for spec in settings.anchors:
            store.add_member(plan.game, spec, "anchor", spec)
        store.add_member(plan.game, self.run.name, "learner", str(folder))
        for member in store.members(plan.game):
            if member.kind in ("anchor", "snapshot"):
                self.specs[member.name] = member.spec
        self.next_snapshot = 0.0
        self.met: Counter[tuple[str, str]] = Counter()
        for result, count in store.results(plan.game).items():
            self.met[min(result[:2]), max(result[:2])] += count
        self.status.games = store.count(plan.game, "selfplay")
        self.rate()

    def _refuse_another_run_of_this_name(self) -> None:
        """A run that begins anew must not mix its snapshots with those of an earlier one."""
        if self.run.resumed:
            return
        for member in self.store.members(self.plan.game):
            if member.kind == "snapshot" and member.parent == self.run.name:
                self.run.close()
                raise ValueError(
                    f"{self.store.path} has snapshots of an earlier run '{self.run.name}' whose folder is gone; "
                    f"name this one otherwise (--set run.name=NAME), or put its folder {self.run.folder} back."
                )

    def play(self) -> Ratings | None:
        """Runs until the time is over or Ctrl-C; returns the last ratings. What was committed stays in any case."""
        run = self.run
        try:
            self.status.backend = run.trainer.pool.finish(run.trainer.pool.start(0, "ready"))
            run.begin()
            self.next_snapshot = run.elapsed()
            if not run.resumed:
                self.next_snapshot += 30.0  # the first: a beginner, so that the scale has a lower end
            self.status.doing = "self-play and learning"
            while run.progress() < 1.0:
                self.tell(None)
                self.take(run.round(self.between))
            run.round(self.finish_off)
            self.gather()
        finally:
            run.close()
        return self.status.ratings

    def between(self) -> None:
        """Between rounds: results of rating games come in, and now and then the learner is frozen and rated."""
        self.store_self_play(self.run.trainer.arrived)
        self.gather()
        if self.run.elapsed() >= self.next_snapshot:
            self.snapshot()
            self.send_out(self.settings.rating_pairs)
            self.next_snapshot = self.run.elapsed() + 60.0 * self.settings.snapshot_minutes

    def finish_off(self) -> None:
        """The last snapshot, and rating games enough to place it."""
        self.store_self_play(self.run.trainer.arrived)
        self.gather()
        self.snapshot()
        self.status.doing = "rating the last snapshot"
        self.tell(None)
        self.send_out(2 * self.settings.rating_pairs)
        self.gather()

    def snapshot(self) -> None:
        """Keeps the state, freezes the learner and enters the snapshot: in this order, so that a kill loses none."""
        self.run.keep()
        name, folder = self.run.snapshot()
        digest = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
        spec = f"{folder}:sims={self.settings.rating_simulations}"
        parent, step = self.run.name, self.run.trainer.learner.steps
        self.store.add_member(self.plan.game, name, "snapshot", spec, parent=parent, step=step, sha256=digest)
        self.specs[name] = spec
        self.status.newest = name

    def send_out(self, pairs: int) -> None:
        """Gives the workers the pairs of rating games that tell most, the newest snapshot's first."""
        ratings = rate(self.store.results(self.plan.game), members=self.specs, anchor=self.settings.anchors[0])
        known = Counter(self.met)
        pairings: list[Pairing] = []
        half = most_telling(ratings, pairs // 2, seed=self.run.trainer.number, focus=[self.status.newest or "random"])
        for a, b in half + most_telling(ratings, pairs - len(half), seed=self.run.trainer.number + 1):
            key = (min(a, b), max(a, b))
            pairings += pair(a, b, self.plan.seed, known[key] // 2)
            known[key] += 2
        pool = self.run.trainer.pool
        for i, hand in enumerate(shares(pairings, pool.size)):
            if hand:
                names = {name for p in hand for name in (p.first, p.second)}
                meeting = Meeting(tuple(hand), {n: self.specs[n] for n in names}, self.opening_plies)
                self.tickets.append(pool.start(i, "meet", meeting))

    def gather(self) -> None:
        """Waits for the rating games that were given out, stores them, and rates everybody anew."""
        if not self.tickets:
            return
        pool = self.run.trainer.pool
        played = [one for ticket in self.tickets for one in pool.finish(ticket)]
        self.tickets = []
        self.store.add_games([self.rated_game(pairing, finished) for pairing, finished in played])
        for pairing, _ in played:
            self.met[min(pairing.first, pairing.second), max(pairing.first, pairing.second)] += 1
        self.rate()
        ratings = self.status.ratings
        if ratings is not None:
            self.store.add_ratings(self.plan.game, self.store.last_number(), ratings.rows())
            if self.status.newest in ratings.names:
                self.run.log("league/elo", float(ratings.elo[ratings.names.index(self.status.newest)]))

    def rate(self) -> None:
        """Everybody's rating from every rated game in the store."""
        results = self.store.results(self.plan.game)
        self.status.rated = sum(results.values())
        if results:
            self.status.ratings = rate(results, members=self.specs, anchor=self.settings.anchors[0])

    def rated_game(self, pairing: Pairing, finished: Finished) -> StoredGame:
        return StoredGame(
            id=f"{self.plan.game}.{self.rules.version}.{pairing.id}",
            game=self.plan.game,
            rules=self.rules.version,
            seed=finished.seed,
            seats=(pairing.first, pairing.second),
            results=finished.reward,
            moves=finished.moves,
            opening=finished.opening,
            purpose="rating",
            run=self.run.name,
        )

    def store_self_play(self, chunks: list[Chunk]) -> None:
        """Keeps every game of self-play; a game that a resumed run plays again has its old id and is not kept twice."""
        name = self.run.name
        games = [
            StoredGame(
                id=f"{name}.{self.plan.seed}.{worker}.{g.number}",
                game=self.plan.game,
                rules=self.rules.version,
                seed=g.seed,
                seats=(name,) * self.rules.seats,
                results=g.reward,
                moves=g.moves,
                opening=g.opening,
                purpose="selfplay",
                run=name,
            )
            for worker, chunk in enumerate(chunks)
            for g in chunk.games
        ]
        self.status.games += self.store.add_games(games)

    def take(self, done: Round) -> None:
        """Shows what a round brought."""
        status = self.status
        status.rounds, status.metrics = done.number, done.metrics
        status.plies_per_second = done.plies / done.seconds
        status.evaluations_per_second = done.evaluations / done.seconds
        self.tell(done)

    def tell(self, done: Round | None) -> None:
        """Passes the status on to whoever shows it."""
        run, status = self.run, self.status
        status.elapsed = run.elapsed()
        status.left = None if run.limit is None else max(0.0, run.limit - run.elapsed())
        status.steps = run.trainer.learner.steps
        status.restarts = run.trainer.pool.restarts
        self.show(status)


def run_league(config: Config, *, address: str | None = None) -> None:
    """Runs the league of a configuration to its end, showing it live, and prints the ratings."""
    from arena.cluster import stop_ray
    from arena.display import Display
    from arena.leaderboard import as_table, leaderboard

    window = open_window(config) if config.viewer.watch else None
    try:
        with Store(config.database) as store:
            with Display() as display:
                league = League(
                    config.folder,
                    plan_of(config, address),
                    config.league,
                    store,
                    minutes=config.run.minutes,
                    show=display.show,
                )
                display.show(league.status)
                league.play()
            Console().print(as_table(leaderboard(store, config.game.name)))
    finally:
        stop_ray()
        if window is not None:
            window.terminate()


def open_window(config: Config) -> subprocess.Popen[bytes]:
    """The viewer on the league's newest games, as a process of its own that reads the database."""
    command = [sys.executable, "-m", "arena", "watch", "--league", "--database", str(config.database)]
    return subprocess.Popen(command)

"""The league: a learner trains by self-play, its snapshots and the anchors meet, everybody is rated on one scale."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from agents.ranges import within
from agents.search.search import MOST_SIMULATIONS
from agents.self_play import SelfPlay
from arena.entrants import weights_digest
from arena.leaderboard import as_table, leaderboard, ratings
from arena.run import Run, plan_of, write_config
from arena.status import STARTING, Status
from arena.store import Store, StoredGame
from arena.tournament import contest, digest, enter, kept
from arena.train import Plan, Round
from arena.worker import Chunk, Meeting, shares
from leagues.matchmaking import most_telling
from leagues.rating import Ratings
from leagues.schedule import Pairing, pair

if TYPE_CHECKING:
    from arena.config import Config


@dataclass(frozen=True)
class LeagueSettings:
    """Who is met, and how often.

    anchors             specs of fixed members; `random` stands at 0 if it is among them
    snapshot_minutes    between two snapshots of the learner
    rating_pairs        pairs of rating games (one opening, both seatings) after each snapshot
    rating_simulations  with which snapshots play them that search
    """

    anchors: tuple[str, ...] = (
        "random",
        "mcts:sims=10",
        "alphabeta:depth=2",
        "alphabeta:depth=6",
        "mcts:sims=100",
        "mcts:sims=1000",
    )
    snapshot_minutes: float = 3.0
    rating_pairs: int = 40
    rating_simulations: int = 100

    def __post_init__(self) -> None:
        if not self.anchors:
            raise ValueError('anchors must hold one member at least, for example anchors = ["random"].')
        within(
            self, snapshot_minutes="[0, inf)", rating_pairs="[1, inf)", rating_simulations=f"[0, {MOST_SIMULATIONS}]"
        )


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
        prepare: Callable[[Path], None] | None = None,
    ) -> None:
        self.plan, self.settings, self.store, self.show = plan, settings, store, show
        self.contest = contest(plan.game, settings.anchors, seed=plan.seed, purpose="rating")
        self.rules = self.contest.rules
        self.game = self.contest.game
        self.run = Run(folder, plan, minutes=minutes, prepare=prepare)
        self.status = Status(self.game, self.run.name)
        self.tickets: list[Any] = []
        self.next_snapshot = 0.0
        self._refuse_another_run_of_this_name()
        enter(store, self.contest)
        store.add_member(self.game, self.run.name, "learner", str(folder.resolve()))
        self.specs = {**self.contest.entrants, **self._snapshots()}
        self.openings: Counter[tuple[str, str]] = Counter()
        """How many openings each two were given in rating games, however those ended."""
        played: Counter[tuple[str, str]] = Counter()
        for result, count in store.results(self.game).items():
            played[min(result[:2]), max(result[:2])] += count
        for key, count in played.items():
            self.openings[key] = -(-count // 2)
        self.status.games = store.count(self.game, "selfplay")
        self.rate()

    def _snapshots(self) -> dict[str, str]:
        """Name and spec of every frozen learner of this game whose weights are still those that were entered."""
        frozen = [member for member in self.store.members(self.game) if member.kind == "snapshot"]
        return {member.name: member.spec for member in frozen if weights_digest(member.spec) == member.sha256}

    def _refuse_another_run_of_this_name(self) -> None:
        """A run that begins anew must not mix its snapshots with those of an earlier one."""
        if self.run.resumed:
            return
        for member in self.store.members(self.game):
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
            self.status.backend = run.trainer.ready()
            run.begin()
            self.next_snapshot = run.elapsed()
            if not run.resumed:
                self.next_snapshot += 30.0  # the first: a beginner, so that the scale has a lower end
            self.status.doing = "self-play and learning"
            while run.progress() < 1.0:
                self.tell()
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
        self.tell()
        self.send_out(2 * self.settings.rating_pairs)
        self.gather()

    def snapshot(self) -> None:
        """Keeps the state, freezes the learner and enters the snapshot: in this order, so that a kill loses none."""
        self.run.keep()
        name, folder = self.run.snapshot()
        searches = isinstance(self.plan.playing, SelfPlay)
        spec = f"{folder.resolve()}" + f":sims={self.settings.rating_simulations}" * searches
        parent, step = self.run.name, self.run.trainer.learner.steps
        digest = weights_digest(spec)
        self.store.add_member(self.game, name, "snapshot", spec, parent=parent, step=step, sha256=digest)
        self.specs[name] = spec
        self.status.newest = name

    def send_out(self, pairs: int) -> None:
        """Gives the workers the pairs of rating games that tell most among those who can play."""
        rated = ratings(self.store, self.game, intervals=False)
        pairings: list[Pairing] = []
        for a, b in most_telling(rated, pairs, seed=self.run.trainer.number, among=self.specs):
            key = (min(a, b), max(a, b))
            pairings += pair(a, b, self.plan.seed, self.openings[key])
            self.openings[key] += 1
        pool = self.run.trainer.pool
        for i, hand in enumerate(shares(pairings, pool.size)):
            if hand:
                names = {name for p in hand for name in (p.first, p.second)}
                meeting = Meeting(tuple(hand), {n: self.specs[n] for n in names}, self.contest.opening)
                self.tickets.append(pool.start(i, "meet", meeting))

    def gather(self) -> None:
        """Waits for the rating games that were given out, stores them, and rates everybody anew."""
        if not self.tickets:
            return
        pool = self.run.trainer.pool
        found = [one for ticket in self.tickets for one in pool.finish(ticket)]
        self.tickets = []
        played = [(pairing, finished) for pairing, finished in found if not finished.broken]
        self.store.add_games([kept(self.contest, pairing, finished, self.run.name) for pairing, finished in played])
        self.status.broken += len(found) - len(played)
        self.rate()
        rated = self.status.ratings
        if rated is not None:
            self.store.add_ratings(self.game, self.store.last_counted(self.game), rated.rows())
            if self.status.newest in rated.names:
                self.run.log("league/elo", float(rated.elo[rated.names.index(self.status.newest)]))

    def rate(self) -> None:
        """Everybody's rating from every rated game in the store."""
        self.status.rated = sum(self.store.results(self.game).values())
        if self.status.rated:
            self.status.ratings = ratings(self.store, self.game)

    def store_self_play(self, chunks: list[Chunk]) -> None:
        """Keeps every game of self-play, once: one that a resumed run plays again, move by move, has its old id."""
        name = self.run.name
        games = [
            StoredGame(
                id=f"{self.game}.{name}.{chunk.stream}.{g.number}.{digest(self.rules.version, *g.moves)[:12]}",
                game=self.game,
                rules=self.rules.version,
                seed=g.seed,
                seats=(name,) * self.rules.seats,
                results=g.reward,
                moves=g.moves,
                opening=g.opening,
                purpose="selfplay",
                run=name,
            )
            for chunk in chunks
            for g in chunk.games
        ]
        self.status.games += self.store.add_games(games)

    def take(self, done: Round) -> None:
        """Shows what a round brought."""
        self.status.take(done)
        self.tell()

    def tell(self) -> None:
        """Passes the status on to whoever shows it."""
        self.status.follow(self.run)
        self.show(self.status)


def run_league(config: Config, *, address: str | None = None) -> None:
    """Runs the league of a configuration to its end, showing it live, and prints the ratings."""
    from arena.cluster import stop_ray
    from arena.display import Display

    window = None
    try:
        with Store(config.database) as store:
            window = open_window(config) if config.viewer.watch else None
            with Display(phases=True) as display:
                display.phase(STARTING)
                league = League(
                    config.folder,
                    plan_of(config, address),
                    config.league,
                    store,
                    minutes=config.run.minutes,
                    show=display.show,
                    prepare=partial(write_config, config),
                )
                display.show(league.status)
                league.play()
            Console().print(as_table(leaderboard(store, league.game)))
    finally:
        stop_ray()
        if window is not None:
            window.terminate()


def open_window(config: Config) -> subprocess.Popen[bytes]:
    """The viewer on the league's newest games, as a process of its own that reads the database."""
    command = [sys.executable, "-m", "arena", "watch", "--league", config.game.name]
    command += ["--database", str(config.database), "--run", config.run.name]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

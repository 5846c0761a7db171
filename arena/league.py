"""The league: a learner trains by self-play, its snapshots and the anchors meet, everybody is rated on one scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from agents.ranges import within
from agents.search.search import MOST_SIMULATIONS
from arena.entrants import weights_digest
from arena.leaderboard import Leaderboard, leaderboard
from arena.ledger import RATING_SIMULATIONS, Ledger
from arena.run import Run, plan_of, write_config
from arena.stage import stage
from arena.status import STARTING, Status
from arena.store import Store
from arena.tournament import contest
from arena.train import Plan, Round
from arena.worker import Chunk
from leagues.rating import Ratings

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
    rating_simulations: int = RATING_SIMULATIONS

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
        rating = contest(plan.game, settings.anchors, seed=plan.seed, purpose="rating")
        self.game = rating.game
        self.run = Run(folder, plan, minutes=minutes, prepare=prepare)
        self.status = Status(self.game, self.run.name)
        self.next_snapshot = 0.0
        try:
            self.ledger = Ledger(store, plan.game, rating, folder, settings.rating_simulations)
            self.ledger.enter([self.run.name], new=not self.run.resumed)
        except BaseException:
            self.run.close()
            raise
        self.ledger.specs |= self._snapshots()
        self.status.games = store.count(self.game, "selfplay")
        self.ledger.rate()
        self._show_ratings()

    def _snapshots(self) -> dict[str, str]:
        """Name and spec of every frozen learner of this game whose weights are still those that were entered."""
        frozen = [member for member in self.store.members(self.game) if member.kind == "snapshot"]
        return {member.name: member.spec for member in frozen if weights_digest(member.spec) == member.sha256}

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
            run.trainer.gather(run.progress())  # the last round arrives, and nothing more is learned
            self.finish_off()
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
        self.ledger.admit(name, folder, self.plan.playing, parent=self.run.name, step=self.run.trainer.learner.steps)
        self.status.newest = name

    def send_out(self, pairs: int) -> None:
        """Gives the workers the pairs of rating games that tell most among those who can play."""
        trainer, ledger = self.run.trainer, self.ledger
        ledger.send_out(trainer.pool, ledger.telling(pairs, seed=trainer.number, among=ledger.specs))

    def gather(self) -> None:
        """Waits for the rating games that were given out, stores them, and rates everybody anew."""
        if not self.ledger.waiting:
            return
        self.ledger.gather(self.run.trainer.pool)
        self.ledger.rate_and_keep()
        self._show_ratings()
        rated, newest = self.status.ratings, self.status.newest
        if rated is not None and newest in rated.names:
            self.run.log("league/elo", float(rated.elo[rated.names.index(newest)]))

    def _show_ratings(self) -> None:
        status, ledger = self.status, self.ledger
        status.rated, status.broken, status.ratings = ledger.rated, ledger.broken.total(), ledger.ratings

    def store_self_play(self, chunks: list[Chunk]) -> None:
        """Keeps every game of self-play, once."""
        me = self.run.name
        seats = (me,) * self.ledger.rules.seats
        games = ((finished, seats, chunk.stream) for chunk in chunks for finished in chunk.games)
        self.status.games += self.ledger.keep_games(me, games)

    def take(self, done: Round) -> None:
        """Shows what a round brought."""
        self.status.take(done)
        self.tell()

    def tell(self) -> None:
        """Passes the status on to whoever shows it."""
        self.status.follow(self.run)
        self.show(self.status)


def run_league(config: Config, *, address: str | None = None) -> Leaderboard:
    """Runs the league of a configuration to its end, showing it live; returns the ratings."""
    with stage(config) as (store, display):
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
        return leaderboard(store, league.game)

"""What a league's members have played: who is entered, which games are kept, and what everybody is rated by them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.self_play import SelfPlay
from arena.entrants import weights_digest
from arena.leaderboard import ANCHOR, ratings
from arena.store import Store, StoredGame
from arena.tournament import Contest, digest, enter, kept
from arena.worker import Meeting, shares
from envs.registry import game as game_of
from leagues.matchmaking import most_telling
from leagues.rating import Ratings, Result, rate
from leagues.schedule import Pairing, pair

if TYPE_CHECKING:
    from agents.play import Finished
    from arena.cluster import Pool

RATING_SIMULATIONS = 100
"""With which snapshots play rating games that search, unless a league says otherwise."""

FIRST_OPENING = 1_000_000
"""Openings of the rating games of two are numbered from here; below are those of meetings that its rules want."""

Two = tuple[str, str]


class Ledger:
    """A league's members and games in the database, and everybody's rating.

    contest      the anchors, and what rating games follow from; None where nobody is rated: matches are for two
    folder       of the league: its name is whose games they are
    simulations  with which snapshots play rating games that search
    """

    def __init__(
        self, store: Store, game: str, contest: Contest | None, folder: Path, simulations: int = RATING_SIMULATIONS
    ) -> None:
        self.store, self.contest, self.folder, self.simulations = store, contest, folder, simulations
        self.rules = game_of(game)
        self.game = self.rules.name
        self.specs: dict[str, str] = dict(contest.entrants) if contest is not None else {}
        """Who can be called to play, by name."""
        self.results: Counter[Result] = Counter(store.results(self.game))
        """What meetings are chosen by. A league that goes on may have those of its state: the store may know more."""
        self.openings: Counter[Two] = Counter()
        """How many openings each two were given in rating games, however those ended."""
        self.broken: Counter[str] = Counter()
        """Why games of members failed that count for nobody, and how many did."""
        self.rated = 0
        """Games that the ratings are made from."""
        self.ratings: Ratings | None = None
        self._tickets: list[Any] = []
        self._openings_of_results()

    def _openings_of_results(self) -> None:
        self.openings.clear()
        for (a, b, _), times in self.results.items():
            self.openings[min(a, b), max(a, b)] += times
        for two, games in self.openings.items():
            self.openings[two] = -(-games // 2)

    def state(self) -> dict[str, Any]:
        """What the choice of further games follows from."""
        return {
            "openings": [[*two, times] for two, times in sorted(self.openings.items())],
            "results": [[*result, times] for result, times in sorted(self.results.items())],
        }

    def restore(self, results: Sequence[Any] | None, openings: Sequence[Any] | None) -> None:
        """Goes on from a state; one of an earlier version may lack either, which the games that were played tell."""
        if results is not None:
            self.results = Counter({Result(str(a), str(b), float(score)): int(n) for a, b, score, n in results})
        if openings is None:
            self._openings_of_results()
        else:
            self.openings = Counter({(str(a), str(b)): int(times) for a, b, times in openings})

    # --- members ----------------------------------------------------------------------------------------------------

    def enter(self, learners: Collection[str], *, new: bool) -> None:
        """Enters the anchors and the learners; `new`: no snapshot of these learners can be this league's."""
        for member in self.store.members(self.game) if new else ():
            if member.kind == "snapshot" and member.parent in learners:
                raise ValueError(
                    f"{self.store.path} has snapshots of an earlier run '{self.folder.name}' whose folder is gone; "
                    f"name this one otherwise (--set run.name=NAME), or put its folder {self.folder} back."
                )
        if self.contest is not None:
            enter(self.store, self.contest)
        for name in learners:
            self.store.add_member(self.game, name, "learner", str(self.folder.resolve()))

    def admit(self, name: str, place: Path, playing: Any, *, parent: str, step: int) -> None:
        """Enters a snapshot that lies in a folder; `playing`: how its learner gathered experience."""
        spec = f"{place.resolve()}" + f":sims={self.simulations}" * isinstance(playing, SelfPlay)
        sha256 = weights_digest(spec)
        self.store.add_member(self.game, name, "snapshot", spec, parent=parent, step=step, sha256=sha256)
        self.specs[name] = spec

    # --- games ------------------------------------------------------------------------------------------------------

    def keep_games(self, me: str, games: Iterable[tuple[Finished, tuple[str, ...], int]]) -> int:
        """Stores games that a learner learned from; returns how many were not there before.

        Each with who sat where, and the stream of the worker that played it. One that a resumed league plays again,
        move by move, has its old id.
        """
        return self.store.add_games(
            [
                StoredGame(
                    id=f"{self.game}.{me}.{stream}.{g.number}.{digest(self.rules.version, g.seed, *g.moves)[:12]}",
                    game=self.game,
                    rules=self.rules.version,
                    seed=g.seed,
                    seats=seats,
                    results=g.reward,
                    moves=g.moves,
                    opening=g.opening,
                    purpose="selfplay" if set(seats) == {me} else "league",
                    run=self.folder.name,
                )
                for g, seats, stream in games
            ]
        )

    def telling(
        self, count: int, *, seed: int, among: Collection[str], focus: Collection[str] | None = None
    ) -> list[Pairing]:
        """The pairs of rating games that tell most (`most_telling`); no two members are given an opening twice."""
        assert self.contest is not None
        anchor = ANCHOR if ANCHOR in self.specs else None
        rated = rate(self.results, members=self.specs, anchor=anchor, intervals=False)
        pairings: list[Pairing] = []
        for a, b in most_telling(rated, count, seed=seed, focus=focus, among=among):
            two = (min(a, b), max(a, b))
            pairings += pair(a, b, self.contest.seed, FIRST_OPENING + self.openings[two])
            self.openings[two] += 1
        return pairings

    def send_out(self, pool: Pool, pairings: Sequence[Pairing]) -> None:
        """Gives the workers games to play; `gather` waits for them."""
        assert self.contest is not None
        for i, hand in enumerate(shares(pairings, pool.size)):
            if hand:
                names = {name for p in hand for name in (p.first, p.second)}
                meeting = Meeting(tuple(hand), {name: self.specs[name] for name in names}, self.contest.opening)
                self._tickets.append(pool.start(i, "meet", meeting))

    @property
    def waiting(self) -> bool:
        """Whether there is anything to gather."""
        return bool(self._tickets)

    def gather(self, pool: Pool) -> list[tuple[Pairing, Finished]]:
        """Waits for the games that were given out, stores those that did not fail, and returns them."""
        assert self.contest is not None
        tickets, self._tickets = self._tickets, []
        found = [one for ticket in tickets for one in pool.finish(ticket)]
        self.broken.update(finished.broken for _, finished in found if finished.broken)
        played = [(pairing, finished) for pairing, finished in found if not finished.broken]
        games = [kept(self.contest, pairing, finished, self.folder.name) for pairing, finished in played]
        self.store.add_games(games)
        for one in games:
            first, second = one.seats
            self.results[Result(first, second, self.contest.result(one))] += 1
        return played

    # --- ratings ----------------------------------------------------------------------------------------------------

    def rate(self) -> None:
        """Everybody's rating from every rated game in the store."""
        self.rated = sum(self.store.results(self.game).values())
        if self.contest is not None and self.rated:
            self.ratings = ratings(self.store, self.game)

    def rate_and_keep(self) -> None:
        """The same after new games; the database keeps it as what everybody was rated then."""
        self.rate()
        if self.ratings is not None:
            self.store.add_ratings(self.game, self.store.last_counted(self.game), self.ratings.rows())

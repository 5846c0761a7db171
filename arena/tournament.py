"""Tournaments and matches: games in colour-swapped pairs, stored before they count, cut off and gone on with at will.

A game's id, its opening and its players' random streams follow from the seed, the two names and which of their pairs
it is; so the same command after a crash plays what is missing and nothing twice, and more pairs extend what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from itertools import groupby, islice
from typing import TYPE_CHECKING, NamedTuple

from agents.play import Broken, Finished, read_forfeit
from agents.registry import AGENTS, is_person, is_program
from arena.cluster import spread
from arena.entrants import digest_of, greet, identity
from arena.leaderboard import keep_ratings
from arena.store import Member, Store, StoredGame
from arena.terms import FREE, Terms
from arena.worker import Meeting, play_pairings
from envs.game import Game
from envs.registry import game as game_of
from leagues.rating import Ratings, rate
from leagues.schedule import Pairing, Standing, follow, gauntlet, schedule
from leagues.sprt import MatchElo, Sprt, match_elo

if TYPE_CHECKING:
    from arena.openings import Book

LANES = 512
"""Games of one pair of members that are played side by side, for networks' sake; what a kill can lose."""

SLOW_LANES = 128
"""So many where games take time by the clock: programs, and agents against the clock."""


class Edited(ValueError):
    """A program is no more what it was when its games began."""


Heard = Callable[[int, int], None]
"""Is told (games played, games in all); in all = 0 while that is open."""


@dataclass(frozen=True)
class Contest:
    """Who plays what, and from which seed everything random follows.

    entrants       the members' names, each with its agent's spec
    opening_plies  at most so many random moves begin a pair of games; None = what suits the game
    book           openings that pairs of games begin from instead (`arena.openings`)
    terms          clocks, and when games are adjudicated
    """

    game: str
    entrants: Mapping[str, str]
    seed: int = 0
    opening_plies: int | None = None
    purpose: str = "tournament"
    book: Book = ()
    terms: Terms = FREE

    @property
    def rules(self) -> Game:
        return game_of(self.game)

    @property
    def opening(self) -> int:
        """Random moves at most: a sixth of the longest game, and no more than eight."""
        return min(8, self.rules.max_plies // 6) if self.opening_plies is None else self.opening_plies

    @property
    def lanes(self) -> int:
        """Games of one pair of members that are played side by side; a person plays one after the other."""
        if any(map(is_person, self.entrants.values())):
            return 1
        slow = bool(self.terms.clock) or any(map(is_program, self.entrants.values()))
        return SLOW_LANES if slow else LANES

    @cached_property
    def id(self) -> str:
        """Names the contest; who else takes part does not matter, so entering one more keeps what was played."""
        rules, purpose, opening = self.rules, self.purpose, self.opening
        parts = (rules.name, rules.version, purpose, opening, self.seed, *self.book, *self.terms.parts)
        return f"{self.purpose}-{digest(*parts)[:10]}"

    def game_id(self, pairing: Pairing) -> str:
        return digest(self.id, pairing.id)[:32]

    def result(self, stored: StoredGame) -> float:
        """The first seat's score: 1, 0.5 or 0, as its return is higher than the second's, equal or lower."""
        first, second = stored.results
        return (1.0 + (first > second) - (first < second)) / 2.0


def digest(*parts: object) -> str:
    return blake2b("\0".join(str(part) for part in parts).encode(), digest_size=16).hexdigest()


def contest(
    game: str,
    specs: Sequence[str],
    *,
    seed: int = 0,
    opening_plies: int | None = None,
    purpose: str = "tournament",
    members: Sequence[Member] = (),
    openings: str | None = None,
    terms: Terms | None = None,
) -> Contest:
    """A contest of the agents written as specs; raises ValueError if one cannot play, or two have one name.

    Who meets whom is a matter of two: only games against a person (`purpose` play) have another number of seats.

    An agent of a folder goes by its name and its simulations (`a-0010:sims=600`), unless the same weights with the
    same options are among `members` already: then by that member's name. A program that was edited since one of its
    name became a member goes by another (see `arena.entrants`).
    """
    rules = game_of(game)
    if rules.seats != 2 and purpose != "play":
        seats = "one seat" if rules.seats == 1 else f"{rules.seats} seats"
        raise ValueError(
            f"{rules.name} has {seats}, and only games for two are matched; try `arena evaluate AGENT {rules.name}`."
        )
    terms = terms or FREE
    terms.judge(rules)
    entrants: dict[str, str] = {}
    for written in terms.written(specs):
        name, spec = identity(written, rules, members)
        if name in entrants:
            raise ValueError(f"'{written}' and '{entrants[name]}' are both called '{name}'; enter one of them.")
        entrants[name] = spec
    book: Book = ()
    if openings is not None:
        from arena.openings import openings as book_of

        if opening_plies is not None:
            raise ValueError("--opening asks for random moves and --openings for those of a book; choose one.")
        book = book_of(openings, rules, seed)
    return Contest(rules.name, entrants, seed, opening_plies, purpose, book, terms)


def enter(store: Store, contest: Contest) -> None:
    """Enters everybody in the database; raises StoreError if a name belongs to another agent there."""
    for name, spec in contest.entrants.items():
        scripted = spec.partition(":")[0] in AGENTS
        digest = None if scripted else digest_of(spec)
        kind = "agent" if not scripted else "person" if is_person(spec) else "anchor"
        store.add_member(contest.game, name, kind, spec, sha256=digest)


def play_missing(
    store: Store,
    contest: Contest,
    pairings: Sequence[Pairing],
    heard: Heard = lambda done, total: None,
    workers: int = 0,
) -> Iterator[list[tuple[Pairing, StoredGame]]]:
    """Plays the pairings that are not stored yet, batch after batch; each batch is stored when it is yielded.

    With `workers` so many processes play (`arena.cluster.spread`): the same games, stored in the order they end in.
    Raises Edited, and stores nothing of the batch, where a program is no more what it was, and Broken where another
    project's game failed, once the batch's other games are stored.
    """
    programs = {name: digest_of(spec) for name, spec in contest.entrants.items() if is_program(spec)}
    known = store.known([contest.game_id(pairing) for pairing in pairings])
    missing = [pairing for pairing in pairings if contest.game_id(pairing) not in known]
    total, done = len(pairings), len(pairings) - len(missing)
    heard(done, total)

    def over(games: int, _: int) -> None:
        heard(done + games, total)

    on_ply = None if workers else over  # other processes are heard of once a batch
    meetings = [
        Meeting(tuple(batch), contest.entrants, contest.opening, contest.book, contest.terms)
        for batch in batches(missing, contest.lanes)
    ]
    for _, games in spread(lambda meeting: play_pairings(contest.game, meeting, on_ply), meetings, workers):
        broken = [finished.broken for _, finished in games if finished.broken]
        played = [(pairing, kept(contest, pairing, finished)) for pairing, finished in games if not finished.broken]
        for name, was in programs.items():
            if digest_of(contest.entrants[name]) != was:
                raise Edited(
                    f"The files of '{name}' changed while it played; its last games are not kept. Start again: as it "
                    "is now it is another member."
                )
        store.add_games([stored for _, stored in played])
        done += len(played)
        heard(done, total)
        yield played
        if broken:
            raise Broken(contest.game, broken)


def batches(pairings: Sequence[Pairing], lanes: int) -> Iterator[list[Pairing]]:
    """The pairings, those of the same two members together, at most `lanes` at a time, both games of a pair in one."""

    def who(pairing: Pairing) -> tuple[str, str]:
        return min(pairing.first, pairing.second), max(pairing.first, pairing.second)

    for _, group in groupby(sorted(pairings, key=who), who):
        while batch := list(islice(group, lanes)):
            yield batch


def kept(contest: Contest, pairing: Pairing, finished: Finished, run: str = "") -> StoredGame:
    """A game of a contest as the database keeps it; `run` is whose rating games these are, if any's."""
    return StoredGame(
        id=contest.game_id(pairing),
        game=contest.game,
        rules=contest.rules.version,
        seed=finished.seed,
        seats=(pairing.first, pairing.second),
        results=finished.reward,
        moves=finished.moves,
        opening=finished.opening,
        purpose=contest.purpose,
        run=run or contest.id,
        reason=finished.reason,
    )


# --- tournaments ----------------------------------------------------------------------------------------------------


class Forfeited(NamedTuple):
    """A game that a member lost by what it did wrong (`agents.agent.Forfeit`)."""

    name: str
    kind: str
    text: str
    game: str


@dataclass(frozen=True)
class Table:
    """How a tournament ended: ratings from its own games alone, and who scored what against whom."""

    contest: Contest
    games: int
    ratings: Ratings
    points: Mapping[tuple[str, str], tuple[float, int]] = field(default_factory=dict)
    """(a, b) -> a's points against b, and their games."""
    standings: Sequence[Standing] = ()
    """Who came where, where the format says so; without it the ratings do."""
    forfeits: Sequence[Forfeited] = ()
    """Games that were lost other than by the rules, in the order of the schedule."""
    stored: int = field(default=0, compare=False, repr=False)
    """How many of the games were played by an earlier command."""


def tournament(
    store: Store,
    contest: Contest,
    form: str,
    pairs: int,
    heard: Heard = lambda done, total: None,
    *,
    rounds: int | None = None,
    workers: int = 0,
) -> Table:
    """Plays a tournament to its end, from wherever it stands in the database.

    Each round follows from the stored results of those before; `heard` is told the games of the rounds known so far.
    The table is the same for any number of `workers`, the processes that play beside this one.
    """
    course = schedule(form, list(contest.entrants), pairs, contest.seed, rounds)
    greet(contest.entrants, contest.rules)
    enter(store, contest)
    before = stored = 0

    def play(pairings: list[Pairing]) -> dict[str, float]:
        nonlocal before, stored
        stored += stored_earlier(store, contest, pairings)

        def after(done: int, total: int) -> None:
            heard(before + done, before + total)

        for _ in play_missing(store, contest, pairings, after, workers):
            pass
        before += len(pairings)
        return scores(store, contest, pairings)

    pairings, standings = follow(course, play)
    keep_ratings(store, contest.game)
    return replace(table(store, contest, pairings), standings=tuple(standings), stored=stored)


def stored_earlier(store: Store, contest: Contest, pairings: Sequence[Pairing]) -> int:
    """How many of these games are in the database already, and are not played again."""
    return len(store.known([contest.game_id(pairing) for pairing in pairings]))


def scores(store: Store, contest: Contest, pairings: Sequence[Pairing]) -> dict[str, float]:
    """The pairings' ids, each with the stored score of whoever moved first."""
    return {pairing.id: contest.result(store.stored_game(contest.game_id(pairing))) for pairing in pairings}


def table(store: Store, contest: Contest, pairings: Sequence[Pairing]) -> Table:
    """The table of those games of a contest that are stored."""
    wanted = {contest.game_id(pairing): number for number, pairing in enumerate(pairings)}
    points: dict[tuple[str, str], tuple[float, int]] = {}
    results: dict[tuple[str, str, float], int] = {}
    forfeits: list[Forfeited] = []
    for stored in store.games(contest.game, run=contest.id):
        if stored.id in wanted:
            forfeits += forfeited(stored)
            first, second = stored.seats
            score = contest.result(stored)
            results[first, second, score] = results.get((first, second, score), 0) + 1
            for pair, part in (((first, second), score), ((second, first), 1.0 - score)):
                had, games = points.get(pair, (0.0, 0))
                points[pair] = (had + part, games + 1)
    forfeits.sort(key=lambda lost: wanted[lost.game])
    ratings, points = rated(results, contest.entrants), dict(sorted(points.items()))
    return Table(contest, sum(results.values()), ratings, points, forfeits=forfeits)


def forfeited(stored: StoredGame) -> list[Forfeited]:
    """Who lost a stored game other than by the rules, and why; [] if nobody."""
    found = read_forfeit(stored.reason)
    if found is None or found[0] >= len(stored.seats):
        return []
    seat, (kind, text) = found
    return [Forfeited(stored.seats[seat], kind, text, stored.id)]


def rated(results: Mapping[tuple[str, str, float], int], members: Sequence[str] | Mapping[str, str]) -> Ratings:
    """Ratings of results counted by (first, second, first's score); `random` stands at 0 if it is among the members."""
    from leagues.rating import Result

    anchor = "random" if "random" in members else None
    return rate({Result(*result): count for result, count in results.items()}, members=members, anchor=anchor)


# --- matches --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MatchResult:
    """How a match of two ended."""

    first: str
    second: str
    wins: int
    draws: int
    losses: int
    pairs: tuple[int, ...]
    """Pairs of games in which the first got 0, 1/2, 1, 3/2, 2 points."""
    elo: MatchElo
    verdict: str | None = None
    """Of the sequential test: elo0, elo1, or None if the games ran out first."""
    llr: float | None = None
    forfeits: tuple[Forfeited, ...] = ()
    stored: int = field(default=0, compare=False)
    """How many of the games were played by an earlier command."""
    ids: tuple[str, ...] = ()
    """Of the games, in the order of the schedule."""

    @property
    def games(self) -> int:
        return self.wins + self.draws + self.losses


def match(
    store: Store,
    contest: Contest,
    games: int,
    *,
    sprt: tuple[float, float] | None = None,
    heard: Heard = lambda done, total: None,
) -> MatchResult:
    """Plays two agents for `games` games (rounded up to pairs), or fewer if a sequential test decides before."""
    first, second = contest.entrants
    greet(contest.entrants, contest.rules)
    test = Sprt(*sprt) if sprt is not None else Sprt(0.0, 1.0)
    enter(store, contest)
    pairings = list(gauntlet(first, [second], (games + 1) // 2, contest.seed))
    tally = [0, 0, 0]
    forfeits, ids = list[Forfeited](), list[str]()
    step, earlier = max(2, contest.lanes) if sprt is None else 32, 0
    for start in range(0, len(pairings), step):
        some = pairings[start : start + step]
        earlier += stored_earlier(store, contest, some)
        for _ in play_missing(store, contest, some):
            pass
        forfeits += _count(store, contest, first, some, test, tally)
        ids += [contest.game_id(pairing) for pairing in some]
        heard(sum(tally), len(pairings))
        if sprt is not None and test.verdict is not None:
            break
    losses, draws, wins = tally
    return MatchResult(
        first, second, wins, draws, losses, tuple(int(count) for count in test.counts), match_elo(test.counts),
        test.verdict if sprt is not None else None, test.llr if sprt is not None else None, tuple(forfeits), earlier,
        tuple(ids),
    )  # fmt: skip


def _count(
    store: Store, contest: Contest, first: str, pairings: Sequence[Pairing], test: Sprt, tally: list[int]
) -> list[Forfeited]:
    """Adds stored games to a test, pair by pair, and to a tally of losses, draws and wins; returns the forfeits."""
    forfeits: list[Forfeited] = []
    scores: dict[str, list[float]] = {}
    for pairing in pairings:
        stored = store.stored_game(contest.game_id(pairing))
        forfeits += forfeited(stored)
        score = contest.result(stored)
        score = score if pairing.first == first else 1.0 - score
        tally[round(2 * score)] += 1
        scores.setdefault(pairing.pair, []).append(score)
    for pair in scores.values():
        test.add(*pair)
    return forfeits

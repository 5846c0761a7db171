"""Between the database and the viewers: stored games to be shown, and games with a person to be stored."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path

from agents.agent import Agent
from agents.play import ADJUDICATED, read_forfeit
from agents.registry import agent
from arena.specs import expand
from arena.store import Store, StoredGame, StoreError
from arena.viewers.snapshot import Snapshot
from arena.viewers.sources import GameRecord
from envs.game import Game
from envs.registry import game as game_of
from envs.registry import kept_game

PURPOSES = ("rating", "selfplay", "league", "tournament", "match", "play", "any")
"""Which stored games can be followed; league: of a league's learners against others, to learn from."""

NEWEST, NOBODY = "newest", "none"
"""Analysts that are no spec: the newest snapshot of the game, and nobody."""


def shown(store: Store | None, stored: StoredGame) -> GameRecord:
    """A stored game with its players' latest ratings, if any; raises ValueError if its rules have changed since."""
    rules = kept_game(stored.game)
    if rules.version != stored.rules:
        raise ValueError(
            f"Game {stored.id} was played by the rules of {stored.game} version {stored.rules}; "
            f"here are rules {rules.version}, by which it cannot be shown."
        )
    history = [] if store is None else store.rating_history(stored.game)
    elos = {point.name: (point.elo, point.high - point.low) for point in history}
    ratings = tuple(f"{elos[name][0]:.0f} ± {elos[name][1] / 2:.0f}" if name in elos else "" for name in stored.seats)
    return GameRecord(
        game=rules,
        moves=tuple(stored.moves),
        names=stored.seats,
        seed=stored.seed,
        opening=stored.opening,
        ratings=ratings if any(ratings) else (),
        result=stored.results,
        facts=(("game", stored.id), ("run", stored.run), ("purpose", stored.purpose), *ended(stored)),
        ended=ending(stored),
    )


def ended(stored: StoredGame) -> tuple[tuple[str, str], ...]:
    """Why a game ended where it was not by the rules, as a line of the log."""
    lost = read_forfeit(stored.reason)
    if lost is None:
        return (("ended", stored.reason),) if stored.reason else ()
    seat, (kind, text) = lost
    name = stored.seats[seat] if seat < len(stored.seats) else f"seat {seat}"
    return (("forfeit", f"{name} ({kind}): {text}"),)


def ending(stored: StoredGame) -> str:
    """Why a game ended where it was not by the rules, as a sentence under its last position."""
    lost = read_forfeit(stored.reason)
    if lost is not None:
        seat, (kind, text) = lost
        name = stored.seats[seat] if seat < len(stored.seats) else f"Seat {seat}"
        return f"{name} forfeited ({kind}): {text.rstrip('.')}."
    if stored.reason == "resigned":
        losers = [name for name, result in zip(stored.seats, stored.results, strict=True) if result < 0]
        return f"{' and '.join(losers)} resigned."
    if stored.reason.startswith(ADJUDICATED):
        return "The game was adjudicated: it ended as perfect play would have ended it."
    return f"As its record says: {stored.reason.removeprefix('ended: ').rstrip('.')}." if stored.reason else ""


def analyst_spec(store: Store, game: str, wanted: str, run: str | None = None) -> str | None:
    """Who is to judge games: a spec as it is; for `newest` the newest snapshot of the game (and run), if any.

    Of a league of many learners it is the newest that searches, if one does.
    """
    if wanted != NEWEST:
        return None if wanted == NOBODY else wanted
    snapshots = [m for m in store.members(game) if m.kind == "snapshot"]
    if run is not None:
        snapshots = [m for m in snapshots if m.parent == run or (m.parent or "").startswith(f"{run}-")]
    if not snapshots:
        return None
    spec = next((m.spec for m in reversed(snapshots) if ":sims=" in m.spec), snapshots[-1].spec)
    beside = store.path.parent / spec.partition(":")[0]  # a league's folders are named as seen from where it ran
    return spec if Path(spec.partition(":")[0]).exists() or not beside.exists() else f"{store.path.parent}/{spec}"


@dataclass
class LeagueGames:
    """The finished games of a league's database, the newest first, as the league commits them.

    The database need not exist yet. After the newest game come those before it, until there are newer ones.
    `wanted` is a game, `run` a run; None stands for any. `judge` is a spec, `newest` or `none`.
    """

    database: Path
    wanted: str | None = None
    purpose: str = "rating"
    run: str | None = None
    judge: str = NEWEST
    _store: Store | None = None
    _given: set[int] = field(default_factory=set)
    _agents: dict[str, Agent] = field(default_factory=dict)
    _checked: int = -1
    """The number of the last game in the database when there was nothing left to give."""

    def game(self) -> Game:
        """The game asked for, else the first that the database has, else Connect Four."""
        if self.wanted:
            return game_of(self.wanted)
        try:
            found = self._open().games_with_members()
        except StoreError:
            found = []
        return kept_game(found[0] if found else "connect_four")

    def next(self) -> GameRecord | None:
        """The newest finished game that was not given before, or None."""
        if not self.database.is_file():
            return None
        store, purpose = self._open(), None if self.purpose == "any" else self.purpose
        last = store.last_number()
        if last == self._checked:
            return None
        found = store.newest(0, self.wanted, purpose=purpose, run=self.run)
        while found is not None and found.number in self._given:
            found = store.newest(0, self.wanted, purpose=purpose, run=self.run, before=found.number)
        if found is None:
            self._checked = last
            return None
        self._given.add(found.number)
        return shown(store, found)

    def waiting(self) -> str:
        """What is being waited for."""
        if not self.database.is_file():
            return f"Waiting for a league to begin: there is no database {self.database.name} yet."
        kind = "finished" if self.purpose == "any" else self.purpose
        of = f" of run {self.run}" if self.run else ""
        when = " Snapshots play them, every few minutes." if self.purpose == "rating" else ""
        return f"Waiting for the {'next' if self._given else 'first'} {kind} game{of}.{when}"

    def analyst(self, game: Game) -> Agent | None:
        """Who judges the positions of a game; an agent is loaded once."""
        spec = analyst_spec(self._open(), game.name, self.judge, self.run)
        if spec is None:
            return None
        if spec not in self._agents:
            try:
                self._agents[spec] = agent(expand(spec, self.database))
            except ValueError as error:
                raise ValueError(f"{error} Without an analyst: --analyst none.") from error
        return self._agents[spec]

    def _open(self) -> Store:
        if self._store is None:
            self._store = Store.read(self.database)
        return self._store


def keep_play(database: Path, snapshot: Snapshot, against: str) -> str:
    """Stores a game that a person has finished, and returns its id; it never counts for ratings."""
    from arena.tournament import contest, enter

    assert snapshot.result is not None and snapshot.person is not None
    game, person = snapshot.game, snapshot.names[snapshot.person]
    with Store(database) as store:
        entry = contest(game.name, [against], members=store.members(game.name), purpose="play")
        (opponent,) = entry.entrants
        enter(store, entry)
        if store.add_member(game.name, person, "person").kind != "person":
            raise StoreError(f"'{person}' is the name of an agent in {database}; play under another, with --name.")
        stored = StoredGame(
            id=f"play-{uuid.uuid4().hex[:12]}",
            game=game.name,
            rules=game.version,
            seed=snapshot.seed,
            seats=tuple(person if seat == snapshot.person else opponent for seat in range(game.seats)),
            results=snapshot.result,
            moves=[ply.action for ply in snapshot.plies],
            opening=snapshot.opening,
            purpose="play",
            reason="resigned" if snapshot.forced is not None else "",
        )
        store.add_games([stored])
    return stored.id

"""arena.db: who there is, what was played and how strong everybody was; the one record that results count from.

SQLite in WAL mode: one process writes, any number read meanwhile. What a call of `add_...` has returned from is on
disk; a process that is killed inside one leaves nothing of it.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from arena.database import StoreError, check_version, connect_to_read, prepare, told
from arena.lock import Lock
from envs.registry import game as game_of

if TYPE_CHECKING:
    from leagues.rating import Result

Kind = Literal["anchor", "snapshot", "learner", "agent", "person"]

RATED = ("rating", "tournament", "match")
"""The purposes of the games that ratings are made from; self-play and games with people are kept but do not count."""


PATIENCE, TRIES = 3.0, 10
"""Seconds that a writer waits for another program before it says so, and how many times as long before it gives up."""


@dataclass(frozen=True)
class Member:
    """An agent's entry in a game."""

    id: int
    game: str
    name: str
    kind: Kind
    spec: str
    parent: str | None
    step: int | None
    sha256: str | None
    created: float


@dataclass(frozen=True)
class StoredGame:
    """A game as it is kept: enough to play it again move by move."""

    id: str
    """Unique for ever; a second game with the same id is the same game."""
    game: str
    rules: int
    seed: int
    seats: tuple[str, ...]
    """The members' names, by seat."""
    results: tuple[float, ...]
    """-1 .. 1, by seat."""
    moves: Sequence[Any]
    """Actions: numbers, or tuples of numbers where actions are vectors."""
    opening: int = 0
    purpose: str = "match"
    run: str = ""
    reason: str = ""
    finished: float = 0.0
    """Seconds since 1970; 0 is filled in when the game is stored."""
    number: int = 0
    """The order of committing, given by the store."""


@dataclass(frozen=True)
class RatingPoint:
    """What a member's rating was at a time."""

    taken: float
    upto: int
    name: str
    elo: float
    low: float
    high: float
    games: int


class Store:
    """The database, open for writing (`Store(path)`) or for reading beside a writer (`Store.read(path)`)."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if self.path.exists() and not self.path.is_file():
            raise StoreError(f"{path} is no plain file; name one to keep games in, as in --db arena.db.")
        with told(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock: Lock | None = Lock(self.path, otherwise="wait for it, stop it, or keep these games elsewhere.")
        try:
            with told(self.path):
                self._db = sqlite3.connect(self.path, isolation_level=None, timeout=PATIENCE)
                self._db.execute("PRAGMA foreign_keys = ON")
                prepare(self._db, self.path)
                self._db.execute("PRAGMA synchronous = FULL")
                self._begin()  # says now, not after an hour's play, that the folder is read-only
                self._db.execute("COMMIT")
        except BaseException:
            self._lock.release()
            raise
        self._names: dict[tuple[str, str], int] = {}

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """The database as a reader sees it; nothing in it can be changed."""
        path = Path(path)
        if not path.is_file():
            raise StoreError(f"There is no database {path} yet; `arena league` or `arena tournament` make one.")
        store = cls.__new__(cls)
        store.path, store._lock, store._names = path, None, {}
        with told(path):
            store._db = connect_to_read(path)
            check_version(store._db, path)
        return store

    def close(self) -> None:
        self._db.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _begin(self) -> None:
        """Takes the right to write; says that it waits where another program, such as sqlite3's shell, has it."""
        for tried in range(1, TRIES + 1):
            try:
                self._db.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or tried == TRIES:
                    raise
                if tried == 1:
                    left = (TRIES - 1) * PATIENCE
                    sys.stderr.write(f"{self.path} is locked by another program; waiting {left:.0f} s for it.\n")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with told(self.path):
            self._begin()
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with told(self.path):
            return self._db.execute(query, values).fetchall()

    # --- members ----------------------------------------------------------------------------------------------------

    def add_member(
        self,
        game: str,
        name: str,
        kind: Kind,
        spec: str = "",
        *,
        parent: str | None = None,
        step: int | None = None,
        sha256: str | None = None,
    ) -> Member:
        """Enters an agent, once; raises StoreError if the name is that of other weights or settings already."""
        with self._transaction():
            known = self._find(game, name)
            if known is None:
                origin = None if parent is None else self._member_id(game, parent)
                self._db.execute(
                    "INSERT INTO members VALUES (NULL,?,?,?,?,?,?,?,?)",
                    (game, name, kind, spec or name, origin, step, sha256, time.time()),
                )
        if known is not None and sha256 != known.sha256 and None not in (sha256, known.sha256):
            raise StoreError(
                f"'{name}' is another agent of {game} in {self.path} already (its weights or settings differ); "
                "give the new one another name."
            )
        return known or self.member(game, name)

    def member(self, game: str, name: str) -> Member:
        """One member; raises StoreError if there is none of that name."""
        found = self._find(game, name)
        if found is None:
            raise StoreError(
                f"{self.path} has no member '{name}' of {game}; `arena leaderboard {game}` shows who there is."
            )
        return found

    def members(self, game: str | None = None) -> list[Member]:
        """Everybody, or everybody of one game, in the order in which they were entered."""
        where, values = ("", ()) if game is None else ("WHERE m.game = ?", (game,))
        return [Member(*row) for row in self._rows(f"{_MEMBER} {where} ORDER BY m.id", values)]

    def games_with_members(self) -> list[str]:
        """The games that have members."""
        return [name for (name,) in self._rows("SELECT DISTINCT game FROM members ORDER BY game")]

    def _find(self, game: str, name: str) -> Member | None:
        rows = self._rows(f"{_MEMBER} WHERE m.game = ? AND m.name = ?", (game, name))
        return Member(*rows[0]) if rows else None

    def _member_id(self, game: str, name: str) -> int:
        key = (game, name)
        if key not in self._names:
            self._names[key] = self.member(game, name).id
        return self._names[key]

    # --- games ------------------------------------------------------------------------------------------------------

    def add_games(self, games: Iterable[StoredGame]) -> int:
        """Stores games whose ids are new, all in one transaction; returns how many were."""
        fresh = {game.id: game for game in games}
        now = time.time()
        with self._transaction():
            for known in self.known(list(fresh)):
                del fresh[known]
            start = 1 + (self._db.execute("SELECT max(number) FROM games").fetchone()[0] or 0)
            self._db.executemany(
                "INSERT INTO games VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                (_columns(game, number, now) for number, game in enumerate(fresh.values(), start)),
            )
            self._db.executemany(
                "INSERT INTO seats VALUES (?,?,?,?)",
                (
                    (n, seat, self._member_id(g.game, name), result)
                    for n, g in enumerate(fresh.values(), start)
                    for seat, (name, result) in enumerate(zip(g.seats, g.results, strict=True))
                ),
            )
        return len(fresh)

    def games(
        self,
        game: str | None = None,
        *,
        purpose: str | None = None,
        run: str | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Iterator[StoredGame]:
        """Stored games in the order of committing, those whose number is above `after`."""
        wanted = {"game": game, "purpose": purpose, "run": run}
        chosen = {column: value for column, value in wanted.items() if value is not None}
        where = "".join(f" AND {column} = ?" for column in chosen)
        with told(self.path):
            numbers = self._db.execute(
                f"SELECT number FROM games WHERE number > ?{where} ORDER BY number LIMIT ?",
                (after, *chosen.values(), -1 if limit is None else limit),
            )
            while chunk := [number for (number,) in islice(numbers, 500)]:
                yield from self._read_games(chunk)

    def stored_game(self, id: str) -> StoredGame:
        """The game of an id, or of the beginning of one; raises StoreError if there is none or are several."""
        last = id[:-1] + chr(ord(id[-1]) + 1) if id else ""
        found = self._rows("SELECT number, id FROM games WHERE id >= ? AND id < ? ORDER BY id LIMIT 2", (id, last))
        exact = [row for row in found if row[1] == id] or found
        if len(exact) != 1:
            several = f"several games whose ids begin with '{id}'; write more of it" if exact else f"no game '{id}'"
            raise StoreError(f"{self.path} has {several}.")
        return self._read_games([exact[0][0]])[0]

    def newest(
        self,
        after: int = 0,
        game: str | None = None,
        *,
        purpose: str | None = None,
        run: str | None = None,
        before: int | None = None,
    ) -> StoredGame | None:
        """The last game committed, if its number is above `after` (and below `before`): what a viewer shows next."""
        wanted = {"game = ?": game, "purpose = ?": purpose, "run = ?": run, "number < ?": before}
        chosen = {test: value for test, value in wanted.items() if value is not None}
        where = "".join(f" AND {test}" for test in chosen)
        query = f"SELECT number FROM games WHERE number > ?{where} ORDER BY number DESC LIMIT 1"
        found = self._rows(query, (after, *chosen.values()))
        return self._read_games([found[0][0]])[0] if found else None

    def known(self, ids: Sequence[str]) -> set[str]:
        """Which of these games are stored already."""
        found: set[str] = set()
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            found.update(id for (id,) in self._rows(f"SELECT id FROM games WHERE id IN ({_marks(some)})", some))
        return found

    def count(self, game: str | None = None, purpose: str | None = None) -> int:
        """How many games are stored."""
        chosen = {"game": game, "purpose": purpose}
        kept = {column: value for column, value in chosen.items() if value is not None}
        where = " AND ".join([*(f"{column} = ?" for column in kept), "1"])
        return self._rows(f"SELECT count(*) FROM games WHERE {where}", tuple(kept.values()))[0][0]

    def last_number(self) -> int:
        """The number of the last game committed; 0 before the first."""
        return self._rows("SELECT coalesce(max(number), 0) FROM games")[0][0]

    def last_counted(self, game: str) -> int:
        """The number of the last game of a game that ratings are made from; 0 before the first."""
        query = f"SELECT coalesce(max(number), 0) FROM games WHERE game = ? AND purpose IN ({_marks(RATED)})"
        return self._rows(query, (game, *RATED))[0][0]

    def _read_games(self, numbers: Sequence[int]) -> list[StoredGame]:
        marks = _marks(numbers)
        seats: dict[int, list[tuple[str, float]]] = {}
        for number, name, result in self._rows(
            "SELECT s.number, m.name, s.result FROM seats s JOIN members m ON m.id = s.member "
            f"WHERE s.number IN ({marks}) ORDER BY s.number, s.seat",
            numbers,
        ):
            seats.setdefault(number, []).append((name, result))
        rows = self._rows(f"SELECT * FROM games WHERE number IN ({marks}) ORDER BY number", numbers)
        return [_stored(row, seats.get(row[0], [])) for row in rows]

    # --- results and ratings ----------------------------------------------------------------------------------------

    def results(
        self, game: str, *, purposes: Sequence[str] = RATED, run: str | None = None, upto: int | None = None
    ) -> dict[Result, int]:
        """How often each result of a game for two occurred, under its present rules: what `leagues.rating.rate` takes.

        Whoever was paid more has won, whatever the amounts; equal pay is a draw.
        Games by other versions of the rules are kept, and tell nothing of this one: see `outdated`.
        """
        from leagues.rating import Result  # scipy comes with it

        limits, values = ("", ()) if run is None else (" AND g.run = ?", (run,))
        if upto is not None:
            limits, values = limits + " AND g.number <= ?", (*values, upto)
        rows = self._rows(
            "SELECT a.name, b.name, score, times FROM ("
            "  SELECT x.member AS one, y.member AS two, count(*) AS times,"
            "  (1 + (x.result > y.result) - (x.result < y.result)) / 2.0 AS score FROM games g"
            "  CROSS JOIN seats x ON x.number = g.number AND x.seat = 0"  # CROSS: in this order, the index first
            "  CROSS JOIN seats y ON y.number = g.number AND y.seat = 1"
            f" WHERE g.game = ? AND g.rules = ? AND g.purpose IN ({_marks(purposes)}) AND x.member <> y.member{limits}"
            "  GROUP BY x.member, y.member, score"
            ") JOIN members a ON a.id = one JOIN members b ON b.id = two",
            (game, game_of(game).version, *purposes, *values),
        )
        return {Result(first, second, score): count for first, second, score, count in rows}

    def played(self, game: str, *, purposes: Sequence[str] = RATED) -> list[Result]:
        """The games of `results` one by one, in the order of committing: what ratings that depend on it take."""
        from leagues.rating import Result

        rows = self._rows(
            "SELECT a.name, b.name, (1 + (x.result > y.result) - (x.result < y.result)) / 2.0 FROM games g"
            "  CROSS JOIN seats x ON x.number = g.number AND x.seat = 0"
            "  CROSS JOIN seats y ON y.number = g.number AND y.seat = 1"
            " JOIN members a ON a.id = x.member JOIN members b ON b.id = y.member"
            f" WHERE g.game = ? AND g.rules = ? AND g.purpose IN ({_marks(purposes)}) AND x.member <> y.member"
            " ORDER BY g.number",
            (game, game_of(game).version, *purposes),
        )
        return [Result(*row) for row in rows]

    def forfeits(self, game: str, *, purposes: Sequence[str] = RATED) -> list[tuple[str, str, int]]:
        """(member, why it ended, games) of each result of `results` that did not come about by the rules."""
        return self._rows(
            "SELECT m.name, g.reason, count(*) FROM games g"
            " JOIN seats s ON s.number = g.number AND s.seat = CAST(substr(g.reason, 9) AS INTEGER)"
            " JOIN members m ON m.id = s.member"
            f" WHERE g.game = ? AND g.rules = ? AND g.purpose IN ({_marks(purposes)}) AND g.reason LIKE 'forfeit _%'"
            " GROUP BY m.name, g.reason ORDER BY min(g.number)",
            (game, game_of(game).version, *purposes),
        )

    def outdated(self, game: str) -> int:
        """How many games would count in ratings, had they been played by the present version of the rules."""
        query = f"SELECT count(*) FROM games WHERE game = ? AND rules <> ? AND purpose IN ({_marks(RATED)})"
        return self._rows(query, (game, game_of(game).version, *RATED))[0][0]

    def add_ratings(self, game: str, upto: int, rows: Iterable[Mapping[str, str | float]]) -> None:
        """Keeps what everybody's rating was after game number `upto` (rows as of `Ratings.rows`).

        What was kept of that number before is replaced: a run that goes on after a kill rates the same games again.
        """
        now = time.time()
        with self._transaction():
            self._db.execute("DELETE FROM ratings WHERE game = ? AND upto = ?", (game, upto))
            self._db.executemany(
                "INSERT OR REPLACE INTO ratings VALUES (?,?,?,?,?,?,?,?)",
                [
                    (game, now, upto, self._member_id(game, str(row["name"])), float(row["elo"]), float(row["low"]),
                     float(row["high"]), round(float(row["games"])))
                    for row in rows
                ],
            )  # fmt: skip

    def rating_history(self, game: str, *, after: float = 0.0) -> list[RatingPoint]:
        """Every rating kept since a time, oldest first."""
        rows = self._rows(
            "SELECT r.taken, r.upto, m.name, r.elo, r.low, r.high, r.games "
            "FROM ratings r JOIN members m ON m.id = r.member WHERE r.game = ? AND r.taken > ? "
            "ORDER BY r.taken, r.elo DESC",
            (game, after),
        )
        return [RatingPoint(*row) for row in rows]

    def last_rated(self, game: str) -> int:
        """The number of the last game that the newest ratings counted; 0 where none are kept."""
        return self._rows("SELECT coalesce(max(upto), 0) FROM ratings WHERE game = ?", (game,))[0][0]

    def faults(self) -> list[str]:
        """What SQLite finds wrong with the file itself; [] if nothing."""
        broken = [text for (text,) in self._rows("PRAGMA integrity_check") if text != "ok"]
        orphans = self._rows("PRAGMA foreign_key_check")
        empty = self._rows(
            "SELECT count(*) FROM games g WHERE NOT EXISTS (SELECT 1 FROM seats s WHERE s.number = g.number)"
        )[0][0]
        broken += [f"row {row[1]} of {row[0]} points to no row of {row[2]}" for row in orphans]
        return broken + ([f"{empty} games have no players"] if empty else [])


_MEMBER = (
    "SELECT m.id, m.game, m.name, m.kind, m.spec, p.name, m.step, m.sha256, m.created "
    "FROM members m LEFT JOIN members p ON p.id = m.parent"
)


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))


def _stored(row: Sequence[Any], seats: list[tuple[str, float]]) -> StoredGame:
    number, id, game, rules, seed, opening, purpose, run, moves, reason, finished = row
    return StoredGame(
        id, game, rules, seed % 2**64, tuple(name for name, _ in seats), tuple(result for _, result in seats),
        [_move(move) for move in moves.split()], opening, purpose, run, reason, finished, number,
    )  # fmt: skip


def _columns(game: StoredGame, number: int, now: float) -> tuple[str | int | float, ...]:
    moves = " ".join(map(written_move, game.moves))
    return (
        number, game.id, game.game, game.rules, _signed(game.seed), game.opening, game.purpose, game.run, moves,
        game.reason, game.finished or now,
    )  # fmt: skip


def written_move(move: Any) -> str:
    """A move as it is kept: a number, or a vector's numbers with commas between them, each exactly."""
    return ",".join(repr(float(number)) for number in move) if isinstance(move, tuple) else str(move)


def _move(text: str) -> Any:
    """The move that `written_move` wrote; of anything else, a vector of no numbers, which is against all rules."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError:
        return ()


def _signed(seed: int) -> int:
    """64 bits as SQLite's signed integer."""
    return (int(seed) + 2**63) % 2**64 - 2**63

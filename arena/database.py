"""The tables of arena.db, how it is opened, and what goes wrong there, each in one sentence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

VERSION = 2
"""Changes whenever the tables do."""

TABLES = """
CREATE TABLE schema (version INTEGER NOT NULL) STRICT;

CREATE TABLE members (
    id      INTEGER PRIMARY KEY,
    game    TEXT NOT NULL,                          -- a spec: connect_four, othello:size=6
    name    TEXT NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('anchor', 'snapshot', 'learner', 'agent', 'person')),
    spec    TEXT NOT NULL,                          -- how to make the agent again: a spec or its folder
    parent  INTEGER REFERENCES members (id),        -- whom it was trained from
    step    INTEGER,                                -- the learner's updates when it was taken
    sha256  TEXT,                                   -- of its weights and settings
    created REAL NOT NULL,                          -- seconds since 1970
    UNIQUE (game, name)
) STRICT;

CREATE TABLE games (
    number   INTEGER PRIMARY KEY,                   -- the order in which games were committed
    id       TEXT NOT NULL UNIQUE,                  -- given by whoever played it: no game is counted twice
    game     TEXT NOT NULL,
    rules    INTEGER NOT NULL,                      -- Game.version
    seed     INTEGER NOT NULL,                      -- 64 bits, two's complement
    opening  INTEGER NOT NULL,                      -- how many of the moves were drawn at random
    purpose  TEXT NOT NULL,
    run      TEXT NOT NULL,                         -- the run or the tournament it belongs to
    moves    TEXT NOT NULL,                         -- actions, separated by spaces; vectors as 0.5,-1.25
    reason   TEXT NOT NULL,                         -- why it ended, where it was not by the rules
    finished REAL NOT NULL                          -- seconds since 1970
) STRICT;

CREATE TABLE seats (
    number INTEGER NOT NULL REFERENCES games (number),
    seat   INTEGER NOT NULL,
    member INTEGER NOT NULL REFERENCES members (id),
    result REAL NOT NULL,                           -- the seat's return; in most games -1, 0 or 1
    PRIMARY KEY (number, seat)
) STRICT, WITHOUT ROWID;

CREATE TABLE ratings (
    game   TEXT NOT NULL,
    taken  REAL NOT NULL,                           -- seconds since 1970
    upto   INTEGER NOT NULL,                        -- the number of the last game that counted
    member INTEGER NOT NULL REFERENCES members (id),
    elo    REAL NOT NULL,
    low    REAL NOT NULL,
    high   REAL NOT NULL,
    games  INTEGER NOT NULL,
    PRIMARY KEY (game, taken, member)
) STRICT, WITHOUT ROWID;

CREATE INDEX games_by_purpose ON games (game, purpose);
"""


class StoreError(ValueError):
    """The database cannot do what was asked; the text says why and what to do."""


def prepare(database: sqlite3.Connection, path: Path) -> None:
    """Makes the tables in an empty database, all or none; refuses any other that is not of this version."""
    if not database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        database.execute("PRAGMA journal_mode = WAL")
        script = f"BEGIN IMMEDIATE; {TABLES} INSERT INTO schema VALUES ({VERSION}); COMMIT;"
        try:
            database.executescript(script)
        except sqlite3.Error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise
    check_version(database, path)


def check_version(database: sqlite3.Connection, path: Path) -> None:
    """Raises StoreError unless the tables are those of this version."""
    try:
        versions = [version for (version,) in database.execute("SELECT version FROM schema")]
    except sqlite3.OperationalError as error:
        if "no such" not in str(error):
            raise
        versions = []
    if not versions and not database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise StoreError(f"{path} is empty so far; a league or a tournament that has begun fills it.")
    if len(versions) != 1:
        raise StoreError(f"{path} is a database, but not one of the arena's; name another file.")
    if versions[0] < VERSION:
        raise StoreError(
            f"{path} is an old database (version {versions[0]}, this arena keeps version {VERSION}): "
            "read it with the arena that wrote it, or move it away to begin a new one."
        )
    if versions[0] > VERSION:
        raise StoreError(
            f"{path} was written by a newer arena (version {versions[0]}, this one knows version {VERSION}): "
            "update the arena, or name another file."
        )


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; in a folder that cannot be written, one that trusts nobody else does."""
    path = path.resolve()
    address = path.as_uri()
    options: Any = {"uri": True, "isolation_level": None, "timeout": 30}
    connection = sqlite3.connect(f"{address}?mode=ro", check_same_thread=False, **options)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema")
    except sqlite3.OperationalError as error:
        beside = path.with_name(path.name + "-wal")
        if beside.exists() or not any(word in str(error) for word in ("unable to open", "readonly")):
            raise
        connection.close()
        connection = sqlite3.connect(f"{address}?immutable=1", check_same_thread=False, **options)
    return connection


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turns what SQLite and the file system say into one sentence."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(_sentence(path, str(error))) from error
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror}); name a file in a folder that can.") from error


def _sentence(path: Path, error: str) -> str:
    safe = "what was stored before is safe"
    if "full" in error:
        return f"The disk is full, so {path} took nothing more; free some room and start again, {safe}."
    if "readonly" in error or "read-only" in error:
        return f"{path} is read-only; name a file that can be written."
    if "unable to open" in error:
        return f"{path} cannot be opened; name a file in a folder that exists and can be written."
    if "disk I/O" in error:
        return f"The disk failed under {path} ({error}); see that it has room and is sound, {safe}."
    if "locked" in error or "busy" in error:
        return f"{path} is locked by another program; close it and try again."
    if "malformed" in error or "not a database" in error or "corrupt" in error:
        return f"{path} is damaged ({error}); move it away, or rescue it with sqlite3's .recover, and start again."
    return f"{path} could not take that ({error})."

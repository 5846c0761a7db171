"""Games as files that others can read: JSON Lines, PGN-like text, and SGF for the games that have it.

What is written holds all that the database holds of a game, and reading it gives the same back. What is read from
elsewhere is played again by the rules before it counts as a game.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from agents.files import read_plain
from arena.records import jsonl, pgn, sgf
from arena.records.fields import BadRecord
from arena.store import Store, StoredGame
from arena.verify import replayed_wrong
from envs.registry import game as game_of
from envs.registry import nearest

__all__ = ["FORMATS", "BadRecord", "add", "format_of", "is_record", "read", "read_text", "texts"]

FORMATS = {"jsonl": jsonl, "pgn": pgn, "sgf": sgf}
"""name -> the module that writes and reads it; also the file names' ending."""

MOST = 1 << 28
"""Bytes of a file that is read."""


def texts(games: Iterable[StoredGame], form: str) -> Iterator[str]:
    """Each game as text; all of them together are a file. Raises BadRecord where the format does not have the game."""
    if form not in FORMATS:
        raise BadRecord(f"There is no format '{form}'; {nearest(form, FORMATS)}")
    return (FORMATS[form].written(stored) for stored in games)


def is_record(name: str) -> bool:
    """Whether a word is the name of a file of games."""
    return name.endswith(tuple(f".{form}" for form in FORMATS)) and Path(name).is_file()


def format_of(text: str) -> str:
    """Which format a text has, by how it begins; raises BadRecord if none."""
    start = text[:1000].lstrip("\ufeff \t\r\n")
    for form, begins in {"jsonl": r"\{", "pgn": r"\[\s*\w+\s", "sgf": r"\(\s*;"}.items():
        if re.match(begins, start):
            return form
    raise BadRecord("It is neither JSON Lines nor PGN nor SGF: it begins with none of {, [ and (;.")


def read(path: Path) -> list[StoredGame]:
    """The games of a file, each played again by the rules; raises BadRecord with the file's name and what is wrong."""
    if not os.path.lexists(path):
        raise BadRecord(f"There is no file {path}; name a file of games.")
    try:
        return read_text(read_plain(path, MOST).decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadRecord(f"{path} is not text in UTF-8; save it so, or export it again.") from None
    except OSError as error:
        raise BadRecord(f"{path} cannot be read ({error.strerror or error}); name a file of games.") from None
    except BadRecord as error:
        raise BadRecord(f"{path}: {error}") from None


def read_text(text: str) -> list[StoredGame]:
    """The games of a text; raises BadRecord if one of them cannot be."""
    games = list(FORMATS[format_of(text)].read(text))
    if not games:
        raise BadRecord("There is no game in it.")
    by_rules: dict[str, list[tuple[int, StoredGame]]] = {}
    for number, stored in enumerate(games, 1):
        by_rules.setdefault(stored.game, []).append((number, stored))
    for name, some in by_rules.items():
        for (number, stored), wrong in zip(some, replayed_wrong(game_of(name), [one for _, one in some]), strict=True):
            if wrong:
                raise BadRecord(f"Game {number} ({stored.id[:80]}) of {name} cannot have been: {wrong}.")
    return games


def add(store: Store, games: Iterable[StoredGame]) -> int:
    """Stores games that were read, with their players; returns how many are new.

    Raises BadRecord if the id of one is that of another game, and stores then nothing.
    """
    games = list(games)
    known = store.known([stored.id for stored in games])
    for stored in games:
        if stored.id in known:
            there = store.stored_game(stored.id)
            if (there.game, list(there.moves), there.seats) != (stored.game, list(stored.moves), stored.seats):
                raise BadRecord(f"{store.path} has another game of the id {stored.id}; give one of them another id.")
    for game, name in dict.fromkeys((stored.game, name) for stored in games for name in stored.seats):
        store.add_member(game, name, "agent")
    return store.add_games(games)

"""JSON Lines: a game is one line, an object with everything that is kept of it, moves by their names."""

from __future__ import annotations

import json
from collections.abc import Iterator

from arena.records.fields import BadRecord, described, game_from, move_names, rules_of
from arena.store import StoredGame


def written(stored: StoredGame) -> str:
    """A game as a line."""
    rules = rules_of(stored.game)
    moves = move_names(rules, stored.moves)
    return json.dumps({**described(stored), "moves": moves}, ensure_ascii=False, allow_nan=False) + "\n"


def read(text: str) -> Iterator[StoredGame]:
    """The games of a text; raises BadRecord with the line that is wrong."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield _game(line)
            except BadRecord as error:
                raise BadRecord(f"Line {number}: {error}") from None


def _game(line: str) -> StoredGame:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"it is no JSON ({str(error)[:80]}).") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("moves"), list):
        raise BadRecord("it is no game: an object with `game` and a list of `moves` is wanted.")
    return game_from(rules_of(fields.get("game")), fields, fields["moves"])

"""What every format says of a game, checked one by one: a file may come from anywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import numpy as np

from arena.store import StoredGame
from envs import kernels
from envs.game import Game
from envs.registry import foreign
from envs.registry import game as game_of

LONGEST = {"id": 200, "game": 200, "purpose": 40, "run": 200, "reason": 10_000}
"""Characters of each text."""

LONGEST_NAME = 1000

LATEST = 1e11
"""Seconds since 1970 of the last moment that a calendar is asked for."""


class BadRecord(ValueError):
    """A file of games cannot be read or written; the text says what is wrong."""


def described(stored: StoredGame) -> dict[str, Any]:
    """All that is kept of a game but its moves, in plain values."""
    return {
        "id": stored.id,
        "game": stored.game,
        "rules": stored.rules,
        "seed": stored.seed,
        "seats": list(stored.seats),
        "results": list(stored.results),
        "opening": stored.opening,
        "purpose": stored.purpose,
        "run": stored.run,
        "reason": stored.reason,
        "finished": stored.finished,
    }


def rules_of(name: Any) -> Game:
    """The rules of a game by its name; other projects' games are refused, for their names may run anything."""
    if not isinstance(name, str) or not name or len(name) > LONGEST["game"]:
        raise BadRecord("It does not say which game it is; `game` is a name of `arena list games`.")
    if foreign(name) is not None:
        raise BadRecord(f"'{name[:80]}' is another project's game, and such are not read from files.")
    try:
        return game_of(name)
    except ValueError as error:
        raise BadRecord(str(error)) from None


def game_from(rules: Game, fields: Mapping[str, Any], moves: Sequence[Any]) -> StoredGame:
    """The game that checked fields and moves (names, or tuples of numbers) tell; what is left out has a default."""
    texts = {key: _text(fields, key) for key in ("id", "purpose", "run", "reason")}
    version = _whole(fields, "rules", rules.version, 0, 1 << 31)
    if version != rules.version:
        raise BadRecord(
            f"It was played by the rules of {rules.name} version {version}; here are rules {rules.version}."
        )
    actions = [action(rules, move, ply) for ply, move in enumerate(moves)]
    if len(actions) > rules.max_plies:
        raise BadRecord(f"It has {len(actions):,} moves, and a game of {rules.name} ends after {rules.max_plies:,}.")
    seed = _whole(fields, "seed", 0, 0, 2**64 - 1)
    stored = StoredGame(
        id=texts["id"],
        game=rules.name,
        rules=version,
        seed=seed,
        seats=_seats(fields, rules),
        results=_results(fields, rules, seed, actions),
        moves=actions,
        opening=_whole(fields, "opening", 0, 0, len(actions)),
        purpose=texts["purpose"] or "import",
        run=texts["run"],
        reason=texts["reason"],
        finished=min(max(_number(fields.get("finished", 0.0), "finished"), 0.0), LATEST),
    )
    return stored if stored.id else replace(stored, id=f"import-{_digest(stored)}")


def action(rules: Game, move: Any, ply: int) -> Any:
    """The action that is written as a move after so many others."""
    if rules.controls:
        if not isinstance(move, (list, tuple)) or len(move) != len(rules.controls):
            raise BadRecord(f"Move {ply + 1} is not {len(rules.controls)} numbers, as {rules.name} has them.")
        return tuple(_number(number, f"move {ply + 1}") for number in move)
    try:
        return rules.action(move, ply)
    except ValueError:
        raise BadRecord(f"Move {ply + 1}, {str(move)[:40]!r}, is no move of {rules.name}.") from None


def move_names(rules: Game, moves: Sequence[Any]) -> list[Any]:
    """How a game's actions are written: by their names, as all see the board; vectors as they are."""
    return [move if rules.controls else rules.written(move, ply) for ply, move in enumerate(moves)]


def _text(fields: Mapping[str, Any], key: str) -> str:
    text = fields.get(key, "")
    if not isinstance(text, str) or len(text) > LONGEST[key] or not _whole_text(text):
        raise BadRecord(f"`{key}` is no text of at most {LONGEST[key]:,} characters.")
    return text


def _whole_text(text: str) -> bool:
    """Whether a database takes it: no half characters, no end of text inside."""
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def _whole(fields: Mapping[str, Any], key: str, default: int, least: int, most: int) -> int:
    number = fields.get(key, default)
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise BadRecord(f"`{key}` is no whole number from {least} to {most}.")
    return number


def _number(number: Any, what: str) -> float:
    try:
        good = not isinstance(number, (bool, str)) and math.isfinite(float(number))
    except (TypeError, ValueError, OverflowError):
        good = False
    if not good:
        raise BadRecord(f"`{what}` is no finite number.")
    return float(number)


def _seats(fields: Mapping[str, Any], rules: Game) -> tuple[str, ...]:
    names = fields.get("seats", ["?"] * rules.seats)
    if not isinstance(names, list) or len(names) != rules.seats:
        raise BadRecord(f"`seats` does not name {rules.seats} player{'s' if rules.seats > 1 else ''}.")
    for name in names:
        if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME or not _whole_text(name):
            raise BadRecord(f"A player's name is no text of 1 to {LONGEST_NAME:,} characters.")
    return tuple(names)


def _results(fields: Mapping[str, Any], rules: Game, seed: int, actions: Sequence[Any]) -> tuple[float, ...]:
    """What is said of the results; where nothing is said, what the rules say of a game that is over."""
    given = fields.get("results")
    if given is not None:
        if not isinstance(given, list) or len(given) != rules.seats:
            raise BadRecord(f"`results` is not {rules.seats} numbers, one a seat.")
        return tuple(_number(one, "results") for one in given)
    rows = played(rules, seed, actions)
    if not rows[-1]["done"]:
        raise BadRecord("It says no result, and its moves stop before the game is over.")
    return tuple(rows[1:]["reward"].sum(axis=0, dtype=np.float64).tolist())


def played(rules: Game, seed: int, actions: Sequence[Any]) -> Any:
    """Every position; raises BadRecord where a move is against the rules."""
    try:
        return kernels.replay(rules, seed, actions)
    except ValueError as error:
        raise BadRecord(str(error)) from None


def _digest(stored: StoredGame) -> str:
    parts = (stored.game, stored.seed, stored.seats, stored.moves, stored.results, stored.reason)
    return blake2b(repr(parts).encode(), digest_size=12).hexdigest()

"""Text in the manner of chess's PGN, for every game: tags in brackets, then the moves by their names, numbered.

Of games that do not come from here the seven usual tags are read, comments, variations and marks are passed over, and
`[Game "..."]` says which game it is. Tags are written as JSON writes text, which PGN is a part of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from arena.records.fields import BadRecord, described, game_from, move_names, rules_of
from arena.store import StoredGame, written_move
from envs.game import Game

WIDTH = 100
"""Characters of a line of moves."""

RESULTS = {"1-0": [1.0, -1.0], "0-1": [-1.0, 1.0], "1/2-1/2": [0.0, 0.0]}

TAG = re.compile(r'\[\s*(\w+)\s+("(?:[^"\\\n]|\\.)*")\s*\]')
TOKEN = re.compile(r"\{[^}]*(?:\}|\Z)|;[^\n]*|[()]|[^\s(){};]+")
NUMBER = re.compile(r"\d+\.+")
SIGNS = re.compile(r"[\s%{}()\[\];$*!?]")
"""What means something of its own among moves; in a move's name it is written as in an address: %2A is a *."""


def written(stored: StoredGame) -> str:
    """A game as tags and moves, with an empty line after it."""
    rules, all_of_it = rules_of(stored.game), described(stored)
    spelt = written_move if rules.controls else _spelt
    names = [spelt(move) for move in move_names(rules, stored.moves)]
    at = datetime.fromtimestamp(max(0.0, stored.finished), UTC)
    players = ("White", "Black") if rules.seats == 2 else tuple(f"Player{seat + 1}" for seat in range(rules.seats))
    result = _result(stored)
    tags = {
        "Event": stored.run or stored.purpose, "Site": "arena", "Date": f"{at:%Y.%m.%d}", "Round": "-",
        **dict(zip(players, stored.seats, strict=True)), "Result": result, "Game": stored.game,
        **{key.capitalize(): str(all_of_it[key]) for key in ("rules", "seed", "id", "opening", "purpose", "run")},
        "Results": " ".join(map(repr, stored.results)), "Finished": repr(stored.finished),
        **({"Termination": stored.reason} if stored.reason else {}),
    }  # fmt: skip
    turn = max(2, rules.seats) if rules.seats > 1 else 10
    words = [f"{'' if ply % turn else f'{ply // turn + 1}. '}{name}" for ply, name in enumerate(names)]
    lines = "\n".join(f"[{key} {json.dumps(text, ensure_ascii=False)}]" for key, text in tags.items())
    return f"{lines}\n\n{_wrapped([*words, result])}\n\n"


def _spelt(name: str) -> str:
    return SIGNS.sub(lambda sign: f"%{ord(sign[0]):02X}", name)


def _result(stored: StoredGame) -> str:
    if len(stored.results) != 2:
        return "*"
    first, second = stored.results
    return "1-0" if first > second else "0-1" if first < second else "1/2-1/2"


def _wrapped(words: list[str]) -> str:
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines)


def read(text: str) -> Iterator[StoredGame]:
    """The games of a text; raises BadRecord with the number of the one that is wrong."""
    at, number = _skip(text, 0), 0
    while at < len(text):
        number += 1
        try:
            tags, at = _tags(text, at)
            if not tags:
                raise BadRecord(
                    f'here tags are wanted, as in [Game "hex"], and it goes on with {text[at : at + 30]!r}.'
                )
            words, at = _words(text, at)
            yield _game(tags, words)
            at = _skip(text, at)
        except BadRecord as error:
            raise BadRecord(f"Game {number}: {error}") from None


def _tags(text: str, at: int) -> tuple[dict[str, str], int]:
    """The tags from there on, and where they end."""
    tags: dict[str, str] = {}
    while True:
        at = _skip(text, at)
        found = TAG.match(text, at)
        if found is None:
            return tags, at
        try:
            tags[found[1]] = json.loads(found[2])
        except ValueError:
            tags[found[1]] = found[2][1:-1].replace('\\"', '"').replace("\\\\", "\\")
        at = found.end()


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _words(text: str, at: int) -> tuple[list[str], int]:
    """The moves from there on up to the result or the next game's tags, and where they end."""
    words: list[str] = []
    depth = 0
    for found in TOKEN.finditer(text, at):
        word = found[0]
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
        elif depth <= 0 and word[0] not in "{;$":
            if TAG.match(text, found.start()):
                return words, found.start()
            if word in RESULTS or word == "*":
                return words, found.end()
            words.append(word)
    return words, len(text)


def _game(tags: Mapping[str, str], words: list[str]) -> StoredGame:
    if "Game" not in tags:
        raise BadRecord('it does not say which game it is; add a tag as in [Game "connect_four"].')
    rules = rules_of(tags["Game"])
    fields: dict[str, Any] = {
        key: tags[key.capitalize()] for key in ("id", "purpose", "run") if key.capitalize() in tags
    }
    for key in ("rules", "seed", "opening"):
        if key.capitalize() in tags:
            fields[key] = _read(int, tags[key.capitalize()], key)
    if "Results" in tags:
        fields["results"] = [_read(float, one, "results") for one in tags["Results"].split()]
    elif tags.get("Result") in RESULTS and rules.seats == 2:
        fields["results"] = RESULTS[tags["Result"]]
    if "Finished" in tags:
        fields["finished"] = _read(float, tags["Finished"], "finished")
    if "Termination" in tags:
        fields["reason"] = tags["Termination"]
    players = [f"Player{seat + 1}" for seat in range(rules.seats)]
    players = ["White", "Black"] if rules.seats == 2 and "White" in tags else players
    fields["seats"] = [tags.get(player, "?") for player in players]
    return game_from(rules, fields, _moves(rules, words))


def _moves(rules: Game, words: list[str]) -> list[Any]:
    if rules.controls:
        kept = [word for word in words if not NUMBER.fullmatch(word)]
        return [[_read(float, number, "moves") for number in word.split(",")] for word in kept]
    bare = [NUMBER.sub("", word, count=1) if word[0].isdigit() and NUMBER.match(word) else word for word in words]
    return [re.sub("%([0-9A-F]{2})", lambda sign: chr(int(sign[1], 16)), word.rstrip("!?")) for word in bare if word]


def _read(kind: type, text: str, what: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise BadRecord(f"`{what}` is no number: {text[:30]!r}.") from None

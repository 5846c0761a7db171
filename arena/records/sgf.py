"""SGF, FF[4], for Go, Othello, Gomoku and Hex: what other programs of these games open and write.

Points count from the upper left corner, `aa`, column first; Hex has its own `a1`. Seat 0 is Black (B), who begins.
What SGF has no property for stands as JSON in a property of our own, AX. Of files from elsewhere the main line is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np

from agents.play import read_forfeit
from arena.records.fields import BadRecord, described, game_from, move_names, played, rules_of
from arena.store import StoredGame
from envs import kernels
from envs.game import Game
from envs.options import spec

GAMES = {1: "go", 2: "othello", 4: "gomoku", 11: "hex"}
"""SGF's numbers of the games."""

USUAL = {"go": 9, "othello": 8, "gomoku": 15, "hex": 11}
"""Sizes that are not written in a game's name."""

FOREIGN_SIZE = {"go": 19, "othello": 8, "gomoku": 15, "hex": 11}
"""The board of a file that says no SZ."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"

Node = dict[str, list[str]]


def written(stored: StoredGame) -> str:
    """A game as a line of properties and its moves; raises BadRecord for a game that SGF does not have."""
    rules, number = rules_of(stored.game), _number(stored.game)
    size = rules.shape[-1]
    more = described(stored)
    komi = rules.name.partition("komi=")[2].split(",")[0] or "7.5"
    at = datetime.fromtimestamp(max(0.0, stored.finished), UTC)
    head = {
        "FF": "4", "GM": str(number), "CA": "UTF-8", "AP": "arena:1", "SZ": str(size),
        **({"KM": komi, "RU": "Tromp-Taylor"} if number == 1 else {}),
        "PB": stored.seats[0], "PW": stored.seats[1], "RE": _result(stored), "DT": f"{at:%Y-%m-%d}",
        "EV": stored.run or stored.purpose, "GN": stored.id, "AX": json.dumps(more, allow_nan=False),
    }  # fmt: skip
    nodes = [";" + "".join(f"{key}[{_escaped(text)}]" for key, text in head.items())]
    rows = kernels.replay(rules, stored.seed, stored.moves)
    colours = "".join("BW"[seat] for seat in rows["seat"][: len(stored.moves)])
    nodes += [f";{colour}[{_point(rules, move)}]" for colour, move in zip(colours, stored.moves, strict=True)]
    lines = ["".join(nodes[i : i + 12]) for i in range(0, len(nodes), 12)]
    return "(" + "\n".join(lines) + ")\n\n"


def _number(game: str) -> int:
    for number, name in GAMES.items():
        if game.partition(":")[0] == name:
            return number
    raise BadRecord(f"SGF is for {', '.join(sorted(GAMES.values()))}, not for {game}; take pgn or jsonl.")


def _result(stored: StoredGame) -> str:
    first, second = stored.results
    if first == second:
        return "Draw"
    lost = read_forfeit(stored.reason)
    kind = stored.reason if lost is None else lost[1].kind
    why = {"resigned": "R", "late": "T"}.get(kind, "" if lost is None else "F")
    return f"{'B' if first > second else 'W'}+{why}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("]", "\\]")


def _point(rules: Game, move: int) -> str:
    size = rules.shape[-1]
    if rules.name.startswith("hex"):
        return "swap-pieces" if move >= size * size else rules.names[move]
    return "" if move >= size * size else LETTERS[move % size] + LETTERS[move // size]


# --- reading ----------------------------------------------------------------------------------------------------------

PROPERTY = re.compile(r"\s*([A-Za-z]+)\s*(?=\[)")
ESCAPE = re.compile(r"\\(\r\n|\n\r|.)", re.DOTALL)
VALUE = re.compile(r"\s*\[((?:[^\]\\]|\\.)*)\]", re.DOTALL)


def read(text: str) -> Iterator[StoredGame]:
    """The games of a collection; raises BadRecord with the number of the one that is wrong."""
    for number, nodes in enumerate(_games(text), 1):
        try:
            yield _game(nodes)
        except BadRecord as error:
            raise BadRecord(f"Game {number}: {error}") from None


def _games(text: str) -> Iterator[list[Node]]:
    """Each game's main line: of variations the first."""
    at, depth = 0, 0
    nodes: list[Node] = []
    ended = False  # the main line has: what is left of this game are variations
    while at < len(text):
        sign = text[at]
        at += 1
        if sign == "(":
            if depth == 0:
                nodes, ended = [], False
            depth += 1
        elif sign == ")":
            depth, ended = depth - 1, True
            if depth == 0:
                yield nodes
            if depth < 0:
                raise BadRecord("There is a ) too many.")
        elif sign == ";" and depth:
            node, at = _node(text, at)
            if not ended:
                nodes.append(node)
        elif not sign.isspace() and depth:
            raise BadRecord(f"A node begins with ; and here is {text[at - 1 : at + 20]!r}.")
    if depth:
        raise BadRecord("A ( is never closed: the file has been cut off.")


def _node(text: str, at: int) -> tuple[Node, int]:
    node: Node = {}
    while (name := PROPERTY.match(text, at)) is not None:
        at, values = name.end(), node.setdefault("".join(c for c in name[1] if c.isupper()), [])
        while (value := VALUE.match(text, at)) is not None:
            values.append(ESCAPE.sub(_unescaped, value[1]))
            at = value.end()
        if not values:
            raise BadRecord(f"The value of {name[1]} is never closed by a ].")
    return node, at


def _unescaped(escape: re.Match[str]) -> str:
    """The sign itself; a line's end that is escaped is nothing."""
    return "" if escape[1][0] in "\r\n" else escape[1]


def _game(nodes: list[Node]) -> StoredGame:
    head: dict[str, str] = {key: values[0] for node in nodes[:1] for key, values in node.items()}
    fields: dict[str, Any] = {}
    if "AX" in head:
        try:
            fields = json.loads(head["AX"])
        except (ValueError, RecursionError):
            raise BadRecord("its AX is no JSON.") from None
        if not isinstance(fields, dict):
            raise BadRecord("its AX is no JSON object.")
    rules = rules_of(fields["game"] if "game" in fields else _rules(head))
    _number(rules.name)
    if any(key in node for node in nodes for key in ("AB", "AW", "AE")):
        raise BadRecord("it sets stones up, by handicap or as a problem; games are read from the first move on.")
    moves = [(colour, node[colour][0]) for node in nodes for colour in ("B", "W") if colour in node]
    actions = _actions(rules, moves)
    if "AX" not in head:
        fields = {"seats": [head.get("PB") or "Black", head.get("PW") or "White"], **_ending(rules, head, actions)}
    return game_from(rules, fields, move_names(rules, actions))


def _rules(head: dict[str, str]) -> str:
    """The name of the game that a file from elsewhere is of."""
    kind = head.get("GM", "1").strip()
    game = GAMES.get(int(kind)) if kind.isdecimal() and len(kind) < 4 else None
    if game is None:
        raise BadRecord(f"its GM[{kind[:20]}] is none of {', '.join(f'{n} ({name})' for n, name in GAMES.items())}.")
    size = head.get("SZ", str(FOREIGN_SIZE[game])).strip()
    if not size.isdecimal() or len(size) > 3:
        raise BadRecord(f"its SZ[{size[:20]}] is no size of a square board.")
    options: dict[str, Any] = {"size": (int(size), USUAL[game])}
    if game == "go" and "KM" in head:
        try:
            options["komi"] = (float(head["KM"]), 7.5)
        except ValueError:
            raise BadRecord(f"its KM[{head['KM'][:20]}] is no number.") from None
    return spec(game, **options)


def _actions(rules: Game, moves: list[tuple[str, str]]) -> list[int]:
    """The actions of moves by colour; a pass of Othello's that is left out, as is usual, is put in."""
    actions: list[int] = []
    row = kernels.new_rows(rules, np.zeros(1, np.uint64))
    for ply, (colour, point) in enumerate(moves, 1):
        if row[0]["done"]:
            raise BadRecord(f"move {ply} comes after the end of the game.")
        seat = "BW".index(colour)
        if int(row[0]["seat"]) != seat and rules.name.startswith("othello"):
            actions.append(_played(rules, row, rules.actions - 1, ply))
        if row[0]["done"] or int(row[0]["seat"]) != seat:
            raise BadRecord(f"move {ply} is {'Black' if seat == 0 else 'White'}'s, who is not to move.")
        actions.append(_played(rules, row, _action(rules, point.strip(), ply), ply))
    return actions


def _played(rules: Game, row: Any, action: int, ply: int) -> int:
    if not kernels.may_play(rules, row, action):
        raise BadRecord(f"move {ply} ({rules.names[action]}) is against the rules.")
    kernels.play_rows(rules, row, np.array([action], np.int64))
    return action


def _action(rules: Game, point: str, ply: int) -> int:
    size = rules.shape[-1]
    name = point.lower()
    if rules.name.startswith("hex"):
        name = "swap" if name.startswith("swap") else name
        if name in rules.names:
            return rules.names.index(name)
    elif (not name or (name == "tt" and size <= 19)) and "pass" in rules.names:
        return rules.names.index("pass")
    elif len(name) == 2 and set(name) <= set(LETTERS[:size]):
        return LETTERS.index(name[1]) * size + LETTERS.index(name[0])
    raise BadRecord(f"move {ply}, [{point[:20]}], is no point of {rules.name}.")


def _ending(rules: Game, head: dict[str, str], actions: list[int]) -> dict[str, Any]:
    """The result of a file from elsewhere; nothing where the rules give it."""
    if played(rules, 0, actions)[-1]["done"]:
        return {}
    said = head.get("RE", "").strip()
    if said in ("0", "Draw"):
        return {"results": [0.0, 0.0], "reason": f"ended: {said}"}
    if said[:2].upper() in ("B+", "W+"):
        first = 1.0 if said[0].upper() == "B" else -1.0
        why = "resigned" if said[2:].upper() in ("R", "RESIGN") else f"ended: {said[:40]}"
        return {"results": [first, -first], "reason": why}
    raise BadRecord(f"its moves stop before the game is over, and its RE[{said[:20]}] names no winner.")

"""Move: a board in words, and a best move of it is to be named, ".../.x./..o:" as "a1".

x are the stones of the seat to move, o the other's; ranks are told from the top, with a stroke between. A move is right
if no other has a higher value, as a search of `depth` plies sees it that takes what it cannot see for a draw; a move
that may not be made is well formed and wrong. The level says how early positions are: so many plies before the last
of those that are asked about. Chance is to name a move without a look at the board, where one of all is best.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba.core.dispatcher import Dispatcher
from numpy.typing import NDArray

from envs.game import Game, Row, Rows, rule
from envs.language.frame import FEWEST, task
from envs.language.vocabulary import encode
from envs.language.writing import put, said, want
from envs.masks import count_true, nth_true
from envs.options import whole
from envs.randomness import below, draw
from envs.registry import game as game_of
from envs.registry import parse

MINE, THEIRS, EMPTY, RANK, ASKED = (int(token) for token in encode("xo./:"))
LEGAL, BEST = 1, 2
BOARD = "tic_tac_toe"
MARKS = 64
"""From here on `wanted` says of every move whether it is legal, or best; a right answer ends before."""


def told(obs: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The prompts [B, ranks * (files + 1)] of positions seen as obs [B, 2, ranks, files]."""
    count, _, ranks, files = obs.shape
    out = np.full((count, ranks, files + 1), RANK, np.uint8)
    out[:, :, :files] = np.where(obs[:, 0] > 0, MINE, np.where(obs[:, 1] > 0, THEIRS, EMPTY))
    out[:, -1, files] = ASKED
    return out.reshape(count, -1)


def named(game: Game) -> NDArray[np.uint8]:
    """[A, W] the tokens of every move's name, then 0; raises ValueError for a game that this cannot tell of."""
    if game.seats != 2 or len(game.shape) != 3 or game.shape[0] != 2 or game.pays != "result" or game.hidden:
        raise ValueError(
            f"move tells of boards with two sides' stones, and {game.name} is none; take game=tic_tac_toe."
        )
    if "," in game.name:
        raise ValueError(f"move names its game in one word, and {game.name} is more than one; set one option at most.")
    words = [encode(name) for name in game.names]
    if len(words) > MARKS:
        raise ValueError(f"move names one of at most {MARKS} moves, and {game.name} has {len(words)}.")
    out = np.zeros((len(words), max(map(len, words))), np.uint8)
    for i, word in enumerate(words):
        out[i, : len(word)] = word
    return out


def board_of(task: Game) -> Game | None:
    """The game that a task tells of; None where it is not a `move`."""
    name, options = parse(task.name)
    return game_of(str(options.get("game", BOARD))) if name == "move" else None


def looking(game: Game, depth: int) -> Callable[[Rows, NDArray[np.float64]], None]:
    """`look(rows, values)`: what each move of rows[0] is worth to its mover, -2 if it is illegal; rows [depth + 1]."""
    actions, play, legal = game.actions, game.play, game.legal

    @rule
    def look(rows: Rows, values: NDArray[np.float64]) -> None:
        tried = np.zeros(depth, np.int64)  # moves tried at each depth of the line being looked at
        best = np.full(depth, -2.0)
        may = np.zeros((depth, actions), np.bool_)
        values[:] = -2.0
        legal(rows[0], may[0])
        at = 0
        while True:
            beaten = at > 1 and best[at] >= -best[at - 1] and rows[at].seat != rows[at - 1].seat  # alpha-beta
            if tried[at] == actions or (at > 0 and best[at] >= 1.0) or beaten:
                if at == 0:
                    return
                found = best[at] if rows[at].seat == rows[at - 1].seat else -best[at]
                at -= 1
            elif not may[at, tried[at]]:
                tried[at] += 1
                continue
            else:
                rows[at + 1] = rows[at]
                after = rows[at + 1]
                play(after, tried[at])
                if not after.done and at + 1 < depth:
                    at += 1
                    tried[at] = 0
                    best[at] = -2.0
                    legal(rows[at], may[at])
                    continue
                found = float(after.reward[rows[at].seat]) if after.done else 0.0
            if at == 0:
                values[tried[0]] = found
            best[at] = max(best[at], found)
            tried[at] += 1

    return look


def move(game: str = BOARD, plies: int = 8, depth: int = 9, split: str = "train") -> Game:
    """Positions of `game` after fewer than `plies` plies, drawn at random; values are seen `depth` plies deep."""
    inner = game_of(game)
    names = named(inner)
    whole("move", "plies", plies, 1, inner.max_plies - 1)
    whole("move", "depth", depth, 1, 16)
    actions, kind, shape = inner.actions, inner.row, inner.shape
    begin, play, legal, observe = inner.reset, inner.play, inner.legal, inner.observe
    look = looking(inner, depth)

    @rule
    def describe(row: Row, obs: NDArray[np.float32]) -> None:
        for rank in range(shape[1]):
            for file in range(shape[2]):
                put(row, MINE if obs[0, rank, file] > 0 else THEIRS if obs[1, rank, file] > 0 else EMPTY)
            put(row, RANK if rank + 1 < shape[1] else ASKED)

    # Uncompiled rules name the fields of a row, which arrays of plain records do not have.
    compiled = isinstance(begin, Dispatcher)
    records = rule(lambda count: np.zeros(count, kind)) if compiled else lambda n: np.zeros(n, kind).view(np.recarray)

    @rule
    def write(row: Row, level: int) -> None:
        rows, empty = records(depth + 1), records(1)
        may = np.zeros(actions, np.bool_)
        while True:
            rows[0] = empty[0]
            rows[0].rng = draw(row)
            begin(rows[0])
            for _ in range(plies - level + below(draw(row), level)):
                if not rows[0].done:
                    legal(rows[0], may)
                    play(rows[0], nth_true(may, below(draw(row), count_true(may, actions)), actions))
            if not rows[0].done:
                break
        obs = np.zeros(shape, np.float32)
        observe(rows[0], obs)
        describe(row, obs)
        values = np.empty(actions)
        look(rows, values)
        first = values.argmax()
        for action in range(actions):
            if values[action] > -2.0:
                row.wanted[MARKS + action] = BEST if values[action] == values[first] else LEGAL
        for token in names[first]:
            if token > 0:
                want(row, token)

    @rule
    def judge(row: Row) -> tuple[float, float]:
        first, stop = said(row)
        if first >= 0 and stop - first <= names.shape[1]:
            for action in range(actions):
                same = True
                for i in range(names.shape[1]):
                    same = same and names[action, i] == (row.text[first + i] if first + i < stop else 0)
                if same:
                    return 1.0, 1.0 if row.wanted[MARKS + action] == BEST else 0.0
        return 0.0, 0.0

    return task(
        "move", {"game": (inner.name, BOARD), "plies": (plies, 8), "depth": (depth, 9)},
        prompt=shape[1] * (shape[2] + 1), answer=names.shape[1] + 1, levels=plies, write=write,
        prompts=lambda level: float(FEWEST), chance=1.0 / actions, alphabet="".join(sorted(set("".join(inner.names)))),
        split=split, judge=judge,
    )  # fmt: skip

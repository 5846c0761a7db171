"""Language tasks many at a time, as who teaches them asks: prompts dealt, answers written, judged and shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numba.core.errors import NumbaError
from numpy.typing import NDArray

from envs.game import Game, Language, Row, Rows
from envs.kernels import Loop
from envs.kernels import play as play_token
from envs.randomness import mix


# Stand-ins for a task's own rules, as in `envs.kernels`.
def pose_row(row: Row, level: int) -> None: ...
def judge_row(row: Row) -> tuple[float, float]: ...  # pyright: ignore[reportReturnType]
def solve_row(row: Row, out: NDArray[np.uint8]) -> int: ...  # pyright: ignore[reportReturnType]


def hits_row(row: Row, out: NDArray[np.float32]) -> None: ...


play = play_token


@Loop
def _pose_rows(rows: Rows, levels: NDArray[np.int64]) -> None:
    for i in range(rows.shape[0]):
        row = rows[i]
        row.reward[0] = 0.0
        row.ply = 0
        row.done = False
        row.cut = False
        row.asked = 0
        row.task = 0
        pose_row(row, levels[i])


@Loop
def _write_rows(rows: Rows, tokens: NDArray[np.uint8], length: NDArray[np.int64]) -> None:
    for i in range(rows.shape[0]):
        for t in range(length[i]):
            if rows[i].done:
                break
            play(rows[i], tokens[i, t])
        rows[i].done = True


@Loop
def _judge_rows(rows: Rows, out: NDArray[np.float32]) -> None:
    for i in range(rows.shape[0]):
        out[0, i], out[1, i] = judge_row(rows[i])


@Loop
def _hits_rows(rows: Rows, out: NDArray[np.float32]) -> None:
    for i in range(rows.shape[0]):
        hits_row(rows[i], out[i])


@Loop
def _solve_rows(rows: Rows, out: NDArray[np.uint8], length: NDArray[np.int64]) -> None:
    for i in range(rows.shape[0]):
        length[i] = solve_row(rows[i], out[i])


def language(game: Game) -> Language:
    """What makes a game a language task; raises ValueError where it is none."""
    if game.language is None:
        raise ValueError(f"{game.name} is no language task; `arena list games` says which are, for example reverse.")
    return game.language


def held_levels(asked: Language) -> list[int]:
    """The levels that have prompts which training never deals."""
    return [level for level, held in enumerate(asked.held, 1) if held]


def pose(game: Game, rows: Rows, levels: NDArray[np.integer]) -> None:
    """Deals a new prompt of levels [B] into every row, by the row's own generator, whatever the row held."""
    asked = language(game)
    if len(levels) and not 1 <= levels.min() <= levels.max() <= asked.levels:
        raise ValueError(f"{game.name} has levels 1 to {asked.levels}, not {levels.min()} to {levels.max()}.")
    if game.name == asked.held_out and not all(asked.held[level - 1] for level in np.unique(levels)):
        raise ValueError(f"{game.name} holds out prompts of levels {', '.join(map(str, held_levels(asked)))} alone.")
    _pose_rows(game, rows, np.asarray(levels, np.int64))


def posed(game: Game, seeds: NDArray[np.uint64], levels: NDArray[np.integer]) -> Rows:
    """[B] fresh rows with prompts of levels [B], row i seeded by seeds[i]."""
    rows = np.zeros(len(seeds), game.row)
    rows["rng"] = [mix(np.uint64(seed)) for seed in seeds]
    pose(game, rows, levels)
    return rows


@contextmanager
def verifying(game: Game) -> Iterator[None]:
    """Says whose verifier it was that raised an exception; of a rule that cannot be compiled numba says where."""
    try:
        yield
    except NumbaError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}{f': {error}' if str(error) else ''}"
        raise ValueError(f"The verifier of {game.name} raised {said}; mend its rule `judge`.") from error


def write(game: Game, rows: Rows, tokens: NDArray[np.uint8], length: NDArray[np.integer]) -> None:
    """Answers every row with the first length[i] of tokens [B, T]; all rows are done then, ended or cut off."""
    language(game)
    with verifying(game):
        _write_rows(game, rows, np.asarray(tokens, np.uint8), np.asarray(length, np.int64))


def judged(game: Game, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(format [B], right [B]) of what has been answered; without its end an answer is malformed."""
    language(game)
    out = np.empty((2, len(rows)), np.float32)
    with verifying(game):
        _judge_rows(game, rows, out)
    return out[0], out[1]


def hits(game: Game, rows: Rows) -> NDArray[np.float32]:
    """[B, answer] 1 where an answer's token is the right one in its place; raises ValueError if several answers are."""
    if language(game).hits is None:
        raise ValueError(f"Several answers are right in {game.name}, so no token is the right one in its place.")
    out = np.empty((len(rows), language(game).answer), np.float32)
    _hits_rows(game, rows, out)
    return out


def solved(game: Game, rows: Rows) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """(tokens [B, answer], length [B]) of a right answer to every prompt, its end included."""
    tokens, length = np.zeros((len(rows), language(game).answer), np.uint8), np.empty(len(rows), np.int64)
    _solve_rows(game, rows, tokens, length)
    return tokens, length

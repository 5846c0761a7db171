"""Random openings, so that more than the beaten path is played and learned.

`opened` makes those of thousands of games at once, from one generator; `random_moves` one for each seed, so that both
games of a pair begin alike, wherever and whenever they are played.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs import kernels
from envs.game import Game, Rows


def opened(
    game: Game, rows: Rows, plies: NDArray[np.int64], generator: np.random.Generator
) -> tuple[Rows, NDArray[np.int64], NDArray[np.float64]]:
    """Makes up to plies [B] evenly drawn moves in games [B], none of which ends one; a move that would is the last try.

    Returns the positions [B], the moves [B, most plies], of which game i's are the first `ply` of its row, and what
    they paid each seat [B, seats]. For games that are `openable`.
    """
    most = int(plies.max(initial=0))
    moves = np.zeros((len(rows), most), np.int64)
    paid = np.zeros((len(rows), game.seats))
    going = plies > 0
    rows = rows.copy()
    for ply in range(most):
        legal = kernels.legal_mask(game, rows)
        marks = generator.random(len(rows)) * legal.sum(1)
        chosen = (legal.cumsum(1) > marks[:, None]).argmax(1)
        after = rows.copy()
        kernels.play_rows(game, after, chosen)
        going &= (plies > ply) & ~after["done"]
        moves[going, ply] = chosen[going]
        paid[going] += after["reward"][going]
        rows[going] = after[going]
    return rows, moves, paid


def random_moves(
    game: Game, seeds: NDArray[np.uint64], opening_seeds: NDArray[np.uint64], plies: NDArray[np.int64]
) -> list[list[Any]]:
    """[B] up to `plies` [B] moves of each game, drawn by its opening's seed evenly from those that do not end it.

    None of games that are not `openable`.
    """
    if not openable(game):
        return [[] for _ in seeds]
    openings = []
    for seed, opening_seed, wanted in zip(seeds, opening_seeds, plies, strict=True):
        generator = np.random.default_rng(int(opening_seed))
        row = kernels.new_rows(game, np.array([seed], np.uint64))
        moves: list[int] = []
        while len(moves) < wanted:
            choices = np.flatnonzero(kernels.legal_mask(game, row)[0])
            after = np.repeat(row, len(choices))
            kernels.play_rows(game, after, choices)
            alive = np.flatnonzero(~after["done"])
            if not len(alive):
                break
            pick = int(generator.choice(alive))
            moves.append(int(choices[pick]))
            row = after[pick : pick + 1].copy()
        openings.append(moves)
    return openings


def openable(game: Game) -> bool:
    """Whether random openings can be made: rows can be copied, and actions are numbered."""
    return not game.controls and not game.foreign


def lengths(game: Game, count: int, share: float, most: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """[count] plies of random openings: from 0 to `most` for a share of games, 0 for the others.

    Never more than half of the longest game.
    """
    plies = generator.integers(0, min(most, game.max_plies // 2) + 1, count)
    return np.where(generator.random(count) < share, plies, 0)

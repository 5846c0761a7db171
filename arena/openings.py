"""Books of openings: lines of moves from a file, or positions that perfect play draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agents.files import read_plain
from agents.openings import random_moves
from envs import kernels
from envs.game import Game
from envs.registry import parse

Book = tuple[tuple[int, ...], ...]

MOST = 1 << 24
"""Bytes of a book."""

BALANCED = "balanced"

CHUNK = 16
"""Positions that a solver is given at a time."""

TRIES = 64
"""Positions for each opening that is wanted; of Connect Four's after 12 random moves one in sixteen is a draw."""


def openings(written: str, rules: Game, seed: int = 0) -> Book:
    """The book of a file, or of `balanced:plies=12,count=16`; raises ValueError if it is none for the game."""
    if rules.chance or rules.controls or rules.foreign:
        raise ValueError(f"Openings are lines of moves, and in {rules.name} a line does not lead to one position.")
    if written.partition(":")[0] == BALANCED and not Path(written).exists():
        _, options = parse(written)
        if unknown := set(options) - {"plies", "count"}:
            raise ValueError(f"balanced has no option '{min(unknown)}'; write for example balanced:plies=12,count=16.")
        plies, count = options.get("plies", 12 if rules.max_plies > 20 else 2), options.get("count", 16)
        if not (
            isinstance(plies, int) and isinstance(count, int) and 0 <= plies < rules.max_plies and 0 < count <= 4096
        ):
            raise ValueError(f"balanced takes whole numbers, plies below {rules.max_plies} and count from 1 to 4096.")
        return balanced(rules, plies, count, seed)
    return read(Path(written), rules)


def read(path: Path, rules: Game) -> Book:
    """The openings of a text file: a line each, moves by their names; empty lines and what follows a # do not count."""
    try:
        lines = read_plain(path, MOST).decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not text in UTF-8; save it so.") from None
    found: list[tuple[int, ...]] = []
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            moves = [rules.action(word, ply) for ply, word in enumerate(words)]
            over = kernels.replay(rules, 0, moves)[-1]["done"]
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {str(error)[:200]}") from None
        if over:
            raise ValueError(f"{path}, line {number}: the game is over after these moves; leave some to be played.")
        found.append(tuple(moves))
    if not found:
        raise ValueError(f"{path} has no openings; write a line of moves for each, as in: {' '.join(rules.names[:2])}")
    return tuple(dict.fromkeys(found))


def balanced(rules: Game, plies: int, count: int, seed: int = 0) -> Book:
    """Up to `count` openings of random moves whose positions differ and are drawn by perfect play, proven by a solver.

    A solver takes longer the earlier the position is: 0.2 s each after ten moves of Connect Four, 0.05 s after twelve.
    Raises ValueError where the game has no solver, or none of many positions of so many moves is known to be drawn.
    """
    from agents.scripted.solver import worth
    from agents.scripted.solvers import SOLUTIONS

    if rules.name not in SOLUTIONS:
        raise ValueError(f"Balanced openings need a solver, and there is one for {' and '.join(sorted(SOLUTIONS))}.")
    found: dict[bytes, tuple[int, ...]] = {}
    for piece in range(TRIES * count // CHUNK + 1):
        seeds = kernels.seeds(seed, CHUNK, piece)
        lines = random_moves(rules, seeds, seeds, np.full(len(seeds), plies))
        lines = [line for line in lines if len(line) == plies]
        if lines:
            rows = np.concatenate([kernels.replay(rules, 0, line)[-1:] for line in lines])
            for line, row, value in zip(lines, rows, worth(rules, rows), strict=True):
                if value == 0:
                    found.setdefault(row["stones"].tobytes(), tuple(line))
        if len(found) >= count:
            break
    if not found:
        raise ValueError(
            f"No position of {rules.name} after {plies} random moves is known to be drawn; try fewer moves."
        )
    return tuple(found.values())[:count]

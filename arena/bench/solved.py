"""Connect Four positions whose every move is labelled by the solver; no part of any training.

Half of them come from random games, half from games that `mcts` plays against itself after a random opening. They are
told apart by the plies that perfect play leaves: near (under 14), middle (14 to 28) and opening (over 28). Positions
that mirror one another count once. `python -m arena.bench.solved` makes the stored file again, byte for byte.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.play import play_games
from agents.registry import agent
from envs import kernels
from envs.game import Game, Rows
from envs.registry import game

FILE = Path(__file__).parent / "positions" / "connect_four.npy"
KINDS = ("near", "middle", "opening")
LABELLED = np.dtype([("stones", "<u8", (2,)), ("scores", "i1", (7,)), ("left", "i1"), ("kind", "i1")])
"""stones by seat; the exact score of each move for the mover (-32 = illegal); plies left; index into KINDS."""

SOURCES = ("random", "mcts:sims=48")
EARLIEST = 8
"""Positions with fewer stones are left out: there are few of them, and each takes the solver minutes."""


class Solved(NamedTuple):
    """Positions of one kind."""

    rows: Rows
    """[B]"""
    value: NDArray[np.int8]
    """[B, A] what each move leads to under perfect play, for the mover: 1, 0, -1; -2 where it is illegal."""


@cache
def solved(kind: str, count: int = 1000) -> Solved:
    """The first `count` stored positions of a kind; every count is an even mix of the sources."""
    labelled = np.load(FILE, allow_pickle=False)
    part = labelled[labelled["kind"] == KINDS.index(kind)][:count]
    scores = part["scores"]
    value = np.where(scores < -21, -2, np.sign(scores)).astype(np.int8)
    return Solved(as_rows(game("connect_four"), part["stones"]), value)


def as_rows(rules: Game, stones: NDArray[np.uint64]) -> Rows:
    """Rows of Connect Four holding these stones [B, 2], by seat."""
    rows = kernels.new_rows(rules, kernels.seeds(0, len(stones)))
    ply = np.bitwise_count(stones).sum(1)
    rows["stones"], rows["ply"], rows["seat"] = stones, ply, ply % 2
    return rows


def gather(rules: Game, source: str, games: int, seed: int, latest: int) -> NDArray[np.uint64]:
    """[N, 2] stones of one position from each game that lasts to a ply drawn evenly from EARLIEST to `latest`."""
    seeds = kernels.seeds(seed, games)
    generator = np.random.default_rng(seed)
    openings = generator.integers(0, 13, games)
    wanted = generator.integers(EARLIEST, latest + 1, games)
    player = agent(source)
    seating = np.zeros((games, 2), np.int64)
    found = []
    for finished, ply in zip(play_games(rules, [player], seating, seeds, opening_plies=openings), wanted, strict=True):
        if ply < len(finished.moves):
            found.append(kernels.replay(rules, finished.seed, finished.moves[:ply])[-1]["stones"])
    return np.array(found, np.uint64).reshape(-1, 2)


def label(stones: NDArray[np.uint64]) -> NDArray[np.void]:
    """[B] LABELLED, by exact search."""
    from agents.scripted.solver import solution
    from agents.scripted.solvers.connect_four_play import ConnectFour, plies_left

    solver = solution("connect_four")
    assert isinstance(solver, ConnectFour)
    out = np.zeros(len(stones), LABELLED)
    out["stones"], out["scores"] = stones, solver.scores(stones)
    out["left"] = plies_left(stones, out["scores"])
    out["kind"] = np.digitize(out["left"], [14, 29])
    return out


def canonical(stones: NDArray[np.uint64]) -> tuple[int, int]:
    """A position or its mirror image, whichever is smaller."""
    pair = [int(stones[0]), int(stones[1])]
    other = [sum((bits >> 7 * c & 127) << 7 * (6 - c) for c in range(7)) for bits in pair]
    return min((pair[0], pair[1]), (other[0], other[1]))


def make(count: int, batch: int = 256, seed: int = 20_240_229) -> NDArray[np.void]:
    """`count` positions of each kind, the kinds in turn, the sources mixed."""
    rules = game("connect_four")
    share = -(-count // len(SOURCES))
    sources = []
    seen: set[tuple[int, int]] = set()
    for source in SOURCES:
        kept: list[list[np.void]] = [[] for _ in KINDS]
        while min(map(len, kept)) < share:
            seed += 1
            latest = rules.max_plies - 2 if min(map(len, kept[:2])) < share else 13  # later no game has 29 plies left
            fresh = [p for p in gather(rules, source, batch, seed, latest) if new(canonical(p), seen)]
            for labelled in label(np.array(fresh, np.uint64).reshape(-1, 2)):
                part = kept[int(labelled["kind"])]
                if len(part) < share:
                    part.append(labelled)
            sys.stderr.write(f"{source}: {', '.join(f'{k} {len(p)}' for k, p in zip(KINDS, kept, strict=True))}\n")
        sources.append(kept)
    parts = [[p for pair in zip(*(kept[k] for kept in sources), strict=True) for p in pair] for k in range(len(KINDS))]
    return np.array([p for part in parts for p in part[:count]], LABELLED)


def new(key: tuple[int, int], seen: set[tuple[int, int]]) -> bool:
    """Whether a key was not seen before; it is now."""
    known = key in seen
    seen.add(key)
    return not known


def main() -> None:
    """Makes the stored file again."""
    np.save(FILE, make(1000), allow_pickle=False)


if __name__ == "__main__":
    main()

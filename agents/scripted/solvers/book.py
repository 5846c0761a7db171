"""The opening book of Connect Four: computed, resumed, checked and looked up.

    python -m agents.scripted.solvers.book --depth 8 --workers 2 --hours 3

solves every position after 8 stones in which the seat to move cannot win at once, mirror images once, and derives all
earlier ones from them. Finished chunks lie in the work folder, each written whole or not at all, so the command may be
killed at any time and goes on where it stopped; a deeper `--depth` adds to what is there. `--verify N` solves N
positions of the book's deepest ply again with a search that shares no code with the first.

An entry is one 64-bit word, from the top: canonical key 49 bits, a best move 3, lower bound + 32 6, upper bound + 32 6.
The words are sorted, so the key can be looked up by bisection in the file as it lies on the disk.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import sys
import time
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agents.files import write_bytes
from agents.scripted.solvers.connect_four import (
    BOARD,
    BOTTOM,
    COLUMN,
    COLUMNS,
    NO,
    ZERO,
    Bits,
    Table,
    bit_count,
    canonical,
    narrow,
    new_table,
    prove,
    sort,
    winning,
)
from agents.scripted.solvers.connect_four_moves import highest, outline
from agents.scripted.solvers.plain import Plain
from envs.kernels import compiled

U = np.uint64
Keys = NDArray[np.uint64]
Entries = NDArray[np.uint64]
FILE = Path(__file__).with_name("connect_four_book.npy")
CHUNK = 64
"""Positions solved between two checkpoints; neighbours in a chunk share proofs through the table."""


class Bounds(NamedTuple):
    """What the book knows of a position, for the seat to move: low <= score <= high, and a move that reaches low."""

    low: int
    high: int
    move: int


class Book:
    """Looks positions up in sorted entries."""

    def __init__(self, entries: Entries) -> None:
        self.entries = entries

    def find(self, mover: int, mask: int) -> Bounds | None:
        """What is known of the position with the mover's stones and both seats' stones, or None."""
        key = mover + mask
        canonical = min(key, mirrored(key))
        at = int(np.searchsorted(self.entries, U(canonical << 15)))
        if at == len(self.entries):
            return None
        entry = int(self.entries[at])
        if entry >> 15 != canonical:
            return None
        move = entry >> 12 & 7
        return Bounds((entry >> 6 & 63) - 32, (entry & 63) - 32, move if key == canonical else COLUMNS - 1 - move)


def mirrored(key: int) -> int:
    """The key of the mirror image."""
    return sum((key >> 7 * column & 127) << 7 * (COLUMNS - 1 - column) for column in range(COLUMNS))


@cache
def load(path: Path = FILE) -> Book:
    """The book as it lies on the disk; an empty one if there is none."""
    if not path.exists():
        return Book(np.zeros(0, np.uint64))
    entries = np.load(path, mmap_mode="r", allow_pickle=False)
    if entries.dtype != np.uint64 or entries.ndim != 1 or np.any(entries[1:] <= entries[:-1]):
        raise ValueError(f"{path} is no opening book; delete it or compute it again with this module.")
    return Book(entries)


@compiled
def stones_of(key: Bits) -> tuple[Bits, Bits]:
    """Mover's stones and mask. A column of h stones has value mover + 2**h - 1, so the top bit of value + 1 is h."""
    mover = mask = U(0)
    for column in range(7):
        value = ((key >> U(7 * column)) & U(127)) + U(1)
        top = U(1)
        while top << U(1) <= value:
            top <<= U(1)
        mover |= (value - top) << U(7 * column)
        mask |= (top - U(1)) << U(7 * column)
    return mover, mask


@compiled
def _children(keys: Keys) -> tuple[Keys, int]:
    out = np.empty(7 * len(keys), np.uint64)
    n = 0
    for key in keys:
        mover, mask = stones_of(key)
        for column in range(7):
            move = (mask + BOTTOM) & BOARD & (COLUMN << U(7 * column))
            after = mask | move
            if move != ZERO and winning(mover ^ mask, after) & ((after + BOTTOM) & BOARD) == ZERO:
                out[n] = canonical((mover ^ mask) + after)
                n += 1
    return out, n


def levels(depth: int) -> list[Keys]:
    """For each ply up to depth, the canonical keys of all positions where the seat to move cannot win at once.

    Positions after such a win was missed are left out: the book is about games in which no one misses it. The solver
    answers them by search, which is short there.
    """
    found = [np.zeros(1, np.uint64)]
    for _ in range(depth):
        children, n = _children(found[-1])
        found.append(np.unique(children[:n]))
    return found


@compiled
def settle(key: int, exact: bool, table: Table, tally: NDArray[np.int64]) -> Bits:
    """The entry of a position: win, draw or loss with a move that keeps it, or the exact score."""
    mover, mask = stones_of(key)
    low, high = np.empty(7, np.int8), np.empty(7, np.int8)
    outline(mover, mask, low, high)
    order, worth = np.empty(7, np.uint64), np.empty(7, np.int64)
    count = sort(mover, mask, bit_count(mask), (mask + BOTTOM) & BOARD, order, worth)
    best, least, most = -1, highest(low), highest(high)
    columns = np.empty(7, np.int64)
    for i in range(count):
        columns[i] = bit_count(order[count - 1 - i] - U(1)) // 7
    if exact:
        least, most = narrow(mover, mask, least, most, table, tally)
    for aim in (least, 0) if exact else (1, 0):
        for i in range(count):
            column = columns[i]
            if best < 0 and low[column] < aim <= high[column]:
                move = (mask + BOTTOM) & (COLUMN << U(7 * column))
                if prove(mover ^ mask, mask | move, 1 - aim, table, tally) == NO:
                    low[column] = aim
                else:
                    high[column] = aim - 1
            if best < 0 and low[column] >= aim:
                best = column
                least = max(least, int(low[column]))
    if best < 0:  # lost: the move that at least does not lose at once
        best = int(low.argmax())
    most = min(most, highest(high))
    return key << U(15) | U(best) << U(12) | U(least + 32) << U(6) | U(most + 32)


@compiled
def lift(keys: Keys, below: Entries) -> Entries:
    """The entries of positions whose successors are all in `below`, or end the game or lose it at once."""
    out = np.empty(len(keys), np.uint64)
    low, high = np.empty(7, np.int8), np.empty(7, np.int8)
    for i in range(len(keys)):
        mover, mask = stones_of(keys[i])
        outline(mover, mask, low, high)
        for column in range(7):
            if low[column] < high[column]:
                move = (mask + BOTTOM) & (COLUMN << U(7 * column))
                key = canonical((mover ^ mask) + (mask | move))
                entry = below[np.searchsorted(below, key << U(15))]
                low[column] = 32 - np.int64(entry & U(63))
                high[column] = 32 - np.int64((entry >> U(6)) & U(63))
        best = 0
        for column in range(7):
            if low[column] > low[best]:
                best = column
        out[i] = keys[i] << U(15) | U(best) << U(12) | U(low[best] + 32) << U(6) | U(high.max() + 32)
    return out


def _save(path: Path, array: NDArray[Any]) -> None:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    write_bytes(path, content.getvalue())


class Job(NamedTuple):
    """One chunk to solve, and where its entries go."""

    keys: Keys
    path: Path
    exact: bool
    bits: int


@cache
def _table(bits: int) -> Table:
    return new_table(bits)


def solve(job: Job) -> int:
    """Solves a chunk and stores its entries; returns the nodes it took."""
    tally = np.array([0, np.iinfo(np.int64).max])
    entries = [settle(key, job.exact, _table(job.bits), tally) for key in job.keys]
    _save(job.path, np.array(entries, np.uint64))
    return int(tally[0])


def chunks(work: Path, ply: int, keys: Keys, exact: bool, bits: int) -> list[Job]:
    """The whole frontier of a ply, cut into jobs; a job is done when its file is there."""
    folder = work / f"ply-{ply:02}{'-exact' if exact else ''}"
    cuts = range(0, len(keys), CHUNK)
    return [Job(keys[at : at + CHUNK], folder / f"{at // CHUNK:06}.npy", exact, bits) for at in cuts]


def run(jobs: list[Job], workers: int, hours: float) -> bool:
    """Solves the jobs that are not done yet, until all are or the time is up; whether all are."""
    todo = [job for job in jobs if not job.path.exists()]
    end = time.monotonic() + 3600 * hours
    columns = (TextColumn("chunks"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=len(jobs), completed=len(jobs) - len(todo))
        for _ in _results(todo, workers, end):
            progress.advance(task)
    return all(job.path.exists() for job in jobs)


def _results(todo: list[Job], workers: int, end: float) -> Iterator[int]:
    if workers <= 1:
        for job in todo:
            if time.monotonic() >= end:
                return
            yield solve(job)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        waiting = iter(todo)
        running = [pool.apply_async(solve, (job,)) for job in islice(waiting, workers)]
        while running:
            yield running.pop(0).get()
            job = next(waiting, None) if time.monotonic() < end else None
            if job is not None:
                running.append(pool.apply_async(solve, (job,)))


def assemble(work: Path, positions: list[Keys]) -> Entries:
    """The book that the finished chunks make: every ply solved, and all plies above the deepest solved whole."""
    parts: list[Entries] = []
    below: Entries | None = None
    for ply in range(len(positions) - 1, -1, -1):
        solved = _solved(work, ply)
        if below is not None:
            lifted = lift(positions[ply], below)
            solved = _tighter(lifted, solved)
        if len(solved) == len(positions[ply]):
            below = solved
        parts.append(solved)
    return np.sort(np.concatenate(parts))


def _solved(work: Path, ply: int) -> Entries:
    """What was solved at one ply, exact scores before others."""
    merged = np.zeros(0, np.uint64)
    for name in (f"ply-{ply:02}-exact", f"ply-{ply:02}"):
        files = sorted((work / name).glob("[0-9]*.npy"))
        entries = np.concatenate([np.zeros(0, np.uint64), *[np.load(file, allow_pickle=False) for file in files]])
        merged = np.concatenate([merged, entries[~np.isin(entries >> U(15), merged >> U(15))]])
    return np.sort(merged)


def _tighter(lifted: Entries, solved: Entries) -> Entries:
    """Of two entries of one position the one with the closer bounds; `lifted` holds every position of the ply."""
    at = np.searchsorted(lifted >> U(15), solved >> U(15))
    out = lifted.copy()
    better = _width(solved) < _width(out[at])
    out[at[better]] = solved[better]
    return out


def _width(entries: Entries) -> NDArray[np.int64]:
    return (entries & U(63)).astype(np.int64) - (entries >> U(6) & U(63)).astype(np.int64)


def verify(book: Book, count: int, seed: int, console: Console) -> int:
    """Solves `count` random positions of the book's deepest ply again with the plain search; how many disagree.

    Win, draw or loss; the exact score too where the end is near enough for that search. Earlier plies follow from the
    deepest by `lift`.
    """
    plain = Plain(24)
    plies = np.array([int(stones_of(key)[1]).bit_count() for key in book.entries >> U(15)])
    deepest = np.flatnonzero(plies == plies.max(initial=0))
    wrong = 0
    for n, at in enumerate(np.random.default_rng(seed).permutation(deepest)[:count], 1):
        mover, mask = (int(stones) for stones in stones_of(book.entries[at] >> U(15)))
        known = book.find(mover, mask)
        score = plain.score(mover, mask, exact=bool(plies[at] >= 16))
        if known is None:
            agrees = False
        elif plies[at] >= 16:
            agrees = known.low <= score <= known.high
        else:
            agrees = bool(np.sign(known.low) == np.sign(known.high) == score)
        wrong += not agrees
        console.print(f"{n}: {plies[at]} stones, book {known}, plain {score}{'' if agrees else ' WRONG'}")
    return wrong


def main(arguments: list[str] | None = None) -> int:
    """The command; see the top of this file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--depth", type=int, default=8, help="stones on the board of the deepest positions")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--hours", type=float, default=1.0, help="start no new chunk after this time")
    parser.add_argument(
        "--exact", action="store_true", help="exact scores, not only win, draw or loss; ~4 times the work"
    )
    parser.add_argument("--table-bits", type=int, default=25, help="2**bits table entries of 8 bytes a process")
    parser.add_argument("--work", type=Path, default=Path("runs/connect_four_book"), help="folder of finished chunks")
    parser.add_argument("--out", type=Path, default=FILE, help="the book")
    parser.add_argument("--verify", type=int, metavar="N", help="check N positions of the book instead")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    if not 1 <= options.depth <= 14:
        console.print(f"--depth {options.depth} is not between 1 and 14; 8 takes an hour or two.")
        return 2
    if options.verify is not None:
        return 1 if verify(load(options.out), options.verify, 0, console) else 0
    positions = levels(options.depth)
    jobs = chunks(options.work, options.depth, positions[-1], options.exact, options.table_bits)
    try:
        whole = run(jobs, options.workers, options.hours)
    except KeyboardInterrupt:
        console.print("Stopped; the same command goes on from the last finished chunk.")
        return 130
    entries = assemble(options.work, positions)
    _save(options.out, entries)
    done = sum(job.path.exists() for job in jobs)
    console.print(f"{options.out}: {len(entries)} positions; {done} of {len(jobs)} chunks of depth {options.depth}.")
    return 0 if whole else 3


if __name__ == "__main__":
    sys.exit(main())

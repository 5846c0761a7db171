"""Nim: take any number from one heap; who takes the last one wins, or loses where misere=true (Bouton 1901)."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.game import Bits, Game, Row, Symmetry, row_dtype, rule
from envs.options import flag, spec

EXAMPLE = "write for example nim:piles=3-4-5"


def nim(piles: str | int = "1-3-5-7", misere: bool = False) -> Game:
    """Nim with heaps of these sizes: one to eight heaps of 1 to 20."""
    sizes = heaps(piles)
    flag("nim", "misere", misere)
    count, largest = len(sizes), max(sizes)
    start = np.array(sizes, np.int8)
    choices = [(heap, taken) for heap, size in enumerate(sizes) for taken in range(1, size + 1)]
    heap_of = np.array([heap for heap, _ in choices], np.int8)
    taken_of = np.array([taken for _, taken in choices], np.int8)
    positions = int(np.prod([size + 1 for size in sizes]))

    @rule
    def reset(row: Row) -> None:
        for heap in range(count):  # an array assigned to a slice takes numba two seconds to compile
            row.heaps[heap] = start[heap]

    @rule
    def play(row: Row, action: int) -> None:
        seat = row.seat
        row.heaps[heap_of[action]] -= taken_of[action]
        row.ply += 1
        row.seat = 1 - seat
        for heap in range(count):
            if row.heaps[heap]:
                return
        row.done = True
        row.reward[seat] = -1.0 if misere else 1.0
        row.reward[1 - seat] = 1.0 if misere else -1.0

    @rule
    def legal(row: Row, out: NDArray[np.bool_]) -> None:
        for a in range(len(taken_of)):
            out[a] = taken_of[a] <= row.heaps[heap_of[a]]

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """One plane: a line for each heap, as many ones from the left as it holds."""
        for heap in range(count):
            for i in range(largest):
                out[0, heap, i] = i < row.heaps[heap]

    @rule
    def key(row: Row) -> Bits:
        """Who is to move, and the heaps, as the digits of one number."""
        number = np.uint64(row.seat)
        for heap in range(count):
            number = number * np.uint64(start[heap] + 1) + np.uint64(row.heaps[heap])
        return number

    @rule
    def heuristic(row: Row) -> float:
        """Bouton's theorem: the mover wins unless the heaps' binary digits add up to none without carrying.

        Misere Nim is the same until no heap is above one; then an odd number of heaps loses.
        """
        total, large, some = 0, False, 0
        for heap in range(count):
            total ^= row.heaps[heap]
            large |= row.heaps[heap] > 1
            some += row.heaps[heap]
        won = total != 0
        if misere and not large:
            won = some % 2 == 0
        return 0.99 if won else -0.99

    def text(row: Any) -> str:
        return "\n".join(f"{chr(ord('a') + heap)} {'| ' * int(row.heaps[heap])}".rstrip() for heap in range(count))

    return Game(
        name=spec("nim", piles=("-".join(map(str, sizes)), "1-3-5-7"), misere=(misere, False)),
        seats=2,
        actions=len(choices),
        shape=(1, count, largest),
        row=row_dtype(2, heaps=(np.int8, (count,))),
        reset=reset,
        play=play,
        legal=legal,
        observe=observe,
        names=tuple(f"{chr(ord('a') + heap)}{taken}" for heap, taken in choices),
        max_plies=sum(sizes),
        symmetries=exchanges(sizes, choices),
        heuristic=heuristic,
        key=key,
        keys=2 * positions if positions <= 1 << 23 else 0,
        text=text,
    )


def heaps(piles: str | int) -> tuple[int, ...]:
    """The sizes of heaps written as 3-4-5."""
    parts = str(piles).split("-")
    if not all(part.isdecimal() and 1 <= int(part) <= 20 for part in parts) or isinstance(piles, bool):
        raise ValueError(f"The option piles of nim is sizes from 1 to 20, not {piles}; {EXAMPLE}.")
    if len(parts) > 8:
        raise ValueError(f"Nim is played with up to 8 piles, not {len(parts)}; {EXAMPLE}.")
    return tuple(map(int, parts))


def exchanges(sizes: tuple[int, ...], choices: list[tuple[int, int]]) -> tuple[Symmetry, ...]:
    """Two heaps that began with the same number may change places."""
    found = []
    number = {choice: a for a, choice in enumerate(choices)}
    for one, two in combinations(range(len(sizes)), 2):
        if sizes[one] == sizes[two]:
            order = list(range(len(sizes)))
            order[one], order[two] = two, one
            cells = np.arange(len(sizes) * max(sizes)).reshape(len(sizes), -1)[order].reshape(-1).copy()
            actions = np.array([number[order[heap], taken] for heap, taken in choices])
            found.append(Symmetry(f"exchange {one + 1} and {two + 1}", cells, actions))
    return tuple(found)

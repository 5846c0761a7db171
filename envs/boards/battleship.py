"""Battleship: two hidden fleets, shot at in turn; a hit is told, so is the sinking of a ship; who sinks all wins.

Rules: Milton Bradley's of 1967 without the naming of a ship that is hit before it sinks. Seats place one ship each in
turn, the longest first, touching or not; then they shoot one cell each in turn, never twice at the same.
Actions on n cells: 0 .. n-1 shoot at a cell; n .. 2n-1 place the next ship from a cell to the right, 2n .. 3n-1
downwards (the numbers of open_spiel's battleship).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.boards.squares import square_names
from envs.game import Bits, Game, Row, row_dtype, rule
from envs.options import spec, whole
from envs.randomness import mix
from envs.views import as_planes

DEFAULT = 54332
"""The lengths of the ships of the game in the box."""


def battleship(size: int = 10, ships: int | str = DEFAULT) -> Game:
    """Battleship on size x size, size 3 to 15; `ships` are their lengths as digits, 54332 for 5, 4, 3, 3 and 2."""
    lengths = _lengths(size, ships)
    cells, count = size * size, len(lengths)
    long = np.array(lengths, np.int64)
    placing = 2 * count

    @rule
    def reset(row: Row) -> None:
        for seat in range(2):
            row.told[seat] = mix(np.uint64(seat + 1))
            for cell in range(cells):
                row.fleet[seat, cell] = 0
                row.shots[seat, cell] = 0
            for ship in range(count):
                row.afloat[seat, ship] = long[ship]

    @rule
    def play(row: Row, action: int) -> None:
        seat, other = row.seat, 1 - row.seat
        if row.ply < placing:
            ship = row.ply // 2
            first, step = action % cells, 1 if action < 2 * cells else size
            for i in range(long[ship]):
                row.fleet[seat, first + i * step] = ship + 1
            row.told[seat] = mix(row.told[seat] + np.uint64(1 + action))
        else:
            row.shots[seat, action] = (row.ply - placing) // 2 + 1
            ship, answer, sunk = row.fleet[other, action], 0, False
            if ship:
                row.afloat[other, ship - 1] -= 1
                sunk = row.afloat[other, ship - 1] == 0
                answer = 1 + ship if sunk else 1
            for both in range(2):
                row.told[both] = mix(row.told[both] + np.uint64(1 + action * (count + 2) + answer))
            if sunk and not row.afloat[other].any():
                row.done = True
                row.reward[seat] = 1.0
                row.reward[other] = -1.0
        row.ply += 1
        row.seat = other

    @rule
    def fits(row: Row, first: int, step: int, length: Any) -> bool:
        """Whether the mover's next ship may lie from a cell on, every `step` cells."""
        at = first % size if step == 1 else first // size
        if at + length > size:
            return False
        for i in range(length):  # noqa: SIM110 (compiled code has no generators)
            if row.fleet[row.seat, first + i * step]:
                return False
        return True

    @rule
    def legal(row: Row, out: NDArray[np.bool_]) -> None:
        if row.ply < placing:
            length = long[row.ply // 2]
            for cell in range(cells):
                out[cell] = False
                out[cells + cell] = fits(row, cell, 1, length)
                out[2 * cells + cell] = length > 1 and fits(row, cell, size, length)
        else:
            for cell in range(cells):
                out[cell] = row.shots[row.seat, cell] == 0
                out[cells + cell] = False
                out[2 * cells + cell] = False

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """Seven planes, all in [0, 1].

        Own ships by number; when the other shot at each cell; when the seat itself did; its hits; the ships it sank;
        the length of the ship to be placed (0 once all are); 1 for seat 1.
        """
        seat, other = row.seat, 1 - row.seat
        planes = as_planes(out, 7, cells)
        next_length = long[row.ply // 2] / size if row.ply < placing else 0.0
        for cell in range(cells):
            shot, ship = row.shots[seat, cell], row.fleet[other, cell]
            hit = shot > 0 and ship > 0
            planes[0, cell] = row.fleet[seat, cell] / count
            planes[1, cell] = row.shots[other, cell] / cells
            planes[2, cell] = shot / cells
            planes[3, cell] = hit
            planes[4, cell] = hit and row.afloat[other, ship - 1] == 0
            planes[5, cell] = next_length
            planes[6, cell] = seat

    @rule
    def key(row: Row) -> Bits:
        """A 64-bit digest of the seat, its fleet, and all shots with their answers in order."""
        return row.told[row.seat]

    def text(row: Any, seen_by: int | None = None) -> str:
        """Seat 0's sea and seat 1's: ships by number, * a hit, # a hit on a ship that is sunk, o a miss."""
        boards = []
        for seat in (0, 1):
            known = seen_by in (None, seat)
            marks = []
            for ship, shot in zip(row.fleet[seat].tolist(), row.shots[1 - seat].tolist(), strict=True):
                hit = "#" if ship and row.afloat[seat][ship - 1] == 0 else "*"
                marks.append((hit if ship else "o") if shot else str(ship) if ship and known else ".")
            boards.append([" ".join(marks[r * size : (r + 1) * size]) for r in range(size)])
        letters = " ".join(chr(ord("a") + c) for c in range(size))
        left, right = (
            f"seat {seat}" if seen_by is None else "you" if seat == seen_by else "the other" for seat in (0, 1)
        )
        lines = [f"   {left:{2 * size + 2}}{right}", f"   {letters}   {letters}"]
        return "\n".join([*lines, *(f"{r + 1:2} {a}   {b}" for r, (a, b) in enumerate(zip(*boards, strict=True)))])

    square = square_names(size, first_line="top")
    return Game(
        name=spec("battleship", size=(size, 10), ships=(str(ships), str(DEFAULT))),
        seats=2,
        actions=3 * cells,
        shape=(7, size, size),
        row=row_dtype(
            2, told=(np.uint64, (2,)), fleet=(np.uint8, (2, cells)), shots=(np.uint8, (2, cells)),
            afloat=(np.uint8, (2, count)),
        ),
        reset=reset,
        play=play,
        legal=legal,
        observe=observe,
        names=(*square, *(f"{name}-right" for name in square), *(f"{name}-down" for name in square)),
        max_plies=placing + 2 * cells - 1,
        key=key,
        text=text,
        hidden=True,
    )  # fmt: skip


def _lengths(size: int, ships: int | str) -> list[int]:
    """The ships' lengths, the longest first; raises ValueError where they are wrong or might not find room."""
    whole("battleship", "size", size, 3, 15, 8)
    digits = str(ships)
    if isinstance(ships, (bool, float)) or not digits.isdecimal() or not 1 <= len(digits) <= 9:
        raise ValueError(f"The ships of battleship are 1 to 9 digits, not {ships}; write for example ships=54332.")
    lengths = sorted(map(int, digits), reverse=True)
    if lengths[-1] < 1 or lengths[0] > size:
        raise ValueError(f"Ships on {size} lines are 1 to {size} cells long, not {ships}; write for example ships=32.")
    for i, length in enumerate(lengths):
        # A line of `size` cells can only be barred to a ship by size // length taken cells.
        if sum(lengths[:i]) >= size * (size // length):
            raise ValueError(f"The ships {ships} might find no room on {size} lines; name fewer or shorter ones.")
    return lengths

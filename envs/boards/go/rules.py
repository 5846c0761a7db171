"""The rules of Go on a board of any shape: what a row holds, and how a stone is put down."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from envs.bits import ONE, lowest_bit
from envs.boards.go.chains import EMPTY, OFF, WHITE, breathes, lift, margin, neighbours, place, weigh, weights
from envs.boards.go.ko import Ko
from envs.boards.squares import square_symmetries
from envs.game import Bits, Game, Row, row_dtype, rule
from envs.views import as_planes

LETTERS = "abcdefghjklmnopqrst"
"""Of the columns: no i, which is too much like a j."""


def board(
    name: str, lines: int, columns: int, *, komi: float, ko: Ko, suicide: bool, history: int, limit: int
) -> Game:  # fmt: skip
    """Go on lines x columns; two passes or `limit` plies end it."""
    points = lines * columns
    beside, weight = neighbours(lines, columns), weights(points)
    around = (beside < points).sum(axis=1).astype(np.uint8)
    forget, fell, settled, bar = ko.forget, ko.fell, ko.settled, ko.bar
    reset_earlier, keep_earlier, see_earlier = memory(points, history - 1)
    sets = points // 64 + 1
    named = np.uint8 if points < 256 else np.uint16

    @rule
    def reset(row: Row) -> None:
        for point in range(points):  # written out: assignments to slices take numba a second each to compile
            row.colour[point] = EMPTY
            row.vacant[point] = around[point]
            row.chain[point] = 0
            row.follow[point] = 0
            row.liberties[point] = 0
            row.air[point] = 0
            row.barred[point] = 0
        row.colour[points] = OFF
        row.chain[points] = points
        row.liberties[points] = 0
        row.air[points] = 0
        row.vacant[points] = 0
        for i in range(sets):
            row.stones[i] = 0
            row.walled[i] = 0
        row.stones[points >> 6] = ONE << np.uint64(points & 63)
        row.taken[0] = 0
        row.taken[1] = 0
        row.passes = 0
        reset_earlier(row)
        forget(row)

    @rule
    def put(row: Row, point: int, seat: int) -> None:
        """Puts a stone down and takes what has no liberty left, its own chain last."""
        mine, theirs = seat + 1, 2 - seat
        place(row, point, mine, beside, weight)
        count, last = 0, point
        for k in range(4):
            other = beside[point, k]
            if (row.colour[other] == theirs) & (row.liberties[row.chain[other]] == 0):
                last = other
                count += lift(row, other, beside, weight)
                fell(row, other, theirs)
        for k in range(4):
            weigh(row, beside[point, k])
        weigh(row, point)
        row.taken[seat] += count
        settled(row, point, count, last)
        if suicide and row.liberties[row.chain[point]] == 0:
            row.taken[1 - seat] += lift(row, point, beside, weight)
            fell(row, point, mine)

    @rule
    def play(row: Row, action: int) -> None:
        keep_earlier(row)
        for point in range(points):
            row.barred[point] = 0
        if action == points:
            row.passes += 1
        else:
            row.passes = 0
            put(row, action, row.seat)
        row.ply += 1
        row.seat = 1 - row.seat
        if row.passes == 2 or row.ply >= limit:
            row.done = True
            lead = margin(row, beside) - komi
            row.reward[0] = np.sign(lead)
            row.reward[1] = -np.sign(lead)
        else:
            bar(row)

    @rule
    def legal(row: Row, out: NDArray[np.bool_]) -> None:
        for point in range(points):  # right but for points that are walled in, which are asked one by one
            out[point] = (row.colour[point] == EMPTY) & (row.barred[point] == 0)
        mine = row.seat + 1
        for i in range(sets):
            left: Bits = row.walled[i] & ~row.stones[i]
            while left:
                point = 64 * i + lowest_bit(left)
                left &= left - ONE
                out[point] = breathes(row, point, mine, beside, suicide) & (row.barred[point] == 0)
        out[points] = True

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """The mover's stones and the other's, the same for each earlier position that is seen, newest first; the
        points where ko forbids the mover to play; and 1 everywhere where the mover is white, who has the komi."""
        planes = as_planes(out, 2 * history + 2, points)
        mine, theirs = row.seat + 1, 2 - row.seat
        for point in range(points):
            planes[0, point] = row.colour[point] == mine
            planes[1, point] = row.colour[point] == theirs
            planes[2 * history, point] = row.barred[point]
            planes[2 * history + 1, point] = mine == WHITE
        see_earlier(row, planes)

    @rule
    def heuristic(row: Row) -> float:
        """The area as it stands, the more trusted the fuller the board."""
        stones = 0
        for point in range(points):
            stones += row.colour[point] != EMPTY
        lead = (margin(row, beside) - komi) * stones / (points * points)
        return np.tanh(4.0 * lead if row.seat == 0 else -4.0 * lead)

    return Game(
        name=name,
        seats=2,
        actions=points + 1,
        shape=(2 * history + 2, lines, columns),
        row=row_dtype(
            2,
            liberties=(np.int64, (points + 1,)),
            chain=(named, (points + 1,)),
            follow=(named, (points,)),
            colour=(np.uint8, (points + 1,)),
            air=(np.uint8, (points + 1,)),
            stones=(np.uint64, (sets,)),  # bits: where there is a stone, and off the board
            walled=(np.uint64, (sets,)),  # bits: where no empty point is beside
            vacant=(np.uint8, (points + 1,)),
            barred=(np.uint8, (points,)),
            passes=np.int8,
            taken=(np.int16, (2,)),  # stones that each seat has taken
            **({"earlier": (np.uint8, (history - 1, points))} if history > 1 else {}),
            **ko.fields,
        ),
        reset=reset,
        play=play,
        legal=legal,
        observe=observe,
        names=(*(f"{LETTERS[c]}{lines - r}" for r in range(lines) for c in range(columns)), "pass"),
        max_plies=limit,
        symmetries=square_symmetries(lines, extra_actions=1) if lines == columns else (),
        heuristic=heuristic,
        text=written(lines, columns),
    )


def memory(points: int, older: int) -> tuple[
    Callable[[Row], None], Callable[[Row], None], Callable[[Row, NDArray[np.float32]], None]
]:  # fmt: skip
    """How the last `older` positions before the one on the board are forgotten, kept, and seen."""

    @rule
    def forget(row: Row) -> None:
        for i in range(older):
            for point in range(points):
                row.earlier[i, point] = EMPTY

    @rule
    def keep(row: Row) -> None:
        for i in range(older - 1, -1, -1):
            for point in range(points):
                row.earlier[i, point] = row.earlier[i - 1, point] if i else row.colour[point]

    @rule
    def see(row: Row, planes: NDArray[np.float32]) -> None:
        for i in range(older):
            for point in range(points):
                planes[2 * i + 2, point] = row.earlier[i, point] == row.seat + 1
                planes[2 * i + 3, point] = row.earlier[i, point] == 2 - row.seat

    @rule
    def nothing(row: Row) -> None:
        pass

    @rule
    def see_nothing(row: Row, planes: NDArray[np.float32]) -> None:
        pass

    return (forget, keep, see) if older else (nothing, nothing, see_nothing)


def written(lines: int, columns: int) -> Callable[[Row], str]:
    """The position in lines of text: X is black, O is white."""

    def text(row: Row) -> str:
        marks = np.array(list(".XO"))[row.colour[:-1]].reshape(lines, columns)
        board = [f"{lines - i:2} {' '.join(line)}" for i, line in enumerate(marks)]
        return "\n".join([*board, f"   {' '.join(LETTERS[:columns])}", f"taken X {row.taken[0]} O {row.taken[1]}"])

    return text

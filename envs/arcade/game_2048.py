"""2048 (Cirulli, 2014): slide all tiles one way; two equal tiles that meet become one, which pays; a new one falls.

A board is one 64-bit word of 16 nibbles, the cell in column c of line r at bit 16 r + 4 c: 0 is an empty cell, n the
tile 2**n. All four lines slide at once, by shifts and masks. After each move a 2 (nine times in ten) or a 4 falls on an
empty cell; a move must change the board; each merger pays the new tile. The game ends when nothing can move. A nibble
holds no tile above 32,768: two of those do not merge.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from envs.bits import ONE, count_bits
from envs.boards.squares import square_symmetries
from envs.episode import MOST_PLIES
from envs.game import CHANCE, Bits, Chances, Game, Row, Symmetry, row_dtype, rule
from envs.options import spec, whole
from envs.randomness import draw, unit

CELLS, KINDS = 16, 16
NAMES = ("left", "up", "right", "down")
STEPS = ((0, -1), (-1, 0), (0, 1), (1, 0))
"""(lines, columns) that each action moves the tiles."""

NIBBLES = np.uint64(0x1111111111111111)
"""The lowest bit of every cell."""
ENTRIES = (np.uint64(0x0001000100010001), np.uint64(0x1111))
"""The lowest bit of the cells towards which tiles slide: the first column for left, the first line for up."""
BUT_LAST = (np.uint64(0x0FFF0FFF0FFF0FFF), np.uint64(0x0000FFFFFFFFFFFF))
"""The cells into which another one slides: all but the last column, or the last line."""
STRIDES = (np.uint64(4), np.uint64(16))


@rule
def taken(board: Bits) -> Bits:
    """The lowest bit of every cell that is not empty."""
    pairs = board | (board >> ONE)
    return (pairs | (pairs >> np.uint64(2))) & NIBBLES


@rule
def alike(board: Bits, axis: int) -> Bits:
    """The lowest bit of every cell that may merge with the next one, along the lines (0) or the columns (1)."""
    stride = STRIDES[axis]
    largest = board & (board >> ONE)
    largest &= largest >> np.uint64(2)
    return taken(board) & ~taken(board ^ (board >> stride)) & BUT_LAST[axis] & ~largest


@rule
def closed_up(board: Bits, gaps: Bits, place: int, axis: int) -> Bits:
    """The tiles beyond `place` moved one cell nearer, in the lines where `gaps` (their entries' lowest bits) is set."""
    stride = STRIDES[axis]
    room = np.uint64(0)
    for i in range(place, 4):
        room |= (gaps * np.uint64(15)) << (stride * np.uint64(i))
    return (board & ~room) | ((board >> stride) & room & BUT_LAST[axis])


@rule
def slid(board: Bits, axis: int) -> tuple[Bits, int]:
    """The board after all tiles slide towards the first column (axis 0) or line (1), and the sum of the mergers."""
    stride, entries = STRIDES[axis], ENTRIES[axis]
    for i in range(3):
        gaps = entries & ~taken(board >> (stride * np.uint64(2 - i)))
        board = closed_up(board, gaps, 2 - i, axis)
    paid = 0
    for i in range(3):
        shift = stride * np.uint64(i)
        merged = (alike(board, axis) >> shift) & entries
        if merged:
            board = closed_up(board + (merged << shift), merged, i + 1, axis)
            for k in range(4):
                at = stride * np.uint64(i) + STRIDES[1 - axis] * np.uint64(k)
                if (merged >> (STRIDES[1 - axis] * np.uint64(k))) & ONE:
                    paid += 1 << np.int64((board >> at) & np.uint64(15))
    return board, paid  # pyright: ignore[reportReturnType]


@rule
def turned(board: Bits) -> Bits:
    """The board turned by half: its cells in the opposite order."""
    board = (board >> np.uint64(32)) | (board << np.uint64(32))
    for width, mask in ((16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F)):
        step, low = np.uint64(width), np.uint64(mask)
        board = ((board >> step) & low) | ((board & low) << step)
    return board


@rule
def movable(board: Bits) -> tuple[bool, bool, bool, bool]:
    """Whether left, up, right and down change the board."""
    full = taken(board)
    after = (full >> STRIDES[0]) & BUT_LAST[0], (full >> STRIDES[1]) & BUT_LAST[1]
    along, across = alike(board, 0), alike(board, 1)
    return (
        bool(along | (after[0] & ~full)),
        bool(across | (after[1] & ~full)),
        bool(along | (full & ~after[0] & BUT_LAST[0])),
        bool(across | (full & ~after[1] & BUT_LAST[1])),
    )


@rule
def add_tile(row: Row, nth: int, kind: int) -> None:
    """Puts the tile 2**kind on the nth empty cell, counted from 0."""
    empty: Bits = NIBBLES & ~taken(row.board)
    for _ in range(nth):
        empty &= empty - ONE
    row.board |= (empty & ~(empty - ONE)) * np.uint64(kind)


@rule
def add_random_tile(row: Row) -> None:
    """A 2 or a 4 on any empty cell, by one number: which of equal shares it lies in, and how far into that share."""
    empty = CELLS - count_bits(taken(row.board))
    share = unit(draw(row)) * empty
    nth = int(share)
    add_tile(row, nth, 1 if share - nth < 0.9 else 2)


@rule
def begin(row: Row) -> None:
    row.board = 0
    row.seat = CHANCE


@rule
def reset(row: Row) -> None:
    row.board = 0
    add_random_tile(row)
    add_random_tile(row)


@rule
def slide(row: Row, action: int) -> None:
    """Moves the tiles, without a new one."""
    board = row.board
    if action >= 2:
        board = turned(board)
    board, paid = slid(board, action % 2)
    if action >= 2:
        board = turned(board)
    row.board = board
    row.reward[0] = paid
    row.ply += 1


@rule
def act(row: Row, action: int) -> None:
    slide(row, action)
    row.seat = CHANCE


@rule
def odds(row: Row, outcome: int) -> float:
    """Outcome 2 c is a 2 on cell c, 2 c + 1 a 4."""
    full = taken(row.board)
    if (full >> np.uint64(outcome // 2 * 4)) & ONE:
        return 0.0
    return (0.9 if outcome % 2 == 0 else 0.1) / (CELLS - count_bits(full))


@rule
def legal(row: Row, out: NDArray[np.bool_]) -> None:
    out[0], out[1], out[2], out[3] = movable(row.board)


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """Sixteen planes, one-hot: the empty cells, the twos, the fours, ... the tiles of 32,768."""
    flat = out.flat
    for place in range(KINDS * CELLS):  # places that are known beforehand are written in whole registers
        flat[place] = 0.0
    for cell in range(CELLS):
        out[np.int64((row.board >> np.uint64(4 * cell)) & np.uint64(15)), cell // 4, cell % 4] = 1.0


@rule
def key(row: Row) -> Bits:
    return row.board


def ending(limit: int) -> tuple[Callable[[Row, int], None], Callable[[Row, int], None]]:
    """`play` and the chances' `settle`, which end a ply and so may end the game, by the rules or by the limit."""

    @rule
    def finish(row: Row) -> None:
        left, up, right, down = movable(row.board)
        if not (left or up or right or down):
            row.done = True
        elif row.ply >= limit:
            row.done = True
            row.cut = True

    @rule
    def play(row: Row, action: int) -> None:
        slide(row, action)
        add_random_tile(row)
        finish(row)

    @rule
    def settle(row: Row, outcome: int) -> None:
        first = row.board == 0
        row.board |= np.uint64(1 + outcome % 2) << np.uint64(outcome // 2 * 4)
        row.seat = CHANCE if first else 0
        if not first:
            finish(row)

    return play, settle


def symmetries() -> tuple[Symmetry, ...]:
    """The turns and mirrors of the board; they carry each direction to another."""
    found = []
    for symmetry in square_symmetries(4):
        inner = 5  # a cell with neighbours all around
        start = np.array(divmod(int(symmetry.cells[inner]), 4))
        ends = [np.array(divmod(int(symmetry.cells[inner + 4 * r + c]), 4)) for r, c in STEPS]
        actions = [STEPS.index((int(end[0] - start[0]), int(end[1] - start[1]))) for end in ends]
        found.append(Symmetry(symmetry.name, symmetry.cells, np.array(actions)))
    return tuple(found)


def text(row: Row) -> str:
    """The tiles as numbers."""
    tiles = [int(row.board) >> 4 * cell & 15 for cell in range(CELLS)]
    words = [str(1 << tile) if tile else "." for tile in tiles]
    return "\n".join(" ".join(f"{word:>5}" for word in words[i : i + 4]) for i in range(0, CELLS, 4))


def game_2048(limit: int = MOST_PLIES) -> Game:
    """2048, cut off after `limit` moves (a game to the last tile takes some 30,000)."""
    whole("game_2048", "limit", limit, 1, MOST_PLIES, 5000)
    play, settle = ending(limit)
    return Game(
        name=spec("game_2048", limit=(limit, MOST_PLIES)),
        seats=1,
        actions=4,
        shape=(KINDS, 4, 4),
        row=row_dtype(1, board=np.uint64),
        reset=reset,
        play=play,
        legal=legal,
        observe=observe,
        names=NAMES,
        max_plies=limit,
        symmetries=symmetries(),
        pays="general",
        key=key,
        chances=Chances(begin, act, odds, settle, outcomes=2 * CELLS),
        text=text,
        chance=True,
    )

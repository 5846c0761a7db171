"""Gardner's minichess (1969): chess on 5 x 5, no double step and no castling; perfect play draws (Mhalla & Prost 2013).

    5  r n b q k        Seat 0 has the large letters and begins. A pawn that reaches the last line becomes a queen, or
    4  p p p p p        a knight, bishop or rook by a move of its own. A side that cannot move has lost if its king is
    3  . . . . .        attacked, and has drawn if not. A position seen three times is a draw, so are fifty moves a side
    2  P P P P P        without a pawn moved or a piece taken, and pieces that cannot mate (kings, with one knight or
    1  R N B Q K        bishop, or with bishops of one colour). A game is cut off, drawn, after `limit` plies.
       a b c d e

What is seen and what is played is always from the mover's side: it moves up, and lines are counted from its own, as in
the old descriptive notation. There are 455 actions: from where to where, as a queen or a knight moves (416), and 39
promotions to less than a queen.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from envs.game import Game, Row, Symmetry, row_dtype, rule
from envs.kernels import seeds
from envs.options import spec, whole
from envs.views import as_planes

SIZE, CELLS = 5, 25
PAWN, KNIGHT, BISHOP, ROOK, QUEEN, KING = 1, 2, 3, 4, 5, 6
LETTERS = ".PNBRQKkqrbnp"
"""The mark of each kind; negative kinds, seat 1's, count from the end."""
START = np.array([-4, -2, -3, -5, -6, *[-1] * 5, *[0] * 5, *[1] * 5, 4, 2, 3, 5, 6], np.int8)
WORTH = (0, 1, 3, 3, 5, 9, 0)
CALM = 100
"""Plies without a pawn moved or a piece taken that make a draw."""

STRAIGHT, SLANTING = ((-1, 0), (0, 1), (1, 0), (0, -1)), ((-1, 1), (1, 1), (1, -1), (-1, -1))
AROUND = (*STRAIGHT, *SLANTING)
LEAPS = tuple((r, c) for r, c in product((-2, -1, 1, 2), repeat=2) if abs(r) != abs(c))


def walk(cell: int, step: tuple[int, int], far: int) -> list[int]:
    """The cells that up to `far` such steps lead to, nearest first."""
    line, column = divmod(cell, SIZE)
    found = [(line + i * step[0], column + i * step[1]) for i in range(1, far + 1)]
    return [r * SIZE + c for r, c in found if 0 <= r < SIZE and 0 <= c < SIZE]


def padded(lists: list[list[int]], width: int) -> NDArray[np.int8]:
    """Lists of cells as rows of a table, filled up with -1."""
    return np.array([[*cells, *[-1] * (width - len(cells))] for cells in lists], np.int8)


RAYS = padded([walk(cell, step, 4) for cell in range(CELLS) for step in AROUND], 4).reshape(CELLS, 8, 4)
"""[cell, direction, step] straight directions first; -1 beyond the edge."""
LEAPT = padded([[b for step in LEAPS for b in walk(cell, step, 1)] for cell in range(CELLS)], 8)
"""[cell, 8] where a knight may go."""
FLIP = np.array([(4 - cell // SIZE) * SIZE + cell % SIZE for cell in range(CELLS)], np.int8)
"""The cell as seen from the other side."""

PATHS = [(a, b) for a in range(CELLS) for b in sorted({*RAYS[a].ravel().tolist(), *LEAPT[a].tolist()} - {-1})]
STEPS_UP = [(a, b) for a, b in PATHS if a // SIZE == 1 and b // SIZE == 0 and abs(a % SIZE - b % SIZE) <= 1]
LESSER = ((KNIGHT, "n"), (BISHOP, "b"), (ROOK, "r"))
ACTIONS = [*((a, b, 0) for a, b in PATHS), *((a, b, kind) for a, b in STEPS_UP for kind, _ in LESSER)]
"""(from, to, what a pawn becomes if less than a queen), from the mover's side."""
ORIGIN, TARGET, BECOMES = (np.array(column, np.int8) for column in zip(*ACTIONS, strict=True))
NUMBER = np.full((CELLS, CELLS, 2), -1, np.int16)
"""[from, to, 0] the action, [from, to, 1] the first of the three lesser promotions."""
for number, (origin, target, lesser) in reversed(list(enumerate(ACTIONS))):
    NUMBER[origin, target, int(lesser > 0)] = number

CODES = seeds(0, 13 * CELLS, 1969).reshape(13, CELLS)
CODES[KING] = 0  # row kind + 6: that of an empty cell
TURN = seeds(0, 1, 1970)[0]


@rule
def attacked(row: Row, king: int, own: int, gone: int, filled: int) -> bool:
    """Whether the side -own attacks a cell, once the piece on `gone` stands on `filled` (-1: nothing moves)."""
    for way in range(8):
        for step in range(4):
            cell = RAYS[king, way, step]
            if cell < 0 or cell == filled:
                break
            piece = -own * row.cells[cell]
            if piece == 0 or cell == gone:
                continue
            if piece == QUEEN or piece == (ROOK if way < 4 else BISHOP) or (piece == KING and step == 0):
                return True
            break
    for k in range(8):
        cell = LEAPT[king, k]
        if cell < 0:
            break
        if cell != filled and own * row.cells[cell] == -KNIGHT:
            return True
    line, column = king // SIZE - own, king % SIZE
    for side in (-1, 1):
        if 0 <= line < SIZE and 0 <= column + side < SIZE:
            cell = line * SIZE + column + side
            if cell != filled and own * row.cells[cell] == -PAWN:
                return True
    return False


@rule
def king_of(row: Row, own: int) -> int:
    """Where the king of a side (1 or -1) stands."""
    for cell in range(CELLS):
        if row.cells[cell] == own * KING:
            return cell
    return 0


@rule
def allow(row: Row, a: int, b: int, king: int, out: NDArray[np.bool_]) -> bool:
    """Notes a move of the seat to move in `out`, unless it leaves the king attacked; whether it may be made."""
    own = 1 - 2 * row.seat
    if attacked(row, b if a == king else king, own, a, b):
        return False
    if row.seat == 1:
        a, b = FLIP[a], FLIP[b]
    out[NUMBER[a, b, 0]] = True
    if b < SIZE and abs(row.cells[a if row.seat == 0 else FLIP[a]]) == PAWN:
        for i in range(3):
            out[NUMBER[a, b, 1] + i] = True
    return True


@rule
def moves(row: Row, out: NDArray[np.bool_], every: bool) -> bool:
    """Sets the legal moves in `out`, all False before: every one, or just one; whether there is any."""
    own = 1 - 2 * row.seat
    king = king_of(row, own)
    found = False
    for a in range(CELLS):
        kind = own * row.cells[a]
        if found and not every:
            break
        if kind == PAWN:
            ahead = a - SIZE * own
            if row.cells[ahead] == 0:
                found |= allow(row, a, ahead, king, out)
            if a % SIZE > 0 and own * row.cells[ahead - 1] < 0:
                found |= allow(row, a, ahead - 1, king, out)
            if a % SIZE < SIZE - 1 and own * row.cells[ahead + 1] < 0:
                found |= allow(row, a, ahead + 1, king, out)
        elif kind == KNIGHT:
            for k in range(8):
                b = LEAPT[a, k]
                if b < 0:
                    break
                if own * row.cells[b] <= 0:
                    found |= allow(row, a, b, king, out)
        elif kind > 0:
            for way in range(4 if kind == BISHOP else 0, 4 if kind == ROOK else 8):
                for step in range(1 if kind == KING else 4):
                    b = RAYS[a, way, step]
                    if b < 0 or own * row.cells[b] > 0:
                        break
                    found |= allow(row, a, b, king, out)
                    if row.cells[b] != 0:
                        break
    return found


@rule
def cannot_mate(row: Row) -> bool:
    """Two kings alone, with one knight or bishop, or with bishops that all stand on one colour."""
    pieces, knights, bishops, dark = 0, 0, 0, 0
    for cell in range(CELLS):
        kind = abs(row.cells[cell])
        pieces += kind != 0
        knights += kind == KNIGHT
        bishops += kind == BISHOP
        dark += kind == BISHOP and cell % 2 == 0
    if pieces == 2 or (pieces == 3 and knights + bishops == 1):
        return True
    return pieces == bishops + 2 and (dark == 0 or dark == bishops)


@rule
def reset(row: Row) -> None:
    for cell in range(CELLS):
        row.cells[cell] = START[cell]
    for i in range(CALM + 1):
        row.past[i] = 0
    row.code = 0
    row.calm = 0
    row.before = 0


@rule
def move(row: Row, action: int) -> None:
    """Makes a move on the board and in the account of earlier positions; the other seat is then to move."""
    own = 1 - 2 * row.seat
    a, b = ORIGIN[action], TARGET[action]
    piece = row.cells[FLIP[a] if row.seat else a]
    becomes = piece
    if abs(piece) == PAWN and b < SIZE:
        becomes = own * (BECOMES[action] if BECOMES[action] else QUEEN)
    if row.seat == 1:
        a, b = FLIP[a], FLIP[b]
    row.code ^= TURN ^ CODES[piece + KING, a] ^ CODES[row.cells[b] + KING, b] ^ CODES[becomes + KING, b]
    row.calm = row.calm + 1 if row.cells[b] == 0 and abs(piece) != PAWN else 0
    row.cells[b] = becomes
    row.cells[a] = 0
    row.past[row.calm] = row.code
    row.before = 0
    for i in range(row.calm - 4, -1, -2):
        row.before += row.past[i] == row.code
    row.ply += 1
    row.seat = 1 - row.seat


@rule
def legal(row: Row, out: NDArray[np.bool_]) -> None:
    for action in range(out.shape[0]):
        out[action] = False
    moves(row, out, True)


@rule
def observe(row: Row, out: NDArray[np.float32]) -> None:
    """The mover's pawns, knights, bishops, rooks, queens and king, the other's, 1 everywhere where the position was
    there before, and the share of the calm plies that make a draw; the mover's first line is the lowest."""
    planes = as_planes(out, 14, CELLS)
    own = 1 - 2 * row.seat
    for cell in range(CELLS):
        piece = own * row.cells[FLIP[cell] if row.seat else cell]
        for kind in range(1, 7):
            planes[kind - 1, cell] = piece == kind
            planes[kind + 5, cell] = piece == -kind
        planes[12, cell] = row.before > 0
        planes[13, cell] = row.calm / CALM


@rule
def heuristic(row: Row) -> float:
    """The worth of the mover's pieces less that of the other's, in pawns."""
    total = 0
    for cell in range(CELLS):
        piece = row.cells[cell]
        total += WORTH[piece] if piece >= 0 else -WORTH[-piece]
    return np.tanh(0.12 * total * (1 - 2 * row.seat))


def text(row: Row) -> str:
    """The board from seat 0's side: its own pieces in large letters."""
    marks = [LETTERS[int(piece)] for piece in row.cells]
    lines = [f"{SIZE - r} {' '.join(marks[r * SIZE : r * SIZE + SIZE])}" for r in range(SIZE)]
    return "\n".join([*lines, "  a b c d e", f"seat {row.seat} to move, {row.calm} calm plies"])


def ending(limit: int) -> Callable[[Row, int], None]:
    """The `play` of games that are cut off after `limit` plies."""

    @rule
    def play(row: Row, action: int) -> None:
        mover = row.seat
        move(row, action)
        own = 1 - 2 * row.seat
        if not moves(row, np.zeros(len(ORIGIN), np.bool_), False):
            row.done = True
            if attacked(row, king_of(row, own), own, -1, -1):
                row.reward[mover] = 1.0
                row.reward[1 - mover] = -1.0
        elif row.calm >= CALM or row.before >= 2 or cannot_mate(row):
            row.done = True
        elif row.ply >= limit:
            row.done = True
            row.cut = True

    return play


def square(cell: int, seat: int = 0) -> str:
    """The name of a cell from the mover's side; with the mover's seat, as White sees it."""
    return "abcde"[cell % SIZE] + str(1 + cell // SIZE if seat else SIZE - cell // SIZE)


def mirror() -> Symmetry:
    """Left and right exchanged: there is no castling, so it makes no difference."""
    cells = np.arange(CELLS).reshape(SIZE, SIZE)[:, ::-1].reshape(-1).copy()
    numbers = {action: number for number, action in enumerate(ACTIONS)}
    turned = [numbers[int(cells[a]), int(cells[b]), kind] for a, b, kind in ACTIONS]
    return Symmetry("mirror", cells, np.array(turned))


def gardner_chess(limit: int = 256) -> Game:
    """Gardner's minichess, cut off after `limit` plies."""
    whole("gardner_chess", "limit", limit, 1, 4000, 200)
    letters = {0: "", **dict(LESSER)}
    return Game(
        name=spec("gardner_chess", limit=(limit, 256)),
        seats=2,
        actions=len(ACTIONS),
        shape=(14, SIZE, SIZE),
        row=row_dtype(
            2,
            code=np.uint64,
            past=(np.uint64, (CALM + 1,)),  # the codes of the positions since the last pawn move or capture
            cells=(np.int8, (CELLS,)),  # kinds, line by line from the top: seat 0's positive, seat 1's negative
            calm=np.int16,
            before=np.int8,
        ),
        reset=reset,
        play=ending(limit),
        legal=legal,
        observe=observe,
        names=tuple(square(a) + square(b) + letters[kind] for a, b, kind in ACTIONS),
        max_plies=limit,
        symmetries=(mirror(),),
        heuristic=heuristic,
        text=text,
        second=tuple(square(a, 1) + square(b, 1) + letters[kind] for a, b, kind in ACTIONS),
    )

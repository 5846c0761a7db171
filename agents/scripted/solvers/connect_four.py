"""Connect Four solved: exact scores by null-window proofs over bitboards.

Score, from the side of the seat to move: +n if it wins and places its n-th last stone in doing so (its 21st stone is
n = 1, its fourth n = 18), -n if the other seat does, 0 for a draw. So a faster win is worth more and a slower loss too.

The method is that of Allis (1988) and Pons (blog.gamesolver.org): a proof asks "is the score at least b?", moves that
lose at once are never looked at, moves that make threats come first, proven bounds go into one table shared by all
calls. Added here: Allis's follow-up strategies as static tests (`settled`), which answer most late positions.

Stones are sets of bits, bit = 7 * column + height, as in `envs.boards.connect_four`; `mask` holds both seats' stones.
`tally` [2] is (nodes visited so far, nodes at which to give up); at the limit a proof answers UNKNOWN.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from envs.kernels import compiled

U = np.uint64
Bits: TypeAlias = Any
Table: TypeAlias = NDArray[np.uint64]

COLUMNS, HEIGHT, CELLS = 7, 6, 42
BOTTOM = U(sum(1 << (7 * c) for c in range(COLUMNS)))
BOARD = U(int(BOTTOM) * 0b111111)
ODD = U(int(BOTTOM) * 0b010101)  # rows 1, 3, 5: follow-up leaves them to whoever must move first in a column
EVEN = U(int(BOTTOM) * 0b101010)
COLUMN = U(0b111111)
KEY = U((1 << 49) - 1)
ODD_FACTOR = U(0x9E3779B97F4A7C15)  # an odd factor permutes the 49-bit keys, so a table slot and a tag are the key
ZERO, ONE = U(0), U(1)
CENTRE_LAST = (0, 6, 1, 5, 2, 4, 3)

UNKNOWN, NO, YES = -1, 0, 1
NEVER = -32
"""Below every score: nothing is known, or the move is illegal."""
MOST = 18
"""The best score there is: a win with the fourth stone."""

MIRRORED = 16  # up to this ply a position and its mirror image share an entry
KEPT = 32  # from this ply on searching again is cheaper than the table
ASKED = 28  # up to this ply the table is asked about all moves before the first is searched


def new_table(bits: int = 23) -> Table:
    """An empty table of 2**bits bounds, 8 bytes each; bits from 16 to 30."""
    return np.zeros(1 << bits, np.uint64)


@compiled
def bit_count(x: Bits) -> int:
    x -= (x >> ONE) & U(0x5555555555555555)
    x = (x & U(0x3333333333333333)) + ((x >> U(2)) & U(0x3333333333333333))
    x = (x + (x >> U(4))) & U(0x0F0F0F0F0F0F0F0F)
    return int(np.int64((x * U(0x0101010101010101)) >> U(56)))


@compiled
def winning(s: Bits, mask: Bits) -> Bits:
    """The empty cells, reachable yet or not, that complete a four of the stones s."""
    cells = (s << ONE) & (s << U(2)) & (s << U(3))
    for step in (U(7), U(6), U(8)):
        left, right = s << step, s >> step
        two = left & (s << (step + step))
        cells |= two & ((s << (step + step + step)) | right)
        two = right & (s >> (step + step))
        cells |= two & ((s >> (step + step + step)) | left)
    return cells & (BOARD ^ mask)


@compiled
def has_four(s: Bits) -> bool:
    two = s & (s >> U(7))
    found = two & (two >> U(14))
    two = s & (s >> U(6))
    found |= two & (two >> U(12))
    two = s & (s >> U(8))
    found |= two & (two >> U(16))
    two = s & (s >> ONE)
    return (found | (two & (two >> U(2)))) != ZERO


@compiled
def above(cells: Bits) -> Bits:
    """Every cell that lies above one of the cells."""
    up = (cells << ONE) & BOARD
    up |= (up << ONE) & BOARD
    up |= (up << ONE) & BOARD
    return up | ((up << ONE) & BOARD)


@compiled
def canonical(key: Bits) -> Bits:
    """The smaller of a position's key (mover's stones + mask) and that of its mirror image."""
    c = U(127)
    image = (key & c) << U(42) | (key & (c << U(7))) << U(28) | (key & (c << U(14))) << U(14) | (key & (c << U(21)))
    image |= (key >> U(14)) & (c << U(14)) | (key >> U(28)) & (c << U(7)) | (key >> U(42)) & c
    return min(key, image)


@compiled
def settled(mover: Bits, mask: Bits, ply: int, bound: int, danger: Bits, playable: Bits, moves: Bits) -> int:
    """Whether a strategy of answering in the same column decides "score >= bound" without search.

    Follow-up: where every column has an even number of empty cells, whoever is not to move can answer each move right
    above it and so gets all even cells. Two columns with an odd number are a pair: a move at the foot of one is
    answered at the foot of the other. So, with the second player (black) following up,
    - white (to move) gets no more than its stones, the odd empty cells, and feet of odd columns; no four there, no win.
      Cells above an even cell that wins for black do not count: play never gets beyond it;
    - black to move may first take the foot of an odd column, then follow up.
    White follows up if it threatens to win on an odd cell of an odd column: black must run out of moves below it.
    """
    empty = BOARD ^ mask
    other = mover ^ mask
    feet = playable & EVEN
    if ply & 1 == 0:
        if bound < 0:
            return UNKNOWN
        beyond = above(danger & EVEN & ~playable)
        if has_four(mover | (((ODD & empty) | feet) & ~beyond)):
            return UNKNOWN
        if bound > 0 or has_four(other | (EVEN & empty & ~feet)):
            return NO
        return UNKNOWN
    if bound <= 0:
        reach = other | (ODD & empty & ~above(winning(mover | feet, mask | feet) & EVEN))
        if not has_four(reach):
            feet_left = feet & moves
            while feet_left != ZERO:
                foot = feet_left & (~feet_left + ONE)
                feet_left ^= foot
                others = feet ^ foot
                beyond = above(winning(mover | foot, mask | foot) & EVEN & ~others)
                if not has_four(other | (((ODD & empty) | others) & ~beyond)):
                    return YES
    if bound >= 0:
        threats = danger & ODD
        while threats != ZERO:
            threat = threats & (~threats + ONE)
            threats ^= threat
            column = COLUMN
            while column & threat == ZERO:
                column <<= U(7)
            if column & feet != ZERO:
                below = column & (threat - ONE) & empty
                if not has_four(mover | feet | (ODD & empty & ~column) | (below & EVEN)):
                    return NO
    return UNKNOWN


# A table entry, from the top bit: tag (44 bits: the key bits that the slot does not tell), log2 of the work (8), 31 -
# upper bound (6), lower bound + 32 (6). Zeros say nothing. Of a pair, the entry that took less work makes room.


@compiled
def place(key: Bits, ply: int, size: int) -> tuple[Bits, Bits]:
    """Where a position's pair of entries begins, and its tag."""
    if ply <= MIRRORED:
        key = canonical(key)
    mixed = (key * ODD_FACTOR) & KEY
    mixed ^= mixed >> U(25)
    return (mixed << ONE) & U(size - 1), mixed >> U(5)


@compiled
def recall(table: Table, slot: Bits, tag: Bits, bound: int) -> int:
    """What the table knows of "score >= bound"."""
    for way in (ZERO, ONE):
        entry = table[slot | way]
        if entry >> U(20) == tag:
            if np.int64(entry & U(63)) - 32 >= bound:
                return YES
            if 31 - np.int64((entry >> U(6)) & U(63)) < bound:
                return NO
            return UNKNOWN
    return UNKNOWN


@compiled
def learn(table: Table, slot: Bits, tag: Bits, bound: int, answer: int, work: int) -> None:
    """Stores an answer to "score >= bound"."""
    low, high = (bound, 31) if answer == YES else (-32, bound - 1)
    effort = ZERO
    while work > 1:
        work >>= 1
        effort += ONE
    weaker = slot
    if (table[slot] >> U(12)) & U(255) > (table[slot | ONE] >> U(12)) & U(255):
        weaker = slot | ONE
    for way in (ZERO, ONE):
        entry = table[slot | way]
        if entry >> U(20) == tag:
            low = max(low, np.int64(entry & U(63)) - 32)
            high = min(high, 31 - np.int64((entry >> U(6)) & U(63)))
            weaker = slot | way
            break
    table[weaker] = tag << U(20) | effort << U(12) | U(31 - high) << U(6) | U(low + 32)


@compiled
def ask_ahead(table: Table, other: Bits, mask: Bits, ply: int, bound: int, moves: Bits) -> tuple[int, Bits]:
    """The answer to "score >= bound" if the table knows the positions after the moves, and the moves still open."""
    left = moves
    while left != ZERO:
        move = left & (~left + ONE)
        left ^= move
        slot, tag = place(other + (mask | move), ply + 1, table.shape[0])
        known = recall(table, slot, tag, 1 - bound)
        if known == NO:
            return YES, moves
        if known == YES:
            moves ^= move
    return (NO if moves == ZERO else UNKNOWN), moves


@compiled
def sort(mover: Bits, mask: Bits, ply: int, moves: Bits, out: NDArray[np.uint64], worth: NDArray[np.int64]) -> int:
    """Writes the moves to out, the best last, and says how many.

    First come those that threaten most, with more weight on the rows that tell, then the central ones. `worth` is
    scratch.
    """
    rows = EVEN if ply & 1 else ODD
    n = 0
    for column in CENTRE_LAST:
        move = moves & (COLUMN << U(7 * column))
        if move != ZERO:
            cells = winning(mover | move, mask | move)
            value = 2 * bit_count(cells) + bit_count(cells & rows)
            at = n
            while at > 0 and worth[at - 1] > value:
                worth[at] = worth[at - 1]
                out[at] = out[at - 1]
                at -= 1
            worth[at] = value
            out[at] = move
            n += 1
    return n


@compiled
def look(mover: Bits, mask: Bits, ply: int, bound: int) -> tuple[int, Bits]:
    """The answer to "score >= bound" if no move needs looking at, and the moves that do not lose at once."""
    other = mover ^ mask
    playable = (mask + BOTTOM) & BOARD
    danger = winning(other, mask)
    forced = playable & danger
    moves = (playable if forced == ZERO else forced) & ~(danger >> ONE)
    if forced & (forced - ONE) != ZERO:
        moves = ZERO
    if moves == ZERO and ply < CELLS:
        return (YES if -((CELLS - ply) // 2) >= bound else NO), moves
    if ply >= CELLS - 2:
        return (YES if bound <= 0 else NO), moves
    if -((CELLS - 2 - ply) // 2) >= bound:
        return YES, moves
    if (CELLS - 1 - ply) // 2 < bound:
        return NO, moves
    return UNKNOWN, moves


@compiled
def prove(mover: Bits, mask: Bits, bound: int, table: Table, tally: NDArray[np.int64]) -> int:
    """Whether the score is at least `bound`, where the mover has no win with its next stone: YES, NO or UNKNOWN.

    A walk down and up an explicit stack: numba's recursion costs more. The bound of a child is 1 - bound, its answer
    is the opposite answer: only one "no" below makes a "yes".
    """
    movers, masks = np.empty(CELLS, np.uint64), np.empty(CELLS, np.uint64)
    slots, tags = np.empty(CELLS, np.uint64), np.empty(CELLS, np.uint64)
    choices, left = np.empty((CELLS, COLUMNS), np.uint64), np.empty(CELLS, np.int64)
    since, kept = np.empty(CELLS, np.int64), np.empty(CELLS, np.bool_)
    worth = np.empty(COLUMNS, np.int64)
    size = table.shape[0]
    ply, depth, nodes = bit_count(mask), 0, tally[0]
    while True:
        nodes += 1
        if nodes > tally[1]:
            tally[0] = nodes
            return UNKNOWN
        answer, moves = look(mover, mask, ply, bound)
        keep = ply < KEPT and moves & (moves - ONE) != ZERO
        slot, tag = ZERO, ZERO
        if answer == UNKNOWN and keep:
            slot, tag = place(mover + mask, ply, size)
            answer = recall(table, slot, tag, bound)
        if answer == UNKNOWN:
            answer = settled(mover, mask, ply, bound, winning(mover ^ mask, mask), (mask + BOTTOM) & BOARD, moves)
        if answer == UNKNOWN and ply < ASKED and keep:
            answer, moves = ask_ahead(table, mover ^ mask, mask, ply, bound, moves)
        if answer == UNKNOWN:
            movers[depth], masks[depth], slots[depth], tags[depth] = mover, mask, slot, tag
            since[depth], kept[depth] = nodes, keep
            left[depth] = sort(mover, mask, ply, moves, choices[depth], worth) - 1
            mover, mask = mover ^ mask, mask | choices[depth, left[depth]]
            ply, depth, bound = ply + 1, depth + 1, 1 - bound
            continue
        while True:
            if depth == 0:
                tally[0] = nodes
                return answer
            ply, depth, bound = ply - 1, depth - 1, 1 - bound
            if answer == YES and left[depth] > 0:
                left[depth] -= 1
                mover, mask = movers[depth] ^ masks[depth], masks[depth] | choices[depth, left[depth]]
                ply, depth, bound = ply + 1, depth + 1, 1 - bound
                break
            answer = 1 - answer
            if kept[depth]:
                learn(table, slots[depth], tags[depth], bound, answer, nodes - since[depth] + 1)


@compiled
def narrow(mover: Bits, mask: Bits, low: int, high: int, table: Table, tally: NDArray[np.int64]) -> tuple[int, int]:
    """Closer bounds of the score than low and high; equal ones unless the tally's limit was reached.

    Scores far from 0 are cheap to rule out, so the first question is asked half way out, not at 0.
    """
    ply = bit_count(mask)
    if winning(mover, mask) & ((mask + BOTTOM) & BOARD) != ZERO:
        return (CELLS + 1 - ply) // 2, (CELLS + 1 - ply) // 2
    low, high = max(low, -((CELLS - ply) // 2)), min(high, (CELLS - 1 - ply) // 2)
    while low < high:
        middle = low + (high - low) // 2
        if middle <= 0:
            middle = min(middle, -(-low // 2))
        if middle >= 0:
            middle = max(middle, high // 2)
        answer = prove(mover, mask, middle + 1, table, tally)
        if answer == UNKNOWN:
            break
        if answer == YES:
            low = middle + 1
        else:
            high = middle
    return low, high

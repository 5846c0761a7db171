"""The Connect Four solver against brute force, a plainly written second solver and known values."""

from __future__ import annotations

import numpy as np
import pytest

from agents.scripted.solvers import connect_four as c4
from agents.scripted.solvers.book import Book
from agents.scripted.solvers.connect_four_play import ConnectFour, plies_left, sides
from agents.scripted.solvers.plain import Plain

U = np.uint64
LIMITLESS = np.iinfo(np.int64).max
NO_BOOK = Book(np.zeros(0, np.uint64))


def place(moves: str) -> tuple[int, int]:
    """Mover's stones and mask after moves written as columns 1 to 7."""
    mover = mask = 0
    for name in moves:
        column = int(name) - 1
        mover, mask = mover ^ mask, mask | (mask + (1 << 7 * column)) & (0b111111 << 7 * column)
    return mover, mask


def random_position(rng: np.random.Generator, ply: int) -> tuple[int, int]:
    """Mover's stones and mask after random moves that did not end the game."""
    while True:
        mover = mask = 0
        for _ in range(ply):
            open_columns = [c for c in range(7) if not mask >> (7 * c + 5) & 1]
            column = open_columns[rng.integers(len(open_columns))]
            mover, mask = mover ^ mask, mask | (mask + (1 << 7 * column)) & (0b111111 << 7 * column)
            if c4.has_four(U(mover ^ mask)):
                break
        else:
            return mover, mask


def stones(positions: list[tuple[int, int]]) -> np.ndarray:
    """[B, 2] by seat."""
    rows = [(mover, mask ^ mover) if mask.bit_count() % 2 == 0 else (mask ^ mover, mover) for mover, mask in positions]
    return np.array(rows, np.uint64)


def brute(mover: int, mask: int) -> int:
    """The score by trying everything."""
    if c4.has_four(U(mover ^ mask)):
        return -((44 - mask.bit_count()) // 2)
    if mask.bit_count() == 42:
        return 0
    moves = [(mask + (1 << 7 * c)) & (0b111111 << 7 * c) for c in range(7)]
    return max(-brute(mover ^ mask, mask | move) for move in moves if move)


def exact(mover: int, mask: int, table: c4.Table) -> int:
    low, high = c4.narrow(U(mover), U(mask), -21, 21, table, np.array([0, LIMITLESS]))
    assert low == high
    return low


def test_scores_count_the_winners_last_stones() -> None:
    table = c4.new_table(16)
    assert exact(*place("121212"), table) == 18  # wins with its fourth stone: 21 - 4 + 1
    assert exact(*place("1212127"), table) == 18  # so does the other seat, if it is let
    assert exact(*place("4455"), table) == 18  # an open three is made and completed: stones 3 and 4
    assert exact(*place("44556"), table) == -18  # the other way round: it comes, whatever seat 1 does


def test_the_end_agrees_with_brute_force() -> None:
    rng, table = np.random.default_rng(0), c4.new_table(16)
    for ply in (33, 34, 35, 36, 37, 38, 39, 40, 41):
        for _ in range(12):
            position = random_position(rng, ply)
            assert exact(*position, table) == brute(*position)


@pytest.mark.parametrize("ply", [22, 23, 24, 25, 27, 30])
def test_the_middle_agrees_with_the_plain_solver(ply: int) -> None:
    rng, table, plain = np.random.default_rng(ply), c4.new_table(16), Plain(18)
    for _ in range(15):
        position = random_position(rng, ply)
        assert exact(*position, table) == plain.score(*position)
        assert np.sign(exact(*position, table)) == plain.score(*position, exact=False)


def test_follow_up_answers_many_positions_and_none_wrongly() -> None:
    rng, table = np.random.default_rng(7), c4.new_table(16)
    answered = {c4.YES: 0, c4.NO: 0}
    for _ in range(500):
        mover, mask = random_position(rng, int(rng.integers(22, 40)))
        ply, other = mask.bit_count(), mover ^ mask
        playable = (mask + int(c4.BOTTOM)) & int(c4.BOARD)
        answer, moves = c4.look(U(mover), U(mask), ply, 0)
        if int(c4.winning(U(mover), U(mask))) & playable or not moves:
            continue
        for bound in (-1, 0, 1, 2):
            danger = c4.winning(U(other), U(mask))
            answer = c4.settled(U(mover), U(mask), ply, bound, danger, U(playable), moves)
            if answer != c4.UNKNOWN:
                answered[answer] += 1
                assert (answer == c4.YES) == (exact(mover, mask, table) >= bound)
    assert min(answered.values()) > 20


def test_every_move_gets_its_score_and_full_columns_none() -> None:
    solver, plain = ConnectFour(table_bits=16, book=NO_BOOK), Plain(18)
    rng = np.random.default_rng(1)
    positions = [random_position(rng, ply) for ply in (24, 26, 28, 31, 33, 36, 39)]
    for (mover, mask), scores in zip(positions, solver.scores(stones(positions)), strict=True):
        for column in range(7):
            move = (mask + (1 << 7 * column)) & (0b111111 << 7 * column)
            after = mover ^ mask, mask | move
            if not move:
                assert scores[column] == c4.NEVER
            elif c4.has_four(U(mover | move)):
                assert scores[column] == (43 - mask.bit_count()) // 2
            else:
                assert scores[column] == -plain.score(*after)


def test_the_best_moves_are_told_from_the_rest() -> None:
    solver = ConnectFour(table_bits=18, book=NO_BOOK)
    rng = np.random.default_rng(2)
    positions = stones([random_position(rng, ply) for ply in range(14, 42) for _ in range(4)])
    low, _ = solver.bounds(positions)
    scores = solver.scores(positions)
    best = scores == scores.max(axis=1, keepdims=True)
    assert np.array_equal(low == low.max(axis=1, keepdims=True), best)


@pytest.mark.parametrize("nodes", [1, 30, 300, 3000])
def test_a_limit_leaves_true_bounds_and_does_not_depend_on_what_came_before(nodes: int) -> None:
    rng = np.random.default_rng(3)
    early = stones([random_position(rng, 11) for _ in range(4)])
    late = stones([random_position(rng, 20) for _ in range(20)])
    low, high = ConnectFour(nodes, 16, NO_BOOK).bounds(late)
    scores = ConnectFour(table_bits=18, book=NO_BOOK).scores(late)
    assert np.all((low <= scores) & (scores <= high))
    busy = ConnectFour(nodes, 16, NO_BOOK)
    busy.bounds(late)
    together = np.stack(busy.bounds(early))
    alone = [np.concatenate(ConnectFour(nodes, 16, NO_BOOK).bounds(row[None])) for row in early]
    assert np.array_equal(together.transpose(1, 0, 2), np.array(alone))


def test_a_finished_game_has_no_moves() -> None:
    over = stones([place("1212121")])
    assert np.all(ConnectFour(table_bits=16, book=NO_BOOK).scores(over) == c4.NEVER)


def test_plies_left_by_hand() -> None:
    solver = ConnectFour(table_bits=16, book=NO_BOOK)
    positions = stones([place("121212"), place("1212127"), place("4455"), place("44556")])
    scores = np.full((4, 7), c4.NEVER, np.int8)
    scores[0, 0], scores[1, 1], scores[2, 5], scores[3, 2] = 18, 18, 18, -18
    assert plies_left(positions, scores).tolist() == [1, 1, 3, 2]
    ends = stones([random_position(np.random.default_rng(5), 38) for _ in range(6)])
    left = plies_left(ends, solver.scores(ends))
    assert np.all((left >= 1) & (left <= 4))


def test_sides_by_the_number_of_stones() -> None:
    assert sides(stones([place("4")])) == [(0, 1 << 21)]
    assert sides(stones([place("44")])) == [(1 << 21, 3 << 21)]


def test_the_mirror_image_has_the_same_score() -> None:
    rng, table = np.random.default_rng(4), c4.new_table(16)
    for _ in range(20):
        position = random_position(rng, 24)
        image = [sum((x >> 7 * c & 127) << 7 * (6 - c) for c in range(7)) for x in position]
        assert exact(*position, table) == exact(image[0], image[1], c4.new_table(16))
        assert c4.canonical(U(sum(position))) == c4.canonical(U(sum(image)))

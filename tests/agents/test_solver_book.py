"""The opening book: complete levels, entries that are right, resuming, and a check that finds mistakes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from agents.scripted.solvers import book as books
from agents.scripted.solvers import connect_four as c4
from agents.scripted.solvers.book import Book, Bounds
from agents.scripted.solvers.connect_four_play import ConnectFour
from agents.scripted.solvers.plain import Plain

U = np.uint64
QUIET = Console(file=io.StringIO())


def late_keys(count: int, ply: int, seed: int) -> books.Keys:
    """Canonical keys of random positions in which no one can win at once."""
    rng = np.random.default_rng(seed)
    found: set[int] = set()
    while len(found) < count:
        mover = mask = 0
        for _ in range(ply):
            open_columns = [c for c in range(7) if not mask >> (7 * c + 5) & 1]
            column = open_columns[rng.integers(len(open_columns))]
            move = (mask + (1 << 7 * column)) & (0b111111 << 7 * column)
            if int(c4.winning(U(mover), U(mask))) & move:
                break
            mover, mask = mover ^ mask, mask | move
        else:
            if not int(c4.winning(U(mover), U(mask))) & ((mask + int(c4.BOTTOM)) & int(c4.BOARD)):
                found.add(int(c4.canonical(U(mover + mask))))
    return np.array(sorted(found), np.uint64)


def jobs_for(keys: books.Keys, work: Path, monkeypatch: pytest.MonkeyPatch, exact: bool = False) -> list[books.Job]:
    monkeypatch.setattr(books, "CHUNK", 8)
    return books.chunks(work, 0, keys, exact, 16)


def test_levels_hold_every_opening_position_once_or_its_mirror_image() -> None:
    counts = []
    for keys in books.levels(5):
        images = {books.mirrored(int(key)) for key in keys}
        assert all(image >= key for key, image in zip(keys, map(books.mirrored, map(int, keys)), strict=True))
        counts.append(len(images | set(map(int, keys))))
    assert counts == [1, 7, 49, 238, 1120, 4263]  # OEIS A212693


def test_keys_name_positions() -> None:
    for key in late_keys(30, 23, 0):
        mover, mask = books.stones_of(key)
        assert int(mover) + int(mask) == int(key)
        assert int(mask).bit_count() == 23 and int(mover).bit_count() == 11


@pytest.mark.parametrize("exact", [False, True])
def test_entries_agree_with_the_plain_solver(exact: bool) -> None:
    keys, plain = late_keys(60, 23, 1), Plain(18)
    tally = np.array([0, np.iinfo(np.int64).max])
    table = c4.new_table(16)
    entries = np.array([books.settle(key, exact, table, tally) for key in keys], np.uint64)
    for key in keys:
        mover, mask = map(int, books.stones_of(key))
        score = plain.score(mover, mask)
        known = Book(entries).find(mover, mask)
        assert known is not None and known.low <= score <= known.high
        assert known.low == known.high if exact else np.sign(known.low) == np.sign(known.high)
        assert plain_after(plain, mover, mask, known.move) >= known.low


def plain_after(plain: Plain, mover: int, mask: int, column: int) -> int:
    move = (mask + (1 << 7 * column)) & (0b111111 << 7 * column)
    assert move
    return -plain.score(mover ^ mask, mask | move)


def test_the_mirror_image_is_found_with_the_mirrored_move() -> None:
    key = int(late_keys(1, 23, 2)[0])
    mover, mask = map(int, books.stones_of(U(key)))
    image = [int(sum((x >> 7 * c & 127) << 7 * (6 - c) for c in range(7))) for x in (mover, mask)]
    known = Book(np.array([key << 15 | 1 << 12 | (32 + 2) << 6 | (32 + 5)], np.uint64))
    assert known.find(mover, mask) == Bounds(2, 5, 1)
    assert known.find(image[0], image[1]) == Bounds(2, 5, 5)
    assert known.find(0, 0) is None


def test_positions_above_follow_from_those_below() -> None:
    keys = late_keys(40, 22, 3)
    children, n = books._children(keys)
    below_keys = np.unique(children[:n])
    tally, table = np.array([0, np.iinfo(np.int64).max]), c4.new_table(16)
    below = np.array([books.settle(key, True, table, tally) for key in below_keys], np.uint64)
    lifted = books.lift(keys, below)
    direct = np.array([books.settle(key, True, table, tally) for key in keys], np.uint64)
    assert np.array_equal(lifted & U(0xFFF), direct & U(0xFFF))  # the scores; of equal moves each may name its own


def test_a_run_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = late_keys(40, 24, 4)
    jobs = jobs_for(keys, tmp_path, monkeypatch)
    assert not books.run(jobs, 1, hours=0.0)
    books.solve(jobs[1])
    torn = jobs[0].path.with_suffix(".1.tmp")  # what a kill while writing leaves
    torn.write_bytes(jobs[1].path.read_bytes()[:50])
    before = jobs[1].path.stat().st_mtime_ns
    partial = books.assemble(tmp_path, [keys])
    assert partial.tolist() == sorted(np.load(jobs[1].path).tolist())
    assert books.run(jobs, 1, hours=1.0)
    assert jobs[1].path.stat().st_mtime_ns == before
    assert len(books.assemble(tmp_path, [keys])) == 40


def test_two_processes_find_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = late_keys(32, 26, 5)
    one, two = jobs_for(keys, tmp_path / "1", monkeypatch), jobs_for(keys, tmp_path / "2", monkeypatch)
    assert books.run(one, 1, hours=1.0) and books.run(two, 2, hours=1.0)
    first, second = (books.assemble(tmp_path / name, [keys]) & ~U(0b111 << 12) for name in "12")
    assert np.array_equal(first, second)


def test_the_check_finds_a_wrong_entry() -> None:
    keys = late_keys(6, 26, 6)
    tally = np.array([0, np.iinfo(np.int64).max])
    entries = np.array([books.settle(key, True, c4.new_table(16), tally) for key in keys], np.uint64)
    assert books.verify(Book(entries), 6, 0, QUIET) == 0
    entries[2] ^= U(1 << 6 | 1)  # both bounds off by one
    assert books.verify(Book(entries), 6, 0, QUIET) == 1


def test_what_is_no_book_is_refused(tmp_path: Path) -> None:
    assert len(books.load(tmp_path / "none.npy").entries) == 0
    np.save(tmp_path / "bad.npy", np.array([3, 2, 1], np.uint64))
    with pytest.raises(ValueError, match="no opening book"):
        books.load(tmp_path / "bad.npy")
    assert books.main(["--depth", "99"]) == 2


def test_search_beyond_the_book_starts_from_what_it_knows() -> None:
    keys = late_keys(20, 16, 8)
    tally, table = np.array([0, np.iinfo(np.int64).max]), c4.new_table(18)
    known = Book(np.array([books.settle(key, False, table, tally) for key in keys], np.uint64))
    informed, fresh = ConnectFour(1, 16, known), ConnectFour(table_bits=18, book=Book(np.zeros(0, np.uint64)))
    for key in keys:
        mover, mask = map(int, books.stones_of(key))
        rows = np.array([[mover, mover ^ mask]], np.uint64)
        low, _ = informed.bounds(rows)
        scores = fresh.scores(rows)[0]
        kept = scores[low[0] == low[0].max()]
        assert np.all(np.sign(kept) == np.sign(scores.max()))


def test_the_book_in_the_project_knows_the_first_moves() -> None:
    known = books.load()
    start = known.find(0, 0)
    assert start is not None and start.low > 0 and start.move == 3
    low, high = ConnectFour(nodes=1, table_bits=16).bounds(np.zeros((1, 2), np.uint64))
    signs = [-1, -1, 0, 1, 0, -1, -1]  # Allis 1988, Allen 1988: -2 -1 0 +1 0 -1 -2
    assert np.sign(low[0]).tolist() == np.sign(high[0]).tolist() == signs
    assert np.all((low[0] <= [-2, -1, 0, 1, 0, -1, -2]) & (high[0] >= [-2, -1, 0, 1, 0, -1, -2]))

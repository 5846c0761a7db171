"""Openings from a book: read and refused, proven drawn, and both games of a pair begin from the same."""

import numpy as np
import pytest

from agents.scripted.solver import solution
from arena import cli
from arena.openings import balanced, openings, read
from arena.store import Store
from arena.tournament import contest, match
from arena.verify import replayed_wrong
from envs import kernels
from envs.registry import game as game_of

TIC_TAC_TOE = game_of("tic_tac_toe")


def test_a_book_is_lines_of_moves(tmp_path):
    book = tmp_path / "book.txt"
    book.write_text("# the corners\na3 c1\n\n  b2   a1 # the middle\na3 c1\n")
    found = read(book, TIC_TAC_TOE)
    assert [[TIC_TAC_TOE.names[move] for move in line] for line in found] == [["a3", "c1"], ["b2", "a1"]]
    for text, said in (
        ("a3 z9", "line 1: tic_tac_toe has no move 'z9'"),
        ("a3\na3 a3", "line 2: Move 2"),
        ("a3 a2 b3 b2 c3", "over after these moves"),
        ("# nothing", "no openings"),
    ):
        book.write_text(text)
        with pytest.raises(ValueError, match=said):
            read(book, TIC_TAC_TOE)


def test_balanced_openings_are_draws_and_differ():
    found = balanced(TIC_TAC_TOE, 3, 20, seed=1)
    rows = np.concatenate([kernels.replay(TIC_TAC_TOE, 0, line)[-1:] for line in found])
    low, high = solution("tic_tac_toe").bounds(rows["stones"])
    assert len(found) == 20 == len({row["stones"].tobytes() for row in rows})
    assert (low.max(axis=1) == 0).all() and (high.max(axis=1) == 0).all()
    assert found == balanced(TIC_TAC_TOE, 3, 20, seed=1) != balanced(TIC_TAC_TOE, 3, 20, seed=2)


@pytest.mark.parametrize(
    ("written", "name", "text"),
    [
        ("balanced", "othello", "need a solver"),
        ("balanced:ply=2", "tic_tac_toe", "no option 'ply'"),
        ("balanced:plies=99", "tic_tac_toe", "plies below"),
        ("no_such_book", "tic_tac_toe", "no_such_book"),
        ("balanced", "kuhn", "lines of moves"),
    ],
)
def test_what_is_no_book_is_said(written, name, text):
    with pytest.raises(ValueError, match=text):
        openings(written, game_of(name))


def test_a_match_from_a_book_is_played_in_pairs_from_its_lines(tmp_path):
    book = tmp_path / "book.txt"
    book.write_text("a3 c1\nb2 a1\n")
    entered = contest("tic_tac_toe", ["random", "first"], purpose="match", openings=str(book))
    with Store(tmp_path / "a.db") as store:
        match(store, entered, 16)
        games = list(store.games())
    lines = [tuple(TIC_TAC_TOE.names[move] for move in stored.moves[:2]) for stored in games]
    assert set(lines) == {("a3", "c1"), ("b2", "a1")} and {stored.opening for stored in games} == {2}
    assert replayed_wrong(TIC_TAC_TOE, games) == [""] * 16
    for line in set(lines):
        seats = [stored.seats for stored, one in zip(games, lines, strict=True) if one == line]
        assert sorted(seats) == sorted(pair[::-1] for pair in seats)
    plain = contest("tic_tac_toe", ["random", "first"], purpose="match")
    assert plain.id != entered.id


def test_a_book_and_random_moves_exclude_each_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["match", "tic_tac_toe", "random", "first", "--openings", "balanced:plies=2,count=4"]
    assert cli.run([*words, "--opening", "2"]) == 2
    assert "choose one" in capsys.readouterr().err
    assert cli.run([*words, "--games", "4", "--sprt", "0,20"]) == 0

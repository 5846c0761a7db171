"""Gardner's minichess: known counts, positions by hand, and the same games in other programs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from envs import kernels
from envs.boards.gardner_chess import ACTIONS, FLIP, LETTERS, cannot_mate, gardner_chess
from envs.game import Rows
from envs.registry import game
from tests.envs.counts import count_sequences

KNOWN = json.loads((Path(__file__).resolve().parents[1] / "golden" / "games.json").read_text(encoding="utf-8"))
RULES = game("gardner_chess")


def board(lines: str, seat: int = 0, calm: int = 0) -> Rows:
    """[1] a position in five words of five letters, the top line first, seat 0's pieces large."""
    row = kernels.new_rows(RULES, np.zeros(1, np.uint64))
    kinds = [LETTERS.index(letter) for letter in "".join(lines.split())]
    row["cells"] = [kind if kind <= 6 else kind - len(LETTERS) for kind in kinds]
    row["seat"], row["calm"] = seat, calm
    return row


def names(row: Rows) -> set[str]:
    return {RULES.names[a] for a in np.flatnonzero(kernels.legal_mask(RULES, row)[0])}


def play(row: Rows, moves: str) -> None:
    for name in moves.split():
        assert name in names(row), name
        kernels.play_rows(RULES, row, np.array([RULES.action(name)]))


def test_move_sequences_are_counted() -> None:
    """Fairy-Stockfish counts the same up to four plies; the fifth number is counted here alone."""
    sequences, ended = count_sequences(RULES, 5)
    assert sequences[1:] == KNOWN["gardner_chess"]["perft"]
    assert ended == [0, 0, 0, 0, 0, 2]


def test_actions_are_the_ways_of_queens_and_knights_and_the_lesser_promotions() -> None:
    assert len(ACTIONS) == 455 == RULES.actions
    assert sum(kind == 0 for _, _, kind in ACTIONS) == 25 * 8 + 120 + 96  # straight, slanting, by leaps
    assert sum(kind > 0 for _, _, kind in ACTIONS) == 13 * 3
    assert {"a1e5", "b1c3", "a4a5", "a4a5n", "b4a5r"} <= set(RULES.names)
    assert not {"a1b4", "a3a4n"} & set(RULES.names)


def test_the_first_moves() -> None:
    row = kernels.new_rows(RULES, np.zeros(1, np.uint64))
    assert names(row) == {"a2a3", "b2b3", "c2c3", "d2d3", "e2e3", "b1a3", "b1c3"}
    play(row, "b2b3")
    assert names(row) == {"a2a3", "c2c3", "d2d3", "e2e3", "b1a3", "b1c3", "a2b3", "c2b3"}  # b3 is taken


def test_a_pinned_piece_stays_on_the_line_and_check_must_be_met() -> None:
    pinned = board("..r.k ..... ..R.. ..... ..K..")
    assert {name for name in names(pinned) if name.startswith("c3")} == {"c3c2", "c3c4", "c3c5"}
    check = board("..r.k ..... ..... N...R ..K..")
    assert names(check) == {"c1b1", "c1b2", "c1d1", "c1d2", "a2c3", "e2c2"}
    near = board("....k ..... ..... .q... K....")
    assert names(near) == {"a1b2"}  # nobody guards the queen
    guarded = board(".r..k ..... ..... .q... K....")
    assert names(guarded) == set()


def test_pawns_become_what_their_move_says_and_take_slantwise_only() -> None:
    row = board(".rn.k P.... ..... ..... ....K")
    pawn = {"a4a5", "a4a5n", "a4a5b", "a4a5r", "a4b5", "a4b5n", "a4b5b", "a4b5r"}
    assert {name for name in names(row) if name.startswith("a4")} == pawn
    for move, letter in (("a4b5", "Q"), ("a4a5n", "N"), ("a4b5r", "R")):
        after = row.copy()
        play(after, move)
        assert LETTERS[after["cells"][0][1 if "b5" in move else 0]] == letter
    black = board("....k ..... ..... p...K .....", seat=1)
    play(black, "a4a5b")  # black counts lines from its own side
    assert black["cells"][0][20] == -3
    blocked = board("....k p.... P.... ..... ....K")
    assert not {name for name in names(blocked) if name.startswith("a")}


def test_mate_wins_and_stalemate_draws() -> None:
    mate = board("k.... ..... .K... ....R .....")
    play(mate, "e2e5")
    assert mate["done"][0]
    assert mate["reward"][0].tolist() == [1.0, -1.0]
    black = board("..... R.... .k... ....r K....", seat=1)  # the same against seat 0, whose rook cannot help
    play(black, "e4e5")
    assert black["done"][0]
    assert black["reward"][0].tolist() == [-1.0, 1.0]
    stale = board("k.... ..... .Q... ..... ....K")
    stale["cells"][0, 7:12] = 0
    stale["cells"][0, 11] = 5  # a queen on b3 leaves the king on a5 a4 attacked, b5 and b4 too
    play(stale, "e1e2")
    assert stale["done"][0]
    assert not stale["reward"].any()


def test_a_third_repetition_is_a_draw() -> None:
    row = board("r...k p.... ..... P.... R...K")
    around = "e1e2 e1e2 e2e1 e2e1"
    play(row, around)
    assert row["before"][0] == 1
    assert kernels.view(RULES, row).obs[0, 12].all()
    play(row, "e1e2 e1e2 e2e1")
    assert not row["done"][0]
    play(row, "e2e1")
    assert row["done"][0]
    assert not row["cut"][0]
    assert not row["reward"].any()


def test_a_pawn_move_makes_earlier_positions_unreachable_and_the_count_begin_again() -> None:
    row = board("r...k p.... ..... P.... R...K")
    play(row, "e1e2 e1e2 e2e1 e2e1 a2a3 e1e2 e1e2 e2e1")
    assert row["before"][0] == 0
    assert row["calm"][0] == 3
    play(row, "e2e1")
    assert row["before"][0] == 1


def test_fifty_calm_moves_a_side_are_a_draw_unless_the_last_one_mates() -> None:
    row = board("k.... ..... .K... ....R .....", calm=99)
    play(row, "e2d2")
    assert row["done"][0]
    assert not row["reward"].any()
    row = board("k.... ..... .K... ....R .....", calm=99)
    play(row, "e2e5")
    assert row["reward"][0].tolist() == [1.0, -1.0]
    row = board("k.... ..... .K.p. ....R .....", calm=98)
    play(row, "e2e1")
    assert not row["done"][0]


@pytest.mark.parametrize(
    ("lines", "drawn"),
    [
        ("k.... ..... ..... ..... ....K", True),
        ("k.... ..... ..... .N... ....K", True),
        ("k.... ..... ..... .b... ....K", True),
        ("k.... ..... ..... Nn... ....K", False),
        ("k.... ..... ..... .P... ....K", False),
        ("k.... ..... ..... .R... ....K", False),
        ("k.b.. ..... ..... .B... ....K", True),  # c5 and b2 are of one colour
        ("kb... ..... ..... .B... ....K", False),
        ("k.b.B ..... b.... ..... ....K", True),
    ],
)
def test_too_few_pieces_are_a_draw(lines: str, drawn: bool) -> None:
    assert cannot_mate(board(lines).view(np.recarray)[0]) == drawn


def test_the_limit_cuts_a_game_off() -> None:
    short = gardner_chess(limit=6)
    rows = kernels.random_openings(short, kernels.seeds(0, 20), 10)
    assert rows["done"].all()
    np.testing.assert_array_equal(rows["cut"], (rows["ply"] == 6) & ~rows["reward"].any(axis=1))
    for wrong in (0, 5000, "all", True):
        with pytest.raises(ValueError, match="limit of gardner_chess is a whole number from 1 to 4000"):
            gardner_chess(limit=wrong)  # pyright: ignore[reportArgumentType]


def test_seat_1_sees_the_board_from_its_own_side() -> None:
    row = kernels.new_rows(RULES, np.zeros(1, np.uint64))
    first = kernels.view(RULES, row).obs[0]
    assert first[0, 3].all()  # the mover's pawns on its second line
    assert first[5, 4].tolist() == [0, 0, 0, 0, 1]
    play(row, "a2a3")
    second = kernels.view(RULES, row).obs[0]
    np.testing.assert_array_equal(second[:6], first[:6])
    assert second[6].nonzero()[1].tolist() == [1, 2, 3, 4, 0]
    assert second[6, 2, 0] == 1.0
    assert second[13].max() == 0.0
    play(row, "b1c3")
    assert kernels.view(RULES, row).obs[0, 13].max() == pytest.approx(0.01)


def test_fairy_stockfish_allows_the_same_moves() -> None:
    fairy = pytest.importorskip("pyffish")
    generator = np.random.default_rng(1)
    decided = 0
    for _ in range(40):
        row, position = kernels.new_rows(RULES, np.zeros(1, np.uint64)), fairy.start_fen("gardner")
        while not row["done"][0]:
            seat = int(row["seat"][0])
            ours = {upright(RULES.names[a], seat): a for a in np.flatnonzero(kernels.legal_mask(RULES, row)[0])}
            theirs = {move.removesuffix("q"): move for move in fairy.legal_moves("gardner", position, [])}
            assert ours.keys() == theirs.keys()
            move = str(generator.choice(sorted(ours)))
            kernels.play_rows(RULES, row, np.array([ours[move]]))
            position = fairy.get_fen("gardner", position, [theirs[move]])
        if row["reward"].any():
            decided += 1
            assert not fairy.legal_moves("gardner", position, [])
    assert decided > 0


def upright(name: str, seat: int) -> str:
    """A move's name with lines counted from seat 0's side."""
    if seat == 0:
        return name
    return f"{name[0]}{6 - int(name[1])}{name[2]}{6 - int(name[3])}{name[4:]}"


def test_pgx_plays_the_same_game() -> None:
    pgx, jax = pytest.importorskip("pgx"), pytest.importorskip("jax")
    tables = pytest.importorskip("pgx._src.gardner_chess_utils")

    def label(a: int, b: int, kind: int) -> int:
        """Their number of an action; they count columns first, from the mover's lower left corner."""
        a, b = (cell % 5 * 5 + 4 - cell // 5 for cell in (a, b))
        if kind == 0:
            return a * 49 + tables.PLANE_MAP[a, b]
        first = {4: 0, 3: 3, 2: 6}[kind]
        return a * 49 + first + tables.TO_MAP[a, first : first + 3].tolist().index(b)

    labels = np.array([label(*action) for action in ACTIONS])
    assert len(set(labels.tolist())) == len(ACTIONS)
    theirs = pgx.make("gardner_chess")
    step, generator = jax.jit(theirs.step), np.random.default_rng(2)
    plies = 0
    for seed in range(6):
        state, row = theirs.init(jax.random.PRNGKey(seed)), kernels.new_rows(RULES, np.zeros(1, np.uint64))
        first = int(state.current_player)
        while not row["done"][0]:
            legal = kernels.legal_mask(RULES, row)[0]
            mask = np.asarray(state.legal_action_mask)
            assert mask.sum() == legal.sum()
            np.testing.assert_array_equal(mask[labels], legal)
            action = int(generator.choice(np.flatnonzero(legal)))
            kernels.play_rows(RULES, row, np.array([action]))
            state = step(state, int(labels[action]))
            assert bool(state.terminated) == row["done"][0]
            plies += 1
        assert row["reward"][0, 0] == float(state.rewards[first])
    assert plies > 100


def test_flipping_twice_changes_nothing() -> None:
    np.testing.assert_array_equal(FLIP[FLIP], np.arange(25))
    assert FLIP[0] == 20

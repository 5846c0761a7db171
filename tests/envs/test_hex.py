"""Hex: chains, sides, the swap, known winning openings, and the same games in other people's implementations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs import kernels
from envs.boards.hex import FAR, NEAR, STONE, hex, missing, neighbours, reached
from envs.game import Game, Row, Rows, rule
from envs.registry import game

KNOWN = json.loads((Path(__file__).parents[1] / "golden" / "games.json").read_text(encoding="utf-8"))


def played(rules: Game, moves: str) -> Rows:
    return kernels.replay(rules, 0, [rules.action(name) for name in moves.split()])[-1:]


def random_rows(rules: Game, count: int, plies: int) -> Rows:
    return kernels.random_openings(rules, kernels.seeds(1, count), plies)


def test_a_chain_from_top_to_bottom_wins_for_seat_0() -> None:
    row = played(hex(3), "b1 a1 b2 a2")
    assert not row["done"][0]
    row = played(hex(3), "b1 a1 b2 a2 a3")  # a3 touches b2: below it to the left
    assert row["done"][0]
    assert row["reward"][0].tolist() == [1.0, -1.0]


def test_a_chain_from_left_to_right_wins_for_seat_1() -> None:
    row = played(hex(3), "a1 a3 b1 b2 a2 c1")  # a3 b2 c1: the short diagonal
    assert row["done"][0]
    assert row["reward"][0].tolist() == [-1.0, 1.0]


def test_cells_on_the_long_diagonal_do_not_touch() -> None:
    row = played(hex(3), "a1 a2 b2 c1 c3 a3")
    assert not row["done"][0]
    beside = neighbours(3)
    assert sorted(beside[4].tolist()) == [1, 2, 3, 5, 6, 7]  # of b2: b1 c1 a2 c2 a3 b3
    assert sorted(beside[0].tolist()) == [1, 3, 9, 9, 9, 9]


def test_stones_hear_of_a_side_that_their_group_reaches_later() -> None:
    """Three stones in the middle of the board learn at once that the fourth has touched the top."""
    row = played(hex(5), "c2 a4 c3 a5 b4 e5")
    cells = row["cells"][0][:25].reshape(5, 5)
    assert [cells[1, 2], cells[2, 2], cells[3, 1]] == [1, 1, 1]
    row = played(hex(5), "c2 a4 c3 a5 b4 e5 c1")
    cells = row["cells"][0][:25].reshape(5, 5)
    assert [cells[0, 2], cells[1, 2], cells[2, 2], cells[3, 1]] == [1 | NEAR] * 4
    assert cells[4, 4] == 2 | FAR


def flooded(cells: np.ndarray, seat: int, size: int) -> tuple[set[int], set[int]]:
    """The seat's stones joined to its near side and to its far side, by plain search."""
    beside, sides = neighbours(size), reached(size)
    own = {a for a in range(size * size) if cells[a] & STONE == seat + 1}
    found = []
    for side in (NEAR, FAR):
        joined = [a for a in own if sides[seat, a] & side]
        for here in joined:
            joined += [int(b) for b in beside[here] if int(b) in own and int(b) not in joined]
        found.append(set(joined))
    return found[0], found[1]


@pytest.mark.parametrize("spec", ["hex:size=3", "hex:size=7,swap=true", "hex"])
def test_the_flags_are_what_a_search_of_the_whole_board_finds(spec: str) -> None:
    rules = game(spec)
    size = rules.shape[1]
    ended = 0
    for plies in (size, 2 * size, 3 * size, rules.max_plies):
        for row in random_rows(rules, 12, plies):
            for seat in (0, 1):
                near, far = flooded(row["cells"], seat, size)
                won = bool(row["done"]) and row["reward"][seat] == 1
                assert bool(near & far) == won
                for side, joined in ((NEAR, near), (FAR, far)):
                    stones = {a for a in range(size * size) if row["cells"][a] & STONE == seat + 1}
                    told = {a for a in stones if row["cells"][a] & side}
                    assert told == joined or (won and told < joined)  # the last stone ends it: nobody tells the others
                ended += won
    assert ended >= 12


def test_swapping_reflects_the_first_stone() -> None:
    rules = hex(5, swap=True)
    assert rules.names[-1] == "swap"
    assert not kernels.legal_mask(rules, played(rules, ""))[0, -1]
    before = played(rules, "d1")
    assert kernels.legal_mask(rules, before)[0, -1]
    row = played(rules, "d1 swap")
    assert row["cells"][0].nonzero()[0].tolist() == [rules.action("a4")]
    assert row["cells"][0][rules.action("a4")] == 2 | NEAR  # seat 1's now, on its left side
    assert (row["seat"][0], row["ply"][0]) == (0, 2)
    mask = kernels.legal_mask(rules, row)[0]
    assert mask[rules.action("d1")]
    assert not mask[rules.action("a4")]
    assert not mask[-1]
    assert not kernels.legal_mask(rules, played(rules, "d1 e1"))[0, -1]


def test_the_mover_sees_which_sides_are_his() -> None:
    rules = hex(3)
    obs = kernels.view(rules, played(rules, "a1 c3 b1")).obs[0]
    assert obs[0].tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 1]]
    assert obs[1].tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert obs[2].max() == 0
    assert kernels.view(rules, played(rules, "")).obs[0, 2].min() == 1


def play(row: Row, action: int) -> None: ...
def legal(row: Row, out: np.ndarray) -> None: ...


@rule
def number_of(cells: np.ndarray) -> int:
    """The stones of a board as one number of as many ternary digits as there are cells."""
    number = 0
    for cell in range(len(cells) - 1):
        number = 3 * number + (cells[cell] & STONE)
    return number


@kernels.Loop
def value_of(rows: Rows, masks: np.ndarray, values: np.ndarray) -> int:
    """The value of rows[0] to its mover, 1 or -1, depth first; values[number of a board] remembers, 0 = unknown."""
    tried, numbers = np.zeros(rows.shape[0], np.int64), np.zeros(rows.shape[0], np.int64)
    d, found = 0, 0
    numbers[0] = number_of(rows[0].cells)
    legal(rows[0], masks[0])
    while d >= 0:
        if found == -1 or tried[d] == masks.shape[1]:  # a move leaves the other lost, or all leave him winning
            found = 1 if found == -1 else -1
            values[numbers[d]] = found
            d -= 1
            continue
        found = 0
        tried[d] += 1
        if not masks[d, tried[d] - 1]:
            continue
        rows[d + 1] = rows[d]
        play(rows[d + 1], tried[d] - 1)
        numbers[d + 1] = number_of(rows[d + 1].cells)
        found = -1 if rows[d + 1].done else int(values[numbers[d + 1]])
        if found == 0:
            d += 1
            tried[d] = 0
            legal(rows[d], masks[d])
    return found


@pytest.mark.parametrize(("size", "openings"), [(3, "c1 a2 b2 c2 a3"), (4, "d1 c2 b3 a4")])
def test_the_winning_openings_are_those_known(size: int, openings: str) -> None:
    """On 3 x 3 the short diagonal and its neighbours in the middle line, on 4 x 4 the short diagonal alone."""
    rules, winning = hex(size), []
    cells = size * size
    masks, values = np.zeros((cells + 1, cells), np.bool_), np.zeros(3**cells, np.int8)
    for a in range((cells + 1) // 2):  # the others are these, turned round
        if value_of(rules, played(rules, rules.names[a]).repeat(cells + 1), masks, values) == -1:
            winning += [a] if 2 * a == cells - 1 else [a, cells - 1 - a]
    assert sorted(winning) == [rules.action(name) for name in openings.split()]
    assert len(winning) == KNOWN["hex"]["winning_openings"][str(size)]


def test_what_is_missing_is_counted_along_the_cheapest_way() -> None:
    beside, sides = neighbours(5), reached(5)

    def counts(moves: str) -> list[int]:
        cells = played(hex(5), moves)["cells"][0]
        return [missing(cells, seat, beside, sides) for seat in (0, 1)]

    assert counts("") == [5, 5]
    assert counts("c3") == [4, 5]  # seat 1 walks round the stone
    assert counts("c3 c2") == [4, 4]
    assert counts("c1 a3 c2 b3 c3 d2 b4 e2") == [1, 4]  # seat 1 must pass below b4: a5 b5 c4 d3, and d2 e2 are there
    assert counts("b1 a1 b2 a2 a3")[0] == 2
    assert missing(played(hex(3), "b1 a1 b2 a2 a3")["cells"][0], 1, neighbours(3), reached(3)) == 9  # no way left
    guess = hex(5).heuristic
    assert guess is not None
    assert guess(played(hex(5), "c3").view(np.recarray)[0]) == pytest.approx(0.99 * np.tanh(0.35 * (4 - 5 + 0.5)))


def test_options_out_of_range_are_refused() -> None:
    for spec in ("hex:size=2", "hex:size=20"):
        with pytest.raises(ValueError, match=r"from 3 to 19, not .*hex:size=7"):
            game(spec)
    for spec in ("hex:size=7.5", "hex:size=true"):
        with pytest.raises(ValueError, match="a whole number"):
            game(spec)
    with pytest.raises(ValueError, match="true or false"):
        game("hex:swap=2")
    assert game("hex:size=11,swap=false").name == "hex"
    assert game("hex:swap=true,size=5").name == "hex:size=5,swap=true"


def test_a_board_is_written_as_a_rhombus() -> None:
    text = hex(3).text
    assert text is not None
    rows = played(hex(3), "b1 c3").view(np.recarray)
    assert text(rows[0]) == "   a b c\n 1 . x .\n  2 . . .\n   3 . . o"


@pytest.mark.parametrize(("spec", "theirs"), [
    ("hex", "hex"), ("hex:size=4", "hex(board_size=4)"), ("hex:size=5,swap=true", "hex(board_size=5,swap=True)"),
])  # fmt: skip
def test_open_spiel_plays_the_same_game(spec: str, theirs: str) -> None:
    pyspiel = pytest.importorskip("pyspiel")
    rules, generator, peer = game(spec), np.random.default_rng(4), pyspiel.load_game(theirs)
    assert peer.num_distinct_actions() == rules.actions
    results = set()
    for _ in range(60):
        state, row = peer.new_initial_state(), kernels.new_rows(rules, np.zeros(1, np.uint64))
        while not row["done"][0]:
            mask = kernels.legal_mask(rules, row)[0]
            assert state.current_player() == row["seat"][0]
            assert state.legal_actions() == np.flatnonzero(mask).tolist()
            stones = [mark for mark in str(state) if mark in ".xo"]
            assert stones == [".xo"[cell & STONE] for cell in row["cells"][0][:-1]]
            swaps = row["ply"][0] == 1 and mask[-1] and generator.random() < 0.5
            action = len(mask) - 1 if swaps else int(generator.choice(np.flatnonzero(mask)))
            kernels.play_rows(rules, row, np.array([action]))
            state.apply_action(action)
            assert state.is_terminal() == row["done"][0]
        assert state.returns() == row["reward"][0].tolist()
        results.add(tuple(state.returns()))
    assert len(results) == 2


def test_pgx_plays_the_same_game() -> None:
    pgx: Any = pytest.importorskip("pgx")
    jax: Any = pytest.importorskip("jax")
    peer, rules, generator = pgx.make("hex"), hex(swap=True), np.random.default_rng(5)
    init, step = jax.jit(peer.init), jax.jit(peer.step)
    for seed in range(6):
        state, row = init(jax.random.PRNGKey(seed)), kernels.new_rows(rules, np.zeros(1, np.uint64))
        seats = [int(state.current_player), 1 - int(state.current_player)]
        while not row["done"][0]:
            view = kernels.view(rules, row)
            np.testing.assert_array_equal(np.asarray(state.legal_action_mask), view.legal[0])
            seen = np.moveaxis(np.asarray(state.observation), -1, 0)[:3].astype(np.float32)
            seen[2] = 1 - seen[2]  # theirs says which player is to move, ours who joins top and bottom
            np.testing.assert_array_equal(seen, view.obs[0])
            swaps = row["ply"][0] == 1 and seed % 2
            action = 121 if swaps else int(generator.choice(np.flatnonzero(view.legal[0])))
            kernels.play_rows(rules, row, np.array([action]))
            state = step(state, action)
            assert bool(state.terminated) == row["done"][0]
        assert np.asarray(state.rewards)[seats].tolist() == row["reward"][0].tolist()

"""Phantom tic-tac-toe, dark Hex, Battleship: by hand, counted whole, and against open_spiel on the same moves."""

from __future__ import annotations

import json
import math
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs import kernels
from envs.game import Game, Rows
from envs.registry import game

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "games.json"
KNOWN: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))["dark_hex"]
SPECS = ["phantom_tic_tac_toe", "dark_hex", "battleship:size=4,ships=32"]


def played(rules: Game, moves: str) -> Rows:
    """The position after moves by name; raises on an illegal one."""
    return kernels.replay(rules, 0, [rules.action(move) for move in moves.split()])[-1:]


def seen(rules: Game, rows: Rows, seat: int) -> Any:
    rows = rows.copy()
    rows["seat"] = seat
    return kernels.view(rules, rows).obs[0]


def test_a_try_at_a_taken_cell_shows_it_and_the_same_seat_tries_again() -> None:
    rules = game("phantom_tic_tac_toe")
    rows = played(rules, "b2 b2")  # cell 4, twice
    assert rows["seat"][0] == 1
    assert rows["ply"][0] == 2
    assert not kernels.legal_mask(rules, rows)[0, 4]
    own, met, order, second = seen(rules, rows, 1).reshape(4, 9)
    assert own.sum() == 0
    assert met.tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert order[4] == pytest.approx(1 / 9)
    assert second.all()
    own, met, order, second = seen(rules, rows, 0).reshape(4, 9)
    assert own.tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert not met.any()  # seat 0 is not told that its stone was met
    assert not second.any()
    with pytest.raises(ValueError, match="Move 3"):
        played(rules, "b2 b2 b2")


def test_phantom_tic_tac_toe_is_won_in_a_line_and_drawn_on_a_full_board() -> None:
    rules = game("phantom_tic_tac_toe")
    won = played(rules, "a3 a3 a2 b3 b2 c3")
    assert won["done"][0]
    assert won["reward"][0].tolist() == [1.0, -1.0]
    drawn = played(rules, "b2 a3 b3 b1 a1 c3 c2 a2 c1")
    assert drawn["done"][0]
    assert drawn["reward"][0].tolist() == [0.0, 0.0]


def test_dark_hex_joins_top_and_bottom_or_left_and_right() -> None:
    rules = game("dark_hex:size=3")
    won = played(rules, "b1 b1 a1 a2 c2 a3")  # b1, a2 and a3 hang together; seat 1 met b1 on its way
    assert won["done"][0]
    assert won["reward"][0].tolist() == [1.0, -1.0]
    assert won["met"][0].tolist() == [0, 0b10]
    second = played(rules, "a1 c1 a2 b2 b1 a3")  # c1, b2, a3: the other diagonal touches
    assert second["done"][0]
    assert second["reward"][0].tolist() == [-1.0, 1.0]
    wrong = played(rules, "c1 a1 c2 b2 a2 c3")  # a1, b2, c3 do not touch
    assert not wrong["done"][0]


@pytest.mark.parametrize("size", [2, 4, 8])
def test_every_full_board_of_dark_hex_is_won_by_one(size: int) -> None:
    rules = game(f"dark_hex:size={size}")
    rows = kernels.random_openings(rules, kernels.seeds(4, 200), rules.max_plies)
    assert rows["done"].all()
    for row in rows[:40]:
        assert [joined(int(stones), size, seat) for seat, stones in enumerate(row["stones"])] == list(row["reward"] > 0)


def joined(stones: int, size: int, seat: int) -> bool:
    """Whether stones join a seat's sides, by sets and a plain search."""
    cells = {divmod(a, size) for a in range(size * size) if stones >> a & 1}
    open_ends = [cell for cell in cells if cell[seat] == 0]
    reached = set(open_ends)
    while open_ends:
        r, c = open_ends.pop()
        near = {(r - 1, c), (r - 1, c + 1), (r, c - 1), (r, c + 1), (r + 1, c - 1), (r + 1, c)} & cells - reached
        reached |= near
        open_ends += near
    return any(cell[seat] == size - 1 for cell in reached)


def information_states(size: int) -> list[int]:
    """How many information states each seat of dark Hex has, by reasoning on what one seat can be told.

    A history of tries and answers can happen where some set of the other's stones, as many as he has made moves,
    agrees with what was met and does not win.
    """
    cells = size * size
    wins = cache(lambda stones, seat: joined(stones, size, seat))

    @cache
    def possible(own: int, met: int, others: int, seat: int) -> bool:
        free = [1 << a for a in range(cells) if not (own | met) >> a & 1]
        unmet = others - met.bit_count()
        return unmet >= 0 and any(not wins(met | sum(rest), 1 - seat) for rest in combinations(free, unmet))

    @cache
    def count(own: int, met: int, seat: int) -> int:
        if wins(own, seat) or not possible(own, met, own.bit_count() + seat, seat):
            return 0
        tries = [1 << a for a in range(cells) if not (own | met) >> a & 1]
        return 1 + sum(count(own | a, met, seat) + count(own, met | a, seat) for a in tries)

    return [count(0, 0, seat) for seat in (0, 1)]


def walked(rules: Game) -> list[set[int]]:
    """The keys of all positions of a game in which each seat may move, by its own rules."""
    keys: list[set[int]] = [set(), set()]
    rows = kernels.new_rows(rules, np.zeros(1, np.uint64))
    while len(rows):
        for seat in (0, 1):
            keys[seat].update(kernels.keys_of(rules, rows)[rows["seat"] == seat].tolist())
        lane, action = np.nonzero(kernels.legal_mask(rules, rows))
        rows = rows[lane]
        kernels.play_rows(rules, rows, action)
        rows = rows[~rows["done"]]
    return keys


def test_dark_hex_has_the_published_number_of_information_states() -> None:
    assert information_states(3) == KNOWN["infosets"]
    assert information_states(2) == KNOWN["size_2_infosets"]
    assert [len(keys) for keys in walked(game("dark_hex:size=2"))] == KNOWN["size_2_infosets"]


def test_dark_hex_played_evenly_pays_as_published() -> None:
    rows = kernels.random_openings(game("dark_hex"), kernels.seeds(1, 300_000), 17)
    assert rows["reward"][:, 0].mean() == pytest.approx(KNOWN["uniform_ev0"], abs=4 / math.sqrt(300_000))


@pytest.mark.parametrize("spec", ["phantom_tic_tac_toe", "dark_hex:size=3", "dark_hex:size=4", "dark_hex:size=6"])
def test_keys_are_equal_exactly_where_tries_and_answers_are(spec: str) -> None:
    rules, generator = game(spec), np.random.default_rng(0)
    rows = kernels.new_rows(rules, np.zeros(400, np.uint64))
    told: list[list[tuple[Any, ...]]] = [[(), ()] for _ in rows]
    by_key: dict[int, tuple[Any, ...]] = {}
    by_history: dict[tuple[Any, ...], int] = {}
    while len(rows):
        mask, seats = kernels.legal_mask(rules, rows), rows["seat"].copy()
        for row_key, seat, history in zip(kernels.keys_of(rules, rows).tolist(), seats, told, strict=True):
            state = (int(seat), history[seat])
            assert by_key.setdefault(row_key, state) == state
            assert by_history.setdefault(state, row_key) == row_key
        actions = np.argmax(mask * generator.random(mask.shape), axis=1)
        kernels.play_rows(rules, rows, actions)
        for row, seat, action, history in zip(rows, seats, actions, told, strict=True):
            blocked = bool(int(row["met"][seat]) >> int(action) & 1)
            history[seat] = (*history[seat], (int(action), blocked))
        going = np.flatnonzero(~rows["done"])
        rows, told = rows[going], [told[i] for i in going]
    assert len(by_key) > 1000


@pytest.mark.parametrize("spec", SPECS)
def test_what_one_seat_does_in_secret_changes_nothing_for_the_other(spec: str) -> None:
    rules, generator = game(spec), np.random.default_rng(5)
    secret = 0
    for _ in range(20):
        rows = kernels.new_rows(rules, np.zeros(1, np.uint64))
        while not rows["done"][0]:
            seat = int(rows["seat"][0])
            mask = kernels.legal_mask(rules, rows)[0]
            results = []
            for action in generator.permutation(np.flatnonzero(mask))[:4]:
                after = rows.copy()
                kernels.play_rows(rules, after, np.array([action]))
                if rules.name.startswith("battleship") and rows["ply"][0] >= 4:
                    continue  # shots are seen by both
                if not after["done"][0] and after["seat"][0] != seat:
                    view = kernels.view(rules, after)
                    results.append((view.obs.tobytes(), view.legal.tobytes(), int(kernels.keys_of(rules, after)[0])))
            assert len(set(results)) <= 1
            secret += len(results) > 1
            kernels.play_rows(rules, rows, np.array([generator.choice(np.flatnonzero(mask))]))
    assert secret > 20


# --- Battleship -------------------------------------------------------------------------------------------------------


def test_battleship_by_hand() -> None:
    rules = game("battleship:size=3,ships=21")
    rows = played(rules, "a1-right c1-down a3-right a1-right")
    assert rows["fleet"][0].tolist() == [[1, 1, 0, 0, 0, 0, 2, 0, 0], [2, 0, 1, 0, 0, 1, 0, 0, 0]]
    assert kernels.legal_mask(rules, rows)[0].tolist() == [True] * 9 + [False] * 18
    rows = played(rules, "a1-right c1-down a3-right a1-right c1 b1 a1")
    own, at_me, at_other, hits, sunk, length, second = seen(rules, rows, 0).reshape(7, 9)
    assert own.tolist() == [0.5, 0.5, 0, 0, 0, 0, 1, 0, 0]
    assert at_me[1] == pytest.approx(1 / 9)
    assert at_other[[2, 0]] == pytest.approx([1 / 9, 2 / 9])
    assert hits.tolist() == [1, 0, 1, 0, 0, 0, 0, 0, 0]
    assert sunk.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0]  # the ship of one cell; the other is only hit
    assert not length.any()
    assert not second.any()
    assert seen(rules, rows, 1)[3].sum() == 1
    over = played(rules, "a1-right c1-down a3-right a1-right c1 b1 a1 b2 c2")
    assert over["done"][0]
    assert over["reward"][0].tolist() == [1.0, -1.0]


def test_ships_of_battleship_lie_on_the_board_and_apart() -> None:
    rules = game("battleship:size=3,ships=21")
    mask = kernels.legal_mask(rules, played(rules, ""))[0]
    names = [rules.names[a] for a in np.flatnonzero(mask)]
    assert names == [
        *("a1-right", "b1-right", "a2-right", "b2-right", "a3-right", "b3-right"),
        *("a1-down", "b1-down", "c1-down", "a2-down", "b2-down", "c2-down"),
    ]
    mask = kernels.legal_mask(rules, played(rules, "b2-right a1-right"))[0]
    assert [rules.names[a] for a in np.flatnonzero(mask)] == [
        f"{name}-right" for name in ("a1", "b1", "c1", "a2", "a3", "b3", "c3")
    ]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("dark_hex:size=9", "size of dark_hex is a whole number from 2 to 8, not 9"),
        ("dark_hex:size=true", "whole number"),
        ("battleship:size=2", "size of battleship is a whole number from 3 to 15, not 2"),
        ("battleship:ships=abc", "1 to 9 digits, not abc"),
        ("battleship:size=4,ships=5", "1 to 4 cells long, not 5"),
        ("battleship:size=3,ships=320", "1 to 3 cells long, not 320"),
        ("battleship:size=3,ships=222", "might find no room on 3 lines"),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_sentence(spec: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        game(spec)


# --- open_spiel -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "theirs"),
    [
        ("phantom_tic_tac_toe", "phantom_ttt"),
        *((f"dark_hex:size={size}", f"dark_hex(board_size={size})") for size in (2, 3, 4)),
    ],
)
def test_open_spiel_plays_the_same_phantom_game(spec: str, theirs: str) -> None:
    pyspiel = pytest.importorskip("pyspiel")
    rules, generator, other = game(spec), np.random.default_rng(3), pyspiel.load_game(theirs)
    assert other.num_distinct_actions() == rules.actions
    assert other.max_game_length() == rules.max_plies
    pairs: set[tuple[int, str]] = set()
    for _ in range(150):
        state, rows = other.new_initial_state(), kernels.new_rows(rules, np.zeros(1, np.uint64))
        while not rows["done"][0]:
            seat, mask = int(rows["seat"][0]), kernels.legal_mask(rules, rows)[0]
            assert state.current_player() == seat
            assert state.legal_actions() == np.flatnonzero(mask).tolist()
            for eye in (0, 1):
                own, met = seen(rules, rows, eye)[:2].reshape(2, -1)
                first, second = (own, met) if eye == 0 else (met, own)
                marks = ["x" if a else "o" if b else "." for a, b in zip(first, second, strict=True)]
                assert [mark for mark in state.observation_string(eye) if mark in "xo."] == marks
            history = state.information_state_string(seat).split("\n")[-1]
            pairs.add((int(kernels.keys_of(rules, rows)[0]), f"{seat} {history} {state.observation_string(seat)}"))
            action = int(generator.choice(np.flatnonzero(mask)))
            kernels.play_rows(rules, rows, np.array([action]))
            state.apply_action(action)
        assert state.is_terminal()
        assert state.returns() == rows["reward"][0].tolist()
    assert len(pairs) == len({key for key, _ in pairs}) == len({history for _, history in pairs}) > 30


def test_open_spiel_plays_the_same_battleship() -> None:
    pyspiel = pytest.importorskip("pyspiel")
    rules, generator = game("battleship:size=4,ships=322"), np.random.default_rng(3)
    other = pyspiel.load_game(
        "battleship(board_width=4,board_height=4,ship_sizes=[3;2;2],ship_values=[1;1;1],num_shots=16,"
        "allow_repeated_shots=false)"
    )
    assert other.num_distinct_actions() == rules.actions
    for _ in range(40):
        state, rows = other.new_initial_state(), kernels.new_rows(rules, np.zeros(1, np.uint64))
        while not rows["done"][0]:
            mask = kernels.legal_mask(rules, rows)[0]
            assert state.current_player() == rows["seat"][0]
            assert state.legal_actions() == np.flatnonzero(mask).tolist()
            for eye in (0, 1):
                _, _, shots, hits = seen(rules, rows, eye)[:4].reshape(4, -1)
                marks = "".join("#" if hit else "@" if shot else " " for shot, hit in zip(shots, hits, strict=True))
                theirs = state.observation_string(eye).split("outcomes:\n")[1]
                assert "".join(line.strip("|") for line in theirs.splitlines() if "|" in line) == marks
            action = int(generator.choice(np.flatnonzero(mask)))
            kernels.play_rows(rules, rows, np.array([action]))
            state.apply_action(action)
        assert state.is_terminal()
        assert np.sign(state.returns()).tolist() == rows["reward"][0].tolist()

"""The laws of every game, checked on random games of the whole table: nothing here knows a game by name.

To cover a variant of a game add its spec to VARIANTS; a new game of the table is covered as it is.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from envs import kernels
from envs.game import Game, Rows
from envs.registry import GAMES, Unknown, game

VARIANTS = ["othello:size=6", "othello:size=4"]
SPECS = sorted([*GAMES, *VARIANTS])
COUNT = 1000

every_game = pytest.mark.parametrize("rules", [game(spec) for spec in SPECS], ids=SPECS)


class Games(NamedTuple):
    """COUNT random games: rows [T + 1, COUNT], actions [T, COUNT] (0 after a game's end), T plies of the longest."""

    rows: Rows
    actions: NDArray[np.int64]

    def open(self) -> Rows:
        """Every position in which a move was made."""
        rows = self.rows.reshape(-1)
        return rows[~rows["done"]]


@cache
def random_games(rules: Game) -> Games:
    generator = np.random.default_rng(6)
    rows = kernels.new_rows(rules, kernels.seeds(6, COUNT))
    history, actions = [rows.copy()], []
    while not rows["done"].all():
        mask = kernels.legal_mask(rules, rows)
        actions.append(np.argmax(mask * (1.0 + generator.random(mask.shape)), axis=1))
        kernels.play_rows(rules, rows, actions[-1])
        history.append(rows.copy())
        assert len(actions) <= rules.max_plies
    return Games(np.stack(history), np.stack(actions))


def observe(rules: Game, rows: Rows) -> NDArray[np.float32]:
    return kernels.view(rules, rows).obs


def same(a: Rows, b: Rows) -> bool:
    """Field by field: what lies between the fields of a record says nothing."""
    return all(np.array_equal(a[field], b[field]) for field in a.dtype.names or ())


@every_game
def test_a_game_says_what_it_is(rules: Game) -> None:
    assert game(rules.name).row == rules.row
    assert len(rules.names) == len(set(rules.names)) == rules.actions
    assert [rules.action(name) for name in rules.names] == list(range(rules.actions))
    with pytest.raises(ValueError, match="has no move"):
        rules.action("nonsense")
    assert rules.version >= 1
    header = ("rng", "reward", "ply", "seat", "done")
    assert set(header) <= set(rules.row.names or ())
    assert rules.row["reward"].shape == (rules.seats,)


@every_game
def test_there_is_a_move_until_the_game_is_done_and_none_after(rules: Game) -> None:
    rows = random_games(rules).rows.reshape(-1)
    mask = kernels.legal_mask(rules, rows)
    np.testing.assert_array_equal(mask.any(axis=1), ~rows["done"])
    np.testing.assert_array_equal(kernels.view(rules, rows).legal, mask)


@every_game
def test_a_finished_game_stays_as_it_is(rules: Game) -> None:
    rows = random_games(rules).rows[-1].copy()
    assert rows["done"].all()
    for action in range(rules.actions):
        kernels.play_rows(rules, rows, np.full(COUNT, action))
    kernels.random_rows(rules, rows, np.empty(rules.actions, np.bool_), 3)
    assert same(rows, random_games(rules).rows[-1])


@every_game
def test_results_sum_to_zero_and_come_at_the_end(rules: Game) -> None:
    games = random_games(rules)
    assert not games.open()["reward"].any()
    results = games.rows[-1]["reward"]
    assert set(np.unique(results)) <= {-1.0, 0.0, 1.0}
    assert (results.sum(axis=1) == 0.0).all()
    assert (results.max(axis=0) == 1.0).all()  # every seat wins at times


@every_game
def test_plies_are_counted_and_bounded(rules: Game) -> None:
    games = random_games(rules)
    moved = ~games.rows[:-1]["done"]
    np.testing.assert_array_equal(games.rows[1:]["ply"] - games.rows[:-1]["ply"], moved)
    assert games.rows["ply"].max() <= rules.max_plies
    assert (games.rows[0]["ply"] == 0).all()
    assert set(np.unique(games.rows["seat"])) == set(range(rules.seats))


@every_game
def test_looking_changes_nothing(rules: Game) -> None:
    rows = random_games(rules).open()
    before = rows.copy()
    kernels.view(rules, rows)
    kernels.legal_mask(rules, rows)
    if rules.heuristic is not None:
        guesses = np.array([rules.heuristic(row) for row in rows[::97]])
        assert (np.abs(guesses) < 1.0).all()
        assert guesses.std() > 0.0
    assert same(rows, before)


@every_game
def test_a_move_touches_its_own_row_alone(rules: Game) -> None:
    games = random_games(rules)
    rows, actions = games.rows[2].copy(), games.actions[2]
    kernels.play_rows(rules, rows[500:501], actions[500:501])
    assert same(rows[:500], games.rows[2][:500])
    assert same(rows[500:501], games.rows[3][500:501])
    assert same(rows[501:], games.rows[2][501:])


@every_game
def test_every_seat_sees_the_board_from_its_own_side(rules: Game) -> None:
    """Seats exchanged, the same position shows the same stones with the planes exchanged."""
    rows = random_games(rules).rows.reshape(-1)
    obs = observe(rules, rows)
    assert np.isfinite(obs).all()
    other = rows.copy()
    other["seat"] = 1 - rows["seat"]
    np.testing.assert_array_equal(observe(rules, other), obs[:, ::-1])
    stones = np.bitwise_count(rows["stones"])
    seat = rows["seat"][:, None]
    np.testing.assert_array_equal(obs.sum(axis=(2, 3)), np.take_along_axis(stones, np.hstack([seat, 1 - seat]), axis=1))
    assert set(np.unique(obs)) == {0.0, 1.0}
    assert obs.sum(axis=1).max() == 1.0  # no cell holds two stones


@every_game
def test_observations_do_not_depend_on_what_the_array_held(rules: Game) -> None:
    rows = random_games(rules).open()[:50]
    obs = np.full((50, *rules.shape), 7.0, np.float32)
    mask = np.ones((50, rules.actions), np.bool_)
    kernels.view_rows(rules, rows, obs, mask)
    np.testing.assert_array_equal(obs, observe(rules, rows))
    np.testing.assert_array_equal(mask, kernels.legal_mask(rules, rows))


def bit_of_cell(rules: Game) -> NDArray[np.int64]:
    """Which bit of `stones` is each cell of an observation's plane, found by looking at single stones."""
    rows = np.zeros(64, rules.row)
    rows["stones"][:, 0] = np.uint64(1) << np.arange(64, dtype=np.uint64)
    planes = observe(rules, rows)[:, 0].reshape(64, -1)
    assert (planes.sum(axis=0) == 1).all()
    return np.argmax(planes, axis=0)


def turned(rules: Game, rows: Rows, cells: NDArray[np.int64]) -> Rows:
    """The same positions on a turned board."""
    bits = bit_of_cell(rules)
    result = rows.copy()
    result["stones"] = 0
    for cell in range(len(cells)):
        stone = (rows["stones"] >> np.uint64(bits[cells[cell]])) & np.uint64(1)
        result["stones"] |= stone << np.uint64(bits[cell])
    return result


@every_game
def test_symmetries_are_laws(rules: Game) -> None:
    """Turning a position turns what is seen and what may be played, and turning and playing may be exchanged."""
    rows = random_games(rules).open()[::5]
    obs, mask = observe(rules, rows).reshape(len(rows), rules.shape[0], -1), kernels.legal_mask(rules, rows)
    generator = np.random.default_rng(1)
    for symmetry in rules.symmetries:
        other = turned(rules, rows, symmetry.cells)
        np.testing.assert_array_equal(observe(rules, other).reshape(obs.shape), obs[:, :, symmetry.cells])
        turned_mask = mask[:, symmetry.actions]
        np.testing.assert_array_equal(kernels.legal_mask(rules, other), turned_mask)
        actions = np.argmax(turned_mask * (1.0 + generator.random(mask.shape)), axis=1)
        kernels.play_rows(rules, other, actions)
        after = rows.copy()
        kernels.play_rows(rules, after, symmetry.actions[actions])
        assert same(other, turned(rules, after, symmetry.cells))


@every_game
def test_symmetries_are_permutations_and_all_different(rules: Game) -> None:
    kinds = set()
    for symmetry in rules.symmetries:
        assert sorted(symmetry.cells) == list(range(int(np.prod(rules.shape[1:]))))
        assert sorted(symmetry.actions) == list(range(rules.actions))
        kinds.add(symmetry.cells.tobytes())
        assert list(symmetry.cells) != sorted(symmetry.cells)
    assert len(kinds) == len(rules.symmetries) == len({symmetry.name for symmetry in rules.symmetries})


@every_game
def test_a_wrong_symmetry_is_found_out(rules: Game) -> None:
    """The negative control: two cells exchanged is no symmetry of any game."""
    rows = random_games(rules).open()
    wrong = np.arange(np.prod(rules.shape[1:]))
    wrong[[0, 1]] = 1, 0
    other = turned(rules, rows, wrong)
    same_mask = (kernels.legal_mask(rules, other) == kernels.legal_mask(rules, rows)).all()
    actions = np.argmax(kernels.legal_mask(rules, other), axis=1)
    kernels.play_rows(rules, other, actions)
    after = rows.copy()
    kernels.play_rows(rules, after, actions)
    assert not (same_mask and same(other, turned(rules, after, wrong)))


@every_game
def test_a_lane_depends_on_nothing_beside_it(rules: Game) -> None:
    seeds = kernels.seeds(2, 64)
    mask = np.empty(rules.actions, np.bool_)
    together = kernels.random_openings(rules, seeds, 7)
    assert same(together, kernels.random_openings(rules, seeds, 7))
    for lanes in (slice(5, 6), slice(0, 64, 3), slice(40, 20, -1)):
        assert same(together[lanes], kernels.random_openings(rules, seeds[lanes].copy(), 7))
    stepwise = kernels.new_rows(rules, seeds)
    for _ in range(7):
        kernels.random_rows(rules, stepwise, mask, 1)
    assert same(together, stepwise)
    assert not same(together, kernels.random_openings(rules, kernels.seeds(3, 64), 7))


@every_game
def test_random_steps_are_a_plain_loop(rules: Game) -> None:
    """Against the same thing written once more, in Python, with splitmix64 in Python's own integers."""
    obs, masks = np.empty((3, *rules.shape), np.float32), np.empty((3, rules.actions), np.bool_)
    rows = kernels.new_rows(rules, np.array([1, 2, 3], np.uint64))
    plain = rows.copy()
    steps = 2 * rules.max_plies
    ended = kernels.random_steps(rules, rows, obs, masks, steps)
    finished = 0
    for _ in range(steps):
        for lane in range(3):
            row = plain[lane : lane + 1]
            choices = np.flatnonzero(kernels.legal_mask(rules, row)[0])
            state, bits = splitmix(int(row["rng"][0]))
            row["rng"] = state
            kernels.play_rows(rules, row, choices[[(bits >> 32) * len(choices) >> 32]])
            if row["done"][0]:
                finished += 1
                fresh = kernels.new_rows(rules, np.zeros(1, np.uint64))
                fresh["rng"] = row["rng"]
                row[:] = fresh
    assert same(rows, plain)
    assert ended == finished > 0
    np.testing.assert_array_equal(obs, observe(rules, plain))


def splitmix(state: int) -> tuple[int, int]:
    """(the next state, its 64 bits), after Steele, Lea & Flood 2014."""
    whole = (1 << 64) - 1
    state = (state + 0x9E3779B97F4A7C15) & whole
    x = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & whole
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & whole
    return state, x ^ (x >> 31)


def test_splitmix_gives_the_published_numbers() -> None:
    """The first outputs from state 1234567, as published with Vigna's reference code."""
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    state, states = 1234567, np.array([1234567], np.uint64)
    for number in expected:
        state, bits = splitmix(state)
        assert bits == number == int(kernels.next_random(states, 0))


@every_game
def test_moves_are_drawn_evenly(rules: Game) -> None:
    rows = kernels.random_openings(rules, kernels.seeds(9, 20_000), 1)
    first = kernels.new_rows(rules, np.zeros(1, np.uint64))
    after = first.repeat(kernels.legal_mask(rules, first).sum())
    kernels.play_rows(rules, after, np.flatnonzero(kernels.legal_mask(rules, first)[0]))
    expected = len(rows) / len(after)
    for row in after:
        count = (rows["stones"] == row["stones"]).all(axis=1).sum()
        assert abs(count - expected) < 5 * np.sqrt(expected)


@every_game
def test_a_game_can_be_replayed(rules: Game) -> None:
    games = random_games(rules)
    seeds = kernels.seeds(6, COUNT)
    for lane in range(0, COUNT, 100):
        length = int(games.rows[-1]["ply"][lane])
        rows = kernels.replay(rules, int(seeds[lane]), games.actions[:length, lane].tolist())
        assert same(rows, games.rows[: length + 1, lane])


@every_game
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_list_of_numbers_replays_or_is_refused_in_a_sentence(rules: Game, data: st.DataObject) -> None:
    moves = data.draw(st.lists(st.integers(-2, rules.actions + 1), max_size=12))
    row = kernels.new_rows(rules, np.zeros(1, np.uint64))
    legal = 0
    for move in moves:
        mask = kernels.legal_mask(rules, row)[0]
        if not (0 <= move < rules.actions and mask[move]):
            break
        kernels.play_rows(rules, row, np.array([move]))
        legal += 1
    if legal == len(moves):
        assert same(kernels.replay(rules, 0, moves)[-1:], row)
    else:
        sentence = rf"^Move {legal + 1} of this game of {rules.name} \({moves[legal]}\) is against the rules\.$"
        with pytest.raises(ValueError, match=sentence):
            kernels.replay(rules, 0, moves)


@every_game
@settings(max_examples=40, deadline=None)
@given(draws=st.lists(st.integers(0, 2**16), min_size=150, max_size=150), seed=st.integers(0, 2**64 - 1))
def test_any_legal_game_ends_in_time_with_a_result(rules: Game, draws: list[int], seed: int) -> None:
    row = kernels.new_rows(rules, np.array([seed], np.uint64))
    moves: list[int] = []
    for pick in draws:
        if row["done"][0]:
            break
        choices = np.flatnonzero(kernels.legal_mask(rules, row)[0])
        moves.append(int(choices[pick % len(choices)]))
        kernels.play_rows(rules, row, np.array(moves[-1:]))
    assert row["done"][0]
    assert row["reward"].sum() == 0.0
    assert same(kernels.replay(rules, seed, moves)[-1:], row)
    with pytest.raises(ValueError, match=f"Move {len(moves) + 1} "):
        kernels.replay(rules, seed, [*moves, 0])


def test_a_wrong_name_gets_the_nearest_right_one() -> None:
    with pytest.raises(Unknown, match="did you mean 'connect_four'"):
        game("conect_four")
    with pytest.raises(Unknown, match="no option 'sise'; did you mean 'size'"):
        game("othello:sise=6")
    with pytest.raises(ValueError, match="not 7"):
        game("othello:size=7")
    with pytest.raises(ValueError, match="is not key=value"):
        game("othello:6")

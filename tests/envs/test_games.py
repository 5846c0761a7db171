"""The laws of every game, checked on random games of the whole table: nothing here knows a game by name.

What a law asks depends on what a game declares (seats, pays, hidden, chance, controls ...).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envs import kernels
from envs.game import Game, Rows, Symmetry
from envs.registry import Unknown, game
from tests.envs.played import (
    COUNT,
    Games,
    ended_games,
    every_game,
    observe,
    random_games,
    same,
    some_actions,
)


@every_game
def test_a_game_says_what_it_is(spec: str) -> None:
    rules = game(spec)
    again = game(rules.name)
    assert (again.row, again.shape, again.names, again.version) == (rules.row, rules.shape, rules.names, rules.version)
    assert len(rules.names) == len(set(rules.names)) == (rules.actions or len(rules.controls))
    for ply in range(2):
        numbers = range(len(rules.names))
        assert [rules.action(rules.written(number, ply), ply) for number in numbers] == list(numbers)
    with pytest.raises(ValueError, match="has no move"):
        rules.action("nonsense")
    assert rules.version >= 1
    assert set(rules.row.names or ()) >= {"rng", "reward", "ply", "seat", "done", "cut"}
    assert rules.row["reward"].shape == (rules.seats,)
    assert np.dtype(rules.row).itemsize % 8 == 0
    assert 1 <= rules.max_plies <= np.iinfo(np.int16).max
    assert rules.keys == 0 or rules.key is not None
    assert rules.chances is None or rules.chance
    assert not rules.simultaneous or rules.hidden
    assert rules.seats > 1 or rules.pays == "general"
    assert all(low < high for low, high in rules.controls)


@every_game
def test_there_is_a_move_until_the_game_is_done_and_none_after(spec: str) -> None:
    rules = game(spec)
    rows = random_games(rules).rows.reshape(-1)
    mask = kernels.legal_mask(rules, rows)
    if rules.controls:
        assert mask.shape == (len(rows), 0)
    else:
        np.testing.assert_array_equal(mask.any(axis=1), ~rows["done"])
    np.testing.assert_array_equal(kernels.view(rules, rows).legal, mask)


@every_game
def test_every_game_ends_in_time(spec: str) -> None:
    rules = game(spec)
    rows = ended_games(rules)
    assert rows["done"].all()
    assert rows["ply"].min() > 0
    assert rows["ply"].max() <= rules.max_plies
    assert not (rows["cut"] & ~rows["done"]).any()


@every_game
def test_a_finished_game_stays_as_it_is(spec: str) -> None:
    rules = game(spec)
    rows = ended_games(rules).copy()
    generator = np.random.default_rng(0)
    for _ in range(3):
        kernels.play_rows(rules, rows, some_actions(rules, rows, generator))
    kernels.random_rows(rules, rows, 3)
    assert same(rows, ended_games(rules))


@every_game
def test_what_is_paid_is_as_declared(spec: str) -> None:
    rules = game(spec)
    games = random_games(rules)
    assert np.isfinite(games.rows["reward"]).all()
    assert not games.rows[0]["reward"].any()
    if rules.pays == "general":
        return
    np.testing.assert_allclose(games.rows["reward"].sum(axis=-1), 0.0, atol=1e-5)
    if rules.pays == "result":
        assert not games.open()["reward"].any()
        results = ended_games(rules)["reward"]
        assert set(np.unique(results)) <= {-1.0, 0.0, 1.0}
        assert (results.max(axis=0) == 1.0).all()  # every seat wins at times


@every_game
def test_plies_and_seats_are_counted(spec: str) -> None:
    rules = game(spec)
    games = random_games(rules)
    moved = ~games.rows[:-1]["done"]
    np.testing.assert_array_equal(games.rows[1:]["ply"] - games.rows[:-1]["ply"], moved)
    assert (games.rows[0]["ply"] == 0).all()
    assert set(np.unique(games.open()["seat"])) == set(range(rules.seats))
    if rules.second:
        np.testing.assert_array_equal(games.open()["seat"], games.open()["ply"] % rules.seats)


@every_game
def test_looking_changes_nothing(spec: str) -> None:
    rules = game(spec)
    rows = random_games(rules).open()[:4000].copy()
    before = rows.copy()
    kernels.view(rules, rows)
    kernels.legal_mask(rules, rows)
    if rules.heuristic is not None:
        guesses = np.array([rules.heuristic(row) for row in rows[::29]])
        assert (np.abs(guesses) < 1.0).all()
        assert guesses.std() > 0.0
    assert same(rows, before)


@every_game
def test_a_move_touches_its_own_row_alone(spec: str) -> None:
    rules = game(spec)
    games = random_games(rules)
    rows, actions = games.rows[0].copy(), games.actions[0]
    kernels.play_rows(rules, rows[50:51], actions[50:51])
    assert same(rows[:50], games.rows[0][:50])
    assert same(rows[50:51], games.rows[1][50:51])
    assert same(rows[51:], games.rows[0][51:])


@every_game
def test_observations_are_finite_for_every_seat_and_write_every_number(spec: str) -> None:
    rules = game(spec)
    rows = random_games(rules).open()[::7][:300].copy()
    for seat in range(rules.seats):
        rows["seat"] = seat
        obs, full = np.zeros((len(rows), *rules.shape), np.float32), np.full((len(rows), *rules.shape), 7, np.float32)
        mask = np.ones((len(rows), rules.actions), np.bool_)
        kernels.view_rows(rules, rows, obs, mask)
        kernels.view_rows(rules, rows, full, mask)
        assert np.isfinite(obs).all()
        np.testing.assert_array_equal(obs, full)
        if len(rules.shape) == 3:
            assert obs.min() >= 0.0
            assert obs.max() <= 1.0
    obs = observe(rules, random_games(rules).open())
    assert (obs != obs[0]).any(), "every position looks alike"


@every_game
def test_boards_of_stones_are_seen_from_the_movers_side(spec: str) -> None:
    """Seats exchanged, the same position shows the same stones with the planes exchanged."""
    rules = game(spec)
    if rules.hidden or rules.shape[0] != 2 or "stones" not in (rules.row.names or ()):
        return
    rows = random_games(rules).open()
    other = rows.copy()
    other["seat"] = 1 - rows["seat"]
    np.testing.assert_array_equal(observe(rules, other), observe(rules, rows)[:, ::-1])


@every_game
def test_a_key_tells_no_less_than_is_seen(spec: str) -> None:
    """Positions of one key look alike and allow the same moves; keys of tables lie within the table."""
    rules = game(spec)
    if rules.key is None:
        return
    rows = random_games(rules).open()
    view = kernels.view(rules, rows)
    keys = view.keys
    assert keys is not None
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    assert len(first) > 1
    np.testing.assert_array_equal(view.obs, view.obs[first][group])
    np.testing.assert_array_equal(view.legal, view.legal[first][group])
    np.testing.assert_array_equal(rows["seat"], rows["seat"][first][group])
    if rules.keys:
        assert int(keys.max()) < rules.keys


@every_game
def test_positions_are_shown_where_nothing_is_hidden(spec: str) -> None:
    rules = game(spec)
    rows = random_games(rules).rows[0]
    assert (kernels.view(rules, rows).rows is None) == (rules.hidden or rules.foreign)


@every_game
def test_chance_laid_open_is_the_chance_that_is_played(spec: str) -> None:
    """Odds sum to 1, and outcomes fall as often as their odds say, at the start of the game."""
    rules = game(spec)
    if rules.chances is None:
        return
    rows = np.zeros(1, rules.row).view(np.recarray)
    rows["rng"] = 1
    rules.chances.begin(rows[0])
    if rows[0].seat >= 0:
        return
    odds = np.array([rules.chances.odds(rows[0], k) for k in range(rules.chances.outcomes)])
    assert odds.min() >= 0.0
    assert odds.sum() == pytest.approx(1.0)


# --- symmetries -----------------------------------------------------------------------------------------------------


def turned_start(rules: Game, rows: Rows, symmetry: Symmetry) -> Rows:
    """The first positions on the turned board: themselves, but where a game begins with stones that turn."""
    planes = observe(rules, rows[:1]).reshape(rules.shape[0], -1)
    if rules.chance or not planes[:2].any() or np.array_equal(planes, planes[:, symmetry.cells]):
        return rows.copy()
    if "stones" not in (rules.row.names or ()):  # what stands on each cell, in fields as long as the board
        turned = rows.copy()
        for field in rules.row.names or ():
            if rules.row[field].shape[-1:] == symmetry.cells.shape:
                turned[field] = rows[field][..., symmetry.cells]
        return turned
    single = np.zeros(64, rules.row)  # which bit of `stones` is each cell, found by looking at single stones
    single["stones"][:, 0] = np.uint64(1) << np.arange(64, dtype=np.uint64)
    bit = np.argmax(observe(rules, single)[:, 0].reshape(64, -1), axis=0)
    turned = rows.copy()
    turned["stones"] = 0
    for cell, source in enumerate(symmetry.cells):
        turned["stones"] |= ((rows["stones"] >> np.uint64(bit[source])) & np.uint64(1)) << np.uint64(bit[cell])
    return turned


def broken(rules: Game, symmetry: Symmetry, games: Games) -> bool:
    """Whether games played on the turned board are not the turned games, in what is seen, allowed or paid."""
    rows = turned_start(rules, games.rows[0], symmetry)
    turned_action = np.argsort(symmetry.actions)
    for ply in range(len(games.actions)):
        before = games.rows[ply]
        obs, legal = observe(rules, before), kernels.legal_mask(rules, before)
        flat = obs.reshape(*obs.shape[:2], -1)[:, :, symmetry.cells].reshape(obs.shape)
        if not np.array_equal(observe(rules, rows), flat):
            return True
        if not np.array_equal(kernels.legal_mask(rules, rows), legal[:, symmetry.actions]):
            return True
        if not all(np.array_equal(rows[field], before[field]) for field in ("reward", "done", "seat")):
            return True
        kernels.play_rows(rules, rows, turned_action[games.actions[ply]])
    return False


@every_game
def test_symmetries_are_laws(spec: str) -> None:
    """A game played on the turned board is the turned game; and two cells exchanged are found to be no symmetry."""
    rules = game(spec)
    if not rules.symmetries:
        return
    games = random_games(rules)
    kinds = set()
    for symmetry in rules.symmetries:
        assert sorted(symmetry.cells) == list(range(int(np.prod(rules.shape[1:]))))
        assert sorted(symmetry.actions) == list(range(rules.actions))
        assert list(symmetry.cells) != sorted(symmetry.cells)
        kinds.add(symmetry.cells.tobytes())
        assert rules.chance or not broken(rules, symmetry, games)
    assert len(kinds) == len(rules.symmetries) == len({symmetry.name for symmetry in rules.symmetries})
    cells, actions = np.arange(np.prod(rules.shape[1:])), np.arange(rules.actions)
    assert broken(rules, Symmetry("wrong", np.r_[1, 0, cells[2:]], actions), games)
    assert broken(rules, Symmetry("wrong", cells, np.r_[1, 0, actions[2:]]), games)


# --- lanes, replays, randomness -------------------------------------------------------------------------------------


@every_game
def test_a_game_can_be_replayed_and_nothing_more(spec: str) -> None:
    rules = game(spec)
    games = random_games(rules)
    seeds = kernels.seeds(6, COUNT)
    for lane in range(0, COUNT, 50):
        length = int(games.rows[-1]["ply"][lane])
        moves = games.actions[:length, lane].tolist()
        assert same(kernels.replay(rules, int(seeds[lane]), moves), games.rows[: length + 1, lane])
        if games.rows[-1]["done"][lane]:
            with pytest.raises(ValueError, match=f"Move {length + 1} "):
                kernels.replay(rules, int(seeds[lane]), [*moves, moves[-1]])


@every_game
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_list_of_numbers_replays_or_is_refused_in_a_sentence(spec: str, data: st.DataObject) -> None:
    rules = game(spec)
    numbers: Any = st.integers(-2, rules.actions + 1)
    if rules.controls:
        numbers = st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=3).map(tuple)
    moves = data.draw(st.lists(numbers, max_size=8))
    row = kernels.new_rows(rules, np.zeros(1, np.uint64))
    legal = 0
    for move in moves:
        if not kernels.may_play(rules, row, move):
            break
        kernels.play_rows(rules, row, np.array([move], np.float32 if rules.controls else np.int64))
        legal += 1
    if legal == len(moves):
        assert same(kernels.replay(rules, 0, moves)[-1:], row)
    else:
        with pytest.raises(
            ValueError, match=rf"^Move {legal + 1} of this game of .* is against the rules: .* legal.*\.$"
        ):
            kernels.replay(rules, 0, moves)


def test_a_wrong_name_gets_the_nearest_right_one() -> None:
    with pytest.raises(Unknown, match="did you mean 'connect_four'"):
        game("conect_four")
    with pytest.raises(Unknown, match="no option 'sise'; did you mean 'size'"):
        game("othello:sise=6")
    with pytest.raises(Unknown, match="no option 'size'; it has none"):
        game("tic_tac_toe:size=6")
    with pytest.raises(ValueError, match="not 7"):
        game("othello:size=7")
    with pytest.raises(ValueError, match="is not key=value"):
        game("othello:6")

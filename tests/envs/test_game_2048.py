"""2048: the sliding of tiles against a plain account of it, the fall of new ones, and pgx on the same boards."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from envs import kernels, randomness
from envs.arcade.game_2048 import game_2048
from envs.chance import drawn
from envs.game import Rows
from envs.registry import game

RULES = game("game_2048")


def board(*tiles: int) -> np.uint64:
    """Sixteen tiles, 0 for none, as the word of a row."""
    assert len(tiles) == 16
    return np.uint64(sum((tile.bit_length() - 1) << 4 * cell for cell, tile in enumerate(tiles) if tile))


def tiles(word: np.uint64) -> NDArray[np.int64]:
    """The 4 x 4 tiles of a word."""
    kinds = np.array([int(word) >> 4 * cell & 15 for cell in range(16)]).reshape(4, 4)
    return np.where(kinds > 0, 1 << kinds, 0)


def rows_of(*words: np.uint64) -> Rows:
    rows = kernels.new_rows(RULES, np.arange(len(words), dtype=np.uint64))
    rows["board"] = words
    return rows


def slid(word: np.uint64, action: int) -> tuple[NDArray[np.int64], float]:
    """The tiles after a move and before the new one falls, and what it paid."""
    assert RULES.chances is not None
    row = rows_of(word).view(np.recarray)[0]
    RULES.chances.act(row, action)
    return tiles(row.board), float(row.reward[0])


def plainly(line: list[int]) -> tuple[list[int], int]:
    """A line slid to its beginning, and what it pays, as a child would do it."""
    left, done, paid = [tile for tile in line if tile], [], 0
    while left:
        tile = left.pop(0)
        if left and left[0] == tile and tile < 32768:
            tile += left.pop(0)
            paid += tile
        done.append(tile)
    return done + [0] * (4 - len(done)), paid


@pytest.mark.parametrize(
    ("line", "after", "paid"),
    [
        ((2, 2, 2, 2), (4, 4, 0, 0), 8),
        ((2, 2, 4, 0), (4, 4, 0, 0), 4),
        ((4, 2, 2, 0), (4, 4, 0, 0), 4),
        ((0, 2, 0, 2), (4, 0, 0, 0), 4),
        ((2, 0, 4, 2), (2, 4, 2, 0), 0),
        ((0, 0, 0, 1024), (1024, 0, 0, 0), 0),
        ((16384, 0, 16384, 32768), (32768, 32768, 0, 0), 32768),
        ((32768, 32768, 2, 2), (32768, 32768, 4, 0), 4),
    ],
)
def test_a_line_slides_and_merges_once(line: tuple[int, ...], after: tuple[int, ...], paid: int) -> None:
    for i in range(4):
        full = np.zeros((4, 4), np.int64)
        full[i] = line
        expected = np.zeros((4, 4), np.int64)
        expected[i] = after
        for action in range(4):  # the same line, turned so that this action slides it to its beginning
            turned, result = np.rot90(full, -action), np.rot90(expected, -action)
            moved, reward = slid(board(*map(int, turned.reshape(-1))), action)
            np.testing.assert_array_equal(moved, result)
            assert reward == paid


def test_boards_slide_as_plain_lines_do_and_only_moves_that_change_are_allowed() -> None:
    generator = np.random.default_rng(0)
    words = [np.uint64(0), *(board(*line) for line in generator.choice([0, 2, 4, 8, 32768], (60, 16)).tolist())]
    words += [board(*line) for line in generator.choice([2, 4, 8, 16, 32, 64], (60, 16)).tolist()]
    legal = kernels.legal_mask(RULES, rows_of(*words))
    assert (~legal).any()
    for word, allowed in zip(words, legal, strict=True):
        for action in range(4):
            upright = np.rot90(tiles(word), action)
            lines = [plainly(line.tolist()) for line in upright]
            expected = np.rot90(np.array([line for line, _ in lines]), -action)
            moved, reward = slid(word, action)
            np.testing.assert_array_equal(moved, expected)
            assert reward == sum(paid for _, paid in lines)
            assert allowed[action] == (expected != tiles(word)).any()


def test_a_game_begins_with_two_tiles_and_one_falls_a_move() -> None:
    rows = kernels.new_rows(RULES, kernels.seeds(1, 2000))
    assert [int((tiles(word) > 0).sum()) for word in rows["board"]] == [2] * 2000
    kinds = np.concatenate([tiles(word)[tiles(word) > 0] for word in rows["board"]])
    assert set(kinds) == {2, 4}
    assert (kinds == 4).mean() == pytest.approx(0.1, abs=0.02)  # 4,000 tiles: three standard errors are 0.014
    cells = np.array([(tiles(word) > 0).reshape(-1) for word in rows["board"]]).mean(axis=0)
    assert np.abs(cells - 2 / 16).max() < 0.025
    before = rows["board"].copy()
    actions = np.argmax(kernels.legal_mask(RULES, rows), axis=1)
    kernels.play_rows(RULES, rows, actions)
    for word, action, after in zip(before[:200], actions, rows["board"], strict=False):
        moved, _ = slid(word, action)
        fresh = tiles(after) - moved
        assert sorted(fresh.reshape(-1))[:15] == [0] * 15
        assert fresh.max() in (2, 4)


def test_chance_laid_open_draws_the_very_games_that_are_played() -> None:
    assert RULES.chances is not None
    reset, play = drawn(RULES.chances)
    played = kernels.new_rows(RULES, kernels.seeds(5, 20))
    opened = kernels.new_rows(RULES, kernels.seeds(5, 20)).view(np.recarray)
    for i, seed in enumerate(kernels.seeds(5, 20)):
        opened[i].rng = randomness.mix(seed)
        reset(opened[i])
    for _ in range(60):
        np.testing.assert_array_equal(played, np.asarray(opened).view(played.dtype))
        actions = np.argmax(kernels.legal_mask(RULES, played), axis=1)
        kernels.play_rows(RULES, played, actions)
        for i in range(20):
            if not opened[i].done:
                play(opened[i], int(actions[i]))
    assert played["done"].any()


def test_a_game_ends_where_nothing_moves_or_at_the_limit() -> None:
    full = board(2, 4, 2, 4, 4, 2, 4, 2, 2, 4, 2, 4, 4, 2, 8, 8)
    rows = rows_of(*[full] * 100)
    kernels.play_rows(RULES, rows, np.full(100, RULES.action("left")))  # the last line becomes 4 2 16 and a new tile
    stuck = np.array([tiles(word)[3, 3] != 4 for word in rows["board"]])  # a new 4 stands below a 4
    assert stuck.any()
    assert not stuck.all()
    np.testing.assert_array_equal(rows["done"], stuck)
    assert not rows["cut"].any()
    short = game_2048(limit=3)
    rows = kernels.random_openings(short, kernels.seeds(0, 5), 10)
    assert (rows["ply"] == 3).all()
    assert (rows["done"] & rows["cut"]).all()
    assert short.name == "game_2048:limit=3"
    for wrong in (0, 32001, 2.5, True):
        with pytest.raises(ValueError, match="limit of game_2048 is a whole number from 1 to 32000"):
            game_2048(limit=wrong)  # pyright: ignore[reportArgumentType]


def test_symmetries_turn_moves_with_the_board() -> None:
    """The turned action slides the turned board to the turned result; an action not turned does not."""
    generator = np.random.default_rng(2)
    wrong = 0
    for symmetry in RULES.symmetries:
        for _ in range(20):
            cells = generator.choice([0, 2, 4, 8], 16)
            turned = board(*map(int, cells[symmetry.cells]))
            for action in range(4):
                moved, paid = slid(board(*map(int, cells)), int(symmetry.actions[action]))
                result, reward = slid(turned, action)
                np.testing.assert_array_equal(result.reshape(-1), moved.reshape(-1)[symmetry.cells])
                assert reward == paid
                wrong += not np.array_equal(slid(turned, int(symmetry.actions[action]))[0], result)
    assert wrong > 100


def test_the_board_is_seen_one_hot_and_told_in_numbers() -> None:
    rows = rows_of(board(2, 0, 0, 0, 0, 1024, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32768))
    obs = kernels.view(RULES, rows).obs[0]
    assert (obs.sum(axis=0) == 1.0).all()
    assert [obs[1, 0, 0], obs[10, 1, 1], obs[15, 3, 3], obs[0].sum()] == [1.0, 1.0, 1.0, 13.0]
    assert RULES.text is not None
    assert " ".join(RULES.text(rows.view(np.recarray)[0]).split()) == "2 . . . . 1024 . . . . . . . . . 32768"


def test_pgx_plays_the_same_game() -> None:
    pgx, jax = pytest.importorskip("pgx"), pytest.importorskip("jax")
    theirs = pgx.make("2048")
    init, step = jax.jit(theirs.init), jax.jit(theirs.step)
    generator = np.random.default_rng(4)
    state = init(jax.random.PRNGKey(0))
    games = 0
    for i in range(400):
        word = np.uint64(sum(int(kind) << 4 * cell for cell, kind in enumerate(np.asarray(state._board).reshape(-1))))
        legal = kernels.legal_mask(RULES, rows_of(word))[0]
        np.testing.assert_array_equal(legal, np.asarray(state.legal_action_mask))
        action = int(generator.choice(np.flatnonzero(legal)))
        moved, paid = slid(word, action)
        state = step(state, action, jax.random.PRNGKey(i))
        assert paid == float(state.rewards[0])
        after = np.asarray(state._board).reshape(4, 4)
        np.testing.assert_array_equal(np.where(moved > 0, 1 << after, moved), moved)
        if state.terminated:
            games, state = games + 1, init(jax.random.PRNGKey(1000 + i))
    assert games > 0

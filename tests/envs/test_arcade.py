"""MinAtar's games against MinAtar itself, driven by the same random numbers; the others by hand-worked positions."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from envs import kernels, randomness, registry
from envs.arcade.asterix import asterix
from envs.arcade.breakout import breakout
from envs.arcade.buttons import NAMES
from envs.arcade.freeway import freeway
from envs.arcade.pixel_breakout import pixel_breakout
from envs.arcade.pong import pong
from envs.arcade.seaquest import seaquest
from envs.arcade.snake import snake
from envs.arcade.space_invaders import space_invaders
from envs.game import Game, Rows

MINATAR = {
    "breakout": breakout,
    "asterix": asterix,
    "freeway": freeway,
    "seaquest": seaquest,
    "space_invaders": space_invaders,
}
RAMPED = {"asterix", "seaquest", "space_invaders"}


def new(game: Game, seed: int = 0) -> Rows:
    return kernels.new_rows(game, np.array([seed], np.uint64))


def step(game: Game, row: Rows, *actions: str) -> None:
    """Presses buttons; the last one is made to be the same, so that it does not matter whether it sticks."""
    for action in actions:
        if "last" in (row.dtype.names or ()):
            row["last"] = NAMES.index(action)
        kernels.play_rows(game, row, np.array([game.action(action)]))


class Drawn:
    """numpy's RandomState for MinAtar, with the numbers of a row's own generator."""

    def __init__(self, state: int) -> None:
        self.states = np.array([state], np.uint64)

    def bits(self) -> np.uint64:
        return np.uint64(randomness.next_random(self.states, 0))

    def rand(self, count: int | None = None) -> Any:
        if count is not None:
            return np.array([self.rand() for _ in range(count)])
        return float(randomness.unit(self.bits()))

    def randint(self, low: int, high: int | None = None, size: int | None = None) -> Any:
        if size is not None:
            return np.array([self.randint(low, high) for _ in range(size)])
        low, high = (0, low) if high is None else (low, high)
        return low + int(randomness.below(self.bits(), high - low))


def clever(name: str, env: Any, generator: np.random.Generator) -> int:
    """A button that keeps MinAtar's games going for long, so that rare events come about."""
    if name == "breakout":
        return 1 if env.ball_x < env.pos else 3 if env.ball_x > env.pos else 0
    if name == "freeway":
        return 2
    if name == "space_invaders":
        bombs = env.e_bullet_map[6:9, env.pos].any()
        return int(generator.choice([1, 3])) if bombs else int(generator.choice([1, 3, 5, 5]))
    if name == "asterix":
        near = [x for x in env.entities if x is not None and not x[3] and x[1] == env.player_y]
        return int(generator.choice([2, 4])) if near else int(generator.integers(6))
    if env.oxygen < 60 and env.diver_count != 0:
        return 2
    if env.sub_y < 2 and env.diver_count <= 0:
        return 4
    lined = [x for x in env.e_fish + env.e_subs if x[1] == env.sub_y]
    if lined and generator.random() < 0.8:
        right = lined[0][0] > env.sub_x
        return 5 if right == env.sub_or else 3 if right else 1
    return int(generator.choice([1, 3, 4, 2, 5]))


def crowd(row: Rows, env: Any) -> None:
    """A game of Seaquest at the top of its ramp with all divers aboard, for both."""
    row["spawn_speed"] = row["spawn_timer"] = env.e_spawn_speed = env.e_spawn_timer = 1
    row["move_speed"] = env.move_speed = 2
    row["divers_aboard"] = env.diver_count = 6


def compare(
    name: str, game: Game, env: Any, seed: int, skilled: bool, sticky: bool, limit: int, crowded: bool = False
) -> tuple[float, int]:
    """One game of both side by side: (the return, the plies)."""
    generator = np.random.default_rng(seed)
    row = new(game, seed)
    drawn = Drawn(int(randomness.mix(np.uint64(seed))))
    env.random = env.env.random = drawn
    env.last_action = 0
    env.reset()
    if crowded:
        crowd(row, env.env)
    total, plies = 0.0, 0
    while not row["done"][0]:
        np.testing.assert_array_equal(kernels.view(game, row).obs[0], np.moveaxis(env.state(), 2, 0))
        assert row["rng"][0] == drawn.states[0]
        if crowded and plies % 400 < 300:
            button = int(generator.choice([1, 3]))  # at the surface nothing can happen to it
        else:
            button = clever(name, env.env, generator) if skilled else int(generator.integers(6))
        reward, over = env.act(button) if sticky else env.env.act(button)
        kernels.play_rows(game, row, np.array([button]))
        assert row["reward"][0, 0] == reward
        plies += 1
        assert bool(row["done"][0]) == (over or plies == limit)
        total += reward
    np.testing.assert_array_equal(kernels.view(game, row).obs[0], np.moveaxis(env.state(), 2, 0))
    assert row["score"][0] == total
    return total, plies


@pytest.mark.parametrize("ramping", [True, False])
@pytest.mark.parametrize("sticky", [0.1, 0.0])
@pytest.mark.parametrize("name", MINATAR)
def test_minatar_plays_the_same_game(name: str, sticky: float, ramping: bool) -> None:
    minatar = pytest.importorskip("minatar")
    if name not in RAMPED and not ramping:
        pytest.skip("nothing ramps in this game")
    limit = 1200
    options: dict[str, Any] = {"sticky": sticky, "limit": limit}
    if name in RAMPED:
        options["ramping"] = ramping
    if name != "seaquest":
        options["minimal"] = False
    game = MINATAR[name](**options)
    env = minatar.Environment(name, sticky_action_prob=sticky, difficulty_ramping=ramping)
    games = [compare(name, game, env, seed, seed % 2 == 1, sticky > 0, limit) for seed in range(16)]
    assert max(total for total, _ in games) > 0
    assert max(plies for _, plies in games) > 100


def test_minatar_plays_the_same_crowded_sea() -> None:
    minatar = pytest.importorskip("minatar")
    game = seaquest(limit=2000)
    env = minatar.Environment("seaquest")
    games = [compare("seaquest", game, env, seed, True, True, 2000, crowded=True) for seed in range(12)]
    assert max(total for total, _ in games) >= 10  # six divers brought up


def at(game: Game, **fields: Any) -> Rows:
    """A position given by some of its fields."""
    row = new(game)
    for field, value in fields.items():
        row[field] = value
    return row


def test_a_ball_breaks_a_brick_and_turns_back() -> None:
    game = registry.game("breakout")
    row = at(game, x=3, y=4, dx=1, dy=-1, paddle=0)
    step(game, row, "none")
    assert row["reward"][0, 0] == 1
    assert (row["x"][0], row["y"][0], row["dy"][0]) == (4, 4, 1)
    assert kernels.view(game, row).obs[0, 3, 3].tolist() == [1, 1, 1, 1, 0, 1, 1, 1, 1, 1]
    step(game, row, "none", "none", "none", "none")
    assert not row["done"][0]
    step(game, row, "none")  # the paddle is far away
    assert row["done"][0]
    assert not row["cut"][0]
    assert row["reward"][0, 0] == 0
    assert row["score"][0] == 1


def test_the_paddle_sends_the_ball_back_and_the_last_brick_brings_a_new_wall() -> None:
    game = registry.game("breakout")
    row = at(game, x=5, y=8, dx=1, dy=1, paddle=5, bricks=0)
    step(game, row, "none")
    assert (row["x"][0], row["y"][0], row["dx"][0], row["dy"][0]) == (6, 8, 1, -1)
    assert kernels.view(game, row).obs[0, 3].sum() == 30
    corner = at(game, x=5, y=8, dx=1, dy=1, paddle=6)
    step(game, corner, "none")
    assert (corner["dx"][0], corner["dy"][0]) == (-1, -1)


def test_gold_pays_and_an_enemy_ends() -> None:
    game = registry.game("asterix")
    for gold, reward, over in ((1, 1.0, False), (0, 0.0, True)):
        row = at(game)
        row["at"][0, 4], row["gold"][0, 4] = 6, gold  # line 5, one cell to the right of the player
        step(game, row, "right")
        assert row["reward"][0, 0] == reward
        assert row["done"][0] == over


def test_asterix_speeds_up_by_its_ramp() -> None:
    game = registry.game("asterix")
    row = at(game)
    speeds = []
    for _ in range(204):  # twice the 102 plies of the ramp
        row["at"] = -1
        row["done"] = False
        step(game, row, "none")
        speeds.append((int(row["spawn_speed"][0]), int(row["move_speed"][0])))
    assert (speeds[100], speeds[101], speeds[202], speeds[203]) == ((10, 5), (9, 5), (9, 5), (8, 4))


def test_a_chicken_crosses_in_a_step_every_third_ply() -> None:
    game = registry.game("freeway")
    row = at(game, timer=127, car=9)
    while not row["reward"][0, 0]:
        row["timer"] = 100
        step(game, row, "up")
    assert row["ply"][0] == 3 + 8 * 3 + 1  # three plies of rest, then nine steps
    assert row["y"][0] == 9
    hit = at(game, y=3, timer=100, car=9)
    hit["car"][0, 2] = 4
    step(game, hit, "none")
    assert hit["y"][0] == 9


def test_bringing_up_six_divers_pays_by_the_air_left() -> None:
    game = registry.game("seaquest")
    row = at(game, y=1, surfaced=False, divers_aboard=6, air=119)
    step(game, row, "up")
    assert row["reward"][0, 0] == 5  # 119 x 10 / 200, rounded down
    assert (row["air"][0], row["divers_aboard"][0]) == (200, -1)
    one = at(game, y=1, surfaced=False, divers_aboard=1, air=119)
    step(game, one, "up")
    assert (one["reward"][0, 0], one["air"][0], one["divers_aboard"][0], one["done"][0]) == (0, 200, 0, False)
    none = at(game, y=1, surfaced=False, air=119)
    step(game, none, "up")
    assert none["done"][0]


def test_a_shot_takes_a_fish() -> None:
    game = registry.game("seaquest")
    row = at(game, y=4, surfaced=False, n_fish=1)
    row["fish"][0, 0] = (3, 4, 0, 3)
    step(game, row, "fire")
    assert (row["reward"][0, 0], row["n_shots"][0]) == (0, 1)
    step(game, row, "none")
    assert (row["reward"][0, 0], row["n_shots"][0], row["n_fish"][0]) == (1, 0, 0)


def test_aliens_turn_at_the_edge_and_the_last_ones_hurry() -> None:
    game = registry.game("space_invaders")
    row = at(game, aliens=0, left=1, march_timer=0)
    row["aliens"][0, 2] = 1  # one alien at the left edge
    step(game, row, "none")
    assert row["aliens"][0].tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert (row["direction"][0], row["march_timer"][0]) == (1, 0)
    step(game, row, "none")
    assert row["aliens"][0, 3] == 2
    row["shots"][0, 4] = 4
    step(game, row, "none")  # shot and alien meet in column 2; a wave follows that marches sooner
    assert row["reward"][0, 0] == 1
    assert (row["left"][0], row["interval"][0]) == (24, 11)


def test_the_last_button_sticks_as_often_as_is_said() -> None:
    game, count = registry.game("freeway"), 4000
    rows = kernels.new_rows(game, kernels.seeds(4, count))
    rows["last"] = NAMES.index("up")
    kernels.play_rows(game, rows, np.full(count, game.action("down")))
    share = (rows["last"] == NAMES.index("up")).mean()
    assert abs(share - 0.1) < 4 * np.sqrt(0.1 * 0.9 / count)
    assert ((rows["last"] == NAMES.index("up")) | (rows["last"] == NAMES.index("down"))).all()


def test_random_play_of_breakout_earns_what_minatar_publishes() -> None:
    episodes = 6000
    earned = {}
    for spec in ("breakout:minimal=false", "breakout"):
        rows = kernels.random_openings(registry.game(spec), kernels.seeds(8, episodes), 5000)
        assert rows["done"].all()
        earned[spec] = rows["score"].mean()
    # The README of MinAtar: 0.5 +/- 0.0232 over 1000 episodes of all six buttons.
    assert abs(earned["breakout:minimal=false"] - 0.5) < 3 * 0.0232 * np.sqrt(1 + 1000 / episodes)
    assert abs(earned["breakout"] - 0.5) > 3 * 0.0232 * np.sqrt(1 + 1000 / episodes)


def test_a_ball_leaves_the_paddle_the_steeper_the_nearer_to_its_end() -> None:
    game = registry.game("pong")
    for struck, dy in enumerate((-2, -1, 1, 2)):
        row = at(game, x=14, y=4 + struck, dx=1, dy=0, paddle=4)
        step(game, row, "stay")
        assert (row["dx"][0], row["dy"][0], row["reward"][0, 0]) == (-1, dy, 0)
    lost = at(game, x=14, y=4, dx=1, dy=0, paddle=8)
    step(game, lost, "stay")
    assert (lost["reward"][0, 0], lost["points"][0].tolist(), lost["dx"][0]) == (-1, [0, 1], 1)
    wall = at(game, x=5, y=1, dx=1, dy=-2)
    step(game, wall, "stay")
    assert (wall["y"][0], wall["dy"][0]) == (1, 2)  # a cell up to the wall, a cell down


def test_two_players_of_pong_choose_at_once() -> None:
    game = registry.game("pong:seats=2")
    row = at(game, x=3, y=8, dx=-1, dy=0, paddle=2, points=4)
    before = kernels.view(game, row).obs[0]
    views = []
    for choice in ("up", "down"):
        again = row.copy()
        step(game, again, choice)
        assert again["seat"][0] == 1
        views.append(kernels.view(game, again).obs[0])
    np.testing.assert_array_equal(views[0], views[1])  # the first choice is not to be seen
    np.testing.assert_array_equal(views[0][0], before[1][:, ::-1])  # and the second sees the field from its own side
    step(game, row, "up", "down", "up", "down", "stay", "stay")
    assert row["paddle"][0].tolist() == [0, 4]
    assert row["done"][0]
    assert row["reward"][0].tolist() == [1, -1]


def test_a_snake_grows_by_an_apple_and_may_follow_its_tail() -> None:
    game = registry.game("snake")
    row = new(game)
    assert (row["head"][0], row["length"][0]) == (55, 3)
    assert kernels.legal_mask(game, row)[0].tolist() == [True, True, True, False]
    row["apple"] = 56
    step(game, row, "right")
    assert (row["reward"][0, 0], row["length"][0], row["life"][0, 53]) == (1, 4, 1)  # the tail stays where it was
    row["apple"] = 0
    step(game, row, "down", "left", "up", "right", "down", "left")  # four cells in a square, head behind tail
    assert not row["done"][0]
    assert (row["reward"][0, 0], row["length"][0]) == (0, 4)
    walled = new(game)
    step(game, walled, "up", "up", "up", "up", "up")
    assert not walled["done"][0]
    step(game, walled, "up")
    assert walled["done"][0]
    assert not walled["cut"][0]


def test_a_snake_that_bites_itself_is_dead() -> None:
    game = registry.game("snake")
    row = new(game)
    row["apple"] = 56
    step(game, row, "right")
    row["apple"] = 57
    step(game, row, "right")
    row["apple"] = 0
    assert row["length"][0] == 5
    step(game, row, "down", "left", "up")
    assert row["done"][0]


def test_a_snake_that_is_everywhere_has_won() -> None:
    game = registry.game("snake")
    row = at(game, head=1, apple=0, length=99, heading=3)
    row["life"][0] = np.arange(100)[::-1]
    row["life"][0, 0] = 0
    step(game, row, "left")
    assert (row["done"][0], row["reward"][0, 0], row["apple"][0], row["cut"][0]) == (True, 1, -1, False)


def test_a_ball_of_pixels_digs_a_tunnel_and_bounces_behind_the_wall() -> None:
    game = registry.game("pixel_breakout")
    row = at(game, x=21 * 8, y=22 * 8, dx=0, dy=-8)  # straight up under the brick of columns 20 to 23
    row["dx"] = 0
    for _ in range(300):
        row["paddle"] = 21 - 4
        step(game, row, "stay")
        row["dx"] = 0
        if row["y"][0] <= 8 * 6:
            break
    assert row["score"][0] == 5
    newest = kernels.view(game, row).obs[0, 0]
    assert (newest[10:20, 20:24] == 0).all()
    assert (newest[10:20, :20] >= np.float32(0.45)).all()
    assert (newest[10:20, 24:] <= np.float32(0.65)).all()


def test_pixels_show_the_ball_as_it_was_lives_and_a_new_wall() -> None:
    game = registry.game("pixel_breakout")
    row = at(game, x=80, y=8 * 30, dx=8, dy=8, paddle=30, lives=2)
    step(game, row, "stay", "stay")
    seen = kernels.view(game, row).obs[0]
    assert seen.shape == (2, 48, 48)
    for back, (line, column) in enumerate(((34, 14), (32, 12))):
        assert (seen[back, line : line + 2, column : column + 2] == 1).all()
        assert (seen[back] == 1).sum() == 4
    assert (seen[:, 0] == np.float32(0.3)).sum(axis=1).tolist() == [1, 1]
    while row["lives"][0] == 2:
        row["paddle"] = 0
        step(game, row, "stay")
    assert not row["done"][0]
    assert kernels.view(game, row).obs[0, 0, 0].sum() == 0  # no life in hand
    cleared = at(game, bricks=0, x=160, y=8 * 42, dx=2, dy=8, paddle=16)
    step(game, cleared, "stay")
    assert bin(cleared["bricks"][0]).count("1") == 60
    assert pixel_breakout(frames=4).shape == (4, 48, 48)


def test_where_the_paddle_is_struck_decides_how_flat_the_ball_leaves() -> None:
    game = registry.game("pixel_breakout")
    slopes = []
    for left in range(15, 24):  # the ball's left pixel; the paddle covers 16 to 23
        row = at(game, x=8 * left - 2, y=8 * 42, dx=2, dy=8, paddle=16)
        step(game, row, "stay")
        assert row["dy"][0] == -8
        slopes.append(int(row["dx"][0]))
    assert slopes == [-10, -7, -4, -2, 2, 2, 4, 7, 10]


GAMES = {
    **MINATAR,
    "pong": pong,
    "snake": snake,
    "pixel_breakout": pixel_breakout,
}


@pytest.mark.parametrize("spec", GAMES)
def test_limits_cut_and_options_have_bounds(spec: str) -> None:
    game, make = registry.game(spec), GAMES[spec]
    name = make.__name__
    assert game.name == spec
    row = at(game, ply=game.max_plies - 2)
    step(game, row, game.names[0])
    assert not row["done"][0]
    step(game, row, game.names[0])
    assert row["done"][0]
    assert row["cut"][0]
    assert make(limit=2).name == f"{name}:limit=2"
    assert make(limit=2).max_plies == 2
    says = f"limit of {name} is a whole number from 1 to 32000, not 0; write for example {name}:limit=1000"
    with pytest.raises(ValueError, match=says):
        make(limit=0)
    for option in {"sticky", "size", "skill", "frames"} & set(inspect.signature(make).parameters):
        with pytest.raises(ValueError, match=f"{option} of {name} is"):
            make(**{option: 99})


@pytest.mark.parametrize("spec", GAMES)
def test_positions_are_written_as_grids(spec: str) -> None:
    game = registry.game(spec)
    assert game.text is not None
    lines = game.text(new(game).view(np.recarray)[0]).splitlines()
    assert lines[-1] == "score 0"
    assert len({len(line) for line in lines[:-1]}) == 1
    assert len(set("".join(lines[:-1]))) >= 2

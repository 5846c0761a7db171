"""MinAtar's games against MinAtar itself, driven by the same random numbers; the others by hand-worked positions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs import kernels
from envs.arcade.asterix import asterix
from envs.arcade.breakout import breakout
from envs.arcade.freeway import freeway
from envs.arcade.seaquest import seaquest
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
    for action in actions:
        kernels.play_rows(game, row, np.array([game.action(action)]))


class Drawn:
    """numpy's RandomState for MinAtar, with the numbers of a row's own generator."""

    def __init__(self, state: int) -> None:
        self.states = np.array([state], np.uint64)

    def bits(self) -> np.uint64:
        return np.uint64(kernels.next_random(self.states, 0))

    def rand(self, count: int | None = None) -> Any:
        if count is not None:
            return np.array([self.rand() for _ in range(count)])
        return float(kernels.unit(self.bits()))

    def randint(self, low: int, high: int | None = None, size: int | None = None) -> Any:
        if size is not None:
            return np.array([self.randint(low, high) for _ in range(size)])
        low, high = (0, low) if high is None else (low, high)
        return low + int(kernels.below(self.bits(), high - low))


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


def compare(name: str, game: Game, env: Any, seed: int, skilled: bool, sticky: bool, limit: int) -> tuple[float, int]:
    """One game of both side by side: (the return, the plies)."""
    generator = np.random.default_rng(seed)
    row = new(game, seed)
    drawn = Drawn(int(kernels.mix(np.uint64(seed))))
    env.random = env.env.random = drawn
    env.last_action = 0
    env.reset()
    total, plies = 0.0, 0
    while not row["done"][0]:
        np.testing.assert_array_equal(kernels.view(game, row).obs[0], np.moveaxis(env.state(), 2, 0))
        assert row["rng"][0] == drawn.states[0]
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

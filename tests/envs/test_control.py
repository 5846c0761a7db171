"""The control tasks against Gymnasium on the same actions from the same start, and against numbers worked by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

from envs import kernels, registry
from envs.control import cart_pole
from envs.control.acrobot import acrobot
from envs.control.mountain_car import mountain_car, mountain_car_continuous
from envs.control.pendulum import pendulum
from envs.game import Game, Rows

EPISODES = 6


def state_of_cart(row: Any) -> Any:
    return np.array([row["x"], row["x_speed"], row["angle"], row["spin"]])


def state_of_car(row: Any) -> Any:
    return np.array([row["x"], row["speed"]])


def state_of_pendulum(row: Any) -> Any:
    return np.array([row["angle"], row["spin"]])


def state_of_acrobot(row: Any) -> Any:
    return row["state"].copy()


MAKERS = [cart_pole.cart_pole, acrobot, mountain_car, mountain_car_continuous, pendulum]
CASES = [
    (registry.game("cart_pole"), "CartPole-v1", state_of_cart),
    (registry.game("acrobot"), "Acrobot-v1", state_of_acrobot),
    (registry.game("mountain_car"), "MountainCar-v0", state_of_car),
    (registry.game("mountain_car_continuous"), "MountainCarContinuous-v0", state_of_car),
    (registry.game("pendulum"), "Pendulum-v1", state_of_pendulum),
]


def new(game: Game, seed: int = 0) -> Rows:
    return kernels.new_rows(game, np.array([seed], np.uint64))


def step(game: Game, row: Rows, action: Any) -> None:
    kernels.play_rows(game, row, np.array([action], np.float32 if game.controls else np.int64))


def policy(game: Game, kind: int, seen: Any, generator: np.random.Generator) -> Any:
    """Random actions, or some that go far: with the motion, or towards where the pole leans."""
    if game.controls:
        low, high = game.controls[0]
        with_motion = high * np.sign(seen[-1])
        return np.array([generator.uniform(low, high) if kind == 0 else with_motion], np.float32)
    if kind == 0:
        return int(generator.integers(game.actions))
    if game.shape == (4,):
        return int(seen[2] + 0.3 * seen[3] > 0)
    if game.shape == (6,):
        return 2 if seen[4] < 0 else 0
    return 2 if seen[-1] >= 0 else 0


@pytest.mark.parametrize(("game", "name", "state"), CASES, ids=[name for _, name, _ in CASES])
def test_gymnasium_goes_the_same_way(game: Game, name: str, state: Callable[[Any], Any]) -> None:
    theirs = gymnasium.make(name)
    bare: Any = theirs.unwrapped
    generator = np.random.default_rng(3)
    ends = set()
    for episode in range(EPISODES):
        row = new(game, episode)
        theirs.reset(seed=episode)
        bare.state = state(row[0])
        over = False
        while not over:
            seen = kernels.view(game, row).obs[0]
            action = policy(game, episode % 2, seen, generator)
            step(game, row, action)
            obs, reward, terminated, truncated, _ = theirs.step(action)
            over = terminated or truncated
            np.testing.assert_allclose(kernels.view(game, row).obs[0], obs, rtol=0, atol=1e-6)
            np.testing.assert_allclose(state(row[0]), bare.state, rtol=0, atol=1e-6)
            assert row["reward"][0, 0] == pytest.approx(float(reward), rel=1e-6, abs=1e-6)
            assert bool(row["done"][0]) == over
            assert bool(row["cut"][0]) == (truncated and not terminated)
        ends.add(bool(row["cut"][0]))
    assert ends == ({True} if name == "Pendulum-v1" else {True, False})


def test_a_push_of_the_cart_worked_by_hand() -> None:
    game = registry.game("cart_pole")
    row = new(game)
    for field in ("x", "x_speed", "angle", "spin"):
        row[field] = 0.0
    step(game, row, 1)
    # Upright and at rest, pushed with 10 N: 10 / 1.1 = 9.0909; the pole falls back at -9.0909 / (0.5 (4/3 - 0.1 / 1.1))
    # = -14.6341 rad/s^2; the cart gains 9.0909 + 0.05 x 14.6341 / 1.1 = 9.7561 m/s^2; a step is 0.02 s, places after.
    assert state_of_cart(row[0]) == pytest.approx([0, 0.1951220, 0, -0.2926829], abs=1e-7)
    step(game, row, 0)
    assert row["x"][0] == pytest.approx(0.02 * 0.1951220, abs=1e-8)


def test_sines_of_small_angles_are_those_of_the_c_library_but_for_a_last_bit() -> None:
    angles = np.random.default_rng(0).uniform(-0.25, 0.25, 20_000)
    ours = np.array([cart_pole.sine_and_cosine(angle) for angle in angles])
    exact = np.array([(math.sin(angle), math.cos(angle)) for angle in angles])
    assert (np.abs(ours - exact) <= np.spacing(np.abs(exact))).all()
    sines, cosines = (ours != exact).mean(axis=0)
    assert sines < 0.01
    assert cosines < 0.001
    assert cart_pole.sine_and_cosine(0.1) == pytest.approx((0.09983341664682815, 0.9950041652780258), rel=1e-15)
    assert cart_pole.sine_and_cosine(2.0) == (math.sin(2.0), math.cos(2.0))


def test_a_pendulum_hanging_still_costs_pi_squared() -> None:
    game = registry.game("pendulum")
    row = new(game)
    row["angle"], row["spin"] = math.pi, 0.0
    step(game, row, [2.0])
    assert row["reward"][0, 0] == pytest.approx(-(math.pi**2) - 0.004)
    assert row["spin"][0] == pytest.approx(0.3)  # 3 x 2 N m x 0.05 s
    assert row["angle"][0] == pytest.approx(math.pi + 0.015)


def test_the_hill_holds_a_car_that_only_drives_forward() -> None:
    game = registry.game("mountain_car")
    rows = kernels.new_rows(game, kernels.seeds(1, 8))
    while not rows["done"].all():
        kernels.play_rows(game, rows, np.full(8, 2))
    assert rows["cut"].all()
    assert (rows["ply"] == 200).all()
    swung = new(game)
    while not swung["done"][0]:
        step(game, swung, 2 if swung["speed"][0] >= 0 else 0)
    assert not swung["cut"][0]


@pytest.mark.parametrize(("game", "make"), [(game, make) for (game, _, _), make in zip(CASES, MAKERS, strict=True)])
def test_limits_are_options(game: Game, make: Callable[..., Game]) -> None:
    row = new(game)
    row["ply"] = game.max_plies - 2
    step(game, row, [0.0] if game.controls else 1)
    assert not row["done"][0]
    step(game, row, [0.0] if game.controls else 1)
    assert row["done"][0]
    assert row["cut"][0]
    assert (game.name, make(limit=3).name) == (make.__name__, f"{make.__name__}:limit=3")
    assert make(limit=3).max_plies == 3
    for wrong in (0, 32_001):
        with pytest.raises(ValueError, match=rf"limit of {make.__name__} is a whole number from 1 to 32000"):
            make(limit=wrong)


def test_positions_are_written_with_units() -> None:
    for game, _, _ in CASES:
        row = new(game).view(np.recarray)[0]
        assert game.text is not None
        assert any(unit in game.text(row) for unit in (" m,", "degrees"))

"""Lanes and chance: each goes its own way, whatever is beside it, by numbers that anyone can work out anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from envs import kernels, randomness
from envs.game import Game, Rows
from envs.registry import game
from tests.envs.played import (
    every_game,
    observe,
    same,
)


@every_game
def test_a_lane_depends_on_nothing_beside_it(spec: str) -> None:
    rules = game(spec)
    seeds = kernels.seeds(2, 64)
    together = kernels.random_openings(rules, seeds, 7)
    assert same(together, kernels.random_openings(rules, seeds, 7))
    for lanes in (slice(5, 6), slice(0, 64, 3), slice(40, 20, -1)):
        assert same(together[lanes], kernels.random_openings(rules, seeds[lanes].copy(), 7))
    stepwise = kernels.new_rows(rules, seeds)
    for _ in range(7):
        kernels.random_rows(rules, stepwise, 1)
    assert same(together, stepwise)
    assert not same(together, kernels.random_openings(rules, kernels.seeds(3, 64), 7))


@every_game
def test_random_games_one_after_the_other_are_a_plain_loop(spec: str) -> None:
    """Against the same thing written once more, in Python, with splitmix64 in Python's own integers.

    A game that begins in a row that was played in is one that begins in an empty row.
    """
    rules = game(spec)
    rows = kernels.new_rows(rules, np.array([1, 2, 3], np.uint64))
    plain = rows.copy()
    for _ in range(min(2 * rules.max_plies, 150)):
        kernels.random_rows(rules, rows, 1)
        for lane in np.flatnonzero(rows["done"]):
            kernels.reset_rows(rules, rows[lane : lane + 1], seed_of_next(rows[lane : lane + 1]))
        play_plain(rules, plain)
    assert same(rows, plain)


@pytest.mark.parametrize("spec", ["blackjack", "connect_four", "kuhn", "pendulum"])
def test_random_steps_are_a_plain_loop(spec: str) -> None:
    rules = game(spec)
    obs, masks = np.empty((3, *rules.shape), np.float32), np.empty((3, rules.actions), np.bool_)
    rows = kernels.new_rows(rules, np.array([1, 2, 3], np.uint64))
    plain = rows.copy()
    steps = 2 * rules.max_plies
    ended = kernels.random_steps(rules, rows, obs, masks, steps)
    assert ended == sum(play_plain(rules, plain) for _ in range(steps)) > 0
    assert same(rows, plain)
    np.testing.assert_array_equal(obs, observe(rules, plain))


def play_plain(rules: Game, rows: Rows) -> int:
    """A random move in every row, a new game where one ends; how many did."""
    finished = 0
    for lane in range(len(rows)):
        row = rows[lane : lane + 1]
        action, state = random_action(rules, row, int(row["rng"][0]))
        row["rng"] = state
        kernels.play_rows(rules, row, action)
        if row["done"][0]:
            finished += 1
            row[:] = kernels.new_rows(rules, seed_of_next(row))
    return finished


def random_action(rules: Game, row: Rows, state: int) -> tuple[NDArray[Any], int]:
    """What the loops draw for one row, and where its generator then stands."""
    if rules.controls:
        vector = []
        for low, high in rules.controls:
            state, bits = splitmix(state)
            vector.append(low + (high - low) * ((bits >> 11) / 2**53))
        return np.array([vector], np.float32), state
    choices = np.flatnonzero(kernels.legal_mask(rules, row)[0])
    state, bits = splitmix(state)
    return choices[[(bits >> 32) * len(choices) >> 32]], state


def seed_of_next(row: Rows) -> NDArray[np.uint64]:
    """[1] the seed of a lane's next game, whose generator runs on."""
    whole = (1 << 64) - 1
    # A game's generator starts at mix(seed); mix is undone here, so that it starts where this row's stands.
    x = int(row["rng"][0])
    for shift, factor in ((31, 0x94D049BB133111EB), (27, 0xBF58476D1CE4E5B9), (30, None)):
        y = x
        for _ in range(64 // shift + 1):
            y = x ^ (y >> shift)
        x = y * pow(factor, -1, 1 << 64) & whole if factor else y
    return np.array([x], np.uint64)


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
        assert bits == number == int(randomness.next_random(states, 0))


@pytest.mark.parametrize("spec", ["connect_four", "othello", "tic_tac_toe"])
def test_moves_are_drawn_evenly(spec: str) -> None:
    rules = game(spec)
    rows = kernels.random_openings(rules, kernels.seeds(9, 20_000), 1)
    first = kernels.new_rows(rules, np.zeros(1, np.uint64))
    after = first.repeat(kernels.legal_mask(rules, first).sum())
    kernels.play_rows(rules, after, np.flatnonzero(kernels.legal_mask(rules, first)[0]))
    expected = len(rows) / len(after)
    for row in after:
        count = (rows["stones"] == row["stones"]).all(axis=1).sum()
        assert abs(count - expected) < 5 * np.sqrt(expected)

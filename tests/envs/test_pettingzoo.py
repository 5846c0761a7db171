"""Our games under PettingZoo: its own checkers, and that nothing changes on the way.

Every game of the table is held to this by what it declares, and so are the toys, which have every trait there is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs import kernels
from envs.adapters.pettingzoo import env as aec_env
from envs.adapters.pettingzoo import parallel_env
from envs.game import Game
from tests.envs import toys
from tests.envs.adapted import MOST, every_game, pick, rules_of, seen
from tests.envs.played import some_actions


@pytest.mark.filterwarnings("ignore")
@every_game
def test_pettingzoo_checks_the_game(spec: Any) -> None:
    from pettingzoo.test import api_test, parallel_api_test, seed_test
    from pettingzoo.test.seed_test import parallel_seed_test

    api_test(aec_env(spec), num_cycles=30)
    seed_test(lambda: aec_env(spec), num_cycles=20)
    parallel_api_test(parallel_env(spec), num_cycles=30)
    parallel_seed_test(lambda: parallel_env(spec), num_cycles=20)


@pytest.mark.filterwarnings("ignore")
@every_game
def test_pettingzoo_checks_renders(spec: Any) -> None:
    from pettingzoo.test import render_test

    render_test(lambda render_mode=None: aec_env(spec, render_mode))


class Lawful:
    """An agent's actions in PettingZoo, of which checkers only draw what may be played."""

    def __init__(self, table: Any, agent: str, generator: np.random.Generator) -> None:
        self.table, self.agent, self.generator = table, agent, generator

    def sample(self) -> Any:
        controls = bool(self.table.game.controls)
        seen = self.table.seen(self.agent, True)
        return pick(self.table.game, None if controls else seen["action_mask"], self.generator)


def lawful(made: Any) -> Any:
    """The same environment, seeded, with no action to draw that is against the rules."""
    made.reset(seed=1)
    generator = np.random.default_rng(1)
    made.action_space = lambda agent: Lawful(made.unwrapped.table, agent, generator)
    return made


def some_end_within(rules: Game, plies: int) -> bool:
    """Whether a few random games of so many plies meet their end by the rules."""
    rows, generator = kernels.new_rows(rules, kernels.seeds(1, 64)), np.random.default_rng(1)
    for _ in range(plies):
        kernels.play_rows(rules, rows, some_actions(rules, rows, generator))
    return bool(rows["done"].any())


@pytest.mark.filterwarnings("ignore")
@every_game
def test_pettingzoo_checks_lengths(spec: Any) -> None:
    """PettingZoo's own check plays four cycles; a game that its rules may end before is cut after the first."""
    from pettingzoo.test.max_cycles_test import max_cycles_test

    class Module:
        @staticmethod
        def env(max_cycles: int) -> Any:
            return lawful(aec_env(spec, max_cycles=max_cycles))

        @staticmethod
        def parallel_env(max_cycles: int) -> Any:
            return lawful(parallel_env(spec, max_cycles=max_cycles))

    rules = rules_of(spec)
    if not some_end_within(rules, 4 * rules.seats):
        max_cycles_test(Module)
    made = Module.env(max_cycles=1)
    plies = 0
    while not (over := made.unwrapped.table.ended[0]) and not any(made.truncations.values()):
        made.step(made.action_space(made.agent_selection).sample())
        plies += 1
    assert plies <= rules.seats and (over or plies == rules.seats)
    assert set(made.truncations.values()) == {not over} and set(made.terminations.values()) == {over}


@every_game
def test_pettingzoo_agents_see_their_own_side(spec: Any) -> None:
    rules = rules_of(spec)
    table = aec_env(spec, render_mode="ansi")
    table.reset(seed=3)
    generator = np.random.default_rng(3)
    for agent in table.agent_iter(MOST):
        observation, _, over, cut, _ = table.last()
        if over or cut:
            table.step(None)
            continue
        row = table.unwrapped.table.rows
        assert observation is not None
        for seat, name in enumerate(table.possible_agents):
            obs = table.observe(name)
            if not rules.controls:
                assert name == agent or not obs["action_mask"].any()
                obs = obs["observation"]
            np.testing.assert_array_equal(obs, seen(rules, row, seat))
        mask = None if rules.controls else observation["action_mask"]
        table.step(np.asarray(pick(rules, mask, generator)) if rules.controls else int(pick(rules, mask, generator)))
    assert isinstance(table.render(), str)


def test_agents_act_at_once() -> None:
    """Both choices are made from what was seen before either; the hidden one shows after the round alone."""
    table = parallel_env(toys.coins(rounds=2))
    first, _ = table.reset(seed=0)
    assert all(obs["action_mask"].all() for obs in first.values())
    _, rewards, over, cut, _ = table.step({"player_0": 1, "player_1": 1})
    assert rewards == {"player_0": 1.0, "player_1": -1.0} and not any(over.values())
    obs, rewards, over, cut, _ = table.step({"player_0": 0, "player_1": 1})
    assert rewards == {"player_0": -1.0, "player_1": 1.0} and all(over.values()) and not any(cut.values())
    assert obs["player_0"]["observation"].tolist() == [0, 0, 1, 0, 0] and table.agents == []


def test_in_turn_only_the_mover_counts() -> None:
    table = parallel_env("tic_tac_toe")
    obs, _ = table.reset(seed=0)
    assert obs["player_0"]["action_mask"].all() and not obs["player_1"]["action_mask"].any()
    obs, *_ = table.step({"player_0": 4, "player_1": 4})
    assert obs["player_1"]["action_mask"].tolist() == [1, 1, 1, 1, 0, 1, 1, 1, 1]
    _, rewards, over, _, _ = table.step({"player_0": 0, "player_1": 4})
    assert rewards == {"player_0": 0.0, "player_1": -1.0} and all(over.values())


@pytest.mark.filterwarnings("ignore")
def test_pettingzoo_ends_a_game_on_an_illegal_move() -> None:
    table = aec_env("tic_tac_toe")
    table.reset(seed=0)
    table.step(0)
    table.step(0)
    assert table.rewards == {"player_0": 0, "player_1": -1}
    assert all(table.terminations.values())

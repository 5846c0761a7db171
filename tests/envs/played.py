"""Random games of the whole table, and of variants that go other ways: what the laws of games are tried on.

To cover a variant of a game add its spec to VARIANTS; a new game of the table is covered as it is.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from envs import kernels
from envs.game import Game, Rows
from envs.registry import GAMES

VARIANTS = [
    "othello:size=6",
    "othello:size=4",
    "hex:size=5,swap=true",
    "mnk:m=7,n=4,k=4",
    "gomoku:size=9,rule=standard",
    "breakthrough:width=5,height=6",
    "nim:piles=3-3-2,misere=true",
    "go:size=6,komi=6,suicide=true,history=3",
    "gardner_chess:limit=40",
    "dark_hex:size=2",
    "frozen_lake:size=8",
    "breakout:minimal=false",
    "pong:seats=2",
    "battleship:size=3,ships=2",
    "kuhn:players=3",
    "goofspiel:cards=5,order=random",
]
SPECS = sorted([*GAMES, *VARIANTS])
COUNT = 128
PLIES = 120

every_game = pytest.mark.parametrize("spec", SPECS)


class Games(NamedTuple):
    """COUNT random games, or their first PLIES: rows [T + 1, COUNT], actions [T, COUNT] (anything after the end)."""

    rows: Rows
    actions: NDArray[Any]

    def open(self) -> Rows:
        """Every position in which a move may be made."""
        rows = self.rows.reshape(-1)
        return rows[~rows["done"]]


def some_actions(rules: Game, rows: Rows, generator: np.random.Generator) -> NDArray[Any]:
    """[B] a random legal action of each row."""
    if rules.controls:
        low, high = np.array(rules.controls).T
        drawn = generator.uniform(low, high, (len(rows), len(low)))
        return np.clip(drawn.astype(np.float32), low.astype(np.float32), high.astype(np.float32))
    mask = kernels.legal_mask(rules, rows)
    return np.argmax(mask * (1.0 + generator.random(mask.shape)), axis=1)


@cache
def random_games(rules: Game) -> Games:
    generator = np.random.default_rng(6)
    rows = kernels.new_rows(rules, kernels.seeds(6, COUNT))
    history, actions = [rows.copy()], []
    while not rows["done"].all() and len(actions) < PLIES:
        actions.append(some_actions(rules, rows, generator))
        kernels.play_rows(rules, rows, actions[-1])
        history.append(rows.copy())
    return Games(np.stack(history), np.stack(actions))


@cache
def ended_games(rules: Game) -> Rows:
    """[COUNT] games played at random to their end."""
    return kernels.random_openings(rules, kernels.seeds(7, COUNT), rules.max_plies)


def observe(rules: Game, rows: Rows) -> NDArray[np.float32]:
    return kernels.view(rules, rows).obs


def same(a: Rows, b: Rows) -> bool:
    """Field by field: what lies between the fields of a record says nothing."""
    return all(np.array_equal(a[field], b[field], equal_nan=True) for field in a.dtype.names or ())

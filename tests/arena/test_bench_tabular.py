"""The bench of tables: values are exact within the limit of plies, what is not learned is told, and all sides run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agents.exact.planning import value_iteration
from agents.exact.transitions import Model, explore
from agents.table import ActionValues
from arena.bench import tabular
from arena.recipes import RECIPES, Recipe
from envs.registry import game

GOLDEN = Path(__file__).parents[1] / "golden" / "planned.json"


def planned(model: Model) -> ActionValues:
    """A table that likes what the best policy without a clock plays."""
    q = np.zeros((model.game.keys, model.game.actions), np.float32)
    pairs = value_iteration(model).policy
    q[model.keys.astype(np.int64), model.action[pairs]] = 1.0
    return ActionValues(q, np.zeros(0, np.uint64))


def test_a_table_that_knows_nothing_walks_at_random_until_time_is_up() -> None:
    """One of four ways leads from S to G, and there are two steps: 1/4 + 3/4 * 1/4; the second counts half."""
    none, one, four = np.zeros(1, np.uint64), np.ones(1), np.arange(4)
    model = Model(
        game("maze:layout=SG,limit=2"), none, np.zeros(1, np.int8), np.array([0, 4]), four, np.arange(5),
        np.array([0, -1, 0, 0]), np.ones(4), np.array([0.0, 1.0, 0.0, 0.0]), one,
    )  # fmt: skip
    blank = ActionValues(np.zeros((2, 4), np.float32), np.zeros(0, np.uint64))
    assert tabular.worth(model, blank, 1.0) == 7 / 16
    assert tabular.worth(model, blank, 0.5) == 1 / 4 + 3 / 32
    assert tabular.optimum(model, 0.5) == 1.0


def test_in_the_frozen_lake_both_optima_are_the_known_ones_and_one_wrong_move_is_seen() -> None:
    known = json.loads(GOLDEN.read_text(encoding="utf-8"))["frozen_lake"]
    model = explore(game("frozen_lake"))
    best, table = tabular.optimum(model, 1.0), planned(model)
    value = tabular.worth(model, table, 1.0)
    assert best == pytest.approx(known["limit_time_aware"], abs=1e-9)
    assert value == pytest.approx(known["limit_stationary"], abs=1e-8)
    table.q[14] = [1.0, 0.0, 0.0, 0.0]  # away from the goal, which is beside it
    assert tabular.share(tabular.worth(model, table, 1.0), best) < tabular.NEAR < tabular.share(value, best)


def test_shares_are_of_what_is_lost_below_zero_too() -> None:
    assert tabular.share(-13.13, -13.0) == pytest.approx(0.99) and tabular.share(0.99, 1.0) == pytest.approx(0.99)


def test_a_row_tells_seed_by_seed_who_got_there_and_when(monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks no step ahead learns nothing of a maze: it is there neither sooner nor later."""
    there = tabular.learned("maze", 0, 40_000)
    assert there.value == there.best and there.settled is not None and 1_000 < there.settled < 20_000
    blind = {"learner.algorithm": "q_learning", "game.name": "maze", "learner.discount": 0.0}
    monkeypatch.setitem(RECIPES, "q_learning maze", Recipe(blind, 1.0, "nobody"))
    lost = tabular.learned("maze", 0, 40_000)
    assert lost.share < 0.9 and lost.settled is None
    row = tabular.row("maze", [there, lost, there], 40_000)
    assert (row["ours"], row["theirs"], row["ratio"]) == (there.value, there.best, 1.0)
    assert "2 of 3 within 1 %" in row["note"] and row["note"].count("not there") == 1
    assert "--steps 40000 --tuned`" in row["note"]


def test_all_sides_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabular, "ROUNDS", 1)
    monkeypatch.setattr(tabular, "UPDATES", 50)
    sides = {side for race in tabular.races("frozen_lake") for side in (race.ours, race.peer) if side}
    assert len(sides) == 4 and all(side.make()(0.0) > 0 for side in sides)


def test_what_cannot_be_measured_is_said() -> None:
    for options, why in (({"only": "sped"}, "speed"), ({"games": "nim"}, "two seats")):
        with pytest.raises(ValueError, match=why):
            next(tabular.contests(**options))

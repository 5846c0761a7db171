"""Families of tasks: what is drawn is drawn as stated, a seed is a task, and who learns within a trial is paid more."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from envs import kernels
from envs.game import Game, Rows
from envs.registry import game

SQUARE = (math.sqrt(2) + math.log(1 + math.sqrt(2))) / 6
"""The mean distance of the points of a unit square from its middle."""


def play(rules: Game, rows: Rows, actions: Any) -> None:
    kernels.play_rows(rules, rows, np.broadcast_to(np.asarray(actions, np.int64), len(rows)).copy())


# --- bandits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ["bandit", "bandit:kind=gaussian"])
def test_a_pull_pays_by_the_law_of_its_arm(spec: str) -> None:
    rules, lanes = game(spec), 40_000
    rows = kernels.new_rows(rules, kernels.seeds(1, lanes))
    means = rows["means"]
    arms = np.arange(lanes) % 10
    play(rules, rows, arms)
    paid, law = rows["reward"][:, 0], means[np.arange(lanes), arms]
    if spec == "bandit":
        assert set(np.unique(paid)) == {0.0, 1.0}
        assert means.min() >= 0.0
        assert means.max() < 1.0
        assert means.mean() == pytest.approx(0.5, abs=0.005)
        for tenth in range(10):  # arms of like means pay as often as they say
            alike = (law * 10).astype(int) == tenth
            assert paid[alike].mean() == pytest.approx(law[alike].mean(), abs=4 * 0.5 / math.sqrt(alike.sum()))
    else:
        for numbers in (means, paid - law):
            size = math.sqrt(numbers.size)
            assert numbers.mean() == pytest.approx(0.0, abs=4 / size)
            assert numbers.var() == pytest.approx(1.0, abs=4 * math.sqrt(2) / size)
            assert (abs(numbers) > 1.959964).mean() == pytest.approx(0.05, abs=4 * 0.22 / size)
        assert np.corrcoef(paid - law, law)[0, 1] == pytest.approx(0.0, abs=4 / math.sqrt(lanes))


@pytest.mark.parametrize(("spec", "blind", "best"), [("bandit", 0.5, 10 / 11), ("bandit:kind=gaussian", 0.0, 1.53875)])
def test_what_ignorance_and_knowledge_are_paid(spec: str, blind: float, best: float) -> None:
    rules = game(spec)
    first = kernels.new_rows(rules, kernels.seeds(2, 4000))
    for actions, expected in ((np.zeros(4000), blind), (first["means"].argmax(axis=1), best)):
        rows, total = first.copy(), 0.0
        while not rows["done"].all():
            play(rules, rows, actions)
            total += float(rows["reward"].mean())
        assert total / 100 == pytest.approx(expected, abs=4 / math.sqrt(4000))


def test_a_bandit_shows_the_last_pull_and_no_arm() -> None:
    rules = game("bandit")
    rows = kernels.new_rows(rules, kernels.seeds(3, 2))
    assert not kernels.view(rules, rows).obs.any()
    rows["means"] = 0.0
    rows["means"][:, 4] = 1.0
    play(rules, rows, [4, 7])
    expected = np.zeros((2, 12), np.float32)
    expected[0, [4, 10]] = 1.0
    expected[1, 7] = 1.0
    expected[:, 11] = 0.01
    np.testing.assert_array_equal(kernels.view(rules, rows).obs, expected)
    assert rows["pulls"][0, 4] == rows["paid"][0, 4] == 1


@pytest.mark.parametrize("family", ["bandit", "point_mass", "maze_family"])
def test_a_seed_is_a_task_and_a_number_fixes_one(family: str) -> None:
    drawn = {"bandit": ["means"], "point_mass": ["goal"], "maze_family": ["eastern", "southern", "start", "goal"]}
    fixed, other = game(f"{family}:task=7"), game(f"{family}:task=8")
    assert fixed.name == f"{family}:task=7"
    seeds = kernels.seeds(4, 20)

    def tasks(rules: Game) -> list[bytes]:
        rows = kernels.new_rows(rules, seeds)
        return [b"".join(row[field].tobytes() for field in drawn[family]) for row in rows]

    assert tasks(game(family)) == tasks(game(family))
    assert len(set(tasks(game(family)))) == 20
    assert len(set(tasks(fixed))) == len(set(tasks(other))) == 1
    assert tasks(fixed) != tasks(other)
    rows = kernels.new_rows(fixed, seeds)
    assert len(set(rows["rng"].tolist())) == 20  # what is drawn in play is not fixed


# --- point mass -------------------------------------------------------------------------------------------------------


def steer(rules: Game, rows: Rows, actions: NDArray[np.floating]) -> NDArray[np.float32]:
    kernels.play_rows(rules, rows, np.clip(actions, -1, 1).astype(np.float32))
    return rows["reward"][:, 0].copy()


def test_a_point_mass_moves_a_tenth_and_pays_the_distance() -> None:
    rules = game("point_mass")
    rows = kernels.new_rows(rules, np.zeros(1, np.uint64))
    rows["goal"] = [[0.3, -0.4]]
    assert steer(rules, rows, np.zeros((1, 2)))[0] == pytest.approx(-0.5)
    assert steer(rules, rows, np.array([[1.0, -0.5]]))[0] == pytest.approx(-math.hypot(0.2, 0.35))
    assert kernels.view(rules, rows).obs[0] == pytest.approx([0.1, -0.05, 1, -0.5, -math.hypot(0.2, 0.35), 0.02])
    for _ in range(12):
        steer(rules, rows, np.array([[1.0, 0.0]]))
    assert rows["place"][0, 0] == 1.0  # the edge


def test_standing_still_is_paid_as_stated() -> None:
    rules = game("point_mass")
    rows = kernels.new_rows(rules, kernels.seeds(5, 40_000))
    assert abs(rows["goal"]).max() < 0.5
    paid = steer(rules, rows, np.zeros((40_000, 2)))
    assert paid.mean() == pytest.approx(-SQUARE, abs=4 * float(paid.std()) / 200)
    assert pytest.approx(0.3826, abs=1e-4) == SQUARE


def test_three_payments_tell_where_the_goal_is() -> None:
    rules = game("point_mass")
    rows = kernels.new_rows(rules, kernels.seeds(6, 50))
    places, distances = [], []
    for action in ([0.0, 0.0], [1.0, 0.0], [0.0, 1.0]):
        distances.append(-steer(rules, rows, np.tile(action, (50, 1))))
        places.append(rows["place"].copy())
    # Circles around three places: the differences of their equations are linear in the goal.
    goals = []
    for lane in range(50):
        at, far = np.array([p[lane] for p in places], float), np.array([d[lane] for d in distances], float)
        left = 2 * (at[1:] - at[0])
        right = far[0] ** 2 - far[1:] ** 2 + (at[1:] ** 2).sum(axis=1) - (at[0] ** 2).sum()
        goals.append(np.linalg.solve(left, right))
    paid = [steer(rules, rows, (np.array(goals) - rows["place"]) / 0.1) for _ in range(10)]
    assert paid[-1].min() > -0.001


# --- mazes ------------------------------------------------------------------------------------------------------------


def doors(row: Any, size: int) -> set[tuple[int, int]]:
    rooms = size * size
    east = {(room, room + 1) for room in range(rooms) if int(row["eastern"]) >> room & 1}
    return east | {(room, room + size) for room in range(rooms) if int(row["southern"]) >> room & 1}


def steps_from(row: Any, size: int, room: int) -> dict[int, int]:
    """How many steps each room is away."""
    far, queue, ways = {room: 0}, [room], doors(row, size)
    for here in queue:
        for a, b in ways:
            for to in ({a, b} - {here}) if here in (a, b) else ():
                if to not in far:
                    far[to] = far[here] + 1
                    queue.append(to)
    return far


def test_a_maze_is_a_tree_and_every_tree_is_as_likely() -> None:
    for row in kernels.new_rows(game("maze_family"), kernels.seeds(7, 100)):
        assert len(doors(row, 4)) == 15
        assert len(steps_from(row, 4, 0)) == 16
        assert all(b % 4 == a % 4 + 1 or b == a + 4 for a, b in doors(row, 4))
        assert row["start"] != row["goal"]
    small = kernels.new_rows(game("maze_family:size=2"), kernels.seeds(8, 4000))
    trees, counts = np.unique(np.stack([small["eastern"], small["southern"]]), axis=1, return_counts=True)
    assert trees.shape[1] == 4  # of the four doors one is missing
    assert (abs(counts - 1000) < 5 * math.sqrt(1000)).all()
    pairs, counts = np.unique(np.stack([small["start"], small["goal"]]), axis=1, return_counts=True)
    assert pairs.shape[1] == 12
    assert (abs(counts - 4000 / 12) < 5 * math.sqrt(4000 / 12)).all()


def test_a_trial_by_hand() -> None:
    """Rooms 0 1 / 2 3 with doors 0-1, 1-3, 2-3; from 0 to 2 by right, down, left."""
    rules = game("maze_family:size=2")
    rows = kernels.new_rows(rules, np.zeros(1, np.uint64))
    rows["eastern"], rows["southern"], rows["start"], rows["goal"], rows["room"] = 0b0101, 0b0010, 0, 2, 0
    rows["entered"] = 1
    seen, paid = [], []
    for name in ["down", "right", "down", "left"]:
        seen.append(kernels.view(rules, rows).obs[0].tolist())
        play(rules, rows, rules.action(name))
        paid.append(round(float(rows["reward"][0, 0]), 4))
    assert paid == [-0.01, -0.01, -0.01, 0.99]
    assert seen[0] == [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]
    assert seen[1] == pytest.approx([0, 1, 0, 0, 0, 0, 0, 0, 1, 0, -0.01, 0, 0])  # the wall stopped it
    assert seen[2] == pytest.approx([0, 0, 1, 1, 0, 1, 0, 1, 0, 0, -0.01, 0, 0])
    back = kernels.view(rules, rows).obs[0]
    assert back == pytest.approx([0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0.99, 1, 1 / 3])
    assert rows["room"][0] == 0
    assert rows["entered"][0] == 0b1111
    assert not rows["done"][0]
    for _ in range(2 * 50):
        play(rules, rows, rules.action("up"))
    assert rows["done"][0]
    assert rows["found"][0] == 1
    assert rows["ply"][0] == 104


def test_who_remembers_the_way_is_faster_in_the_next_episode() -> None:
    """A walk along the right wall finds the goal; the shortest way, known from then on, is mostly shorter."""
    rules, lengths = game("maze_family"), []
    for seed in range(30):
        rows = kernels.new_rows(rules, np.array([seed], np.uint64))
        shortest = steps_from(rows[0], 4, int(rows["goal"][0]))[int(rows["start"][0])]
        heading = 0
        while not rows["episode"][0]:
            sides = kernels.view(rules, rows).obs[0, :4]
            heading = next(h % 4 for h in (heading + 1, heading, heading + 3, heading + 2) if sides[h % 4])
            play(rules, rows, heading)
        assert rows["found"][0] == 1  # a tree has no island: the wall leads everywhere
        lengths.append((int(rows["ply"][0]), shortest))
    assert all(first >= shortest for first, shortest in lengths)
    first, shortest = np.mean(lengths, axis=0)
    assert first > 1.5 * shortest


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("bandit:arms=1", "arms of bandit is a whole number from 2 to 100, not 1"),
        ("bandit:kind=cauchy", "kind of bandit is bernoulli or gaussian, not cauchy"),
        ("bandit:task=-2", "task of bandit is a whole number from -1 to"),
        ("point_mass:steps=0", "steps of point_mass is a whole number from 1 to 10000, not 0"),
        ("maze_family:size=9", "size of maze_family is a whole number from 2 to 8, not 9"),
        ("maze_family:limit=0", "limit of maze_family is a whole number from 1 to"),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_sentence(spec: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        game(spec)

"""The bench of preferences: its rows, equal samples, gains by hand, and the picture."""

from __future__ import annotations

import re

import numpy as np
import pytest

from arena.bench import preferences
from arena.bench.preferences import Point, World
from envs.registry import game

TASK, BODY = "reverse:length=4,letters=6", "gpt:layers=1,width=8,heads=1"


@pytest.fixture
def small(monkeypatch):
    for name, value in {"TAUGHT": 300, "JUDGED": 20, "LOOKS": 2, "ROUND": 32}.items():
        monkeypatch.setattr(preferences, name, value)
    for name in ("PAIRS", "LESSONS"):
        monkeypatch.setattr(preferences, name, preferences.replace(getattr(preferences, name), prompts=8))


def test_a_row_for_each_algorithm_from_as_many_answers(small, tmp_path):
    picture = tmp_path / "there" / "curves.png"
    rows = list(preferences.contests(TASK, "1", "128", "0", BODY, str(picture)))
    names = [
        "sft",
        "rlhf, beta 0",
        "grpo",
        "dpo, answers of the reference",
        "dpo, answers of the policy",
    ]
    assert [row["subject"] for row in rows] == [f"{TASK}, {name}" for name in names]
    assert {row["note"].split("; ")[2] for row in rows} == {"128 answers"}
    assert len({row["theirs"] for row in rows}) == 1
    assert all(row["runs"] == 1 and row["ratio"] is None and "95 % interval" in row["note"] for row in rows)
    assert all(f"{row['subject']}: seeds from 1 on " in row["note"] for row in rows)  # by seed 0 settings were chosen
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_ways_begin_where_the_reward_model_has_left_off(small, tmp_path):
    world = World(game(TASK), BODY, 0, tmp_path)
    ways = dict(preferences.compared(world, 128, [0.0]))
    assert {name: way[0].answers for name, way in ways.items() if way[0].answers} == {"rlhf, beta 0": 32, "grpo": 32}
    assert all(way[-1].answers == 128 and way[0].kl == 0.0 for way in ways.values())
    first = {(way[0].worth, way[0].score) for way in ways.values()}
    assert len(first) == 1 and world.level == 3
    assert len({way[-1].kl for way in ways.values()}) >= len(ways) - 1  # DPO's two ways are one at first


def test_gains_and_rows_by_hand():
    paths = [[Point(0, 1.0, 5.0, 0.0), Point(8, 1.5, 4.0, 2.0)], [Point(0, 2.0, 1.0, 0.0), Point(8, 2.3, 2.0, 4.0)]]
    worths, scores = preferences.gains(paths, "worth"), preferences.gains(paths, "score")
    assert (worths.value[0], scores.value[0], scores.value[-1]) == (0.0, 0.0, 0.0)
    assert worths.value[-1] == pytest.approx(0.4) and worths.low[-1] == pytest.approx(0.3)
    made = preferences.row("x", [path[-1] for path in paths], [path[0] for path in paths])
    assert (made["ours"], made["theirs"]) == pytest.approx((1.9, 1.5))
    numbers = [float(n) for n in re.findall(r"-?\d+\.\d+", made["note"])]
    half = 12.7062 * np.std([1.5, 2.3], ddof=1) / 2**0.5  # Student's t for 1 degree of freedom
    assert numbers == pytest.approx([1.5, 2.3, 1.9 - half, 1.9 + half, 0.0, 3.0], abs=1e-3)


def test_what_is_no_language_task_is_refused():
    with pytest.raises(ValueError, match="tic_tac_toe is no language task"):
        next(preferences.contests("tic_tac_toe"))
    with pytest.raises(ValueError, match=r"The picture is a \.png"):  # before hours of work, not after
        next(preferences.contests("reverse:length=3", picture="curves.gif"))

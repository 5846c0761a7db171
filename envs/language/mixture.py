"""Mixture: several tasks at once, each prompt begun with its task's name, "reverse:dbca=" or "addition:12+39=".

Each task comes as often. Levels are shared out: the last level of the mixture is the last of every task. What a task
holds out it holds out here too. Chance is the mean of the tasks' own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.game import Game, Language, Row, rule
from envs.language.frame import SPLITS, Judge, framed, inlined
from envs.language.vocabulary import encode
from envs.language.writing import put
from envs.options import choice, spec
from envs.randomness import below, draw
from envs.registry import GAMES, game

DEFAULT = "reverse+sort+addition"


def mixture(tasks: str = DEFAULT, split: str = "train") -> Game:
    """The tasks named, joined by +, with the options they have by default."""
    choice("mixture", "split", split, SPLITS)
    names = tasks.split("+")
    mixed = [_named(name, split) for name in names]
    if len(set(names)) < len(names) or len(names) < 2:
        raise ValueError(f"A mixture is of two tasks or more, each named once, not {tasks}; write {DEFAULT}.")
    levels = max(each.levels for each in mixed)
    prefixes = [encode(f"{name}:") for name in names]
    share = [
        tuple((level * each.levels + levels - 1) // levels for level in range(levels + 1)) for each in mixed
    ]  # level of the mixture -> level of each task
    poses = [_begun(each.pose, prefix, np.array(own)) for each, prefix, own in zip(mixed, prefixes, share, strict=True)]
    dealt, kinds = _pose_of(poses), len(mixed)

    @inlined
    def pose(row: Row, level: int) -> None:
        row.task = below(draw(row), kinds)
        row.asked = 0
        row.prompted = 0
        dealt(row, level)
        row.level = level

    held = [
        all(each.held[own[level] - 1] for each, own in zip(mixed, share, strict=True)) for level in range(1, levels + 1)
    ]
    named = {"tasks": (tasks, DEFAULT)}
    return framed(
        spec("mixture", **named, split=(split, "train")), pose, _judge_of([each.judge for each in mixed]),
        prompt=max(each.prompt + len(prefix) for each, prefix in zip(mixed, prefixes, strict=True)),
        answer=max(each.answer for each in mixed), levels=levels, chance=sum(each.chance for each in mixed) / kinds,
        held_out=spec("mixture", **named, split=("test", "train")), held=held,
    )  # fmt: skip


def _named(name: str, split: str) -> Language:
    known = [each for each, where in GAMES.items() if where.startswith("envs.language.") and each != "mixture"]
    if name not in known:
        raise ValueError(f"A mixture has no task '{name}'; there are {', '.join(known)}, joined by +.")
    language = game(spec(name, split=(split, "train"))).language
    assert language is not None
    return language


def _begun(pose: Callable[[Row, int], None], prefix: NDArray[np.uint8], levels: NDArray[np.int64]) -> Any:
    """A task's `pose` behind a prefix, by the level of the mixture."""

    @inlined
    def begun(row: Row, level: int) -> None:
        for token in prefix:
            put(row, token)
        row.asked = row.prompted
        pose(row, levels[level])

    return begun


def _pose_of(poses: list[Any]) -> Any:
    """The `pose` of whichever task the row says."""
    if len(poses) == 1:
        return poses[0]
    first, rest, left = poses[-1], _pose_of(poses[:-1]), len(poses) - 1

    @inlined
    def pose(row: Row, level: int) -> None:
        if row.task == left:
            first(row, level)
        else:
            rest(row, level)

    return pose


def _judge_of(judges: list[Judge]) -> Judge:
    """The `judge` of whichever task the row says; where all are the same, that one."""
    if len(set(judges)) == 1:
        return judges[0]
    first, rest, left = judges[-1], _judge_of(judges[:-1]), len(judges) - 1

    @rule
    def judge(row: Row) -> tuple[float, float]:
        return first(row) if row.task == left else rest(row)

    return judge

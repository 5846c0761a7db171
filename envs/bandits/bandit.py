"""Bandits: every arm pays by a law of its own, drawn anew at each reset; a seed is a task (Robbins 1952, RL^2 2016).

kind=bernoulli   an arm pays 1 with a probability drawn evenly from [0, 1), else 0
kind=gaussian    an arm pays a mean drawn from N(0, 1), plus N(0, 1) at each pull (the testbed of Sutton & Barto, 2.3)

Who pulls at random, or ignores what was paid, gets steps / 2 on average (bernoulli), or 0 (gaussian); who knew the best
arm would get steps * arms / (arms + 1), or steps times the mean of the largest of `arms` normal numbers (1.54 for 10).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.bandits.tasks import ANY, check_task, normal, of_task
from envs.episode import anything
from envs.game import Game, Row, row_dtype, rule
from envs.options import choice, spec, whole
from envs.randomness import draw, unit

KINDS = ("bernoulli", "gaussian")


def bandit(arms: int = 10, kind: str = "bernoulli", steps: int = 100, task: int = ANY) -> Game:
    """A bandit of 2 to 100 arms, pulled `steps` times; `task` fixes the arms, not what a pull pays."""
    whole("bandit", "arms", arms, 2, 100)
    whole("bandit", "steps", steps, 1, 10_000)
    check_task("bandit", task)
    choice("bandit", "kind", kind, KINDS)
    gaussian = kind == "gaussian"

    @rule
    def lay(row: Row) -> None:
        for arm in range(arms):
            row.means[arm] = normal(row) if gaussian else unit(draw(row))

    begin = of_task(task, lay)

    @rule
    def reset(row: Row) -> None:
        begin(row)
        row.last = -1
        for arm in range(arms):
            row.pulls[arm] = 0
            row.paid[arm] = 0.0

    @rule
    def play(row: Row, action: int) -> None:
        if gaussian:
            reward = row.means[action] + normal(row)
        else:
            reward = 1.0 if unit(draw(row)) < row.means[action] else 0.0
        row.reward[0] = reward
        row.last = action
        row.pulls[action] += 1
        row.paid[action] += reward
        row.ply += 1
        row.done = row.ply == steps

    @rule
    def observe(row: Row, out: NDArray[np.float32]) -> None:
        """[arms + 2]: the last arm pulled, one-hot; what it paid; the share of the steps that are over."""
        for arm in range(arms):
            out[arm] = row.last == arm
        out[arms] = row.reward[0]
        out[arms + 1] = row.ply / steps

    def text(row: Row, seen_by: int | None = None) -> str:
        if seen_by is not None:
            last = f", arm {row.last + 1} paid {row.reward[0]:+.2f}" if row.last >= 0 else ""
            return f"{row.ply} of {steps} pulls{last}"
        lines = [
            f"{arm + 1:3}  mean {row.means[arm]:+.2f}  pulled {row.pulls[arm]:4}  paid {row.paid[arm]:+.2f}"
            for arm in range(arms)
        ]
        return "\n".join([f"{row.ply} of {steps} pulls", *lines])

    return Game(
        name=spec("bandit", arms=(arms, 10), kind=(kind, "bernoulli"), steps=(steps, 100), task=(task, ANY)),
        seats=1,
        actions=arms,
        shape=(arms + 2,),
        row=row_dtype(
            1,
            means=(np.float32, (arms,)),
            paid=(np.float32, (arms,)),
            pulls=(np.int16, (arms,)),
            last=np.int8,
        ),
        reset=reset,
        play=play,
        legal=anything(arms),
        observe=observe,
        names=tuple(str(arm + 1) for arm in range(arms)),
        max_plies=steps,
        pays="general",
        text=text,
        hidden=True,
        chance=True,
    )

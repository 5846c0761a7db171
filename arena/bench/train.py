"""What recipes come to over seeds (`arena list recipes`): the median of what is asked of each, beside its goal.

    arena bench train --option recipes="ppo acrobot,ppo breakout" --option at_once=2

Runs are made as those of `arena sweep ALGORITHM GAME --tuned` are, with `--best` where a return is asked for: what has
a result in the folder `out` is not run again, and one that was cut short goes on. A mean return is that of `EPISODES`
games which no run trains on or chooses its best agent by; a run that diverged is worse than any that did not. Beside
the table, learning curves of one player's games are drawn, with the interval over seeds.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from arena.bench import BenchFailed, Row
from arena.cluster import stop_ray
from arena.config import load
from arena.recipes import RECIPES, Recipe
from arena.summary import Band, band, interval
from arena.sweep import plan, run_all
from arena.text import listed
from envs.registry import Unknown, nearest

EPISODES, MATCHED = 300, 400
"""Held-out games of a mean return; games in pairs of a score against an agent."""


def contests(
    recipes: str = "", seeds: str = "5", first: str = "1", at_once: str = "1", out: str = "runs/bench-train"
) -> Iterator[Row]:
    """One row a recipe.

    recipes  names with commas between them, as `ppo acrobot,ppo t_maze:length=200`; empty: all
    seeds    how many runs of each, beginning with seed `first`
    at_once  runs at a time, on Ray; those that have workers of their own run one after the other
    out      folder of results, runs, and the picture
    """
    names = list(filter(None, listed(recipes))) or list(RECIPES)
    for name in names:
        if name not in RECIPES:
            raise Unknown(f"recipes: there is no '{name}'; {nearest(name, RECIPES)}")
    if min(int(seeds), int(at_once)) < 1 or int(first) < 0:
        raise BenchFailed("seeds is how many runs there are of each, at_once how many at a time: 1 or more; first is a "
                          "seed: 0 or more.")  # fmt: skip
    torch.set_num_threads(1)
    bands: dict[str, Band] = {}
    try:
        for name in names:
            try:
                load(None, RECIPES[name].overrides())
            except ValueError as missing:  # what its game needs is not installed
                if recipes:
                    raise
                sys.stderr.write(f"{name} is left out: {missing}\n")
                continue
            results = _learned(RECIPES[name], range(int(first), int(first) + int(seeds)), int(at_once), Path(out))
            yield row(RECIPES[name], results, Path(out))
            if RECIPES[name].measure == "return":
                curves = [np.array(one["curve"], np.float64).T for one in results if len(one.get("curve", ())) > 1]
                bands |= {name: band([(steps, values) for steps, values in curves])} if curves else {}
    finally:
        stop_ray()
    if bands:
        from arena.viewers.curves import write_panels

        panels = [(name, one, RECIPES[name].goal) for name, one in bands.items()]
        picture = Path(out) / "curves.png"
        write_panels(picture, panels, int(seeds))
        sys.stderr.write(f"Learning curves are in {picture}.\n")


def _learned(recipe: Recipe, seeds: range, at_once: int, out: Path) -> list[dict[str, Any]]:
    """The results of all seeds, in their order."""
    jobs = plan(
        recipe.algorithm, recipe.game, [{}], seeds=len(seeds), first=seeds[0], steps=recipe.steps, episodes=EPISODES,
        out=out, base=recipe.settings, best=recipe.measure == "return",
    )  # fmt: skip

    def heard(done: int, total: int) -> None:
        sys.stderr.write(f"{recipe.name}: {done} of {total} runs\n")

    found = sorted(run_all(jobs, workers=at_once if at_once > 1 else 0, heard=heard), key=lambda one: one["seed"])
    for one in found:
        if "diverged" in one:
            sys.stderr.write(f"{recipe.name}: seed {one['seed']} diverged: {one['diverged']}\n")
    return found


def row(recipe: Recipe, results: list[dict[str, Any]], out: Path) -> Row:
    """What the runs of a recipe came to."""
    values = [value(recipe, one, out) for one in results]
    each = ", ".join("diverged" if math.isinf(one) else f"{one:.4g}" for one in values)
    learned = [one for one in values if not math.isinf(one)]
    more = ""
    if learned:
        middle, seconds = interval(learned), median(one["seconds"] for one in results if "diverged" not in one)
        others = "of the others " if len(learned) < len(values) else ""
        more = f"; interquartile mean {others}{middle.value:.4g}, 95 % interval {middle.low:.4g} to {middle.high:.4g}; "
        more += f"{recipe.steps:,} steps in {seconds:.0f} s, in the median"
    met = sum(recipe.met(one) for one in values)
    return Row(
        bench="train",
        subject=recipe.name,
        ours=median(values),
        peer=f"asked ({recipe.who})",
        theirs=recipe.goal,
        unit={"return": "mean return", "exploitability": "exploitability"}.get(recipe.measure, "score"),
        ratio=None,
        runs=len(values),
        note=f"{recipe.name}: seeds {results[0]['seed']} to {results[-1]['seed']}: {each}; {met} of {len(values)} met "
        f"what was asked{more}",
    )


def value(recipe: Recipe, result: Mapping[str, Any], out: Path) -> float:
    """What a run came to by the recipe's measure; of one that diverged, the worst that there is."""
    if "diverged" in result:
        return math.inf if recipe.measure == "exploitability" else -math.inf
    if recipe.measure == "return":
        return result["score"]
    if recipe.measure == "exploitability":
        from arena.exploitability import exact

        answers = exact(recipe.game, result["agent"])
        if answers is None:
            raise BenchFailed(f"{recipe.name}: the exploitability of {result['agent']} cannot be worked out.")
        return answers.exploitability
    from arena.store import Store
    from arena.tournament import contest, match

    specs = [f"{result['agent']}:sims=0", recipe.measure]
    with Store(out / "matches.db") as store:
        found = match(store, contest(recipe.game, specs, purpose="match"), MATCHED)
    return (found.wins + 0.5 * found.draws) / found.games

"""What a sweep came to: its settings, the best first, as a table's rows, as JSON and as a picture of learning."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from arena.summary import Band, Estimate, band, improvement_interval, interval


@dataclass(frozen=True)
class Summary:
    """One setting over its seeds.

    runs    how many there were; `scores` are of those that did not diverge
    score   their interquartile mean, and `mean` the mean; None if all diverged
    ahead   the probability that a run of it beats one of the best setting; one that diverged loses to any that did not
    """

    settings: dict[str, Any]
    runs: int
    scores: tuple[float, ...]
    score: Estimate | None
    mean: float | None
    ahead: Estimate
    curve: Band | None

    @property
    def name(self) -> str:
        """The settings in a few words."""
        return label(self.settings)

    @property
    def diverged(self) -> int:
        """How many of its runs did."""
        return self.runs - len(self.scores)

    @property
    def count(self) -> str:
        """5, or 2 of 5 diverged."""
        return f"{self.diverged} of {self.runs} diverged" if self.diverged else str(self.runs)


def label(setting: Mapping[str, Any]) -> str:
    """learning_rate=0.001 clip=0.2"""
    return " ".join(f"{key.partition('.')[2]}={value}" for key, value in setting.items()) or "defaults"


def summarise(results: Sequence[Mapping[str, Any]]) -> list[Summary]:
    """The settings, the best first: by how many of their runs diverged, then by the others' interquartile mean."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for result in sorted(results, key=lambda result: int(result["seed"])):
        groups.setdefault(json.dumps(result["settings"], sort_keys=True), []).append(result)
    whole = {key: [one for one in group if "diverged" not in one] for key, group in groups.items()}
    scores = {key: [float(one["score"]) for one in group] for key, group in whole.items()}
    estimates = {key: interval(runs) if runs else None for key, runs in scores.items()}
    worse = min((score for runs in scores.values() for score in runs), default=0.0) - 1.0
    placed = {key: runs + [worse] * (len(groups[key]) - len(runs)) for key, runs in scores.items()}

    def place(key: str) -> tuple[float, float]:
        middle = estimates[key]
        return 1 - len(scores[key]) / len(groups[key]), 0.0 if middle is None else -middle.value

    order = sorted(groups, key=place)
    return [
        Summary(
            json.loads(key), len(groups[key]), tuple(scores[key]), estimates[key],
            float(np.mean(scores[key])) if scores[key] else None,
            improvement_interval(placed[key], placed[order[0]]), _band(whole[key]),
        )
        for key in order
    ]  # fmt: skip


def _band(group: Sequence[Mapping[str, Any]]) -> Band | None:
    curves = [np.array(one["curve"], np.float64).reshape(-1, 2).T for one in group if one["curve"]]
    return band([(steps, values) for steps, values in curves]) if curves and len(curves) == len(group) else None


def described(
    algorithm: str, game: str, found: Sequence[Summary], steps: int, episodes: int, picture: Path | None
) -> dict[str, Any]:
    """All of it as JSON has it, the best setting first."""
    rows = [
        {
            "settings": one.settings, "runs": one.runs, "diverged": one.diverged, "scores": one.scores,
            "mean": one.mean, "interquartile_mean": None if one.score is None else one.score._asdict(),
            "beats_best": one.ahead._asdict(),
            "curve": None if one.curve is None else {name: part.tolist() for name, part in one.curve._asdict().items()},
        }
        for one in found
    ]  # fmt: skip
    shown = None if picture is None else str(picture)
    return {"algorithm": algorithm, "game": game, "steps": steps, "episodes": episodes, "rows": rows, "plot": shown}


def draw(path: Path, title: str, found: Sequence[Summary]) -> bool:
    """Writes the learning curves as a picture; False if there are none to draw."""
    curves = [(f"{one.name}, {one.count}" if one.diverged else one.name, one.curve) for one in found]
    drawn = [(name, curve) for name, curve in curves if curve is not None]
    if not drawn:
        return False
    from arena.viewers.curves import write

    write(path, title, drawn, found[0].runs)
    return True

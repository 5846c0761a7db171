"""What several runs come to: robust means, intervals, and how likely one setting beats another.

Agarwal et al. 2021, "Deep reinforcement learning at the edge of the statistical precipice", arXiv:2108.13264. Scores
are [runs, tasks]; a task is a game, and runs are resampled within each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

RESAMPLES = 2_000
LEVEL = 0.95


class Estimate(NamedTuple):
    """A number with its interval."""

    value: float
    low: float
    high: float


def table(scores: ArrayLike) -> NDArray[np.float64]:
    """Scores as [runs, tasks]; a plain list is runs of one task."""
    array = np.asarray(scores, np.float64)
    return array[:, None] if array.ndim == 1 else array


def interquartile_mean(scores: ArrayLike) -> float:
    """The mean of the middle half of all scores: floor(n / 4) are left out at either end (section 4.3)."""
    flat = np.sort(np.asarray(scores, np.float64), axis=None)
    cut = len(flat) // 4
    return float(flat[cut : len(flat) - cut].mean())


def stratified(scores: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """As many runs of each task, drawn from that task's own runs, with replacement (section 4.1)."""
    runs, tasks = scores.shape
    return scores[generator.integers(0, runs, (runs, tasks)), np.arange(tasks)]


def interval(
    scores: ArrayLike,
    statistic: Callable[[NDArray[np.float64]], float] = interquartile_mean,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """A statistic of all scores, and its percentile interval by the stratified bootstrap; of one run, its own value."""
    array = table(scores)
    generator = np.random.default_rng(seed)
    drawn = np.array([statistic(stratified(array, generator)) for _ in range(resamples)])
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(statistic(array), float(low), float(high))


def mean_interval(values: ArrayLike, level: float = LEVEL) -> Estimate:
    """The mean of values of one run each, and its interval by Student's t; without bounds for one value alone."""
    array = np.asarray(values, np.float64)
    mean, half = float(array.mean()), np.inf
    if len(array) > 1:
        half = float(stdtrit(len(array) - 1, (1 + level) / 2)) * float(array.std(ddof=1)) / len(array) ** 0.5
    return Estimate(mean, mean - half, mean + half)


def improvement(ours: ArrayLike, theirs: ArrayLike) -> float:
    """How likely a run of ours does better than one of theirs, a tie counting half, averaged over tasks (section 4.3).

    The Mann-Whitney statistic over all pairs of runs of a task.
    """
    x, y = table(ours), table(theirs)
    return float((np.sign(x[:, None] - y[None]).mean((0, 1)) / 2 + 0.5).mean())


def improvement_interval(
    ours: ArrayLike, theirs: ArrayLike, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """The probability of improvement, with both sides' runs resampled."""
    x, y = table(ours), table(theirs)
    generator = np.random.default_rng(seed)
    drawn = [improvement(stratified(x, generator), stratified(y, generator)) for _ in range(resamples)]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(improvement(x, y), float(low), float(high))


class Band(NamedTuple):
    """A curve over steps, [points] each, with its interval."""

    steps: NDArray[np.float64]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def band(curves: list[tuple[NDArray[np.float64], NDArray[np.float64]]], points: int = 60, seed: int = 0) -> Band:
    """The interquartile mean over runs of curves (steps, values), where all of them are, with its interval.

    One draw of runs counts for a whole curve.
    """
    first, last = max(steps[0] for steps, _ in curves), min(steps[-1] for steps, _ in curves)
    grid = np.linspace(first, max(first, last), points)
    values = np.stack([np.interp(grid, steps, value) for steps, value in curves])
    generator = np.random.default_rng(seed)
    draws = generator.integers(0, len(values), (400, len(values)))
    cut = len(values) // 4
    middle = np.sort(values[draws], axis=1)[:, cut : len(values) - cut].mean(1)
    low, high = np.quantile(middle, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Band(grid, np.sort(values, axis=0)[cut : len(values) - cut].mean(0), low, high)

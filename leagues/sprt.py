"""Is one agent stronger than another, in as few games as it takes: the generalised sequential probability ratio test.

Counts are arrays [..., 3] of games (loss, draw, win) or [..., 5] of colour-swapped pairs by what the pair scored
(0, 1/2, 1, 3/2, 2 points). Pairs are the better evidence: what an opening gives to one seat cancels within the pair,
so fewer games decide.

The likelihood is that of the best distribution over the outcomes with a given expected score (logistic Elo) or a given
t-value (normalised Elo): Van den Bergh, "Comments on normalized Elo", equations 1.2-1.3 and section 4.1; Wald 1945
for the bounds. Fishtest and fastchess stop their tests by the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import erf, log, sqrt
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leagues.bradley_terry import ELO, Z95
from leagues.payoff import wilson

Floats = NDArray[np.float64]
Model = Literal["logistic", "normalized"]

NORMALIZED_ELO = 800.0 / log(10.0)  # normalised Elo in one t-value of a game
LARGEST = 200.0  # Elo; a normalised difference far beyond has no distribution over the outcomes
UNSEEN = 1e-3  # what an outcome that never came counts as


def bounds(alpha: float = 0.05, beta: float = 0.05) -> tuple[float, float]:
    """Where to stop: below the first for elo0, above the second for elo1 (Wald); -+2.944 at 5 % and 5 %.

    `alpha` is the chance to accept elo1 when elo0 is true, `beta` to accept elo0 when elo1 is.
    """
    if not (0 < alpha < 1 and 0 < beta < 1 and alpha + beta < 1):
        raise ValueError(f"The error rates {alpha} and {beta} must lie between 0 and 1 and add up to less than 1.")
    return log(beta / (1 - alpha)), log((1 - beta) / alpha)


def logistic_score(elo: ArrayLike) -> Floats:
    """The expected score at an Elo difference."""
    return 1.0 / (1.0 + 10.0 ** (-np.asarray(elo, np.float64) / 400.0))


def _scores(counts: Floats) -> Floats:
    """The score of each outcome, as a share of what could be won."""
    kinds = counts.shape[-1]
    if kinds not in (3, 5):
        raise ValueError(f"Results are counted in 3 kinds (games) or 5 (pairs of games), not {kinds}.")
    return np.linspace(0.0, 1.0, kinds)


def _shares(counts: Floats) -> tuple[Floats, Floats]:
    """Total and empirical distribution, with a trace of what never came (as fishtest does)."""
    filled = np.where(counts == 0, UNSEEN, counts)
    total = filled.sum(-1, keepdims=True)
    return total[..., 0], filled / total


def _multiplier(shares: Floats, deviation: Floats) -> Floats:
    """The x with sum(shares * deviation / (1 + x deviation)) = 0 that keeps all 1 + x deviation positive, [..., 1]."""
    low = -1.0 / deviation.max(-1, keepdims=True)
    high = -1.0 / deviation.min(-1, keepdims=True)
    x = np.zeros_like(low)
    for _ in range(200):
        parts = deviation / (1 + x * deviation)
        value = (shares * parts).sum(-1, keepdims=True)  # falls with x
        low, high = np.where(value > 0, x, low), np.where(value > 0, high, x)
        newton = x + value / (shares * parts**2).sum(-1, keepdims=True)
        new = np.where((newton > low) & (newton < high), newton, (low + high) / 2)
        if np.all(np.abs(new - x) <= 1e-13 * (1 + np.abs(x))):
            return new
        x = new
    return x


def _with_score(shares: Floats, scores: Floats, target: float) -> Floats:
    """The most likely distribution whose mean score is `target`."""
    deviation = np.broadcast_to(scores - target, shares.shape)
    return shares / (1 + _multiplier(shares, deviation) * deviation)


def _with_t_value(shares: Floats, scores: Floats, target: float) -> Floats:
    """The most likely distribution with (mean - 1/2) / standard deviation = `target`, by repeated linearisation."""
    fitted = np.full_like(shares, 1.0 / shares.shape[-1])
    for _ in range(100):
        mean = (fitted * scores).sum(-1, keepdims=True)
        spread = np.sqrt((fitted * (scores - mean) ** 2).sum(-1, keepdims=True))
        deviation = scores - 0.5 - target * spread * (1 + ((mean - scores) / spread) ** 2) / 2
        new = shares / (1 + _multiplier(shares, deviation) * deviation)
        change = np.abs(new - fitted).max(initial=0.0)
        fitted = new
        if change < 1e-10:
            break
    return fitted


def llr(counts: ArrayLike, elo0: float, elo1: float, model: Model = "normalized") -> Floats:
    """The log-likelihood ratio of elo1 against elo0, [...], for counts [..., 3] of games or [..., 5] of pairs."""
    counts = np.asarray(counts, np.float64)
    scores = _scores(counts)
    total, shares = _shares(counts)
    if model == "logistic":
        zero, one = (_with_score(shares, scores, float(logistic_score(elo))) for elo in (elo0, elo1))
    elif model == "normalized":
        unit = NORMALIZED_ELO / sqrt(2.0 if counts.shape[-1] == 5 else 1.0)
        zero, one = (_with_t_value(shares, scores, elo / unit) for elo in (elo0, elo1))
    else:
        raise ValueError(f"The Elo model {model!r} is neither 'logistic' nor 'normalized'.")
    ratio = total * (shares * (np.log(one) - np.log(zero))).sum(-1)
    return np.where(counts.sum(-1) > 0, ratio, 0.0)


@dataclass
class Sprt:
    """A test that takes games as they come; `verdict` says when to stop."""

    elo0: float  # what the first agent is ahead by if the idea is worth nothing
    elo1: float  # and if it is
    alpha: float = 0.05
    beta: float = 0.05
    model: Model = "normalized"
    paired: bool = True  # counts pairs of games, else games
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        if not -LARGEST <= self.elo0 < self.elo1 <= LARGEST:
            raise ValueError(
                f"A test needs elo0 below elo1, both from {-LARGEST:g} to {LARGEST:g}, "
                f"not {self.elo0:g} and {self.elo1:g}."
            )
        kinds = 5 if self.paired else 3
        if len(self.counts) == 0:
            self.counts = np.zeros(kinds, np.int64)
        if len(self.counts) != kinds:
            raise ValueError(f"This test counts in {kinds} kinds of results, not {len(self.counts)}.")
        bounds(self.alpha, self.beta)

    def add(self, *scores: float) -> None:
        """Counts one game of the first agent, or the two games of a pair if the test is paired."""
        if len(scores) != (2 if self.paired else 1) or any(score not in (0.0, 0.5, 1.0) for score in scores):
            wanted = "two scores, a pair of games" if self.paired else "one score"
            raise ValueError(f"The test takes {wanted}, each 0, 0.5 or 1, not {scores}.")
        self.counts[round(2 * sum(scores))] += 1

    @property
    def llr(self) -> float:
        return float(llr(self.counts, self.elo0, self.elo1, self.model))

    @property
    def verdict(self) -> Literal["elo0", "elo1"] | None:
        """Which of the two is accepted; None is to go on."""
        low, high = bounds(self.alpha, self.beta)
        value = self.llr
        return "elo1" if value >= high else "elo0" if value <= low else None


class MatchElo(NamedTuple):
    """What a match says about the difference of two agents; intervals are 95 %, Elo is logistic."""

    score: float  # mean score of the first agent
    elo: float
    low: float
    high: float
    normalized: float  # normalised Elo: the mean over the standard deviation of a game
    normalized_error: float  # half its interval
    superiority: float  # probability that the first is the stronger

    @property
    def error(self) -> float:
        """Half the interval."""
        return (self.high - self.low) / 2


def match_elo(counts: ArrayLike) -> MatchElo:
    """The Elo difference of a match, from counts [3] of games or [5] of pairs; finite whatever the counts.

    The interval is the normal one of the mean score, or Wilson's where that one fails: all results alike, or an end
    outside (0, 1). Scores of 0 and 1 count as half a result less extreme. Of results all alike the probability to be
    the stronger is that of a share above 1/2 of results won, evenly likely before: 1 - 2^-(n + 1) after n of n.
    """
    counts = np.asarray(counts, np.float64)
    scores = _scores(counts)
    number = float(counts.sum())
    if number == 0:
        raise ValueError("A match without a game says nothing about Elo; play one first.")
    mean = float(counts @ scores / number)
    variance = float(counts @ (scores - mean) ** 2 / number)
    error = Z95 * sqrt(variance / number)
    low, high, alike = mean - error, mean + error, variance == 0
    if alike or low <= 0 or high >= 1:
        low, high = (float(end) for end in wilson(mean, number))
        variance = max(variance, ((high - low) / 2 / Z95) ** 2 * number)
    edge = 0.5 / (number + 1) if mean in (0.0, 1.0) else 0.0
    elo, lowest, highest = (float(ELO * np.log(end / (1 - end))) for end in np.clip([mean, low, high], edge, 1 - edge))
    unit = NORMALIZED_ELO / sqrt((2.0 if len(counts) == 5 else 1.0) * variance)
    superiority = (1 + erf((mean - 0.5) / sqrt(2 * variance / number))) / 2
    if alike:
        superiority = 0.5 + float(np.sign(mean - 0.5)) * (0.5 - 0.5 ** (number + 1))
    return MatchElo(
        score=mean,
        elo=elo,
        low=lowest,
        high=highest,
        normalized=(mean - 0.5) * unit,
        normalized_error=Z95 * sqrt(variance / number) * unit,
        superiority=superiority,
    )

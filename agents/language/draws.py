"""How the next token is chosen from scores: temperature, top-k, top-p or the likeliest, by a lane's own generator."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.kernels import compiled, next_random, unit


class Picking(NamedTuple):
    """Settings of `draw_tokens`; made by `of`, which checks them."""

    temperature: float
    top_k: int
    top_p: float
    greedy: bool

    @staticmethod
    def of(temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0, greedy: bool = False) -> Picking:
        """Raises ValueError, by name, for settings that are none."""
        if not 0.0 < temperature < np.inf:
            raise ValueError(f"A temperature is a number above 0, not {temperature}; the likeliest token is greedy.")
        if not isinstance(top_k, int) or top_k < 0:
            raise ValueError(f"top_k is a whole number of tokens, or 0 for all, not {top_k}.")
        if not 0.0 < top_p <= 1.0:
            raise ValueError(f"top_p is a probability above 0, at most 1, not {top_p}.")
        return Picking(float(temperature), int(top_k), float(top_p), bool(greedy))


@compiled
def draw_tokens(
    scores: NDArray[np.float32],
    text: NDArray[np.int64],
    picking: Picking,
    rng: NDArray[np.uint64],
    tokens: NDArray[np.uint8],
    length: NDArray[np.int64],
    log_p: NDArray[np.float32],
    drawn: NDArray[np.float32],
) -> None:
    """Writes one more token of each text [n], by scores [n, V], into tokens, log_p and drawn [N, T]; length [N] grows.

    log_p is of the softmax at the temperature, drawn of the distribution drawn from; rng [N] moves on by one.
    """
    choices = scores.shape[1]
    share = np.empty(choices)
    for i in range(text.shape[0]):
        row, sample = scores[i], text[i]
        best = 0
        for v in range(1, choices):
            if row[v] > row[best]:
                best = v
        sharp = 1.0 / picking.temperature
        for v in range(choices):
            share[v] = np.exp(sharp * (row[v] - row[best]))
        whole = share.sum()
        total = whole
        if picking.top_k > 0 or picking.top_p < 1.0:
            order = np.argsort(-share)
            if 0 < picking.top_k < choices:
                share[order[picking.top_k :]] = 0.0
            left = picking.top_p * share.sum()
            for v in order:
                if left <= 0.0:
                    share[v] = 0.0
                left -= share[v]
            total = share.sum()
        mark = unit(next_random(rng, sample)) * total
        chosen = best
        if not picking.greedy:
            for v in range(choices):
                mark -= share[v]
                if share[v] > 0.0:
                    chosen = v
                    if mark < 0.0:
                        break
        place = length[sample]
        tokens[sample, place] = chosen
        log_p[sample, place] = sharp * (row[chosen] - row[best]) - np.log(whole)
        drawn[sample, place] = 0.0 if picking.greedy else sharp * (row[chosen] - row[best]) - np.log(total)
        length[sample] = place + 1

"""How the next token is chosen from scores: temperature, top-k, top-p or the likeliest, by a lane's own generator."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.language.columns import exponential, fused, inner
from envs.kernels import compiled
from envs.randomness import next_random, unit


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
        if not isinstance(top_k, int) or isinstance(top_k, bool) or top_k < 0:
            raise ValueError(f"top_k is a whole number of tokens, or 0 for all, not {top_k}.")
        if not isinstance(top_p, (int, float)) or not 0.0 < top_p <= 1.0:
            raise ValueError(f"top_p is a probability above 0, at most 1, not {top_p}.")
        return Picking(float(temperature), int(top_k), float(top_p), bool(greedy))


@compiled
def marks(seeds: NDArray[np.uint64], count: int) -> NDArray[np.float32]:
    """[N, count] the uniform numbers that `draw_tokens` takes one after the other from generators of seeds [N]."""
    rng, out = seeds.copy(), np.empty((len(seeds), count), np.float32)
    for n in range(len(seeds)):
        for nth in range(count):
            out[n, nth] = unit(next_random(rng, n))
    return out


@fused
def draw_tokens(
    scores: NDArray[np.float32],
    lane: NDArray[np.int64],
    text: NDArray[np.int64],
    picking: Picking,
    rng: NDArray[np.uint64],
    tokens: NDArray[np.uint8],
    length: NDArray[np.int64],
    log_p: NDArray[np.float32],
    drawn: NDArray[np.float32],
) -> None:
    """Draws one more token of each text [n] by the scores [V, M] of its lane [n], into tokens, log_p and drawn [N, T].

    log_p is of the softmax at the temperature, drawn of the distribution drawn from; length [N] grows, and each text's
    generator rng [N] moves on by one. M is a multiple of LANES.
    """
    choices, lanes = scores.shape
    mark, whole = np.zeros(lanes, np.float32), np.zeros(lanes, np.float32)
    best, chosen = np.zeros(lanes, np.float32), np.zeros(lanes, np.int32)
    share = np.empty((choices, lanes), np.float32)
    for n in range(text.shape[0]):
        mark[lane[n]] = unit(next_random(rng, text[n]))
    sharp = np.float32(1.0 / picking.temperature)
    _spread(scores, sharp, mark, best, share, whole, chosen)
    for n in range(text.shape[0]):
        i, sample = lane[n], text[n]
        token, total = np.int64(min(chosen[i], choices - 1)), whole[i]
        if picking.greedy:
            token = _likeliest(share, i)
            total = share[token, i]
        elif picking.top_k > 0 or picking.top_p < 1.0:
            token, total = _among(share, i, mark[i], whole[i], picking.top_k, np.float32(picking.top_p))
        place = length[sample]
        tokens[sample, place] = token
        log_p[sample, place] = sharp * (scores[token, i] - best[i]) - np.log(whole[i])
        drawn[sample, place] = 0.0 if picking.greedy else sharp * (scores[token, i] - best[i]) - np.log(total)
        length[sample] = place + 1


@inner
def _spread(scores: Any, sharp: Any, mark: Any, best: Any, share: Any, whole: Any, chosen: Any) -> None:
    """share [V, M] = exp(sharp (score - best)), its sums, and by mark [M] in [0, 1) the token that each lane draws."""
    choices = scores.shape[0]
    sums = np.zeros(scores.shape[1], np.float32)
    for i in range(best.shape[0]):
        best[i] = scores[0, i]
    for v in range(1, choices):
        for i in range(best.shape[0]):
            best[i] = max(best[i], scores[v, i])
    for v in range(choices):
        for i in range(best.shape[0]):
            share[v, i] = exponential(sharp * (scores[v, i] - best[i]))
            whole[i] += share[v, i]
    for v in range(choices):
        for i in range(best.shape[0]):
            sums[i] += share[v, i]
            chosen[i] += sums[i] <= mark[i] * whole[i]


@inner
def _likeliest(share: Any, i: int) -> int:
    token = 0
    for v in range(1, share.shape[0]):
        if share[v, i] > share[token, i]:
            token = v
    return token


@inner
def _among(share: Any, i: int, mark: Any, whole: Any, top_k: int, top_p: Any) -> tuple[int, Any]:
    """The token drawn from lane i among those kept, and the sum of their shares; the column is negative where kept.

    The likeliest are taken one after the other: at most top_k of them, until they hold top_p of what top_k leaves.
    """
    choices = share.shape[0]
    kept, most = np.float32(0.0), whole
    limit = min(top_k, choices) if top_k > 0 else choices
    if top_p < 1.0 and limit < choices:
        most, _ = _kept(share, i, limit, np.float32(np.inf))
        for v in range(choices):
            share[v, i] = abs(share[v, i])
    kept, last = _kept(share, i, limit, top_p * most if top_p < 1.0 else np.float32(np.inf))
    left, token = mark * kept, last
    for v in range(choices):
        if share[v, i] < 0.0:
            left += share[v, i]
            if left < 0.0:
                token = v
                break
    return token, kept


@inner
def _kept(share: Any, i: int, limit: int, enough: Any) -> tuple[Any, int]:
    """Turns the sign of the likeliest of lane i until there are `limit`, or `enough` in sum; the sum and the last."""
    total, last = np.float32(0.0), 0
    for _ in range(limit):
        last = _likeliest(share, i)
        total += share[last, i]
        share[last, i] = -share[last, i]
        if total >= enough:
            break
    return total, last

"""A language model's layers for many texts at once, one text a column: all but the matrix products, compiled.

Activations lie as [width, columns], so that every loop here goes along columns: additions and exponentials of
neighbouring texts share an instruction, no sum runs across a register, and what is computed for one text does not
depend, not even in its last bit, on which others stand beside it (the products keep to that too, in multiples of
`LANES` columns). Numbers are float32, or the upper halves of float32 as uint16 (bfloat16) where a processor multiplies
those; sums are float32 always.

A step of S tokens in each of M texts has S M columns, text i's token s in column s M + i. Keys and values lie in groups
of `LANES` texts, [groups, heads, T, d, LANES] each.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import overload
from numpy.typing import NDArray

LANES = 32
"""Texts in a group: a cache line of bfloat16."""
FAR = np.float32(-1e30)

fused = numba.njit(nogil=True, cache=True, fastmath={"contract"}, error_model="numpy")
"""Compiled with products fused into sums, and sums in the order in which they are written."""


inner = numba.njit(nogil=True, fastmath={"contract"}, error_model="numpy")
"""The same, for parts of these."""


def widened(x: Any) -> Any:
    """A number as float32."""
    return np.uint32(np.uint32(x) << np.uint32(16)).view(np.float32) if x.dtype == np.uint16 else x


@overload(widened)
def _widened(x):
    if isinstance(x, types.Integer):
        return lambda x: np.uint32(np.uint32(x) << np.uint32(16)).view(np.float32)
    return lambda x: x


def narrowed(x: Any, out: Any) -> Any:
    """A float32 rounded to the nearest that the array `out` can hold."""
    if out.dtype != np.uint16:
        return x
    bits = int(np.float32(x).view(np.uint32))
    return np.uint16((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)


@overload(narrowed)
def _narrowed(x, out):
    if not isinstance(out.dtype, types.Integer):
        return lambda x, out: x

    def rounded(x, out):
        bits = np.float32(x).view(np.uint32)
        odd = np.uint32(np.uint32(bits >> np.uint32(16)) & np.uint32(1))
        return np.uint16(np.uint32(bits + np.uint32(0x7FFF) + odd) >> np.uint32(16))

    return rounded


@inner
def exponential(x: Any) -> Any:
    """e^x to 2e-7 of itself, for x from -87 to 87 and clipped to these; without a branch or a call.

    2^(k + r) with k whole and r in [-1/2, 1/2]: the sum with 1.5 2^23 leaves k in the lowest bits of its result.
    """
    z = min(max(x * np.float32(1.4426950408889634), np.float32(-126.0)), np.float32(126.0))
    shifted = np.float32(z + np.float32(12582912.0))
    r = z - np.float32(shifted - np.float32(12582912.0))
    p = np.float32(1.5403530e-4)
    p = p * r + np.float32(1.3333558e-3)
    p = p * r + np.float32(9.6181291e-3)
    p = p * r + np.float32(5.5504109e-2)
    p = p * r + np.float32(2.4022651e-1)
    p = p * r + np.float32(6.9314718e-1)
    p = p * r + np.float32(1.0)
    power = np.int32(np.float32(shifted).view(np.int32) << np.int32(23))
    return np.int32(np.float32(p).view(np.int32) + power).view(np.float32)


@fused
def embed(
    table: NDArray[np.float32],
    place: NDArray[np.float32],
    tokens: NDArray[np.int64],
    at: NDArray[np.int64],
    x: NDArray[np.float32],
) -> None:
    """x [width, C] = table [width, V] of tokens [C] + place [width, T] of where they stand."""
    for j in range(x.shape[0]):
        for c in range(x.shape[1]):
            x[j, c] = table[j, tokens[c]] + place[j, at[c]]


@fused
def add_and_norm(
    x: NDArray[np.float32],
    y: NDArray[Any],
    offset: NDArray[np.float32],
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    out: NDArray[Any],
) -> None:
    """x += y + offset, then out = layer norm of x, all [width, groups, LANES]; the rest is [width]."""
    width, lanes = x.shape[0], x.shape[2]
    mean, spread = np.empty(lanes, np.float32), np.empty(lanes, np.float32)
    share = np.float32(1.0 / width)
    for g in range(x.shape[1]):
        for i in range(lanes):
            mean[i] = np.float32(0.0)
            spread[i] = np.float32(0.0)
        for j in range(width):
            for i in range(lanes):
                v = x[j, g, i] + (widened(y[j, g, i]) + offset[j])
                x[j, g, i] = v
                mean[i] += v
        for i in range(lanes):
            mean[i] *= share
        for j in range(width):
            for i in range(lanes):
                v = x[j, g, i] - mean[i]
                spread[i] += v * v
        for i in range(lanes):
            spread[i] = np.float32(1.0) / np.sqrt(spread[i] * share + np.float32(1e-5))
        for j in range(width):
            for i in range(lanes):
                out[j, g, i] = narrowed((x[j, g, i] - mean[i]) * spread[i] * weight[j] + bias[j], out)


@fused
def bend(y: NDArray[Any], offset: NDArray[np.float32]) -> None:
    """y [n, C] = GELU(y + offset [n]) by its tanh form, x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3))."""
    for j in range(y.shape[0]):
        for c in range(y.shape[1]):
            v = widened(y[j, c]) + offset[j]
            u = v * (np.float32(-1.5957691216) - np.float32(0.0713548162726) * v * v)
            y[j, c] = narrowed(v / (np.float32(1.0) + exponential(u)), y)


@fused
def attend(
    asked: NDArray[Any],
    offset: NDArray[np.float32],
    keys: NDArray[Any],
    values: NDArray[Any],
    start: NDArray[np.int64],
    now: int,
    sine: NDArray[np.float32],
    cosine: NDArray[np.float32],
    seen: NDArray[Any],
) -> None:
    """Keys and values of S new tokens are kept at times now .. now+S-1; the last R of them look at all until then.

    asked [3 width, S M / LANES, LANES] is query, key and value without their offset [3 width]; text i begins at time
    start[i] of M, and of what lies before that nothing is seen. seen [width, R M / LANES, LANES]. With sine and cosine
    [d / 2, S M / LANES, LANES] queries and keys are turned; [0, 0, 0] leaves them.
    """
    heads, longest, d, lanes = keys.shape[1], keys.shape[2], keys.shape[3], keys.shape[4]
    width, texts = heads * d, start.shape[0]
    groups, half = texts // lanes, d // 2
    steps = asked.shape[1] // groups
    idle = steps - seen.shape[1] // groups
    query, summed = np.empty((d, lanes), np.float32), np.empty((d, lanes), np.float32)
    score = np.empty((longest, lanes), np.float32)
    best, total = np.empty(lanes, np.float32), np.empty(lanes, np.float32)
    scale = np.float32(1.0) / np.float32(np.sqrt(np.float32(d)))
    for g in range(groups):
        first = g * lanes
        for h in range(heads):
            key, value = keys[g, h], values[g, h]
            for s in range(steps):
                c = s * groups + g
                _rows(asked, offset, width + h * d, c, query)
                if sine.shape[0]:
                    _turn(query, sine, cosine, c, half)
                for j in range(d):
                    for i in range(lanes):
                        key[now + s, j, i] = narrowed(query[j, i], key)
                _rows(asked, offset, 2 * width + h * d, c, query)
                for j in range(d):
                    for i in range(lanes):
                        value[now + s, j, i] = narrowed(query[j, i], value)
            for s in range(idle, steps):
                c, count = s * groups + g, now + s + 1
                _rows(asked, offset, h * d, c, query)
                if sine.shape[0]:
                    _turn(query, sine, cosine, c, half)
                for i in range(lanes):
                    best[i] = FAR
                    total[i] = np.float32(0.0)
                    for j in range(d):
                        summed[j, i] = np.float32(0.0)
                for t in range(count):
                    _dots(query, key[t], score[t])
                    for i in range(lanes):
                        v = score[t, i] * scale if t >= start[first + i] else FAR
                        score[t, i] = v
                        best[i] = max(best[i], v)
                for t in range(count):
                    for i in range(lanes):
                        share = exponential(score[t, i] - best[i]) if score[t, i] > FAR else np.float32(0.0)
                        score[t, i] = share
                        total[i] += share
                _sums(score, value, count, summed)
                for i in range(lanes):
                    total[i] = np.float32(1.0) / max(total[i], np.float32(1e-30))
                for j in range(d):
                    for i in range(lanes):
                        seen[h * d + j, c - idle * groups, i] = narrowed(summed[j, i] * total[i], seen)


@inner
def _rows(asked: Any, offset: Any, row: int, c: int, out: Any) -> None:
    lanes = out.shape[1]
    for j in range(out.shape[0]):
        more = offset[row + j]
        for i in range(lanes):
            out[j, i] = widened(asked[row + j, c, i]) + more


@inner
def _dots(query: Any, key: Any, score: Any) -> None:
    """score [LANES] = the sum over j of query [d, LANES] key [d, LANES], one after the other, four at a visit."""
    d, lanes = query.shape
    whole = d - d % 4
    for i in range(lanes):
        score[i] = np.float32(0.0)
    for j in range(0, whole, 4):
        for i in range(lanes):
            v = score[i] + query[j, i] * widened(key[j, i])
            v = v + query[j + 1, i] * widened(key[j + 1, i])
            v = v + query[j + 2, i] * widened(key[j + 2, i])
            score[i] = v + query[j + 3, i] * widened(key[j + 3, i])
    for j in range(whole, d):
        for i in range(lanes):
            score[i] += query[j, i] * widened(key[j, i])


@inner
def _sums(share: Any, value: Any, count: int, out: Any) -> None:
    """out [d, LANES] += the sum over t of share [T, LANES] value [T, d, LANES], likewise."""
    lanes = out.shape[1]
    whole = count - count % 4
    for t in range(0, whole, 4):
        for j in range(out.shape[0]):
            for i in range(lanes):
                v = out[j, i] + share[t, i] * widened(value[t, j, i])
                v = v + share[t + 1, i] * widened(value[t + 1, j, i])
                v = v + share[t + 2, i] * widened(value[t + 2, j, i])
                out[j, i] = v + share[t + 3, i] * widened(value[t + 3, j, i])
    for t in range(whole, count):
        for j in range(out.shape[0]):
            for i in range(lanes):
                out[j, i] += share[t, i] * widened(value[t, j, i])


@inner
def _turn(x: Any, sine: Any, cosine: Any, c: int, half: int) -> None:
    lanes = x.shape[1]
    for j in range(half):
        for i in range(lanes):
            a, b = x[j, i], x[half + j, i]
            x[j, i] = a * cosine[j, c, i] - b * sine[j, c, i]
            x[half + j, i] = b * cosine[j, c, i] + a * sine[j, c, i]


@fused
def move(
    keys: NDArray[Any],
    values: NDArray[Any],
    lanes: NDArray[np.int64],
    shift: int,
    to_keys: NDArray[Any],
    to_values: NDArray[Any],
    first: int,
    until: int,
) -> None:
    """Copies what is kept of texts `lanes` [n], of every layer, to lanes first .. first+n-1 of another cache.

    Their times before `until` move on by shift, which may be negative; what would fall before 0 is left out. The inner
    loop writes neighbours: one text after the other took five times as long.
    """
    count = lanes.shape[0]
    for layer in range(keys.shape[0]):
        n = 0
        while n < count:
            to_g, to_i = (first + n) // LANES, (first + n) % LANES
            some = lanes[n : n + LANES - to_i]
            for h in range(keys.shape[2]):
                for t in range(max(0, -shift), until):
                    for j in range(keys.shape[4]):
                        for k in range(some.shape[0]):
                            g, i = some[k] // LANES, some[k] % LANES
                            to_keys[layer, to_g, h, t + shift, j, to_i + k] = keys[layer, g, h, t, j, i]
                            to_values[layer, to_g, h, t + shift, j, to_i + k] = values[layer, g, h, t, j, i]
            n += some.shape[0]

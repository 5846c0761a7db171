"""Small perceptrons, compiled: what such a network says of positions, and the gradients of its weights.

Of a network of some thousand weights PyTorch takes longer for its calls than for their arithmetic: 32 positions of
cart-pole are looked at in 90 us there and in 19 here. Activations lie as [width, columns], a position a column, in
blocks of `COLUMNS` that stay in a core's cache; so every loop goes along columns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from agents.backbones.mlp import MLP
from agents.heads import Policy, Returns
from agents.networks import Network
from agents.placed import Placed
from envs.fingerprints import fingerprint, tell_closures_apart
from envs.game import COMPILED
from envs.parts import part

P = ParamSpec("P")
R = TypeVar("R")

Reals = NDArray[np.float32]

COLUMNS = 128
LARGEST = 2**14
"""Weights of a network up to which this was the faster way."""
SUMS = {"contract", "reassoc", "nsz"}
"""Products are fused into sums, and these are added up in whatever order is quickest, always the same one."""


def summing(function: Callable[P, R]) -> Callable[P, R]:
    """Marks a function of plain arrays: as `envs.kernels.compiled`, with quick `SUMS`."""
    tell_closures_apart(function)
    function.__qualname__ += f".{fingerprint(function)}"
    return numba.njit(cache=True, fastmath=SUMS, **COMPILED)(function)


def summing_part(function: Callable[..., Any]) -> Any:
    """The same for functions that these call."""
    return part(function, forceinline=False, fastmath=SUMS, **COMPILED)


class Perceptron:
    """The affine layers of a network that has nothing else, but for rectifiers and the unit of the head `returns`.

    Layer l reads slot `source` and writes slot l + 1; slot 0 is the observation. Those of the body come first, then
    the policy's, then the two of the returns.

    flat    [weights] all of them in one array, which the network's own parameters are views of from now on
    table   [layers, 5] start in `flat` (a matrix [outputs, inputs], then the bias), inputs, outputs, source, rectified
    """

    def __init__(self, network: Network, layers: list[nn.Linear], sources: list[int]) -> None:
        self.network = network
        self.weights = [weight for layer in layers for weight in (layer.weight, layer.bias)]
        flat = torch.cat([weight.detach().flatten() for weight in self.weights])
        for weight, own in zip(self.weights, flat.split([weight.numel() for weight in self.weights]), strict=True):
            weight.data = own.view_as(weight)
        self.flat: Reals = flat.numpy()
        sizes = [layer.weight.numel() + layer.bias.numel() for layer in layers]
        last = len(layers) - 1
        self.table = np.array(
            [
                (start, layer.in_features, layer.out_features, source, number not in (last - 2, last))
                for number, (start, layer, source) in enumerate(
                    zip(np.cumsum([0, *sizes[:-1]]), layers, sources, strict=True)
                )
            ],
            np.int64,
        )
        head = network.heads["returns"]
        assert isinstance(head, Returns)
        self.head = head

    @classmethod
    def of(cls, network: Network) -> Perceptron | None:
        """The network as a perceptron; None if it is another or a large one, not in float32 on the CPU, or uncompiled.

        A network whose layers these are keeps working, and moves with it.
        """
        plain = type(network) is Network or (type(network) is Placed and not network.halved)
        if numba.config.DISABLE_JIT or not plain or network.size() > LARGEST:  # pyright: ignore
            return None
        body, heads = network.get_submodule("backbone"), network.heads
        if type(body) is not MLP or body.tanh or set(heads) != {"policy", "returns"}:
            return None
        policy, returns = heads["policy"], heads["returns"]
        if not isinstance(policy, Policy) or not isinstance(returns, Returns):
            return None
        layers: list[Any] = [*body.layers, policy.score, returns.hidden, returns.score]
        known = {id(part) for layer in layers for part in (layer.weight, layer.bias)}
        known |= {id(returns.mean), id(returns.spread)}
        held = [*network.parameters(), *network.buffers()]
        here = all(part.dtype == torch.float32 and part.device.type == "cpu" for part in held)
        if not here or {id(part) for part in held} != known:  # it has layers of another sort
            return None
        deep = len(body.layers)
        return cls(network, layers, [*range(deep), deep, deep, deep + 2])

    def say(self, obs: Reals) -> tuple[Reals, Reals]:
        """([B, A] logits, [B] expected returns) of observations [B, *shape]."""
        logits = np.empty((len(obs), self.table[-3, 2]), np.float32)
        value = np.empty(len(obs), np.float32)
        seen = np.ascontiguousarray(obs, np.float32).reshape(len(obs), -1)
        _say(self.flat, self.table, seen, *self.unit(), logits, value)
        return logits, value

    def unit(self) -> tuple[float, float]:
        """Mean and spread of the returns."""
        return self.head.mean.item(), self.head.spread.item()


@summing_part
def room(table: NDArray[np.int64]) -> Reals:
    """[slots, widest, COLUMNS] to work in."""
    widest = 0
    for layer in range(len(table)):
        widest = max(widest, table[layer, 1], table[layer, 2])
    return np.empty((len(table) + 1, widest, COLUMNS), np.float32)


@summing_part
def forward(flat: Reals, table: NDArray[np.int64], acts: Reals, n: int) -> None:
    """Fills the slots of `acts` after the first, for n columns."""
    for layer in range(len(table)):
        start, inputs, outputs, source, rectified = table[layer]
        bias = start + inputs * outputs
        for j in range(outputs):
            acts[layer + 1, j, :n] = flat[bias + j]
        gather(flat[start:bias].reshape(outputs, inputs), acts[source], acts[layer + 1], n)
        if rectified:
            for j in range(outputs):
                y = acts[layer + 1, j]
                for i in range(n):
                    y[i] = max(y[i], np.float32(0.0))


@summing_part
def backward(flat: Reals, table: NDArray[np.int64], acts: Reals, slopes: Reals, gradient: Reals, n: int) -> None:
    """Adds to `gradient` [weights], by slopes of the policy's and the returns' slots; fills those of the others."""
    for layer in range(len(table)):
        source = table[layer, 3]
        if source:
            slopes[source, :, :n] = np.float32(0.0)
    for layer in range(len(table) - 1, -1, -1):
        start, inputs, outputs, source, rectified = table[layer]
        bias = start + inputs * outputs
        slope = slopes[layer + 1]
        if rectified:
            for j in range(outputs):
                y, d = acts[layer + 1, j], slope[j]
                for i in range(n):
                    d[i] = d[i] if y[i] > np.float32(0.0) else np.float32(0.0)
        weigh(slope, acts[source], gradient[start:bias].reshape(outputs, inputs), gradient[bias : bias + outputs], n)
        if source:
            gather(flat[start:bias].reshape(outputs, inputs).T, slope, slopes[source], n)


@summing_part
def gather(weight: Reals, x: Reals, y: Reals, n: int) -> None:
    """y += weight x, [outputs, columns]; four inputs at once, so that y is seldom written."""
    outputs, inputs = weight.shape
    for j in range(outputs):
        out = y[j]
        for k in range(0, inputs - 3, 4):
            a, b, c, d = weight[j, k], weight[j, k + 1], weight[j, k + 2], weight[j, k + 3]
            p, q, r, s = x[k], x[k + 1], x[k + 2], x[k + 3]
            for i in range(n):
                out[i] += a * p[i] + b * q[i] + c * r[i] + d * s[i]
        for k in range(inputs - inputs % 4, inputs):
            a, p = weight[j, k], x[k]
            for i in range(n):
                out[i] += a * p[i]


@summing_part
def weigh(slope: Reals, x: Reals, weight: Reals, bias: Reals, n: int) -> None:
    """weight += slope x^T and bias += the sums of slope: gradients of an affine layer, added up."""
    outputs, inputs = weight.shape
    for j in range(outputs):
        d, total = slope[j], np.float32(0.0)
        for i in range(n):
            total += d[i]
        bias[j] += total
        for k in range(0, inputs - 3, 4):
            p, q, r, s = x[k], x[k + 1], x[k + 2], x[k + 3]
            a, b, c, e = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
            for i in range(n):
                a += d[i] * p[i]
                b += d[i] * q[i]
                c += d[i] * r[i]
                e += d[i] * s[i]
            weight[j, k] += a
            weight[j, k + 1] += b
            weight[j, k + 2] += c
            weight[j, k + 3] += e
        for k in range(inputs - inputs % 4, inputs):
            p, a = x[k], np.float32(0.0)
            for i in range(n):
                a += d[i] * p[i]
            weight[j, k] += a


@summing
def _say(
    flat: Reals, table: NDArray[np.int64], obs: Reals, mean: float, spread: float, logits: Reals, value: Reals
) -> None:
    acts = room(table)
    last = len(table)
    for start in range(0, len(obs), COLUMNS):
        n = min(COLUMNS, len(obs) - start)
        for i in range(n):
            for k in range(obs.shape[1]):
                acts[0, k, i] = obs[start + i, k]
        forward(flat, table, acts, n)
        for i in range(n):
            value[start + i] = mean + spread * acts[last, 0, i]
            for a in range(logits.shape[1]):
                logits[start + i, a] = acts[last - 2, a, i]

"""PPO's steps for small perceptrons, compiled: those of `agents.learn.ppo`, without PyTorch's overhead.

Sixteen steps of 512 decisions of cart-pole take 46 ms there and 9 here, where a whole pass over a fragment is one call.
The gradients are worked out by hand; a test holds them to PyTorch's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from agents.learn import descent
from agents.learn import policy_gradient as shared
from agents.perceptron import COLUMNS, Perceptron, Reals, backward, forward, room, summing, summing_part
from agents.placed import Group, part_of

if TYPE_CHECKING:
    from agents.learn.ppo import PPO

NAMES = ("loss", "policy_gradient_loss", "value_loss", "entropy_loss", "approx_kl", "clip_fraction")
BETAS, EPSILON = (0.9, 0.999), 1e-5
"""Of Adam, as PPO has it."""
READ = ("legal", "action", "log_p", "advantage", "target")
SUMMED = 5
"""Numbers that are added up over a batch: surrogate, squared error, entropy, divergence and how many were clipped."""


Decisions: TypeAlias = tuple[
    Reals, NDArray[np.bool_], NDArray[np.int64], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]
]
"""Of a fragment: obs [n, numbers], legal [n, A], action, log_p, advantage and target [n]."""


class Swift:
    """The steps of one learner, perhaps of a group, on its network's and its optimiser's own numbers.

    Of a group each works out the gradient of its part of a batch, and hears once a batch what the others' come to.
    """

    def __init__(self, perceptron: Perceptron, group: Group | None = None) -> None:
        self.perceptron, self.group = perceptron, group

    @classmethod
    def of(cls, ppo: PPO) -> Swift | None:
        """The learner's steps compiled; None where its network or its settings ask for more than these do."""
        perceptron = Perceptron.of(ppo.network) if ppo.magnet is None and not ppo.settings.value_clip else None
        return cls(perceptron, getattr(ppo.network, "group", None)) if perceptron is not None else None

    def descend(self, ppo: PPO, fragment: shared.Fragment, clip: float, bonus: float) -> list[dict[str, float]]:
        """`epochs` passes over a fragment, or fewer if the policy has gone too far; what was measured at each step.

        Raises Diverged as PyTorch's steps do, before a step that would follow a loss that is no number.
        """
        s, own = ppo.settings, self.perceptron
        obs = fragment.flat("obs").flatten(1).numpy()
        decisions: Any = (obs, *(fragment.flat(name).numpy() for name in READ))
        count, first, second = self._moments(ppo.optimiser)
        numbers = np.array(
            [
                ppo.optimiser.param_groups[0]["lr"],
                clip,
                bonus,
                s.value_weight,
                s.gradient,
                s.most_kl,
                float(s.normalise),
                *own.unit(),
            ],
            np.float64,
        )
        go = _pass if self.group is None else self._together
        measured: list[NDArray[np.float64]] = []
        for _ in range(s.epochs):
            parts = [part.numpy() for part in descent.shuffled(len(fragment), s.batch, ppo.generator)]
            ends = np.cumsum([0, *(len(part) for part in parts)])
            told = np.zeros((len(parts), len(NAMES)))
            order = np.concatenate(parts)
            taken = go(own.flat, own.table, first, second, count, decisions, order, ends, numbers, told)
            measured.extend(told[:taken])
            count += taken
            if taken < len(parts) and not np.isfinite(told[taken, 0]):
                terms: dict[str, float] = dict(zip(NAMES[1:4], told[taken, 1:4].tolist(), strict=True))
                descent.finite(torch.tensor(told[taken, 0]), "PPO's loss", ppo.steps, terms)
            if s.most_kl and measured[-1][4] > s.most_kl:
                break
        self._put_back(ppo.optimiser, count, first, second)
        return [dict(zip(NAMES, one.tolist(), strict=True)) for one in measured]

    def _together(
        self,
        flat: Reals,
        table: NDArray[np.int64],
        first: Reals,
        second: Reals,
        count: int,
        decisions: Decisions,
        order: NDArray[np.int64],
        ends: NDArray[np.int64],
        numbers: NDArray[np.float64],
        told: NDArray[np.float64],
    ) -> int:
        """`_pass` by all learners of a group at once: gradients and sums are added up in one call a batch."""
        assert self.group is not None
        gradient, sums = np.empty_like(flat), np.empty(SUMMED)
        joined = torch.empty(len(flat) + SUMMED)
        whole, told_by_all = joined[:-SUMMED].numpy(), joined[-SUMMED:].numpy()
        for b in range(len(ends) - 1):
            at = order[ends[b] : ends[b + 1]]
            mine = part_of(len(at), self.group)
            _share(flat, table, decisions, at, mine.start, mine.stop, numbers, gradient, sums)
            whole[:], told_by_all[:] = gradient, sums
            self.group.add(joined)
            sums[:] = told_by_all
            if not _follow(flat, first, second, count + b + 1, whole, sums, numbers, told[b]):
                return b
            if numbers[5] and sums[3] > numbers[5]:
                return b + 1
        return len(ends) - 1

    def _moments(self, optimiser: torch.optim.Optimizer) -> tuple[int, Reals, Reals]:
        """Adam's steps so far, and its running means of gradients and of their squares, in the order of `flat`."""
        weights, state = self.perceptron.weights, optimiser.state
        if not state:
            return 0, np.zeros_like(self.perceptron.flat), np.zeros_like(self.perceptron.flat)
        first, second = (
            torch.cat([state[weight][name].flatten() for weight in weights]).numpy()
            for name in ("exp_avg", "exp_avg_sq")
        )
        return int(state[weights[0]]["step"]), first, second

    def _put_back(self, optimiser: torch.optim.Optimizer, count: int, first: Reals, second: Reals) -> None:
        start = 0
        for weight in self.perceptron.weights:
            at = slice(start, start + weight.numel())
            optimiser.state[weight] = {
                "step": torch.tensor(float(count)),
                "exp_avg": torch.from_numpy(first[at]).view_as(weight).clone(),
                "exp_avg_sq": torch.from_numpy(second[at]).view_as(weight).clone(),
            }
            start += weight.numel()


@summing
def _pass(
    flat: Reals,
    table: NDArray[np.int64],
    first: Reals,
    second: Reals,
    count: int,
    decisions: Decisions,
    order: NDArray[np.int64],
    ends: NDArray[np.int64],
    numbers: NDArray[np.float64],
    told: NDArray[np.float64],
) -> int:
    """A step for each batch `order[ends[b] : ends[b + 1]]`; returns how many were taken, and tells of each."""
    acts, slopes = room(table), room(table)
    gradient, sums = np.empty_like(flat), np.empty(SUMMED)
    for b in range(len(ends) - 1):
        at = order[ends[b] : ends[b + 1]]
        slope(flat, table, acts, slopes, decisions, at, 0, len(at), numbers, gradient, sums)
        if not step(flat, first, second, count + b + 1, gradient, sums, numbers, told[b]):
            return b
        if numbers[5] and sums[3] > numbers[5]:
            return b + 1
    return len(ends) - 1


@summing
def _share(
    flat: Reals,
    table: NDArray[np.int64],
    decisions: Decisions,
    at: NDArray[np.int64],
    low: int,
    high: int,
    numbers: NDArray[np.float64],
    gradient: Reals,
    sums: NDArray[np.float64],
) -> None:
    """`slope` of one batch."""
    slope(flat, table, room(table), room(table), decisions, at, low, high, numbers, gradient, sums)


@summing
def _follow(
    flat: Reals,
    first: Reals,
    second: Reals,
    count: int,
    gradient: Reals,
    sums: NDArray[np.float64],
    numbers: NDArray[np.float64],
    told: NDArray[np.float64],
) -> bool:
    """`step` of one batch."""
    return step(flat, first, second, count, gradient, sums, numbers, told)


@summing_part
def slope(
    flat: Reals,
    table: NDArray[np.int64],
    acts: Reals,
    slopes: Reals,
    decisions: Decisions,
    at: NDArray[np.int64],
    low: int,
    high: int,
    numbers: NDArray[np.float64],
    gradient: Reals,
    sums: NDArray[np.float64],
) -> None:
    """What decisions at[low:high] add to the batch's gradient and to what is told of it, both written anew."""
    obs, legal, action, log_p, advantage, target = decisions
    _, clip, bonus, value_weight, _, _, normalise, mean, spread = numbers
    size = len(at)
    centre, scale = standing(advantage, at) if normalise and size > 1 else (0.0, 1.0)
    gradient[:], sums[:] = np.float32(0.0), 0.0
    for start in range(low, high, COLUMNS):
        part = at[start : min(start + COLUMNS, high)]
        n = len(part)
        for i in range(n):
            for k in range(obs.shape[1]):
                acts[0, k, i] = obs[part[i], k]
        forward(flat, table, acts, n)
        for i in range(n):
            j = part[i]
            worth = scale * (advantage[j] - centre)
            _policy(acts[-3], slopes[-3], i, legal[j], action[j], log_p[j], worth, clip, bonus, size, sums)
            error = mean + spread * acts[-1, 0, i] - target[j]
            sums[1] += error * error
            slopes[-1, 0, i] = value_weight * 2.0 * error / (spread * size)
        backward(flat, table, acts, slopes, gradient, n)
    sums /= size


@summing_part
def step(
    flat: Reals,
    first: Reals,
    second: Reals,
    count: int,
    gradient: Reals,
    sums: NDArray[np.float64],
    numbers: NDArray[np.float64],
    told: NDArray[np.float64],
) -> bool:
    """Tells of a batch, and takes step `count` along its gradient unless the loss is no number."""
    rate, _, bonus, value_weight, limit, _, _, _, spread = numbers
    value = sums[1] / spread**2
    told[0] = sums[0] + value_weight * value - bonus * sums[2]
    told[1], told[2], told[3], told[4], told[5] = sums[0], value, -sums[2], sums[3], sums[4]
    if not abs(told[0]) < np.inf:  # sums in any order may take x - x for 0, by which isfinite goes
        return False
    _adam(flat, first, second, gradient, count, rate, limit)
    return True


@summing_part
def standing(values: Reals, at: NDArray[np.int64]) -> tuple[float, float]:
    """(mean, 1 / (spread + 1e-8)) of some values."""
    total, square = 0.0, 0.0
    for j in at:
        total += float(values[j])
    mean = total / len(at)
    for j in at:
        square += (float(values[j]) - mean) ** 2
    return mean, 1.0 / (math.sqrt(square / (len(at) - 1)) + 1e-8)


@summing_part
def _policy(
    logits: Reals,
    slopes: Reals,
    i: int,
    legal: NDArray[np.bool_],
    action: int,
    log_p: float,
    worth: float,
    clip: float,
    bonus: float,
    size: int,
    sums: NDArray[np.float64],
) -> None:
    """What one decision adds to the surrogate, the entropy and what is told; its slopes [A, i] of the logits."""
    most = logits[action, i]
    for a in range(len(legal)):
        if legal[a]:
            most = max(most, logits[a, i])
    total = 0.0
    for a in range(len(legal)):
        if legal[a]:
            total += np.exp(logits[a, i] - most)
    log_total = np.log(total) + most
    entropy = 0.0
    for a in range(len(legal)):
        if legal[a]:
            log_a = logits[a, i] - log_total
            entropy -= np.exp(log_a) * log_a
    log_ratio = logits[action, i] - log_total - log_p
    ratio = np.exp(log_ratio)
    free, held = ratio * worth, min(max(ratio, 1.0 - clip), 1.0 + clip) * worth
    sums[0] -= min(free, held)
    sums[2] += entropy
    sums[3] += ratio - 1.0 - log_ratio
    sums[4] += abs(ratio - 1.0) > clip
    pull = 0.0 if held < free else -free  # what is held has no gradient
    for a in range(len(legal)):
        slopes[a, i] = 0.0
        if legal[a]:
            log_a = logits[a, i] - log_total
            share = np.exp(log_a)
            slopes[a, i] = (pull * ((a == action) - share) + bonus * share * (log_a + entropy)) / size


@summing_part
def _adam(flat: Reals, first: Reals, second: Reals, gradient: Reals, count: int, rate: float, limit: float) -> None:
    """A step of Adam's along a gradient that is cut to `limit`."""
    square = 0.0
    for i in range(len(flat)):
        square += gradient[i] * gradient[i]
    cut = np.float32(min(1.0, limit / (np.sqrt(square) + 1e-6)))
    stride = np.float32(rate / (1.0 - BETAS[0] ** count))
    root = np.float32(1.0 / np.sqrt(1.0 - BETAS[1] ** count))
    one, two, tiny = np.float32(1.0 - BETAS[0]), np.float32(1.0 - BETAS[1]), np.float32(EPSILON)
    for i in range(len(flat)):
        g = cut * gradient[i]
        first[i] += one * (g - first[i])
        second[i] += two * (g * g - second[i])
        flat[i] -= stride * first[i] / (root * np.sqrt(second[i]) + tiny)

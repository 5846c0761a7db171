"""Gradient descent, as every learner does it: schedules, shuffled batches, steps that stay finite, exact resumes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from agents.networks import Network, Weights
from agents.placed import Placed

NO_TERMS: Mapping[str, float] = {}
MEND = "a smaller learning rate may mend that (--set learner.learning_rate=...)."


class Diverged(ValueError):
    """Learning has left the numbers that there are; the text says what, when, and what to do."""


def line(start: float, end: float, progress: float) -> float:
    """A straight line from `start` to `end` over the run."""
    return start + (end - start) * min(1.0, max(0.0, progress))


def warmed(rate: float, updates: int, warm_up: int) -> float:
    """A learning rate that rises in a straight line over the first `warm_up` steps."""
    return rate * min(1.0, (updates + 1) / (warm_up + 1))


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Has the steps from now on taken at this learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate


def due(owed: float, fresh: int, reuse: float, batch: int) -> tuple[int, float]:
    """(steps to take now, what is owed after them), where of `fresh` new entries each is to be seen `reuse` times."""
    owed += fresh * reuse / batch
    return int(owed), owed % 1.0


def shuffled(count: int, size: int, generator: np.random.Generator) -> Iterator[Tensor]:
    """The numbers below `count`, each once, in shuffled batches of about `size`, all nearly as large."""
    for part in np.array_split(generator.permutation(count), max(1, round(count / size))):
        yield torch.from_numpy(part)


def means(measured: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """What was measured at each of some steps, in the mean, as train/NAME; nothing if there was no step."""
    names = measured[0] if measured else ()
    return {f"train/{name}": sum(one[name] for one in measured) / len(measured) for name in names}


def finite(loss: Tensor, what: str, step: int, terms: Mapping[str, Tensor | float] = NO_TERMS) -> None:
    """Raises Diverged unless a loss is a number; `terms` are what it was put together from, by name."""
    number = loss.item()
    if not math.isfinite(number):
        values = {name: term.item() if isinstance(term, Tensor) else term for name, term in terms.items()}
        lost = ", ".join(f"{name} is {value}" for name, value in values.items() if not math.isfinite(value))
        raise Diverged(f"{what} is {number} at step {step}{lost and f', as {lost}'}; {MEND}")


def require_numbers(weights: Weights, step: int) -> None:
    """Raises Diverged unless all weights are numbers: a gradient can be too large where the loss was not."""
    if not all(np.isfinite(array).all() for array in weights.values() if array.dtype.kind == "f"):
        raise Diverged(f"Weights are no numbers any more after step {step}; {MEND}")


def descend(
    network: Network | None,
    optimiser: torch.optim.Optimizer,
    loss: Tensor,
    what: str,
    step: int,
    limit: float = 0.0,
    terms: Mapping[str, Tensor | float] = NO_TERMS,
) -> Tensor:
    """One step of gradient descent, together with the other learners if there are any; returns the gradient's norm.

    That is before a gradient longer than `limit` is cut to it; 0 cuts none, and finds no norm. Raises Diverged unless
    the loss is a number, and says which of its `terms` are to blame. For learners that share a batch the network is the
    one that was asked; None if none was.
    """
    drop_gradients(optimiser)
    finite(loss, what, step, terms)
    loss.backward()
    return step_along(network, optimiser, limit)


def step_along(network: Network | None, optimiser: torch.optim.Optimizer, limit: float = 0.0) -> Tensor:
    """The step of `descend` along gradients that are there already."""
    if isinstance(network, Placed):
        network.add_up(steered(optimiser))
    norm = nn.utils.clip_grad_norm_(steered(optimiser), limit) if limit else torch.zeros(())
    optimiser.step()
    return norm


def steered(optimiser: torch.optim.Optimizer) -> list[nn.Parameter]:
    """What an optimiser changes."""
    return [weight for group in optimiser.param_groups for weight in group["params"]]


def drop_gradients(optimiser: torch.optim.Optimizer) -> None:
    """Forgets the gradients that an optimiser steps along."""
    for weight in steered(optimiser):
        weight.grad = None


def state(
    network: Network, optimiser: torch.optim.Optimizer, generator: np.random.Generator, **own: Any
) -> dict[str, Any]:
    """What an exact resume needs of a learner that has these, beside what is its own."""
    return {
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict()["state"],
        "generator": generator.bit_generator.state,
        **own,
    }


def restore(
    network: Network, optimiser: torch.optim.Optimizer, generator: np.random.Generator, state: Mapping[str, Any]
) -> None:
    """Takes over what `state` gave, under the settings of now."""
    network.load_state_dict(state["network"])
    restore_optimiser(optimiser, state["optimiser"])
    generator.bit_generator.state = state["generator"]


def restore_optimiser(optimiser: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Takes over what `optimiser.state_dict()["state"]` was, under the settings of now."""
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})

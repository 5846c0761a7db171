"""Gymnasium's spaces as the observations and actions of our games, or a sentence on why they are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

MOST_ACTIONS = 4096
MOST_NUMBERS = 4_000_000


class Unfit(ValueError):
    """A space that our games have nothing for; the text says which."""


class Seen(NamedTuple):
    """How observations are taken: their shape, and the function that makes float32 of that shape."""

    shape: tuple[int, ...]
    take: Callable[[Any], NDArray[np.float32]]


class Done(NamedTuple):
    """How actions are given: their number and names, or the bounds of their numbers; and ours as theirs."""

    number: int
    names: tuple[str, ...]
    controls: tuple[tuple[float, float], ...]
    give: Callable[[Any], Any]


def observations(space: spaces.Space[Any], whose: str) -> Seen:
    """Pictures become planes between 0 and 1, everything else one row of numbers; Discrete is one of n."""
    if isinstance(space, spaces.Box) and len(space.shape) == 3 and _is_planes(space):
        height, width, depth = space.shape
        most = 255.0 if space.dtype == np.uint8 else 1.0

        def planes(obs: Any) -> NDArray[np.float32]:
            return np.asarray(obs, np.float32).transpose(2, 0, 1) / most

        return Seen((depth, height, width), planes)
    if not space.is_np_flattenable:
        raise Unfit(f"{whose} has observations of the kind {type(space).__name__}, which are no fixed row of numbers.")
    size = spaces.flatdim(space)
    if size > MOST_NUMBERS:
        raise Unfit(f"{whose} has observations of {size} numbers, more than the {MOST_NUMBERS} that are taken.")

    def flat(obs: Any) -> NDArray[np.float32]:
        return np.asarray(spaces.flatten(space, obs), np.float32).reshape(-1)

    return Seen((size,), flat)


def _is_planes(space: spaces.Box) -> bool:
    """Whether the last axis is that of planes: bytes of colours, or numbers between 0 and 1."""
    if space.dtype == np.uint8:
        return space.shape[2] <= 12
    return bool((space.low >= 0).all() and (space.high <= 1).all())


def actions(space: spaces.Space[Any], whose: str, named: tuple[str, ...] = ()) -> Done:
    """Discrete spaces, alone or several at once, become one number; a Box becomes a vector within its bounds."""
    if isinstance(space, spaces.Discrete):
        names = named if len(named) == space.n else tuple(f"a{i}" for i in range(space.n))
        return _numbered(whose, int(space.n), names, lambda action: int(action) + int(space.start))
    if isinstance(space, spaces.MultiDiscrete | spaces.MultiBinary):
        binary = isinstance(space, spaces.MultiBinary)
        sizes = [2] * int(np.prod(space.shape)) if binary else [int(n) for n in space.nvec.reshape(-1)]
        first = np.zeros(len(sizes), np.int64) if binary else np.asarray(space.start).reshape(-1)
        count = int(np.prod([float(n) for n in sizes]))
        if count > MOST_ACTIONS:
            raise Unfit(f"{whose} has {count} combinations of actions, more than the {MOST_ACTIONS} that are listed.")
        names = tuple("-".join(map(str, np.unravel_index(i, sizes))) for i in range(count))

        def several(action: Any) -> Any:
            parts = np.array(np.unravel_index(int(action), sizes)) + first
            return parts.astype(space.dtype).reshape(space.shape)

        return _numbered(whose, count, names, several)
    if isinstance(space, spaces.Box):
        low, high = space.low.reshape(-1).astype(np.float64), space.high.reshape(-1).astype(np.float64)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise Unfit(f"{whose} has actions without bounds; only vectors within finite bounds can be played.")
        bounds = tuple((float(a), float(b)) for a, b in zip(low, high, strict=True))
        return Done(
            0,
            tuple(f"c{i}" for i in range(len(bounds))),
            bounds,
            lambda action: np.asarray(action, space.dtype).reshape(space.shape),
        )
    raise Unfit(
        f"{whose} has {type(space).__name__} actions; those known are Discrete, MultiDiscrete, MultiBinary and Box."
    )


def _numbered(whose: str, count: int, names: tuple[str, ...], give: Callable[[Any], Any]) -> Done:
    if count > MOST_ACTIONS:
        raise Unfit(f"{whose} has {count} actions, more than the {MOST_ACTIONS} that can be listed.")
    return Done(count, names, (), give)

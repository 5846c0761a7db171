"""What lies between an observation and the heads: modules that know neither the game nor its actions."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Literal, Protocol, TypeAlias

from torch import Tensor

Kind = Literal["image", "vector", "tokens"]
"""How features lie in memory: image [B, C, H, W], vector [B, D], tokens [B, L, D]."""


Carried: TypeAlias = dict[str, Tensor]
"""What a recurrent body carries from one position of a game to the next: name -> [B, ...]; zeros at the first."""


class Backbone(Protocol):
    """An `nn.Module` made as `Backbone(shape, **options)`, where `shape` is one input without the batch axis.

    The stem brings any observation into the layout `kind`, so a backbone meets one layout only.

    kind      the layout it takes, and gives unless it says otherwise (`layout`)
    features  channels (image), width (vector) or width of a token (tokens) of what it gives
    out       shape of what it gives, without the batch axis: (features, H, W), (features,) or (L, features)
    memory    shapes of what it carries from one position to the next, without the batch axis; {} if it carries nothing

    One that carries something is `Recurrent`; called like any other, it sees each input as the first of its game.
    """

    kind: Kind
    features: int
    out: tuple[int, ...]
    memory: Mapping[str, tuple[int, ...]]

    def __call__(self, x: Tensor) -> Tensor: ...


class Recurrent(Backbone, Protocol):
    """A backbone that remembers."""

    def unroll(self, x: Tensor, carried: Carried, fresh: Tensor) -> tuple[Tensor, Carried]:
        """Goes along B sequences of T inputs [B, T, ...]: what it gives [B, T, ...], and what it carries after them.

        Where fresh [B, T] is True a game begins: nothing from before is remembered there.
        """
        ...


def layout(backbone: Backbone) -> Kind:
    """The layout of what a backbone gives: that of what it takes, unless it `gives` another."""
    return getattr(backbone, "gives", backbone.kind)


def fitted(shape: tuple[int, ...], kind: Kind) -> tuple[int, ...]:
    """The shape that observations of `shape` have once they lie as `kind`."""
    if kind == "vector":
        return (prod(shape),)
    planes = shape if len(shape) == 3 else (1, *shape) if len(shape) == 2 else (prod(shape), 1, 1)
    return planes if kind == "image" else (planes[1] * planes[2], planes[0])


def fit(x: Tensor, shape: tuple[int, ...], kind: Kind) -> Tensor:
    """Observations [B, *shape] laid out as `kind`; every number is kept, none is learnt."""
    if kind == "vector":
        return x.flatten(1)
    if kind == "image":
        return x.unflatten(1, fitted(shape, kind)) if len(shape) == 1 else x.unsqueeze(1) if len(shape) == 2 else x
    return fit(x, shape, "image").flatten(2).transpose(1, 2)


def positive(**options: int) -> None:
    """Refuses sizes that are no sizes, by name; the upper bound keeps a damaged file from asking for the moon."""
    for name, value in options.items():
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 4096:
            raise ValueError(f"A network's {name} is a whole number from 1 to 4096, not {value}.")

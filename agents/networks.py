"""A network is a stem that fits the observation, a backbone, and heads; any backbone goes with any head."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agents.agent import Unable
from agents.backbones import Backbone, Carried, Recurrent, fitted, layout
from agents.backbones.layers import fold
from agents.heads import HEADS, Q, Token
from agents.registry import BACKBONES
from agents.stem import Stem
from envs.game import Game
from envs.registry import check_options, parse, resolve

Weights: TypeAlias = dict[str, NDArray[Any]]
"""What a network knows, by the name of each array; what actors need and what is stored."""

RESNET = "resnet:blocks=3,width=32"


class Misfit(ValueError):
    """Weights were given to a network that they do not fit; the text names the first arrays that do not."""


class Network(nn.Module):
    """Observations of one game in, one tensor a head out.

    backbone  spec, as in "resnet:blocks=5,width=64"; with standardise=true, observations come by their running mean and
              spread (`agents.stem`)
    heads     specs, as in ("policy:planes=32", "value", "left")
    seed      starts the weights; torch's own generator is left as it was

    A head that learns something else than the others has a body of its own, made alike, in `apart`.
    """

    def __init__(
        self, game: Game, backbone: str = RESNET, heads: Sequence[str] = ("policy", "value"), seed: int = 0
    ) -> None:
        super().__init__()
        self.game = game
        self.spec = backbone
        self.head_specs = tuple(heads)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            make, options, standardise = _body(backbone)
            self.stem = Stem(game.shape, make.kind, standardise)
            self.backbone: Backbone = make(fitted(game.shape, make.kind), **options)
            self.heads, self.apart = nn.ModuleDict(), nn.ModuleDict()
            for spec in self.head_specs:
                head, given = _part(HEADS, spec, "head")
                self.heads[parse(spec)[0]] = head(layout(self.backbone), self.backbone.out, game, **given)
            for name, made in self.heads.items():
                if isinstance(made, Token):
                    made.tie(self.get_submodule("backbone"))
                if isinstance(made, Q) and made.eta:
                    self.apart[name] = make(fitted(game.shape, make.kind), **options)
        if self.apart and self.memory:
            raise Unable(f"{backbone} remembers, which a head with a body of its own does not; take another backbone.")

    def forward(self, obs: Tensor, only: Sequence[str] = ()) -> dict[str, Tensor]:
        """obs [B, *shape] float32, from the mover's side; keys are the names of the heads, or of those asked alone."""
        return self._said(self.stem(obs), only or tuple(self.heads))

    def _said(self, x: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
        """What heads make of inputs that lie as the body takes them."""
        features = self.backbone(x) if any(name not in self.apart for name in names) else x
        return {name: self.heads[name](self.apart[name](x) if name in self.apart else features) for name in names}

    @property
    def memory(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of what it carries from one position of a game to the next, without the batch axis."""
        return self.backbone.memory

    def begin(self, lanes: int) -> Carried:
        """What is carried into the first positions of games."""
        return {name: torch.zeros(lanes, *shape) for name, shape in self.memory.items()}

    def unroll(self, obs: Tensor, carried: Carried, fresh: Tensor) -> tuple[dict[str, Tensor], Carried]:
        """Goes along B sequences obs [B, T, *shape]; gives [B, T, ...] a head, and what is carried after them.

        Where fresh [B, T] is True a game begins.
        """
        lanes, steps = obs.shape[:2]
        flat = self.stem(obs.flatten(0, 1))
        if self.memory:
            body = cast(Recurrent, self.backbone)
            features, carried = body.unroll(flat.unflatten(0, (lanes, steps)), carried, fresh)
            features = features.flatten(0, 1)
            said = {name: head(features) for name, head in self.heads.items()}
        else:
            said = self._said(flat, tuple(self.heads))
        return {name: tensor.unflatten(0, (lanes, steps)) for name, tensor in said.items()}, carried

    def twin(self) -> Network:
        """Another network of the same make, mode and place, with a copy of the weights; the game is the same object."""
        other = Network(self.game, self.spec, self.head_specs)
        other.load_state_dict(self.state_dict())
        return other.train(self.training).to(next(self.parameters()).device)

    def __deepcopy__(self, memo: Any) -> Network:
        return self.twin()

    def size(self) -> int:
        """How many numbers training changes."""
        return sum(parameter.numel() for parameter in self.parameters())

    def describe(self) -> str:
        """One line for people."""
        heads = ", ".join(self.heads)
        return f"{self.spec} with heads {heads} for {self.game.name}: {self.size():,} parameters"


class Playing(nn.Module):
    """The part of a network that plays, batch normalisation folded: obs -> ([B, A] logits, [B] log-odds)."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        for name in ("policy", "value"):
            if name not in network.heads:
                raise ValueError(f"A network needs a head '{name}' to play; this one has {', '.join(network.heads)}.")
        self.shape = network.game.shape
        self.stem = fold(network.stem)
        self.backbone = fold(network.get_submodule("backbone"))
        self.policy = fold(network.heads["policy"])
        self.value = fold(network.heads["value"])

    def forward(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        features = self.backbone(self.stem(obs))
        return self.policy(features), self.value(features)


def remembers(backbone: str) -> bool:
    """Whether a backbone carries anything from one position of a game to the next."""
    make, options, _ = _body(backbone)
    return bool(make(fitted((2,), make.kind), **options).memory)


def standardises(backbone: str) -> bool:
    """Whether a body's spec asks for observations by their running mean and spread."""
    return _body(backbone)[2]


def _body(backbone: str) -> tuple[Any, dict[str, Any], bool]:
    """The class that a body's spec names, its own options, and whether observations are standardised for it."""
    make, options = _part(BACKBONES, backbone, "backbone", ("standardise",))
    standardise = options.pop("standardise", False)
    if not isinstance(standardise, bool):
        raise ValueError(f"A backbone's standardise is true or false, not {standardise}.")
    return make, options, standardise


def _part(table: Mapping[str, str], spec: str, kind: str, more: Sequence[str] = ()) -> tuple[Any, dict[str, Any]]:
    """The class that a spec names, and its options, checked by name; `more` are options that any of the kind takes."""
    name, options = parse(spec)
    part = resolve(table, name, kind)
    known = inspect.signature(part).parameters.keys() - {"shape", "kind", "game"} | {*more}
    check_options(options, known, f"The {kind} '{name}'")
    return part, options


def weights(network: nn.Module) -> Weights:
    """A copy of all that a network knows, running averages included."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}


@torch.no_grad()
def follow(mean: nn.Module, network: nn.Module, share: float) -> None:
    """Moves every weight of a mean by a share of the way to the network's: w' <- w' + share (w - w')."""
    for average, now in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if average.is_floating_point():
            average.lerp_(now, share)
        else:
            average.copy_(now)


def load_weights(network: nn.Module, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Gives a network weights in place; raises `Misfit`, and changes nothing, unless each array has its place."""
    if wrong := misfits(network, arrays):
        raise Misfit(wrong)
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})


def misfits(network: nn.Module, arrays: Mapping[str, NDArray[Any]]) -> str:
    """In what way arrays are not a network's weights, the first three faults by name; empty if they are."""
    wanted = network.state_dict()
    wrong = [f"'{name}' is missing" for name in wanted if name not in arrays]
    for name, array in arrays.items():
        if name not in wanted:
            wrong.append(f"'{name[:80]}' is unknown")
        elif tuple(wanted[name].shape) != array.shape:
            wrong.append(f"'{name}' is {list(array.shape)} where {list(wanted[name].shape)} belongs")
        elif array.dtype.kind != ("f" if wanted[name].is_floating_point() else "i"):
            wrong.append(f"'{name}' holds numbers of type {array.dtype}")
        elif not np.isfinite(array).all():
            wrong.append(f"'{name}' holds numbers that are not finite")
    if not wrong:
        return ""
    more = f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return f"these weights do not fit the network: {', '.join(wrong[:3])}{more}."

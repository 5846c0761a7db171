"""What learners of rollouts share: bodies and heads that suit a game, and fragments as batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from agents.experience import Columns
from agents.heads import Gaussian, Returns
from agents.learn.descent import shuffled
from agents.networks import Network
from envs.game import Game


def body(game: Game) -> str:
    """The backbone for a game's observations: a perceptron, or convolutions where they are planes of some size."""
    large = len(game.shape) == 3 and game.shape[1] * game.shape[2] >= 25
    return "conv" if large else "mlp:layers=2,width=64"


def normed(game: Game) -> str:
    """The same with layer normalisation, which keeps values learned from one another from running away."""
    spec = body(game)
    return f"{spec},norm=true" if ":" in spec else f"{spec}:norm=true"


def heads(game: Game) -> tuple[str, ...]:
    """A policy that fits the game's actions, and the return it expects."""
    return ("gaussian" if game.controls else "policy", "returns")


def rescale(network: Network, target: Tensor, rounds: int) -> float:
    """Brings the unit of the head `returns` up to date with new returns [n]; returns what it is now."""
    _returns(network).rescale(target, running_share(rounds))
    return unit(network)


def running_share(rounds: int) -> float:
    """What the newest of so many rounds weighs in a running mean: the first evenly, later ones a twentieth each."""
    return max(1.0 / rounds, 0.05)


def unit(network: Network) -> float:
    """The unit of the head `returns`: the running spread of all returns that it was shown, 1 before the first."""
    return _returns(network).spread.item()


def _returns(network: Network) -> Returns:
    head = network.heads["returns"]
    assert isinstance(head, Returns)
    return head


def straying(network: Network) -> dict[str, float]:
    """train/std, the mean spread of the numbers of an action, for the head `gaussian`; nothing for any other."""
    for head in network.heads.values():
        if isinstance(head, Gaussian):
            return {"train/std": head.log_spread.exp().mean().item()}
    return {}


@dataclass
class Batch:
    """Some decisions of a fragment; batch[name] is [n, ...], gathered only where it is asked for.

    at   [n] which of the fragment's decisions
    out  what the network says of them now, by head
    """

    fragment: Fragment
    at: Tensor
    out: dict[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        return self.fragment.flat(name)[self.at]

    def get(self, name: str) -> Tensor | None:
        """The same of a column that not every fragment has."""
        return self[name] if name in self.fragment.tracks else None


class Fragment:
    """The decisions of one fragment, to be gone through in shuffled batches.

    A network that remembers goes along whole tracks, from what it remembered when they began; any other is shown
    decisions in any order.
    """

    def __init__(self, columns: Columns, more: Columns) -> None:
        self.valid = np.ascontiguousarray(columns["valid"])
        self.tracks = {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in {**columns, **more}.items()}
        self.chosen = torch.from_numpy(np.flatnonzero(self.valid))
        self._flat: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return len(self.chosen)

    def flat(self, name: str) -> Tensor:
        """[n, ...] one column of all decisions, without what was only looked at."""
        if name not in self._flat:
            self._flat[name] = self.tracks[name].flatten(0, 1)[self.chosen]
        return self._flat[name]

    def add(self, name: str, values: Tensor) -> None:
        """One more column [n, ...] of the decisions."""
        tracks = torch.zeros(self.valid.size, *values.shape[1:], dtype=values.dtype)
        tracks[self.chosen] = values
        self.tracks[name], self._flat[name] = tracks.unflatten(0, self.valid.shape), values

    def whole(self, network: Network) -> dict[str, Tensor]:
        """[N, T, ...] what a network says of every entry, also of those that were only looked at."""
        carried = {name: self.tracks[f"memory.{name}"] for name in network.memory}
        return network.unroll(self.tracks["obs"], carried, self.tracks["fresh"])[0]

    def batches(self, network: Network, size: int, generator: np.random.Generator) -> Iterator[Batch]:
        """Every decision once, in shuffled batches of about `size`, all nearly as large."""
        if network.memory:
            yield from self._sequences(network, size, generator)
            return
        if "set" in self.tracks:
            yield from self._sets(network, size, generator)
            return
        for at in shuffled(len(self), size, generator):
            yield Batch(self, at, network(self.flat("obs")[at]))

    def _sets(self, network: Network, size: int, generator: np.random.Generator) -> Iterator[Batch]:
        """Of whole hands (`agents.hands`): all actions of an information set at once, which the network sees once."""
        _, first, which = np.unique(self.flat("set").numpy(), return_index=True, return_inverse=True)
        order = first.argsort()  # sets are numbered as they came up
        row, number = torch.from_numpy(first[order]), torch.from_numpy(order.argsort()[which])
        for part in shuffled(len(row), size, generator):
            place = torch.full((len(row),), -1)
            place[part] = torch.arange(len(part))
            at = torch.nonzero(place[number] >= 0).squeeze(1)
            out = network(self.flat("obs")[row[part]])
            yield Batch(self, at, {name: value[place[number[at]]] for name, value in out.items()})

    def _sequences(self, network: Network, size: int, generator: np.random.Generator) -> Iterator[Batch]:
        tracks = np.flatnonzero(self.valid.any(1))
        count = min(len(tracks), max(1, round(len(self) / size)))
        number = torch.from_numpy(self.valid.ravel().cumsum().reshape(self.valid.shape) - 1)
        for part in np.array_split(generator.permutation(tracks), count):
            along = torch.from_numpy(part)
            carried = {name: self.tracks[f"memory.{name}"][along] for name in network.memory}
            out, _ = network.unroll(self.tracks["obs"][along], carried, self.tracks["fresh"][along])
            keep = self.tracks["valid"][along]
            yield Batch(self, number[along][keep], {name: value[keep] for name, value in out.items()})

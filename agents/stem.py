"""The stem: how observations come to a backbone, as they are or by their running mean and spread."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agents.backbones import Kind, fit
from agents.experience import Columns

FARTHEST = 10.0
"""Spreads from the mean at which a standardised number is clipped, as Stable-Baselines3's VecNormalize does it."""


class Moments(NamedTuple):
    """What is known of samples: how many were seen, their mean, and the mean square of their distance from it."""

    seen: int
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]


def moments(x: NDArray) -> Moments:
    """Of samples [n, ...], each number by itself; n is at least 1."""
    x = x.astype(np.float64)
    return Moments(len(x), x.mean(0), x.var(0))


def merged(one: Moments, other: Moments) -> Moments:
    """Of the samples of both, exact up to rounding.

    Chan, Golub & LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances".
    """
    seen = one.seen + other.seen
    apart, share = other.mean - one.mean, other.seen / seen
    variance = (1 - share) * one.variance + share * other.variance + share * (1 - share) * apart**2
    return Moments(seen, one.mean + share * apart, variance)


class Stem(nn.Module):
    """Brings observations [B, *shape] into the layout `kind` of a backbone.

    standardise  each number is told as so many spreads from its mean, both of all that `see` was shown, at most
                 `FARTHEST`; until it was shown something they are 0 and 1. They belong to the network's weights.
    """

    count: Tensor
    mean: Tensor
    variance: Tensor

    def __init__(self, shape: tuple[int, ...], kind: Kind, standardise: bool = False) -> None:
        super().__init__()
        self.shape, self.standardise = shape, standardise
        self.kind: Kind = kind
        if standardise:
            self.register_buffer("count", torch.zeros((), dtype=torch.int64))
            self.register_buffer("mean", torch.zeros(shape, dtype=torch.float64))
            self.register_buffer("variance", torch.ones(shape, dtype=torch.float64))

    def forward(self, obs: Tensor) -> Tensor:
        if self.standardise:
            obs = (obs - self.mean) / (self.variance + 1e-8).sqrt()
            obs = obs.clamp(-FARTHEST, FARTHEST).float()
        return fit(obs, self.shape, self.kind)

    def see(self, obs: NDArray) -> None:
        """Counts observations [n, *shape] in, all of a sort; n is at least 1."""
        new = moments(obs)
        if seen := int(self.count):
            new = merged(Moments(seen, self.mean.cpu().numpy(), self.variance.cpu().numpy()), new)
        self.count.fill_(new.seen)
        self.mean.copy_(torch.from_numpy(new.mean))
        self.variance.copy_(torch.from_numpy(new.variance))


def see(experience: Columns, *networks: nn.Module | None) -> None:
    """Shows the observations of a fragment's decisions [N, T] to all of a learner's networks that go by their moments.

    To be called once a fragment has been learned from: what was said of it while it was played holds until then.
    """
    parts = [part for network in networks if network is not None for part in network.modules()]
    stems = [part for part in parts if isinstance(part, Stem) and part.standardise]
    if stems and (valid := experience["valid"]).any():
        obs = experience["obs"][valid]
        for stem in stems:
            stem.see(obs)

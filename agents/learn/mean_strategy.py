"""The mean strategy of a run of whole hands, and a network that learns to play it.

In two-seat zero-sum games what learners play goes round the equilibria, and the mean of it nears them: the mean of
strategies, in which a policy counts in an information set as often as its seat, left alone, gets there by it (Kuhn
1953). So does it in CFR (Zinkevich et al. 2007), and with networks in NFSP and deep CFR (Brown et al. 2019,
arXiv:1811.00164), which learn the mean from a memory of samples. Where whole hands are played the information sets are
few (`agents.hands`): each policy is added to the mean once, in all of them, and the network learns from the mean
itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.heads import Returns
from agents.learn import descent
from agents.learn.information import Information
from agents.learn.learner import State
from agents.networks import Network


class MeanStrategy:
    """What was played in the mean in each of the S information sets that have come up, and the network that learns it.

    sums  [S, A] the mean over the run's policies of each one's own reach of the set times what it plays there
    """

    def __init__(self, network: Network, sets: Information, rate: float) -> None:
        self.network, self.sets = network, sets
        self.optimiser = torch.optim.Adam(network.parameters(), lr=rate, eps=1e-5, fused=True)
        self.sums = np.zeros((0, network.game.actions))

    def follow(
        self, played: Network, share: float, rate: float, batch: int, generator: np.random.Generator
    ) -> dict[str, float]:
        """Moves the mean by a share of the way to what a network plays, and learns a step from it; the step's loss.

        batch  information sets that a step looks at
        """
        policy, value = self.sets.said(played)
        self.sums = self.sets.grown(self.sums)
        self.sums += share * (self.sets.reach(policy)[:, None] * policy - self.sums)
        descent.set_rate(self.optimiser, rate)
        reach = self.sums.sum(1)
        # What is lost by an error goes with the reach; but by that weight rare sets would be learned last.
        return {
            "train/average_loss": learn(
                self.network, self.optimiser, self.sets, self.sums / np.maximum(reach, 1e-300)[:, None],
                np.sqrt(reach), value, share, batch, generator,
            )
        }  # fmt: skip

    def state(self) -> State:
        """What the network and the information sets, which are their owner's, leave out."""
        return {"sums": self.sums, "optimiser": self.optimiser.state_dict()["state"]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from where `state` was taken."""
        self.sums = np.array(state["sums"])
        descent.restore_optimiser(self.optimiser, state["optimiser"])


def learn(
    network: Network,
    optimiser: torch.optim.Optimizer,
    sets: Information,
    policy: NDArray[np.float64],
    weight: NDArray[np.float64],
    value: Tensor,
    share: float,
    batch: int,
    generator: np.random.Generator,
) -> float:
    """One step of a network towards a policy [S, A], by cross-entropy, in some of the information sets; its loss.

    weight  [S] of the policy's error in each set
    value   [S] what its head `returns` is to say there, in a unit that goes by `share` to their own spread
    """
    head = network.heads["returns"]
    assert isinstance(head, Returns)
    head.rescale(value, share)
    at = next(descent.shuffled(len(sets), batch, generator))
    heavy = torch.from_numpy(weight)[at]
    target = (torch.from_numpy(policy)[at] * (heavy / heavy.mean())[:, None]).float()
    legal = torch.from_numpy(sets.legal)[at]
    out = network(torch.from_numpy(sets.obs)[at], ("policy", "returns"))
    log_p = out["policy"].masked_fill(~legal, -torch.inf).log_softmax(1).masked_fill(~legal, 0.0)
    error = ((out["returns"] - value[at]) / head.spread).square().mean()
    loss = 0.5 * error - (target * log_p).sum(1).mean()
    descent.descend(network, optimiser, loss, "The loss of a strategy's network", 0, 1.0)
    return loss.item()

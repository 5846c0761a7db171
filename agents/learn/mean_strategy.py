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

from agents.agent import Unable
from agents.experience import Columns
from agents.heads import Returns
from agents.learn import descent
from agents.learn.learner import State
from agents.networks import Network
from agents.policy import masked_softmax

MOST_BYTES = 2**30
"""What all the information sets of a run may take."""


class MeanStrategy:
    """What was played in the mean in each of the S information sets that have come up, and the network that learns it.

    keys   [S] of the sets         obs [S, *shape], legal [S, A]   what a seat sees there
    above  [S] the set of its seat's own decision before, or -1    by [S] what it did in that one
    sums   [S, A] the mean over the run's policies of each one's own reach of the set times what it plays there
    """

    def __init__(self, network: Network, rate: float) -> None:
        game = network.game
        self.network = network
        self.optimiser = torch.optim.Adam(network.parameters(), lr=rate, eps=1e-5, fused=True)
        self.keys, self.above, self.by = (np.zeros(0, np.int64) for _ in range(3))
        self.obs, self.legal = np.zeros((0, *game.shape), np.float32), np.zeros((0, game.actions), np.bool_)
        self.sums = np.zeros((0, game.actions))
        self._number()

    def follow(
        self, hands: Columns, played: Network, share: float, rate: float, batch: int, generator: np.random.Generator
    ) -> float:
        """Moves the mean by a share of the way to what a network plays, and learns a step from it; the step's loss.

        hands  columns of `agents.hands.Hands`, whose information sets are met if they are new
        batch  information sets that a step looks at
        """
        if "above" not in hands:
            raise Unable("Mean strategies are of whole hands; set rollouts.hands, or learner.strategies to false.")
        self._meet(hands)
        with torch.no_grad():
            said = played(torch.from_numpy(self.obs), ("policy", "returns"))
        policy = masked_softmax(said["policy"].numpy(), self.legal).astype(np.float64)
        self.sums += share * (self.reach(policy)[:, None] * policy - self.sums)
        head = self.network.heads["returns"]
        assert isinstance(head, Returns)
        head.rescale(said["returns"], share)
        descent.set_rate(self.optimiser, rate)
        at = next(descent.shuffled(len(self.keys), batch, generator))
        return self._learn(at, said["returns"][at] / head.spread, head.spread.item())

    def reach(self, policy: NDArray[np.float64]) -> NDArray[np.float64]:
        """[S] how likely a seat, left alone, gets to each set by a policy [S, A]."""
        reach = np.ones(len(self.keys))
        for level in self.levels[1:]:
            above = self.above[level]
            reach[level] = reach[above] * policy[above, self.by[level]]
        return reach

    def _learn(self, at: torch.Tensor, value: torch.Tensor, unit: float) -> float:
        """One step towards the mean in the sets `at` [n], and the values [n] of who played last, in their own unit.

        A set weighs as the root of how often its seat gets there: what is lost by an error goes with that, but with
        weights that did the rare ones would be learned last.
        """
        sums = torch.from_numpy(self.sums)[at]
        reach = sums.sum(1, keepdim=True)
        weight = reach.sqrt() / reach.sqrt().mean()
        target = (weight * sums / reach.clamp_min(1e-300)).float()
        legal = torch.from_numpy(self.legal)[at]
        out = self.network(torch.from_numpy(self.obs)[at], ("policy", "returns"))
        log_p = out["policy"].masked_fill(~legal, -torch.inf).log_softmax(1).masked_fill(~legal, 0.0)
        loss = -(target * log_p).sum(1).mean() + 0.5 * (out["returns"] / unit - value).square().mean()
        descent.descend(self.network, self.optimiser, loss, "The mean strategy's loss", 0, 1.0)
        return loss.item()

    def _meet(self, hands: Columns) -> None:
        """Takes in those information sets that are new."""
        keys, first = np.unique(hands["set"][:, 0], return_index=True)
        new = np.array([key not in self.numbers for key in keys.tolist()])
        if not new.any():
            return
        row, old = first[new], len(self.keys)
        self.keys = np.append(self.keys, keys[new])
        each = self.sums.itemsize * self.sums.shape[1] + self.legal.shape[1] + 4 * int(np.prod(self.obs.shape[1:])) + 24
        if len(self.keys) * each > MOST_BYTES:
            raise Unable(
                f"Seats knew {len(self.keys):,} different things in this run, and what was played there in the mean "
                f"takes over {MOST_BYTES / 2**30:g} GiB; set learner.strategies to false."
            )
        self.obs = np.concatenate([self.obs, hands["obs"][row, 0]])
        self.legal = np.concatenate([self.legal, hands["legal"][row, 0]])
        self.by = np.append(self.by, hands["by"][row, 0])
        self.sums = np.concatenate([self.sums, np.zeros((len(row), self.sums.shape[1]))])
        self.numbers |= {key: old + i for i, key in enumerate(keys[new].tolist())}
        above = zip(hands["above"][row, 0].tolist(), self.by[old:].tolist(), strict=True)
        self.above = np.append(self.above, [self.numbers[key] if by >= 0 else -1 for key, by in above])
        self._number()

    def _number(self) -> None:
        """Numbers the sets by their keys, and sorts them by how many decisions of their seat came before."""
        self.numbers = {key: i for i, key in enumerate(self.keys.tolist())}
        self.levels: list[NDArray[np.int64]] = []
        level = np.flatnonzero(self.above < 0)
        while len(level):
            self.levels.append(level)
            level = np.flatnonzero(np.isin(self.above, level))

    def state(self) -> State:
        """The table, and the steps' optimiser; the network is its owner's."""
        table = {name: getattr(self, name) for name in ("keys", "obs", "legal", "above", "by", "sums")}
        return {**table, "optimiser": self.optimiser.state_dict()["state"]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from where `state` was taken."""
        for name in ("keys", "obs", "legal", "above", "by", "sums"):
            setattr(self, name, np.array(state[name]))
        descent.restore_optimiser(self.optimiser, state["optimiser"])
        self._number()

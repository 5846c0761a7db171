"""Information sets that have come up in a run of whole hands, by number, and how a seat gets from one to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agents.agent import Unable
from agents.experience import Columns
from agents.learn.learner import State
from agents.networks import Network
from agents.policy import masked_softmax
from envs.game import Game

MOST_BYTES = 2**30
"""What all the information sets of a run may take."""
KEPT = ("keys", "obs", "legal", "above", "by")


class Information:
    """The S information sets that have come up, in the order in which they did.

    keys   [S] of the sets         obs [S, *shape], legal [S, A]   what a seat sees there
    above  [S] the set of its seat's own decision before, or -1    by [S] what it did in that one
    """

    def __init__(self, game: Game) -> None:
        self.game = game
        self.keys, self.above, self.by = (np.zeros(0, np.int64) for _ in range(3))
        self.obs, self.legal = np.zeros((0, *game.shape), np.float32), np.zeros((0, game.actions), np.bool_)
        self._number()

    def __len__(self) -> int:
        return len(self.keys)

    def meet(self, hands: Columns) -> NDArray[np.int64]:
        """[R] the numbers of the sets of a fragment's rows (`agents.hands.Hands`); those that are new are taken in."""
        keys, first, which = np.unique(hands["set"][:, 0], return_index=True, return_inverse=True)
        new = np.array([key not in self.numbers for key in keys.tolist()], np.bool_)
        if new.any():
            self._take(keys[new], {name: hands[name][first[new], 0] for name in ("obs", "legal", "above", "by")})
        return np.array([self.numbers[key] for key in keys.tolist()], np.int64)[which]

    def grown(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """[S, ...] what is added up of each set, with 0 where sets are new."""
        new = len(self) - len(sums)
        return np.concatenate([sums, np.zeros((new, *sums.shape[1:]))]) if new else sums

    def said(self, network: Network) -> tuple[NDArray[np.float64], torch.Tensor]:
        """(policy [S, A], expected returns [S]) of a network, of all the sets."""
        with torch.no_grad():
            out = network(torch.from_numpy(self.obs), ("policy", "returns"))
        return masked_softmax(out["policy"].numpy(), self.legal).astype(np.float64), out["returns"]

    def reach(self, policy: NDArray[np.float64]) -> NDArray[np.float64]:
        """[S] how likely a seat, left alone, gets to each set by a policy [S, A]."""
        reach = np.ones(len(self))
        for level in self.levels[1:]:
            above = self.above[level]
            reach[level] = reach[above] * policy[above, self.by[level]]
        return reach

    def _take(self, keys: NDArray[np.int64], new: Columns) -> None:
        old, each = len(self), 4 * int(np.prod(self.game.shape)) + (1 + 2 * 8) * self.game.actions + 3 * 8
        if (old + len(keys)) * each > MOST_BYTES:  # with two sums of each action
            raise Unable(
                f"Seats knew {old + len(keys):,} different things in this run, and what is added up of them takes over "
                f"{MOST_BYTES / 2**30:g} GiB; train it with ppo."
            )
        self.keys, self.by = np.append(self.keys, keys), np.append(self.by, new["by"])
        self.obs, self.legal = np.concatenate([self.obs, new["obs"]]), np.concatenate([self.legal, new["legal"]])
        self.numbers |= {key: old + i for i, key in enumerate(keys.tolist())}
        above = zip(new["above"].tolist(), new["by"].tolist(), strict=True)
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
        return {name: getattr(self, name) for name in KEPT}

    def restore(self, state: Mapping[str, Any]) -> None:
        for name in KEPT:
            setattr(self, name, np.array(state[name]))
        self._number()

"""Rewards by the running spread of the discounted return, not centred, as Stable-Baselines3's VecNormalize has them.

Nothing is divided here: values are learned in units of that spread about 0, by the unit of the head `returns`, and so
stay in the game's own unit for everybody else. `norm_reward` of VecNormalize (Raffin et al. 2021), from OpenAI's
baselines, is the same with the unit taken out of the rewards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.agent import Unable
from agents.experience import Columns
from agents.heads import Returns
from agents.learn.learner import State
from agents.networks import Network
from agents.stem import Moments, merged, moments

MOST = 10.0
"""Spreads at which a reward is cut, as there."""


class RewardSpread:
    """What tracks [N] were paid so far in their games, and how that spreads.

    carried  [N] R = discount R + reward, up to the last decision of each track; tracks that are more or fewer than
             before count from 0
    """

    def __init__(self, discount: float) -> None:
        self.discount = discount
        self.carried = np.zeros(0)
        self.known: Moments | None = None

    @property
    def unit(self) -> float:
        """The spread of all that was seen; 1 of nothing."""
        return float(np.sqrt(self.known.variance + 1e-8)) if self.known is not None else 1.0

    def see(self, experience: Columns) -> Columns:
        """Counts a fragment's rewards in; gives the fragment with rewards of at most `MOST` units."""
        if "count" in experience:
            raise Unable("Rewards of whole hands have no order; set learner.normalise_rewards to false, or hands to 0.")
        reward, valid, fresh = (experience[name] for name in ("reward", "valid", "fresh"))
        if valid.any():
            new = moments(self._sums(reward, valid, fresh)[valid])
            self.known = new if self.known is None else merged(self.known, new)
        return {**experience, "reward": reward.clip(-MOST * self.unit, MOST * self.unit).astype(np.float32)}

    def _sums(self, reward: NDArray, valid: NDArray, fresh: NDArray) -> NDArray[np.float64]:
        """[N, T] discounted sums of what was paid from the beginning of each game up to each decision."""
        if len(self.carried) != len(reward):
            self.carried = np.zeros(len(reward))
        sums = np.zeros(reward.shape)
        for t in range(reward.shape[1]):
            before = np.where(fresh[:, t], 0.0, self.carried)
            self.carried = np.where(valid[:, t], self.discount * before + reward[:, t], self.carried)
            sums[:, t] = self.carried
        return sums

    def rescale(self, network: Network) -> float:
        """Lets the head `returns` count in this unit about 0, and returns it."""
        head = network.heads["returns"]
        assert isinstance(head, Returns)
        head.mean.fill_(0.0)
        head.spread.fill_(self.unit)
        return head.spread.item()

    def state(self) -> State:
        seen, mean, variance = self.known or Moments(0, np.zeros(()), np.zeros(()))
        return {"carried": self.carried, "seen": seen, "mean": np.array(mean), "variance": np.array(variance)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes over what `state` gave."""
        seen = int(state["seen"])
        self.carried = np.array(state["carried"])
        self.known = Moments(seen, np.array(state["mean"]), np.array(state["variance"])) if seen else None

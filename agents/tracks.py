"""Tracks: one seat's own decisions of a fragment in their order, N of them side by side, in preallocated arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.agent import Memory
from agents.experience import Columns
from envs.game import Game
from envs.kernels import compiled

COLUMNS = ("obs", "legal", "action", "log_p", "value", "reward", "done", "valid", "fresh")


class Tracks:
    """Arrays [N, T, ...], filled from the left; see `agents.rollouts.Rollouts` for what they hold.

    count   [N] entries so far
    open    [N] whether the last of them is a decision that its seat's next turn, or the end, has yet to close
    memory  [N, ...] what a recurrent network remembered before the first of them
    names   of the columns; `responds` is among them where the memory is of who moves (`agents.actor.Actor.RESPONDS`)
    """

    def __init__(self, tracks: int, steps: int, game: Game, memory: Memory) -> None:
        size = (tracks, steps)
        controls = len(game.controls)
        self.count, self.open = np.zeros(tracks, np.int64), np.zeros(tracks, np.bool_)
        self.memory = memory
        self.names = (*COLUMNS, "responds") if "responds" in memory else COLUMNS
        self.obs = np.zeros((*size, *game.shape), np.float32)
        self.legal = np.zeros((*size, game.actions), np.bool_)
        self.action = np.zeros((*size, controls), np.float32) if controls else np.zeros(size, np.int64)
        self.log_p, self.value, self.reward = (np.zeros(size, np.float32) for _ in range(3))
        self.done, self.valid, self.fresh, self.responds = (np.zeros(size, np.bool_) for _ in range(4))

    def columns(self) -> Columns:
        """All of it, by name."""
        return {name: getattr(self, name) for name in self.names} | {f"memory.{k}": v for k, v in self.memory.items()}

    def decide(
        self,
        tracks: NDArray[np.int64],
        obs: NDArray[np.float32],
        legal: NDArray[np.bool_],
        action: NDArray[Any],
        log_p: NDArray[np.float32],
        value: NDArray[np.float32],
        starting: NDArray[np.bool_],
    ) -> None:
        """Adds a decision to some tracks; those `starting` [N] a game no longer are."""
        at = self.count[tracks]
        self.action[tracks, at] = action
        self.log_p[tracks, at] = log_p
        self.look(tracks, obs, legal, value)
        self.valid[tracks, at] = True
        self.fresh[tracks, at] = starting[tracks]
        self.open[tracks] = True
        starting[tracks] = False

    def look(
        self,
        tracks: NDArray[np.int64],
        obs: NDArray[np.float32],
        legal: NDArray[np.bool_],
        value: NDArray[np.float32],
    ) -> None:
        """Adds a position that is looked at and not decided."""
        places, steps = self.done.shape
        flat, masks = self.obs.reshape(places, steps, -1), self.legal
        _enter(tracks, self.count, obs.reshape(len(obs), flat.shape[2]), legal, value, flat, masks, self.value)

    def pay(self, reward: NDArray[np.float32], ended: NDArray[np.bool_]) -> None:
        """Adds reward [N] to the open decisions, and closes them as the last of their games where ended [N]."""
        _pay(np.ascontiguousarray(reward), ended, self.count, self.open, self.reward, self.done)

    def entries(self, tracks: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """The last entry of some tracks."""
        return {name: getattr(self, name)[tracks, self.count[tracks] - 1] for name in self.names}

    def begin_with(self, tracks: NDArray[np.int64], entries: Mapping[str, NDArray[Any]]) -> None:
        """Puts open decisions first into some tracks."""
        for name in self.names:
            getattr(self, name)[tracks, 0] = entries[name]
        self.count[tracks], self.open[tracks], self.valid[tracks, 0] = 1, True, True


@compiled
def _enter(
    tracks: NDArray[np.int64],
    count: NDArray[np.int64],
    obs: NDArray[np.float32],
    legal: NDArray[np.bool_],
    value: NDArray[np.float32],
    all_obs: NDArray[np.float32],
    all_legal: NDArray[np.bool_],
    all_value: NDArray[np.float32],
) -> None:
    for i in range(tracks.shape[0]):
        n = tracks[i]
        t = count[n]
        all_obs[n, t] = obs[i]
        all_legal[n, t] = legal[i]
        all_value[n, t] = value[i]
        count[n] = t + 1


@compiled
def _pay(
    reward: NDArray[np.float32],
    ended: NDArray[np.bool_],
    count: NDArray[np.int64],
    waiting: NDArray[np.bool_],
    all_reward: NDArray[np.float32],
    all_done: NDArray[np.bool_],
) -> None:
    for n in range(count.shape[0]):
        if waiting[n]:
            all_reward[n, count[n] - 1] += reward[n]
            if ended[n]:
                all_done[n, count[n] - 1] = True
                waiting[n] = False

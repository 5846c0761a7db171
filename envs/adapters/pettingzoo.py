"""Games for PettingZoo: every turn game as an AEC environment.

    from envs.adapters.pettingzoo import env
    connect_four = env("connect_four")

Observations are dictionaries as in PettingZoo's own classic games: `observation`, float32, from the side of the agent
asked for, and `action_mask`, int8, all zero for an agent that is not to move. Agents are player_0, player_1 ... in the
order of seats. Differs from the classic games: planes come first, not last.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv
from pettingzoo.utils import wrappers

from envs import kernels
from envs.adapters.gymnasium import observation_space
from envs.registry import game as game_of
from envs.text import board_text


def env(game: str, render_mode: str | None = None) -> AECEnv[str, dict[str, Any], int]:
    """A game with PettingZoo's usual guards: an illegal action ends it with -1 for who made it."""
    raw: Any = raw_env(game, render_mode)
    for wrap in (_illegal_loses, wrappers.AssertOutOfBoundsWrapper, wrappers.OrderEnforcingWrapper):
        raw = wrap(raw)
    return raw


def _illegal_loses(raw: AECEnv[str, dict[str, Any], int]) -> AECEnv[str, dict[str, Any], int]:
    return wrappers.TerminateIllegalWrapper(raw, illegal_reward=-1)


class raw_env(AECEnv[str, dict[str, Any], int]):
    """A game without guards; actions are trusted to be legal."""

    def __init__(self, game: str, render_mode: str | None = None) -> None:
        super().__init__()
        self.game = game_of(game)
        if self.game.simultaneous:
            raise ValueError(f"{self.game.name} has all seats move at once, which AEC environments do not fit.")
        self.metadata = {
            "name": self.game.name,
            "render_modes": ["ansi"],
            "is_parallelizable": False,
            "render_fps": 2,
        }
        self.render_mode = render_mode
        self.possible_agents = [f"player_{seat}" for seat in range(self.game.seats)]
        self.agents = self.possible_agents[:]
        self.observation_spaces = {agent: observation_space(self.game, masked=True) for agent in self.agents}
        self.action_spaces = {agent: spaces.Discrete(self.game.actions) for agent in self.agents}
        self._generator = np.random.default_rng()
        self._rows = np.zeros(1, self.game.row)

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        if seed is not None:
            self._generator = np.random.default_rng(seed)
        self._rows = kernels.new_rows(self.game, self._generator.integers(0, 2**64, 1, np.uint64))
        self.agents = self.possible_agents[:]
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos: dict[str, dict[str, Any]] = {agent: {} for agent in self.agents}
        self.agent_selection = self._mover()

    def step(self, action: int | None) -> None:
        if self.terminations[self.agent_selection] or self.truncations[self.agent_selection]:
            self._was_dead_step(action)  # pyright: ignore[reportArgumentType] (None, by PettingZoo's own rule)
            return
        self._cumulative_rewards[self.agent_selection] = 0.0
        kernels.play_rows(self.game, self._rows, np.array([action], np.int64))
        self.rewards = dict(zip(self.possible_agents, self._rows["reward"][0].tolist(), strict=True))
        self.terminations = dict.fromkeys(self.agents, bool(self._rows["done"][0]))
        self.agent_selection = self._mover()
        self._accumulate_rewards()

    def observe(self, agent: str) -> dict[str, Any]:
        row = self._rows.copy()
        row["seat"] = self.possible_agents.index(agent)
        view = kernels.view(self.game, row)
        mask = view.legal[0] & (agent == self.agent_selection)
        return {"observation": view.obs[0], "action_mask": mask.astype(np.int8)}

    def render(self) -> str | None:
        return board_text(self.game, self._rows) if self.render_mode == "ansi" else None

    def close(self) -> None:
        pass

    def _mover(self) -> str:
        return self.possible_agents[self._rows["seat"][0]]

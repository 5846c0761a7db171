"""Games for PettingZoo: every game as an AEC environment and as a parallel one.

    from envs.adapters.pettingzoo import env, parallel_env
    connect_four = env("connect_four")
    goofspiel = parallel_env("goofspiel")

Observations are dictionaries as in PettingZoo's own classic games: `observation`, float32, from the side of the agent
asked for, and `action_mask`, int8, all zero for an agent that is not to move; where actions are vectors they are the
observation alone. Agents are player_0, player_1 ... in the order of seats. Differs from the classic games: planes
come first, not last.

Games in which all seats move at once are played as hidden choices in turn by the AEC environment, and at once by the
parallel one. In the parallel environment of a game of turns only the action of the agent whose turn it is counts, as
in PettingZoo's own conversion of turn games; the mask of every other agent is all zero.
"""

from __future__ import annotations

import reprlib
from typing import Any, TypeAlias

import numpy as np
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils import wrappers

from envs import kernels
from envs.adapters.gymnasium import action_space, observation_space, rules_of
from envs.adapters.rendering import RENDERERS, render_mode_of, rendered
from envs.game import Game
from envs.text import named

Observation: TypeAlias = Any
"""A dictionary of `observation` and `action_mask`, or the observation alone where actions are vectors."""


def env(game: str | Game, render_mode: str | None = None, max_cycles: int | None = None) -> AECEnv[str, Any, Any]:
    """A game with PettingZoo's usual guards: an illegal action ends it with -1 for who made it."""
    raw: Any = raw_env(game, render_mode, max_cycles)
    if raw.table.game.controls:
        guards: tuple[Any, ...] = (wrappers.ClipOutOfBoundsWrapper, wrappers.OrderEnforcingWrapper)
    else:
        guards = (_illegal_loses, wrappers.AssertOutOfBoundsWrapper, wrappers.OrderEnforcingWrapper)
    for wrap in guards:
        raw = wrap(raw)
    return raw


def _illegal_loses(raw: AECEnv[str, Any, Any]) -> AECEnv[str, Any, Any]:
    return wrappers.TerminateIllegalWrapper(raw, illegal_reward=-1)


def cycles_of(most: int | None) -> int | None:
    """A limit on cycles; raises ValueError for what is none."""
    if most is None or (isinstance(most, (int, np.integer)) and most > 0):
        return most
    raise ValueError(f"max_cycles is a whole number from 1 on, not {most!r}; leave it out for whole games.")


class Table:
    """One game in progress with its seats as agents: what both kinds of environment share."""

    def __init__(self, game: str | Game) -> None:
        self.game = rules_of(game)
        self.agents = [f"player_{seat}" for seat in range(self.game.seats)]
        masked = not self.game.controls
        self.observation_spaces = {agent: observation_space(self.game, masked) for agent in self.agents}
        self.action_spaces = {agent: action_space(self.game) for agent in self.agents}
        self.generator = np.random.default_rng()
        self.rows = np.zeros(1, self.game.row)

    def begin(self, seed: int | None) -> None:
        """A new game; without a seed, the next of the same stream."""
        if seed is not None:
            self.generator = np.random.default_rng(seed)
        self.rows = kernels.new_rows(self.game, self.generator.integers(0, 2**64, 1, np.uint64))

    def play(self, action: Any) -> dict[str, float]:
        """One ply, vectors brought within their bounds; what it paid each agent."""
        if not self.lawful(action):
            legal = named(self.game, kernels.legal_mask(self.game, self.rows)[0], int(self.rows["seat"][0]))
            raise ValueError(f"{self.mover} cannot do {reprlib.repr(action)} in {self.game.name}: {legal}.")
        if self.game.controls:
            low, high = np.array(self.game.controls, np.float32).T
            made = np.clip(np.asarray([action]), low, high).astype(np.float32)
        else:
            made = np.array([action], np.int64).reshape(1)
        kernels.play_rows(self.game, self.rows, made)
        return dict(zip(self.agents, self.rows["reward"][0].tolist(), strict=True))

    def lawful(self, action: Any) -> bool:
        """Whether the seat to move may do this; vectors may lie out of bounds, if they are numbers."""
        given = np.asarray(action)
        if self.game.controls:
            return given.shape == (len(self.game.controls),) and given.dtype.kind in "iuf" and not np.isnan(given).any()
        return given.size == 1 and kernels.may_play(self.game, self.rows, given.item())

    @property
    def mover(self) -> str:
        """Who is to move."""
        return self.agents[self.rows["seat"][0]]

    @property
    def ended(self) -> tuple[bool, bool]:
        """Whether the rules have ended the game, and whether a limit on plies has."""
        done, cut = bool(self.rows["done"][0]), bool(self.rows["cut"][0])
        return done and not cut, done and cut

    def seen(self, agent: str, may_move: bool) -> Observation:
        """What an agent sees, to move or not."""
        row = self.rows.copy()
        row["seat"] = self.agents.index(agent)
        view = kernels.view(self.game, row)
        if self.game.controls:
            return view.obs[0]
        return {"observation": view.obs[0], "action_mask": (view.legal[0] & may_move).astype(np.int8)}

    def metadata(self, parallel: bool) -> dict[str, Any]:
        """What PettingZoo asks of an environment's class."""
        return {
            "name": self.game.name,
            "render_modes": list(RENDERERS),
            "is_parallelizable": parallel,
            "render_fps": 2,
        }


class raw_env(AECEnv[str, Any, Any]):
    """A game without guards; an illegal action raises ValueError, with the legal ones named.

    max_cycles  cuts the game after so many plies of each seat, if it lasts that long
    """

    def __init__(self, game: str | Game, render_mode: str | None = None, max_cycles: int | None = None) -> None:
        super().__init__()
        self.table = Table(game)
        self.metadata = self.table.metadata(parallel=False)
        self.render_mode = render_mode_of(render_mode)
        self.possible_agents = self.table.agents[:]
        self.agents = self.possible_agents[:]
        self.observation_spaces, self.action_spaces = self.table.observation_spaces, self.table.action_spaces
        most = cycles_of(max_cycles)
        self._most = None if most is None else most * len(self.agents)
        self._plies = 0

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        self.table.begin(seed)
        self._plies = 0
        self.agents = self.possible_agents[:]
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos: dict[str, dict[str, Any]] = {agent: {} for agent in self.agents}
        self.agent_selection = self.table.mover

    def step(self, action: Any) -> None:
        if self.terminations[self.agent_selection] or self.truncations[self.agent_selection]:
            self._was_dead_step(action)
            return
        self._cumulative_rewards[self.agent_selection] = 0.0
        self.rewards = self.table.play(action)
        self._plies += 1
        over, cut = self.table.ended
        self.terminations = dict.fromkeys(self.agents, over)
        self.truncations = dict.fromkeys(self.agents, cut or (not over and self._plies == self._most))
        self.agent_selection = self.table.mover
        self._accumulate_rewards()

    def observe(self, agent: str) -> Observation:
        return self.table.seen(agent, agent == self.agent_selection)

    def render(self) -> Any:
        return rendered(self.render_mode, self.table.game, self.table.rows)

    def close(self) -> None:
        pass


class parallel_env(ParallelEnv[str, Any, Any]):
    """A game whose agents act at once; an illegal action ends it with -1 for who made it and 0 for the others.

    max_cycles  cuts the game after so many steps, if it lasts that long
    """

    def __init__(self, game: str | Game, render_mode: str | None = None, max_cycles: int | None = None) -> None:
        self.table = Table(game)
        self.metadata = self.table.metadata(parallel=True)
        self.render_mode, self.max_cycles = render_mode_of(render_mode), cycles_of(max_cycles)
        self.possible_agents = self.table.agents[:]
        self.agents: list[str] = []
        self.observation_spaces, self.action_spaces = self.table.observation_spaces, self.table.action_spaces
        self._steps = 0

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        self.table.begin(seed)
        self._steps = 0
        self.agents = self.possible_agents[:]
        return self._seen(), {agent: {} for agent in self.agents}

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        table, left = self.table, dict(actions)
        rewards = dict.fromkeys(self.agents, 0.0)
        illegal = False
        while table.mover in left and not any(table.ended) and not illegal:
            mover = table.mover
            illegal = not table.lawful(left[mover])
            if illegal:
                rewards = {agent: -1.0 if agent == mover else 0.0 for agent in self.agents}
            else:
                for agent, paid in table.play(left.pop(mover)).items():
                    rewards[agent] += paid
            if not table.game.simultaneous:
                break
        self._steps += 1
        over, cut = table.ended
        over, cut = over or illegal, not illegal and not over and (cut or self._steps == self.max_cycles)
        told = self._seen(), rewards, dict.fromkeys(self.agents, over), dict.fromkeys(self.agents, cut)
        infos: dict[str, dict[str, Any]] = {agent: {} for agent in self.agents}
        if over or cut:
            self.agents = []
        return *told, infos

    def _seen(self) -> dict[str, Any]:
        """What every agent sees; in games of turns only the one to move may do anything."""
        table = self.table
        going = not any(table.ended)
        return {
            agent: table.seen(agent, going and (table.game.simultaneous or agent == table.mover))
            for agent in self.agents
        }

    def render(self) -> Any:
        return rendered(self.render_mode, self.table.game, self.table.rows)

    def close(self) -> None:
        pass

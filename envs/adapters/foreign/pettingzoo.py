"""Any environment of PettingZoo as a game: `pz:classic.connect_four_v3`, or a module of its own, `pz:mpe2.simple_v3`.

Its agents are the seats, in the order of `possible_agents`. An environment that is only parallel is played as hidden
choices in turn: it goes on when the last agent has chosen. Nothing says whether something is hidden, so the game is
taken to hide something.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.adapters.foreign.programs import PATIENCE, State, foreign_game
from envs.adapters.foreign.spaces import Done, Seen, Unfit, actions, observations
from envs.game import Game

UNTOLD = ("legal_actions", "current_player")
"""Of what RLCard says: it stands beside the picture, or is the mover's and not the seat's."""


def pz(name: str, seconds: float = PATIENCE, **options: Any) -> Game:
    """The game of a module with `env` or `parallel_env`; `options` go to that, `seconds` limit one action."""
    spec = f"pz:{name}" + "".join(f",{key}={str(value).lower()}" for key, value in options.items())
    module = _module(name)
    parallel = not hasattr(module, "env")
    first = _made(module, name, options)
    first.reset(seed=0)
    agents = list(first.possible_agents)
    seen, done = _alike(first, agents, spec)
    first.close()

    def make() -> Turns | Rounds:
        return (Rounds if parallel else Turns)(_made(module, name, options), agents, seen, done)

    return foreign_game(
        spec, make,
        seats=len(agents), actions=done.number, shape=seen.shape, names=done.names, controls=done.controls,
        seconds=seconds, pays="general", chance=True, hidden=True, simultaneous=parallel,
    )  # fmt: skip


def _module(name: str) -> Any:
    for path in (f"pettingzoo.{name}", name):
        try:
            module = importlib.import_module(path)
        except ModuleNotFoundError as missing:
            if path.startswith(missing.name or "?"):
                continue
            raise ValueError(f"'{name}' needs {missing.name}, which is not installed.") from missing
        except Exception as error:
            raise ValueError(f"'{name}' cannot be imported: {' '.join(str(error).split())}") from error
        if hasattr(module, "env") or hasattr(module, "parallel_env"):
            return module
    raise ValueError(f"There is no environment '{name}' of PettingZoo; write for example pz:classic.connect_four_v3.")


def _made(module: Any, name: str, options: dict[str, Any]) -> Any:
    """The environment, with pictures if it makes any."""
    new = getattr(module, "env", None) or module.parallel_env
    try:
        modes = new(**options).metadata.get("render_modes") or []
        return new(**options, **({"render_mode": "rgb_array"} if "rgb_array" in modes else {}))
    except (Exception, SystemExit) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"PettingZoo cannot make '{name}': {said}") from error


def _alike(env: Any, agents: list[str], spec: str) -> tuple[Seen, Done]:
    """How every agent sees and acts; all of them must do so alike."""
    seen = [observations(_without_mask(env.observation_space(agent)), spec) for agent in agents]
    done = [actions(env.action_space(agent), spec) for agent in agents]
    if len({one.shape for one in seen}) > 1 or len({(one.number, one.controls) for one in done}) > 1:
        raise Unfit(f"The agents of {spec} see or act in different ways; only those that are alike can share a game.")
    return seen[0], done[0]


def _without_mask(space: spaces.Space[Any]) -> spaces.Space[Any]:
    """The observation itself, where the space is the usual dictionary of `observation` and `action_mask`."""
    if isinstance(space, spaces.Dict) and set(space.spaces) == {"observation", "action_mask"}:
        return space["observation"]
    return space


def _word(value: Any) -> str:
    """A card, a number, a name of something, several of these, or none."""
    if isinstance(value, (list, tuple)):
        return " ".join(map(_word, value)) or "none"
    return "none" if value is None else str(getattr(value, "name", value))


class _Agents:
    """What both kinds of environment share."""

    def __init__(self, env: Any, agents: list[str], seen: Seen, done: Done) -> None:
        self._env, self._agents, self._seen, self._done = env, agents, seen, done
        self._drawn = False
        self._obs = np.zeros((len(agents), *seen.shape), np.float32)

    def _look(self, agent: str, obs: Any, told: dict[str, Any]) -> NDArray[np.bool_]:
        """Takes what an agent sees, and says what it may do."""
        mask = told.get("action_mask")
        if isinstance(obs, dict) and set(obs) == {"observation", "action_mask"}:
            obs, mask = obs["observation"], obs["action_mask"]
        self._obs[self._agents.index(agent)] = self._seen.take(obs)
        if mask is None or not np.any(mask):
            return np.ones(self._done.number, np.bool_)
        return np.asarray(mask, np.bool_)

    def picture(self) -> NDArray[np.uint8] | str | None:
        if self._env.render_mode != "rgb_array":
            return None
        self._drawn = True
        return np.asarray(self._env.render(), np.uint8)

    def told(self, seat: int) -> str | None:
        """PettingZoo says nothing of the kind; RLCard, of which its games of poker are made, does."""
        cards: Any = getattr(self._env.unwrapped, "env", None)
        if not hasattr(cards, "get_state"):
            return None
        seen: dict[str, Any] = cards.get_state(seat)["raw_obs"]
        return "\n".join(f"{name.replace('_', ' ')}: {_word(of)}" for name, of in seen.items() if name not in UNTOLD)

    def close(self) -> None:
        if not self._drawn:  # many that have drawn close all of pygame with them, and so the window that shows them
            self._env.close()


class Turns(_Agents):
    """An AEC environment as a program."""

    def begin(self, seed: int) -> State:
        self._env.reset(seed=seed)
        return self._state(np.zeros(len(self._agents), np.float32))

    def play(self, action: Any) -> State:
        env = self._env
        env.step(self._done.give(action))
        paid = np.array([env.rewards.get(agent, 0.0) for agent in self._agents], np.float32)
        cut = bool(any(env.truncations.values()) and not any(env.terminations.values()))
        while env.agents and (env.terminations[env.agent_selection] or env.truncations[env.agent_selection]):
            env.step(None)  # as PettingZoo asks of agents that are done
        return self._state(paid, cut)

    def _state(self, paid: NDArray[np.float32], cut: bool = False) -> State:
        env = self._env
        if not env.agents:
            return State(0, self._obs, np.zeros(self._done.number, np.bool_), paid, True, cut)
        legal = np.ones(self._done.number, np.bool_)
        for agent in env.agents:
            mask = self._look(agent, env.observe(agent), env.infos.get(agent, {}))
            if agent == env.agent_selection:
                legal = mask
        return State(self._agents.index(env.agent_selection), self._obs.copy(), legal, paid)


class Rounds(_Agents):
    """A parallel environment as a program: the choices of a round are gathered, then made at once."""

    def begin(self, seed: int) -> State:
        obs, told = self._env.reset(seed=seed)
        self._masks = {agent: self._look(agent, obs[agent], told.get(agent, {})) for agent in self._env.agents}
        self._chosen: dict[str, Any] = {}
        return self._state(np.zeros(len(self._agents), np.float32))

    def play(self, action: Any) -> State:
        env, paid, cut = self._env, np.zeros(len(self._agents), np.float32), False
        waiting = [agent for agent in env.agents if agent not in self._chosen]
        self._chosen[waiting[0]] = self._done.give(action)
        if len(waiting) == 1:
            obs, rewards, over, cuts, told = env.step(self._chosen)
            self._masks = {agent: self._look(agent, obs[agent], told.get(agent, {})) for agent in obs}
            paid = np.array([rewards.get(agent, 0.0) for agent in self._agents], np.float32)
            cut = bool(any(cuts.values()) and not any(over.values()))
            self._chosen = {}
        return self._state(paid, cut)

    def _state(self, paid: NDArray[np.float32], cut: bool = False) -> State:
        waiting = [agent for agent in self._env.agents if agent not in self._chosen]
        if not waiting:
            return State(0, self._obs.copy(), np.zeros(self._done.number, np.bool_), paid, True, cut)
        return State(self._agents.index(waiting[0]), self._obs.copy(), self._masks[waiting[0]], paid)

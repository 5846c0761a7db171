"""Games for Gymnasium: one seat learns, the other seats, if there are any, are played by an opponent.

    import gymnasium
    import envs.adapters.gymnasium                                    # makes the names known

    env = gymnasium.make("arena/ConnectFour-v0")                      # against evenly drawn moves
    env = gymnasium.make("arena/Hex-v0", size=5, swap=True)           # the options of a game: `arena list games --json`
    envs = gymnasium.make_vec("arena/Othello6x6-v0", num_envs=1024)   # all lanes in compiled code

Observations are from the learner's side, its own stones in plane 0. What may be played is `info["action_mask"]`, int8
[A], as `Discrete.sample(mask)` takes it, or `env.unwrapped.action_masks()` as sb3-contrib asks for it; with
`masked=True` the observation is a dictionary of `observation` and `action_mask`. An illegal action loses at once,
with reward -1. Games whose actions are vectors have a Box of actions and no mask; actions are clipped to the Box.
Where all seats move at once, the learner chooses without seeing what the others have chosen. A game that a limit on
plies ends is truncated and not terminated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from envs.adapters.one_seat import OneSeat, Opponent
from envs.adapters.rendering import RENDERERS, render_mode_of, rendered
from envs.game import Game
from envs.registry import GAMES, Option
from envs.registry import game as game_of

VARIANTS = {"Othello6x6": "othello:size=6"}
"""Names under which a game with options is known to Gymnasium, besides every game of the table."""

Observation = NDArray[np.float32] | dict[str, NDArray[Any]]


def observation_space(game: Game, masked: bool) -> spaces.Space[Any]:
    """What one seat of a game sees: planes lie between 0 and 1, other shapes are unbounded."""
    if masked and game.controls:
        raise ValueError(f"The actions of {game.name} are vectors and none is barred: leave masked out.")
    low, high = (0.0, 1.0) if len(game.shape) == 3 else (-np.inf, np.inf)
    box = spaces.Box(low, high, game.shape, np.float32)
    if not masked:
        return box
    return spaces.Dict({"observation": box, "action_mask": spaces.Box(0, 1, (game.actions,), np.int8)})


def action_space(game: Game) -> spaces.Space[Any]:
    """What one seat of a game may do: a number of an action, or a vector within its bounds."""
    if not game.controls:
        return spaces.Discrete(game.actions)
    low, high = np.array(game.controls, np.float32).T
    return spaces.Box(low, high, dtype=np.float32)


def rules_of(game: str | Game, options: Mapping[str, Option] | None = None) -> Game:
    """A game by its spec, with more options if there are any, or as it is."""
    if not options:
        return game_of(game) if isinstance(game, str) else game
    if not isinstance(game, str):
        raise ValueError(f"Options ({', '.join(options)}) go with the name of a game, and {game.name} is made already.")
    given = ",".join(
        f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in options.items()
    )
    return game_of(f"{game}{',' if ':' in game else ':'}{given}")


class OneSeatEnv(gymnasium.Env[Observation, Any]):
    """One game at a time.

    seat      which seat learns; None draws one for each game
    opponent  who plays the other seats: an agent, a function from a View of B games to actions [B], or None for
              evenly drawn legal moves
    masked    puts the action mask into the observation too
    options   of the game, as in its spec
    """

    metadata = {"render_modes": list(RENDERERS), "render_fps": 2}  # noqa: RUF012 (Gymnasium's own form)

    def __init__(
        self,
        game: str | Game = "connect_four",
        seat: int | None = None,
        opponent: Opponent = None,
        masked: bool = False,
        render_mode: str | None = None,
        **options: Option,
    ) -> None:
        self.game = rules_of(game, options)
        self.masked = masked
        self.render_mode = render_mode_of(render_mode)
        self.observation_space = observation_space(self.game, masked)
        self.action_space = action_space(self.game)
        self._lane = OneSeat(self.game, 1, seat, opponent)
        self._seeded = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        super().reset(seed=seed)
        if seed is not None or not self._seeded:
            self._lane.seed(0, self.np_random)
            self._seeded = True
        self._lane.begin(np.ones(1, np.bool_))
        return self._observation(), self._info()

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        lane = self._lane
        if lane.over[0]:
            raise gymnasium.error.ResetNeeded("This game is over; call reset() before step().")
        lane.step(np.asarray(action)[None])
        over, cut = bool(lane.over[0]), bool(lane.cut[0])
        return self._observation(), float(lane.reward[0]), over and not cut, cut, self._info()

    def action_masks(self) -> NDArray[np.bool_]:
        """[A], True = may; the name under which sb3-contrib's MaskablePPO asks for it."""
        return self._lane.mask[0]

    def render(self) -> Any:
        return rendered(self.render_mode, self.game, self._lane.rows, int(self._lane.seat[0]))

    def _observation(self) -> Observation:
        obs = self._lane.obs[0]
        return {"observation": obs, "action_mask": self._lane.mask[0].astype(np.int8)} if self.masked else obs

    def _info(self) -> dict[str, Any]:
        lane = self._lane
        mask = {} if self.game.controls else {"action_mask": lane.mask[0].astype(np.int8)}
        return {**mask, "seat": int(lane.seat[0]), "illegal": bool(lane.illegal[0])}


class OneSeatVectorEnv(VectorEnv[Observation, NDArray[Any], NDArray[Any]]):
    """B games at a time in compiled code; lane i plays what a `OneSeatEnv` with the same seed would.

    autoreset_mode  NEXT_STEP (Gymnasium's default): the step after a game's end ignores the lane's action and gives
                    the next game's first observation; SAME_STEP gives it at once, the last one in infos["final_obs"]
    """

    def __init__(
        self,
        game: str | Game = "connect_four",
        num_envs: int = 1,
        seat: int | None = None,
        opponent: Opponent = None,
        masked: bool = False,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
        **options: Option,
    ) -> None:
        if autoreset_mode == AutoresetMode.DISABLED:
            raise ValueError("Autoreset cannot be disabled here; use AutoresetMode.NEXT_STEP or SAME_STEP.")
        self.metadata = {"render_modes": list(RENDERERS), "render_fps": 2, "autoreset_mode": autoreset_mode}
        self.game = rules_of(game, options)
        self.num_envs, self.masked, self.render_mode = num_envs, masked, render_mode_of(render_mode)
        self.autoreset_mode = autoreset_mode
        self.single_observation_space = observation_space(self.game, masked)
        self.single_action_space = action_space(self.game)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._lanes = OneSeat(self.game, num_envs, seat, opponent)
        self._seeded = False

    def reset(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        if isinstance(seed, int):
            seed = [seed + i for i in range(self.num_envs)]
        seeds: list[int | None] = [None] * self.num_envs if seed is None else list(seed)
        if len(seeds) != self.num_envs:
            raise ValueError(f"{len(seeds)} seeds for {self.num_envs} games; give one for each, or a single number.")
        for lane, own in enumerate(seeds):
            if own is not None or not self._seeded:
                self._lanes.seed(lane, seeding.np_random(own)[0])
        self._seeded = True
        fresh = np.array((options or {}).get("reset_mask", np.ones(self.num_envs, np.bool_)), np.bool_)
        self._lanes.begin(fresh)
        return self._observations(), self._infos(fresh)

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[Observation, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        lanes = self._lanes
        if not self._seeded:
            raise gymnasium.error.ResetNeeded("No game has begun; call reset() before the first step().")
        lanes.step(np.asarray(actions), lanes.over)
        reward, over, cut = lanes.reward.astype(np.float64), lanes.over, lanes.cut
        if self.autoreset_mode == AutoresetMode.NEXT_STEP or not over.any():
            return self._observations(), reward, over & ~cut, cut.copy(), self._infos()
        last = np.full(self.num_envs, None, object)
        for lane in np.flatnonzero(over):
            last[lane] = self._observation(int(lane))
        final = {"final_obs": last, "_final_obs": over, "final_info": self._infos(over), "_final_info": over}
        lanes.begin(over)
        return self._observations(), reward, over & ~cut, cut, self._infos() | final

    def render(self) -> tuple[Any, ...] | None:
        if self.render_mode not in RENDERERS:
            return None
        rows, seat = self._lanes.rows, self._lanes.seat
        return tuple(rendered(self.render_mode, self.game, rows[i : i + 1], int(seat[i])) for i in range(len(rows)))

    def action_masks(self) -> NDArray[np.bool_]:
        """[B, A], True = may."""
        return self._lanes.mask

    def _observations(self) -> Observation:
        obs = self._lanes.obs
        return {"observation": obs, "action_mask": self._lanes.mask.astype(np.int8)} if self.masked else obs

    def _observation(self, lane: int) -> Observation:
        obs = self._lanes.obs[lane]
        return {"observation": obs, "action_mask": self._lanes.mask[lane].astype(np.int8)} if self.masked else obs

    def _infos(self, given: NDArray[np.bool_] | None = None) -> dict[str, Any]:
        """What is told of the lanes in which it is `given`, zero elsewhere; of all of them if that is left out."""
        lanes = self._lanes
        told: dict[str, NDArray[Any]] = {"seat": lanes.seat.astype(np.int64), "illegal": lanes.illegal.copy()}
        if not self.game.controls:
            told["action_mask"] = lanes.mask.astype(np.int8)
        if given is None:
            given = np.ones(self.num_envs, np.bool_)
        else:
            for value in told.values():
                value[~given] = 0
        return {**told, **{f"_{key}": given for key in told}}


def names() -> dict[str, str]:
    """Gymnasium's id of each game, and the game's spec."""
    plain = {"".join(word.capitalize() for word in name.split("_")): name for name in GAMES}
    return {f"arena/{name}-v0": spec for name, spec in (plain | VARIANTS).items()}


def register() -> None:
    """Makes the names known to `gymnasium.make`; done once, when this file is imported.

    `gymnasium.make("envs.adapters.gymnasium:arena/ConnectFour-v0")` imports it by itself.
    """
    for name, spec in names().items():
        if name not in gymnasium.registry:
            gymnasium.register(
                id=name,
                entry_point="envs.adapters.gymnasium:OneSeatEnv",
                vector_entry_point="envs.adapters.gymnasium:OneSeatVectorEnv",
                kwargs={"game": spec},
            )


register()

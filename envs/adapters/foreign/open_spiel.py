"""Any game of OpenSpiel, where that is installed: `spiel:kuhn_poker`, `spiel:hex(board_size=5)`.

Chance is drawn as the game gives its odds. Where all choose at once they choose in turn without being seen. A seat
sees its observation, or its information state where the game has no observation.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from envs.adapters.foreign.programs import PATIENCE, State, foreign_game
from envs.adapters.foreign.spaces import MOST_ACTIONS, Unfit
from envs.game import Game
from envs.registry import Unknown, nearest


def spiel(name: str, seconds: float = PATIENCE) -> Game:
    """The game that `pyspiel.load_game` makes of a name with its parameters."""
    try:
        pyspiel: Any = importlib.import_module("pyspiel")
    except ModuleNotFoundError as missing:
        raise ValueError("OpenSpiel is not installed; pip install open_spiel brings it.") from missing
    known = pyspiel.registered_names()
    if name.partition("(")[0] not in known:
        raise Unknown(f"OpenSpiel has no game '{name}'; {nearest(name.partition('(')[0], known)}")
    try:
        rules = pyspiel.load_game(name)
    except Exception as error:
        raise ValueError(f"OpenSpiel cannot load '{name}': {str(error).splitlines()[0][:200]}") from error
    kind = rules.get_type()
    at_once = kind.dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS
    if at_once:
        rules = pyspiel.convert_to_turn_based(rules)
        kind = rules.get_type()
    spec, actions = f"spiel:{name}", rules.num_distinct_actions()
    if actions > MOST_ACTIONS:
        raise Unfit(f"{spec} has {actions} actions, more than the {MOST_ACTIONS} that can be listed.")
    if not (kind.provides_observation_tensor or kind.provides_information_state_tensor):
        raise Unfit(f"{spec} gives no numbers to see its positions by.")
    seats, whole = rules.num_players(), kind.provides_observation_tensor
    shape = rules.observation_tensor_shape() if whole else rules.information_state_tensor_shape()
    opposed = seats == 2 and kind.utility == pyspiel.GameType.Utility.ZERO_SUM
    at_end = kind.reward_model == pyspiel.GameType.RewardModel.TERMINAL
    ones = rules.max_utility() == 1 and rules.min_utility() == -1 and rules.utility_sum() == 0
    return foreign_game(
        spec, lambda: Position(rules, whole, tuple(shape)),
        seats=seats, actions=actions, shape=_shape(tuple(shape)), names=tuple(f"a{i}" for i in range(actions)),
        seconds=seconds, limit=rules.max_game_length() * (seats if at_once else 1),
        pays="result" if opposed and at_end and ones else "zero-sum" if opposed else "general",
        hidden=at_once or kind.information != pyspiel.GameType.Information.PERFECT_INFORMATION,
        chance=kind.chance_mode != pyspiel.GameType.ChanceMode.DETERMINISTIC, simultaneous=at_once,
    )  # fmt: skip


def _shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Planes as they are, anything else as one row; OpenSpiel's planes lie between 0 and 1 by its own convention."""
    return shape if len(shape) == 3 else (int(np.prod(shape)),)


class Position:
    """One state of a game as a program."""

    def __init__(self, rules: Any, whole: bool, shape: tuple[int, ...]) -> None:
        self._rules, self._whole, self._shape = rules, whole, _shape(shape)
        self._state: Any = None

    def begin(self, seed: int) -> State:
        self._generator = np.random.default_rng(seed)
        self._state = self._rules.new_initial_state()
        self._paid = np.zeros(self._rules.num_players())
        return self._seen()

    def play(self, action: Any) -> State:
        self._state.apply_action(int(action))
        return self._seen()

    def _seen(self) -> State:
        state = self._state
        while state.is_chance_node():
            outcomes, odds = zip(*state.chance_outcomes(), strict=True)
            odds = np.array(odds, np.float64)
            state.apply_action(int(self._generator.choice(outcomes, p=odds / odds.sum())))
        over = state.is_terminal()
        look = state.observation_tensor if self._whole else state.information_state_tensor
        obs = np.array([look(seat) for seat in range(self._rules.num_players())], np.float32)
        legal = np.zeros(self._rules.num_distinct_actions(), np.bool_)
        if not over:
            legal[state.legal_actions()] = True
        returns = np.array(state.returns(), np.float64)
        paid, self._paid = (returns - self._paid).astype(np.float32), returns
        seat = 0 if over else state.current_player()
        return State(seat, obs.reshape(-1, *self._shape), legal, paid, over)

    def picture(self) -> str:
        return str(self._state)

    def told(self, seat: int) -> str | None:
        kind = self._rules.get_type()
        if kind.provides_information_state_string:
            return self._state.information_state_string(seat)
        return self._state.observation_string(seat) if kind.provides_observation_string else None

    def close(self) -> None:
        self._state = None

"""Random legal play in other libraries' games, each in the way its own documentation plays.

Every function gives a measure of steps a second, an action by one agent counting as one, with an observation as
float32 and a mask of legal actions where the library has one.
"""

from __future__ import annotations

import importlib
import random
from typing import Any

import numpy as np

from arena.bench.measure import Measure, core_rate, machine_rate

PLIES = 2000
"""The most steps of one call: some games take long to end by chance."""
PGX_LANES: dict[str, int] = {
    "tic_tac_toe": 65536,
    "connect_four": 65536,
    "othello": 1024,
    "hex": 4096,
    "go_9x9": 256,
    "go_19x19": 256,
    "gardner_chess": 64,
    "kuhn_poker": 262144,
    "leduc_holdem": 65536,
    "2048": 1024,
    "minatar-breakout": 16384,
    "minatar-asterix": 256,
    "minatar-freeway": 4096,
    "minatar-seaquest": 1024,
    "minatar-space_invaders": 4096,
}
"""The batch at which each game of pgx was fastest on two cores, of 64 to 262,144 in steps of four."""
PGX_STEPS = 32


def gymnasium_twin(name: str) -> Measure:
    """One environment of Gymnasium, one step after another."""
    gymnasium: Any = importlib.import_module("gymnasium")
    env = gymnasium.make(name)
    env.action_space.seed(0)
    env.reset(seed=0)

    def work() -> float:
        for _ in range(PLIES):
            obs, _, over, cut, _ = env.step(env.action_space.sample())
            np.asarray(obs, np.float32)
            if over or cut:
                env.reset()
        return PLIES

    return core_rate(work)


def minatar_twin(name: str) -> Measure:
    """One environment of MinAtar; its minimal set of actions."""
    minatar: Any = importlib.import_module("minatar")
    env = minatar.Environment(name)
    env.seed(0)
    actions, generator = env.minimal_action_set(), random.Random(0)
    env.reset()

    def work() -> float:
        for _ in range(PLIES):
            _, over = env.act(generator.choice(actions))
            np.asarray(env.state(), np.float32)
            if over:
                env.reset()
        return PLIES

    return core_rate(work)


def pettingzoo_twin(name: str) -> Measure:
    """One classic game of PettingZoo through the AEC interface."""
    module: Any = importlib.import_module(f"pettingzoo.classic.{name}")
    env = module.env()
    generator = random.Random(0)

    def work() -> float:
        env.reset(seed=generator.randrange(1 << 30))
        plies = 0
        while True:
            observation, _, over, cut, _ = env.last()
            if over or cut:
                return plies
            np.asarray(observation["observation"], np.float32)
            env.step(int(generator.choice(np.flatnonzero(observation["action_mask"]))))
            plies += 1

    return core_rate(work)


def open_spiel_twin(name: str) -> Measure:
    """One state of OpenSpiel after another, from Python; observations through its buffer of float32."""
    pyspiel: Any = importlib.import_module("pyspiel")
    observation: Any = importlib.import_module("open_spiel.python.observation")
    rules = pyspiel.load_game(name)
    if rules.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS:
        rules = pyspiel.convert_to_turn_based(rules)
    chance = rules.get_type().chance_mode != pyspiel.GameType.ChanceMode.DETERMINISTIC
    observer = observation.make_observation(rules)
    generator = random.Random(0)

    def work() -> float:
        state, plies = rules.new_initial_state(), 0
        while not state.is_terminal() and plies < PLIES:
            if chance and state.is_chance_node():
                outcomes, odds = zip(*state.chance_outcomes(), strict=True)
                state.apply_action(generator.choices(outcomes, odds)[0])
                continue
            observer.set_from(state, state.current_player())
            np.asarray(state.legal_actions_mask(), np.bool_)
            state.apply_action(generator.choice(state.legal_actions()))
            plies += 1
        return plies

    return core_rate(work)


def gymnasium_vector_twin(name: str) -> Measure:
    """Gymnasium's own vector environment, written for arrays, with actions drawn beforehand; `NAME*LANES`."""
    gymnasium: Any = importlib.import_module("gymnasium")
    name, _, width = name.partition("*")
    lanes = int(width or 1024)
    return vector_rate(gymnasium.make_vec(name, lanes, vectorization_mode="vector_entry_point"), lanes)


def vector_rate(env: Any, lanes: int) -> Measure:
    """Steps a second of a vector environment of Gymnasium, ours or theirs."""
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(16)]

    def work() -> float:
        for action in actions:
            env.step(action)
        return lanes * len(actions)

    return core_rate(work)


def pgx_twin(name: str, lanes: int = 0, steps: int = 0, every_core: bool = True) -> Measure:
    """A batch of games of pgx that restart by themselves, `steps` steps in one compiled scan.

    Batch and steps are by default those at which pgx is fastest. It spreads over `every_core` unless the process is
    kept to one.
    """
    lanes = lanes or PGX_LANES.get(name, 1024)
    steps = steps or max(2, min(PGX_STEPS, (1 << 19) // lanes))
    jax: Any = importlib.import_module("jax")
    pgx: Any = importlib.import_module("pgx")
    restarting: Any = importlib.import_module("pgx.experimental.wrappers")
    env = pgx.make(name)
    step = jax.vmap(restarting.auto_reset(env.step, env.init))

    def one(carry: Any, _: Any) -> Any:
        state, key = carry
        key, draw, again = jax.random.split(key, 3)
        scores = jax.numpy.log(state.legal_action_mask.astype(jax.numpy.float32))
        action = jax.random.categorical(draw, scores, axis=1)
        state = step(state, action, jax.random.split(again, lanes))
        return (state, key), None

    many = jax.jit(lambda state, key: jax.lax.scan(one, (state, key), None, length=steps)[0])
    state = jax.jit(jax.vmap(env.init))(jax.random.split(jax.random.PRNGKey(0), lanes))
    held = [state, jax.random.PRNGKey(1)]
    held[:] = jax.block_until_ready(many(*held))

    def work() -> float:
        held[:] = jax.block_until_ready(many(*held))
        return lanes * steps

    return machine_rate(work) if every_core else core_rate(work)

"""Random legal play of Connect Four with all a learner is given: mask, float32 observation, a new game after the last.

Everything on one core, by the time that core worked. One ply counts as one, whoever makes it.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from arena.bench.measure import Contest, Measure, Side, core_rate
from envs import kernels
from envs.registry import game

LANES = 256
PGX_LANES = 4096


def contests() -> Iterator[Contest]:
    """Ours against PettingZoo, open_spiel from Python, and pgx."""
    subject = "connect_four, random legal play, mask and observation"
    ours = Side("arena", arena)
    yield Contest(subject, "plies/s", ours, Side("pettingzoo connect_four_v3", pettingzoo))
    yield Contest(subject, "plies/s", ours, Side("open_spiel from Python", open_spiel))
    yield Contest(subject, "plies/s", ours, Side(f"pgx on the CPU, batch {PGX_LANES}", pgx))


def arena(lanes: int = LANES, steps: int = 256) -> Measure:
    """The compiled loop over rows."""
    rules = game("connect_four")
    rows = kernels.new_rows(rules, kernels.seeds(0, lanes))
    obs = np.empty((lanes, *rules.shape), np.float32)
    mask = np.empty((lanes, rules.actions), np.bool_)
    steps_of = kernels.random_steps.of(rules)
    steps_of(rows, obs, mask, 1)

    def work() -> float:
        steps_of(rows, obs, mask, steps)
        return lanes * steps

    return core_rate(work)


def pettingzoo() -> Measure:
    """One game after another through the AEC interface, as its documentation has it."""
    connect_four: Any = importlib.import_module("pettingzoo.classic.connect_four_v3")
    env = connect_four.env()
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


def open_spiel() -> Measure:
    """One state after another; observations through its buffer of float32, its fastest way from Python."""
    pyspiel: Any = importlib.import_module("pyspiel")
    observation: Any = importlib.import_module("open_spiel.python.observation")
    rules = pyspiel.load_game("connect_four")
    observer = observation.make_observation(rules)
    generator = random.Random(0)

    def work() -> float:
        state, plies = rules.new_initial_state(), 0
        while not state.is_terminal():
            observer.set_from(state, state.current_player())
            np.asarray(state.legal_actions_mask(), np.bool_)
            state.apply_action(generator.choice(state.legal_actions()))
            plies += 1
        return plies

    return core_rate(work)


def pgx(lanes: int = PGX_LANES, steps: int = 64) -> Measure:
    """A batch that restarts by itself, `steps` steps in one compiled scan."""
    jax: Any = importlib.import_module("jax")
    pgx: Any = importlib.import_module("pgx")
    restarting: Any = importlib.import_module("pgx.experimental.wrappers")
    env = pgx.make("connect_four")
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

    return core_rate(work)

"""The tree search alone: 512 positions of Connect Four, 64 simulations each, and no network to wait for.

Every evaluation is an even prior and a value of 0, so all that is measured is going down, making nodes, writing the
observation that a network would be given, and carrying values up. Everything on one core, by the time it worked.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.search.search import Search, search
from arena.bench.measure import Contest, Measure, Side, core_rate
from envs import kernels
from envs.registry import game

TREES, SIMULATIONS, PLIES = 512, 64, 6


def contests(trees: str = str(TREES), simulations: str = str(SIMULATIONS)) -> Iterator[Contest]:
    """Ours by PUCT against mctx over pgx, and against open_spiel's search in Python."""
    b, n = int(trees), int(simulations)
    subject = f"connect_four, {b} trees x {n} simulations, no network"
    ours = Side("arena", lambda: arena(b, n))
    yield Contest(subject, "simulations/s", ours, Side("mctx + pgx on the CPU", lambda: mctx(b, n)))
    yield Contest(subject, "simulations/s", ours, Side("open_spiel MCTSBot from Python", lambda: open_spiel(n)))


def arena(trees: int, simulations: int) -> Measure:
    """The forest, as self-play uses it."""
    rules = game("connect_four")
    rows = kernels.random_openings(rules, kernels.seeds(0, trees), PLIES)
    settings = Search(simulations=simulations)
    logits, values = np.zeros((trees, rules.actions), np.float32), np.zeros(trees, np.float32)
    rng = kernels.seeds(1, trees)

    def evaluate(obs: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return logits[: len(obs)], values[: len(obs)]

    def work() -> float:
        return float(search(rules, rows, evaluate, settings, rng).visits.sum())

    work()
    return core_rate(work)


def mctx(trees: int, simulations: int) -> Measure:
    """mctx's MuZero policy (PUCT) with pgx's Connect Four as its model, compiled whole."""
    jax: Any = importlib.import_module("jax")
    library: Any = importlib.import_module("mctx")
    jnp = jax.numpy
    env: Any = importlib.import_module("pgx").make("connect_four")
    step = jax.vmap(env.step)

    def logits(state: Any) -> Any:
        return jnp.where(state.legal_action_mask, 0.0, jnp.finfo(jnp.float32).min)

    def model(_: Any, __: Any, action: Any, state: Any) -> Any:
        after = step(state, action)
        reward = after.rewards[jnp.arange(trees), state.current_player]
        discount = jnp.where(after.terminated, 0.0, -1.0)
        seen = after.observation.astype(jnp.float32).sum((1, 2, 3))
        value = jnp.minimum(seen, 0.0)  # always 0, which the compiler cannot know: observations have to be made
        answer = library.RecurrentFnOutput(reward=reward, discount=discount, prior_logits=logits(after), value=value)
        return answer, after

    @jax.jit
    def think(state: Any, key: Any) -> Any:
        root = library.RootFnOutput(prior_logits=logits(state), value=jnp.zeros(trees), embedding=state)
        found = library.muzero_policy(
            params=(),
            rng_key=key,
            root=root,
            recurrent_fn=model,
            num_simulations=simulations,
            invalid_actions=~state.legal_action_mask,
            dirichlet_fraction=0.0,
        )
        return found.action_weights

    key = jax.random.PRNGKey(0)
    state = jax.jit(jax.vmap(env.init))(jax.random.split(key, trees))
    for _ in range(PLIES):
        key, draw = jax.random.split(key)
        state = jax.jit(step)(state, jax.random.categorical(draw, logits(state), axis=1))

    def work() -> float:
        jax.block_until_ready(think(state, key))
        return trees * simulations

    work()
    return core_rate(work)


def open_spiel(simulations: int) -> Measure:
    """open_spiel's MCTS in Python, one position after another, with PUCT."""
    pyspiel: Any = importlib.import_module("pyspiel")
    mcts: Any = importlib.import_module("open_spiel.python.algorithms.mcts")
    rules = pyspiel.load_game("connect_four")
    observation: Any = importlib.import_module("open_spiel.python.observation")
    observer = observation.make_observation(rules)
    generator = np.random.RandomState(0)
    nothing = np.zeros(2)

    class Even:
        """An evaluator that knows nothing."""

        def evaluate(self, state: Any) -> Any:
            observer.set_from(state, state.current_player())
            return nothing

        def prior(self, state: Any) -> list[tuple[int, float]]:
            moves = state.legal_actions()
            return [(move, 1.0 / len(moves)) for move in moves]

    puct = mcts.SearchNode.puct_value
    bot = mcts.MCTSBot(rules, 1.5, simulations, Even(), solve=False, random_state=generator, child_selection_fn=puct)

    def work() -> float:
        state = rules.new_initial_state()
        for _ in range(PLIES):
            state.apply_action(int(generator.choice(state.legal_actions())))
        bot.mcts_search(state)
        return simulations

    return core_rate(work)

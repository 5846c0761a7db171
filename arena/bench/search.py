"""The tree search alone: 512 positions of Connect Four, 64 simulations each, and no network to wait for.

Every position is worth 0 and every move as likely as another, so all that is measured is going down, making nodes and
carrying values up: nobody looks at a position, so none is written down as a network would want it, here or there. The
last row is the search as self-play has it, which asks Python for the leaves of all trees at once. Everything on one
core, by the time it worked.

A simulation looks at 2.0 nodes on its way down. Without a network a tree's 65 nodes of 192 bytes stay in the first
cache until it is done: 40 ns a simulation on a Zen 5 core, and 6 more to begin and to report. What counts there is not
how much is worked out but how long the next move waits for it. With a network, all trees grow in turns, 6 MB of them,
and a simulation takes 120 ns, a quarter of it in Python.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.search.search import Evaluate, Search, search
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
    answered = f"connect_four, {b} trees x {n} simulations, leaves of all trees answered at once"
    yield Contest(answered, "simulations/s", Side("arena", lambda: arena(b, n, nothing_known)))


def arena(trees: int, simulations: int, evaluate: Evaluate | None = None) -> Measure:
    """The forest by PUCT."""
    rules = game("connect_four")
    rows = kernels.random_openings(rules, kernels.seeds(0, trees), PLIES)
    settings = Search(simulations=simulations)
    rng = kernels.seeds(1, trees)

    def work() -> float:
        return float(search(rules, rows, evaluate, settings, rng).visits.sum())

    work()
    return core_rate(work)


def nothing_known(obs: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Answers as a network would that knows nothing."""
    return np.zeros((len(obs), game("connect_four").actions), np.float32), np.zeros(len(obs), np.float32)


def mctx(trees: int, simulations: int) -> Measure:
    """mctx's MuZero policy (PUCT) with pgx's Connect Four as its model, compiled whole."""
    jax: Any = importlib.import_module("jax")
    library: Any = importlib.import_module("mctx")
    jnp = jax.numpy
    env: Any = importlib.import_module("pgx").make("connect_four")
    step = jax.vmap(env.step)

    def logits(state: Any) -> Any:
        return jnp.where(state.legal_action_mask, 0.0, jnp.finfo(jnp.float32).min)

    def unseen(state: Any) -> Any:
        """Without what a network would be shown: so it is not worked out, and not held in the tree."""
        return state.replace(observation=jnp.zeros((trees, 0), jnp.bool_))

    def model(_: Any, __: Any, action: Any, state: Any) -> Any:
        after = unseen(step(state, action))
        reward = after.rewards[jnp.arange(trees), state.current_player]
        discount = jnp.where(after.terminated, 0.0, -1.0)
        answer = library.RecurrentFnOutput(
            reward=reward, discount=discount, prior_logits=logits(after), value=jnp.zeros(trees)
        )
        return answer, after

    @jax.jit
    def think(state: Any, key: Any) -> Any:
        root = library.RootFnOutput(prior_logits=logits(state), value=jnp.zeros(trees), embedding=unseen(state))
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
    generator = np.random.RandomState(0)
    nothing = np.zeros(2)

    class Even:
        """An evaluator that knows nothing."""

        def evaluate(self, state: Any) -> Any:
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

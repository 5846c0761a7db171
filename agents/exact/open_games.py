"""Exploitability in small games that lie open: every position is asked about once, and answered from the end back.

Where nothing is hidden or drawn, a best response is a walk back over the positions (Zermelo 1913): its seat takes the
best move, and where the agent moves, its moves count by how likely they are.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.agent import Agent, Unable
from agents.exact.best_response import Answers
from agents.exact.policy import Heard, drawn_from
from agents.exact.tree import TooLarge
from agents.play import check
from envs import kernels
from envs.game import Game, Rows

MOST = 20_000
"""Positions of a game at most."""

SAMPLES = 32
"""How often an agent is asked that does not say what it draws its moves from."""


class Layer(NamedTuple):
    """The positions at one ply, each once."""

    rows: Rows
    legal: NDArray[np.bool_]
    """[N, A]"""
    to: NDArray[np.int64]
    """[N, A] the position of the next layer that a move leads to, -1 where the game is over or no move."""
    pays: NDArray[np.float64]
    """[N, A] what a move pays seat 0."""


@cache
def layers(game: Game, most: int = MOST) -> list[Layer]:
    """Every position of a game, ply by ply; raises TooLarge past `most`, and Unable where that cannot be walked."""
    if game.hidden or game.chance or game.foreign or game.controls or game.seats != 2 or game.key is None:
        raise Unable(f"{game.name} is no game of two that lies open and numbers its positions.")
    found: list[Layer] = []
    rows, count = kernels.new_rows(game, np.zeros(1, np.uint64)), 0
    while len(rows):
        count += len(rows)
        if count > most:
            raise TooLarge(f"{game.name} has more than {most:,} positions, too many for exact work.")
        legal = kernels.legal_mask(game, rows)
        at, move = np.nonzero(legal)
        after = rows[at]
        kernels.play_rows(game, after, move)
        to, pays = np.full(legal.shape, -1), np.zeros(legal.shape)
        pays[at, move] = after["reward"][:, 0]
        going = ~after["done"]
        after = after[going]
        keys = np.stack([kernels.keys_of(game, after), after["seat"].astype(np.uint64)])
        _, first, which = np.unique(keys, axis=1, return_index=True, return_inverse=True)
        to[at[going], move[going]] = which.reshape(-1)
        found.append(Layer(rows, legal, to, pays))
        rows = after[first]
    return found


def policies(
    game: Game, agent: Agent, found: list[Layer], seed: int = 0, *, heard: Heard = lambda done, total: None
) -> list[NDArray[np.float64]]:
    """[N, A] for each layer: how likely an agent makes each move; raises Unable of one that remembers the way there.

    One that says what it draws its moves from (`drawn_from`) is believed; any other is asked `SAMPLES` times, if it
    does not answer alike twice, which makes it look a little easier to exploit than it is.
    """
    memory = agent.begin(game, np.zeros(1, np.uint64))
    if kept := [name for name in memory if name.rpartition(".")[2] != "rng"]:
        raise Unable(f"{agent.name} plays by what came before ({kept[0]}), and positions are asked about one by one.")
    out, done, total_rows = [], 0, sum(len(layer.rows) for layer in found)
    for layer in found:
        total = np.zeros(layer.legal.shape)
        for i in range(SAMPLES):
            view = kernels.view(game, layer.rows)
            decision = agent.act(view, agent.begin(game, kernels.seeds(seed, len(layer.rows), i)))
            check(agent, view, decision.action)
            if (drawn := drawn_from(agent, view, decision)) is not None:
                total = np.where(view.legal, drawn, 0.0)
                break
            total[np.arange(len(total)), decision.action] += 1.0
            if i == 1 and total.max(axis=1).min() == 2.0:
                break
        out.append(total / total.sum(axis=1, keepdims=True))
        done += len(layer.rows)
        heard(done, total_rows)
    return out


def answered(found: list[Layer], policy: list[NDArray[np.float64]], seat: int, *, follow: bool = False) -> float:
    """What `seat` gets against the policy of the other: with its best response, or if it is to `follow` it as well."""
    sign, worth = (1.0, -1.0)[seat], np.zeros(0)
    for layer, chances in zip(reversed(found), reversed(policy), strict=True):
        below = np.append(worth, 0.0)  # the last for -1: the game is over
        values = sign * layer.pays + below[layer.to]
        worth = (chances * values).sum(axis=1)
        if not follow:
            best = np.where(layer.legal, values, -np.inf).max(axis=1)
            worth = np.where(layer.rows["seat"] == seat, best, worth)
    return float(worth[0])


def best_response(game: Game, agent: Agent, *, heard: Heard = lambda done, total: None) -> Answers:
    """What an agent's play is worth, and best responses to it."""
    found = layers(game)
    policy = policies(game, agent, found, heard=heard)
    value = answered(found, policy, 0, follow=True)
    return Answers(np.array([value, -value]), np.array([answered(found, policy, seat) for seat in (0, 1)]))


def exploitability(game: Game, agent: Agent) -> float:
    """What best responses to an agent gain a seat, on average over both: 0 for perfect play, 1 if it always loses."""
    return best_response(game, agent).exploitability

"""A network that acts: what it makes of B positions, and how a move is drawn from that.

Six kinds of head can choose a move, and a network has one of them: `policy` and `token` (logits of actions), `q`
(returns of actions), and for actions that are vectors `gaussian`, `squashed` and `bounded`. What is drawn of a gaussian
or about a bounded one is kept as it is, and is clipped to the bounds when it is played; a squashed one is brought
within them by a tanh. Where a `q` of some `eta` stands beside a `policy`, the policy is who plays; while experience is
gathered the other takes its place in some games, drawn for each seat when it first moves (`Actor.RESPONDS`).
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray

from agents.agent import Decision, Memory, Unable
from agents.heads import Q
from agents.networks import Network, Weights, load_weights
from agents.perceptron import Perceptron
from envs.game import Game, View
from envs.kernels import compiled, uniform
from envs.randomness import next_random, unit

CHOOSING = ("policy", "token", "gaussian", "squashed", "bounded", "q")
VECTORS = ("gaussian", "squashed", "bounded")
"""Heads that can choose a move, and those of them whose moves are vectors."""


class Acted(NamedTuple):
    """What was drawn for B positions."""

    action: NDArray
    """[B] int64; or [B, controls] float32, before it is clipped."""
    log_p: NDArray[np.float32]
    """[B] the logarithm of its probability, or of its density; 0 of what a q head chose."""
    value: NDArray[np.float32]
    """[B] the return that the network expects; 0 if it has no head for that."""
    memory: Memory
    policy: NDArray[np.float32]
    """[B, A] the probabilities of the legal actions (at temperature 0 those at 1), or their returns by a q head; of
    vectors [B, 2, controls]."""


class Actor:
    """A copy of a network, in evaluation mode, on one core."""

    RESPONDS = "responds"
    """What is remembered of a seat's game where two heads take turns: 1 = q moves, -1 = its policy, 0 = not drawn."""

    def __init__(self, network: Network) -> None:
        self.network = network.twin().eval().requires_grad_(False)
        self.kind = chooser(network)
        self.game = network.game
        self.eta = cast(Q, network.heads["q"]).eta if "q" in network.heads else 0.0
        self.perceptron = Perceptron.of(self.network)

    def load(self, arrays: Weights) -> None:
        load_weights(self.network, arrays)

    def begin(self, lanes: int) -> Memory:
        """What is remembered before the first position of games."""
        memory = {name: tensor.numpy() for name, tensor in self.network.begin(lanes).items()}
        return memory | ({Actor.RESPONDS: np.zeros(lanes, np.int8)} if self.eta else {})

    def look(self, obs: NDArray[np.float32], memory: Memory) -> tuple[dict[str, NDArray[np.float32]], Memory]:
        """What each head says of positions [B, *shape], and what is remembered after them."""
        if self.perceptron is not None:
            logits, value = self.perceptron.say(obs)
            return {"policy": logits, "returns": value}, memory
        with torch.inference_mode():
            if not self.network.memory:
                return {name: tensor.numpy() for name, tensor in self.network(torch.from_numpy(obs)).items()}, memory
            carried = {name: torch.from_numpy(array) for name, array in memory.items()}
            fresh = torch.zeros(len(obs), 1, dtype=torch.bool)
            out, carried = self.network.unroll(torch.from_numpy(obs).unsqueeze(1), carried, fresh)
            kept = {name: tensor.numpy() for name, tensor in carried.items()}
            return {name: tensor.squeeze(1).numpy() for name, tensor in out.items()}, kept

    def value(self, obs: NDArray[np.float32], legal: NDArray[np.bool_], memory: Memory) -> NDArray[np.float32]:
        """[B] the returns that the network expects; 0 if it has no head for that."""
        if not {"q", "returns"} & set(self.network.heads):
            return np.zeros(len(obs), np.float32)
        out = self.look(obs, memory)[0]
        return out["returns"] if "returns" in out else best(self.worth(out["q"]), legal)

    def worth(self, q: NDArray[np.float32]) -> NDArray[np.float32]:
        """[B, A] the returns that a q head expects of each action, from what it gave."""
        head = cast(Q, self.network.heads["q"])
        with torch.inference_mode():
            return np.ascontiguousarray(head.expected(torch.from_numpy(q)).numpy())

    def act(
        self,
        obs: NDArray[np.float32],
        legal: NDArray[np.bool_],
        memory: Memory,
        rng: NDArray[np.uint64],
        temperature: float = 1.0,
        stray: bool = True,
    ) -> Acted:
        """Draws a move in each of B positions; rng [B] moves on.

        temperature  of a policy: 1 draws by it, less is bolder, 0 takes the likeliest, the mean of a gaussian
        stray        whether a q head strays as often as its `epsilon` says
        """
        out, memory = self.look(obs, memory)
        count = len(obs)
        log_p = np.zeros(count, np.float32)
        value = out["returns"] if "returns" in out else np.zeros(count, np.float32)
        if self.kind in VECTORS:
            spread = out[self.kind]
            action = np.empty((count, spread.shape[2]), np.float32)
            draw_gaussian(np.ascontiguousarray(spread), temperature, rng, action, log_p)
            if self.kind == "squashed":
                log_p -= log_squeeze(action)
                action = np.tanh(action)
            return Acted(action, log_p, value, memory, spread)
        chosen = np.empty(count, np.int64)
        if self.kind == "q":
            epsilon = float(cast(Q, self.network.heads["q"]).epsilon[0]) if stray else 0.0
            policy = self.worth(out["q"])
            draw_greedy(policy, legal, epsilon, rng, chosen)
            value = best(policy, legal)
        else:
            policy = np.empty(legal.shape, np.float32)
            draw_masked(np.ascontiguousarray(out[self.kind]), legal, temperature, rng, policy, chosen, log_p)
            if self.eta:
                worth = self.worth(out["q"])
                value = best(worth, legal)
                if stray:
                    memory = self._respond(worth, legal, memory, rng, chosen, log_p)
        return Acted(chosen, log_p, value, memory, policy)

    def _respond(
        self,
        worth: NDArray[np.float32],
        legal: NDArray[np.bool_],
        memory: Memory,
        rng: NDArray[np.uint64],
        chosen: NDArray[np.int64],
        log_p: NDArray[np.float32],
    ) -> Memory:
        """Draws who moves in games in which a seat does so for the first time; writes what q chooses where it is q."""
        turn = memory[Actor.RESPONDS]
        drawn = np.where(uniform(rng) < self.eta, 1, -1).astype(np.int8)
        turn = np.where(turn == 0, drawn, turn)
        own = np.flatnonzero(turn == 1)
        if len(own):
            action, streams = np.empty(len(own), np.int64), rng[own]
            epsilon = float(cast(Q, self.network.heads["q"]).epsilon[0])
            draw_greedy(worth[own], legal[own], epsilon, streams, action)
            chosen[own], log_p[own], rng[own] = action, 0.0, streams
        return {**memory, Actor.RESPONDS: turn}


def best(worth: NDArray[np.float32], legal: NDArray[np.bool_]) -> NDArray[np.float32]:
    """[B] the most that any legal action is worth."""
    return np.where(legal, worth, -np.inf).max(1).astype(np.float32)


def chooser(network: Network) -> str:
    """Which of a network's heads chooses its moves; raises ValueError if none can."""
    found = [name for name in CHOOSING if name in network.heads]
    if found == ["policy", "q"] and "q" in network.apart:
        return "policy"
    if len(found) != 1:
        raise ValueError(
            f"A network that acts has one head of {', '.join(CHOOSING)}; this one has {', '.join(network.heads)}."
        )
    if (found[0] in VECTORS) != bool(network.game.controls):
        raise ValueError(f"The head {found[0]} does not fit the actions of {network.game.name}.")
    return found[0]


@compiled
def draw_masked(
    logits: NDArray[np.float32],
    legal: NDArray[np.bool_],
    temperature: float,
    rng: NDArray[np.uint64],
    policy: NDArray[np.float32],
    action: NDArray[np.int64],
    log_p: NDArray[np.float32],
) -> None:
    """Writes the softmax over legal actions [B, A], an action drawn by it and the logarithm of its probability.

    At temperature 0 that is the softmax at 1, and the action the likeliest.
    """
    for i in range(logits.shape[0]):
        best = -1
        for a in range(logits.shape[1]):
            if legal[i, a] and (best < 0 or logits[i, a] > logits[i, best]):
                best = a
        sharp = 1.0 if temperature == 0.0 else 1.0 / temperature
        total = 0.0
        for a in range(logits.shape[1]):
            share = np.exp(sharp * (logits[i, a] - logits[i, best])) if legal[i, a] else 0.0
            policy[i, a] = share
            total += share
        mark = unit(next_random(rng, i)) * total
        chosen = best
        for a in range(logits.shape[1]):
            if policy[i, a] > 0.0:
                mark -= policy[i, a]
                if mark < 0.0 and temperature > 0.0:
                    chosen = a
                    break
        for a in range(logits.shape[1]):
            policy[i, a] /= total
        action[i] = chosen
        log_p[i] = sharp * (logits[i, chosen] - logits[i, best]) - np.log(total)


@compiled
def draw_gaussian(
    spread: NDArray[np.float32],
    temperature: float,
    rng: NDArray[np.uint64],
    action: NDArray[np.float32],
    log_p: NDArray[np.float32],
) -> None:
    """Draws mean + temperature exp(log spread) z, z by Box & Muller, and writes the density of what was drawn.

    spread [B, 2, controls]; the density is that of temperature 1.
    """
    for i in range(spread.shape[0]):
        log_p[i] = 0.0
        for c in range(spread.shape[2]):
            radius = np.sqrt(-2.0 * np.log(1.0 - unit(next_random(rng, i))))
            z = temperature * radius * np.cos(2.0 * np.pi * unit(next_random(rng, i)))
            action[i, c] = spread[i, 0, c] + np.exp(spread[i, 1, c]) * z
            log_p[i] -= 0.5 * z * z + spread[i, 1, c] + 0.5 * np.log(2.0 * np.pi)


def log_squeeze(drawn: NDArray[np.float32]) -> NDArray[np.float32]:
    """[B] by what a tanh narrows the neighbourhood of drawn [B, controls]: sum of log(1 - tanh^2), as a logarithm."""
    return (2.0 * (np.log(2.0) - drawn - np.logaddexp(0.0, -2.0 * drawn))).sum(1).astype(np.float32)


@compiled
def draw_greedy(
    worth: NDArray[np.float32],
    legal: NDArray[np.bool_],
    epsilon: float,
    rng: NDArray[np.uint64],
    action: NDArray[np.int64],
) -> None:
    """Writes the legal action of most worth, or with probability epsilon an evenly drawn legal one."""
    for i in range(worth.shape[0]):
        stray = unit(next_random(rng, i)) < epsilon
        left = unit(next_random(rng, i)) * np.sum(legal[i])
        chosen = -1
        for a in range(worth.shape[1]):
            if legal[i, a]:
                left -= 1.0
                if stray:
                    chosen = a
                    if left < 0.0:
                        break
                elif chosen < 0 or worth[i, a] > worth[i, chosen]:
                    chosen = a
        action[i] = chosen


def reads(network: Network, game: Game) -> bool:
    """Whether a network knows a game's very tokens, and has room for its texts."""
    same = game.language is not None and network.game.language is not None and game.names == network.game.names
    room = "token" in network.heads and getattr(network.backbone, "context", 0) >= game.shape[-1]
    return same and (room or game.shape == network.game.shape)


class ActorAgent:
    """A network that acts without search, as an agent.

    temperature  of its policy (see `Actor.act`); None draws by it in games that hide something, where a mixed policy is
                 the point, and plays the likeliest move elsewhere
    """

    def __init__(self, actor: Actor, name: str, temperature: float | None = None) -> None:
        game = actor.game
        if temperature is None:
            temperature = 1.0 if game.hidden or game.simultaneous else 0.0
        if not 0.0 <= temperature < float("inf"):
            raise ValueError(f"A temperature is a number of at least 0, not {temperature}.")
        self.actor, self.name, self.temperature = actor, name, float(temperature)

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        if game.name != self.actor.game.name and not reads(self.actor.network, game):
            raise Unable(f"{self.name} was trained for {self.actor.game.name} and cannot play {game.name}.")
        carried = self.actor.network.begin(len(seeds))  # whose turn it is matters while experience is gathered alone
        return {"rng": seeds.copy(), **{f"net.{key}": value.numpy() for key, value in carried.items()}}

    def act(self, view: View, memory: Memory) -> Decision:
        inner = {key[4:]: value for key, value in memory.items() if key.startswith("net.")}
        rng = memory["rng"].copy()
        acted = self.actor.act(view.obs, view.legal, inner, rng, self.temperature, stray=False)
        kept = {"rng": rng, **{f"net.{key}": value for key, value in acted.memory.items()}}
        if self.actor.kind in VECTORS:
            return Decision(bounded(view.game, acted.action), kept, {"value": acted.value})
        value = acted.value.clip(-1, 1) if view.game.pays == "result" else acted.value
        if self.actor.kind == "q":
            return Decision(acted.action, kept, {"value": value, "q": acted.policy})
        return Decision(acted.action, kept, {"value": value, **self._said(acted)})

    def _said(self, acted: Acted) -> dict[str, NDArray[np.float32]]:
        """What moves were drawn from, and what they would be drawn from by the network itself (`agents.policy`)."""
        if self.temperature == 0.0:
            certain = np.zeros_like(acted.policy)
            certain[np.arange(len(certain)), acted.action] = 1.0
            return {"policy": certain, "prior": acted.policy}
        odds = acted.policy**self.temperature
        return {"policy": acted.policy, "prior": odds / odds.sum(1, keepdims=True)}


def bounded(game: Game, action: NDArray[np.float32]) -> NDArray[np.float32]:
    """[B, controls] what is played: -1 and 1 of each number are its bounds, and what lies beyond is clipped to them."""
    low, high = np.array(game.controls, np.float32).T
    return np.clip(low + (high - low) * np.float32(0.5) * (action + np.float32(1.0)), low, high)

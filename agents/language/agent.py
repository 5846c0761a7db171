"""A language model as an agent: token by token in any task of its tokens, and at the board that its task tells of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.actor import Actor, reads
from agents.agent import Decision, Memory, Unable
from agents.language.board import BoardPlayer
from agents.language.columns import LANES
from agents.language.draws import Picking, draw_tokens
from agents.language.model import parts
from agents.networks import Network
from envs.game import Game, View
from envs.language.move import board_of


class LanguageAgent:
    """Plays the task that it was trained for, and every other with the same tokens whose texts fit its context.

    temperature   of its tokens; 0 writes the likeliest
    top_k, top_p  as in `Sampler.sample`, in tasks
    retries       as in `BoardPlayer`, at the board of the task `move`
    """

    def __init__(
        self,
        network: Network,
        name: str,
        temperature: float = 0.0,
        top_k: int = 0,
        top_p: float = 1.0,
        retries: int = 0,
    ) -> None:
        self.picking = Picking.of(temperature or 1.0, top_k, top_p, temperature == 0.0)
        self.actor, self.name, self.context = Actor(network), name, parts(network)[0].context
        told = board_of(network.game) is not None
        if retries and not told:
            raise ValueError(f"{name} was trained for {network.game.name}, where nothing is asked again; omit retries.")
        self.board = BoardPlayer(network, name, temperature, retries) if told else None

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        if self.board is not None and game.name == self.board.board.name:
            return self.board.begin(game, seeds)
        if game.name != self.actor.game.name and not reads(self.actor.network, game):
            raise Unable(
                f"{self.name} was trained for {self.actor.game.name} and cannot play {game.name}: it plays tasks of "
                f"the same tokens with texts of at most {self.context}; train it with a longer gpt:context."
            )
        return {"rng": seeds.copy()}

    def act(self, view: View, memory: Memory) -> Decision:
        if self.board is not None and view.game.name == self.board.board.name:
            return self.board.act(view, memory)
        out, _ = self.actor.look(view.obs, {})
        scores = np.where(view.legal, out["token"], -np.inf).astype(np.float32)
        rng, count = memory["rng"].copy(), len(scores)
        each, length = np.arange(count), np.zeros(count, np.int64)
        tokens, (log_p, drawn) = np.zeros((count, 1), np.uint8), np.zeros((2, count, 1), np.float32)
        columns = np.zeros((scores.shape[1], -(-count // LANES) * LANES), np.float32)
        columns[:, :count] = scores.T
        draw_tokens(columns, each, each, self.picking, rng, tokens, length, log_p, drawn)
        odds = np.exp((scores - scores.max(1, keepdims=True)) / np.float32(self.picking.temperature))
        value = out["returns"] if "returns" in out else np.zeros(count, np.float32)
        shown = {"value": value, "policy": odds / odds.sum(1, keepdims=True)}
        return Decision(tokens[:, 0].astype(np.int64), {"rng": rng}, shown)

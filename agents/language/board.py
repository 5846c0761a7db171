"""A language model at a board: it is told the position in words, and what it writes is its move or is none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.agent import Decision, Forfeit, Memory, Unable
from agents.language.sampling import Sampler
from agents.networks import Network
from envs.game import Game, View
from envs.language.move import board_of, named, told
from envs.language.vocabulary import decode
from envs.randomness import GOLDEN

AT_ONCE = 256
"""Positions that are read at a time."""


class BoardPlayer:
    """Plays the game that its network's task `move` tells of; of what is legal it knows only what it has learned.

    temperature  of its tokens; 0 writes the likeliest
    retries      how often it is asked again, at a temperature of at least 1, when what it wrote is no legal move; after
                 that the game is forfeited
    """

    def __init__(self, network: Network, name: str, temperature: float = 0.0, retries: int = 0) -> None:
        task = network.game
        board = board_of(task)
        if board is None or task.language is None:
            raise Unable(f"{name} was trained for {task.name}, which tells of no board; train it for move:game=GAME.")
        if not 0.0 <= temperature < float("inf"):
            raise ValueError(f"A temperature is a number of at least 0, not {temperature}.")
        if isinstance(retries, bool) or not isinstance(retries, int) or not 0 <= retries <= 100:
            raise ValueError(f"retries is a whole number from 0 to 100, not {retries}.")
        self.name, self.temperature, self.retries = name, float(temperature), retries
        self.board, self.most = board, task.language.answer
        self.moves = {decode(word): action for action, word in enumerate(named(board))}
        self.sampler = Sampler(network, AT_ONCE)

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        if game.name != self.board.name:
            raise Unable(
                f"{self.name} is told of {self.board.name} and cannot play {game.name}; train one for move:game=GAME."
            )
        return {"rng": seeds.copy()}

    def act(self, view: View, memory: Memory) -> Decision:
        """Any legal move stands where a game is forfeited."""
        rng = memory["rng"].copy()
        action = view.legal.argmax(1)
        prompts = told(view.obs)
        words = [""] * len(action)
        asked = np.arange(len(action))
        for attempt in range(1 + self.retries):
            rng[asked] += GOLDEN
            for lane, word in zip(asked.tolist(), self._write(prompts[asked], rng[asked], attempt), strict=True):
                words[lane] = word
                if self._legal(view, lane, word):
                    action[lane] = self.moves[word]
            asked = np.array([lane for lane in asked.tolist() if not self._legal(view, lane, words[lane])], np.int64)
            if not len(asked):
                break
        sentence = "{} wrote '{}', which is no legal move of {}."
        forfeits = {
            lane: Forfeit("illegal", sentence.format(self.name, words[lane], self.board.name))
            for lane in asked.tolist()
        }
        return Decision(action, {"rng": rng}, forfeits=forfeits)

    def _legal(self, view: View, lane: int, word: str) -> bool:
        return word in self.moves and bool(view.legal[lane, self.moves[word]])

    def _write(self, prompts: NDArray[np.uint8], seeds: NDArray[np.uint64], attempt: int) -> list[str]:
        """What is written behind prompts [B, P]."""
        temperature = max(1.0, self.temperature) if attempt else self.temperature
        prompted = np.full(len(prompts), prompts.shape[1])
        samples = self.sampler.sample(
            prompts, prompted, self.most, seeds, temperature=temperature or 1.0, greedy=temperature == 0.0
        )
        return [decode(tokens[:length]) for tokens, length in zip(samples.tokens, samples.length, strict=True)]

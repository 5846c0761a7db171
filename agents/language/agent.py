"""A language model as an agent: in any task of its tokens, and at the board that its task tells of.

An answer is written whole by the sampler when its first token is asked for, and is then played token by token; where
something else was played in a token's place, what follows is written anew. 300 answers of 42 tokens by a model of two
layers of width 64 take 0.16 s of a core, where reading the text anew at each token took 8.1; 200 of 24 tokens by four
layers of width 128 take 0.36 s instead of 7.9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from agents.actor import Actor, reads
from agents.agent import Decision, Memory, Unable
from agents.language.board import BoardPlayer
from agents.language.draws import Picking
from agents.language.model import parts
from agents.language.sampling import Sampler
from agents.networks import Network
from envs.game import Game, View
from envs.language.move import board_of
from envs.randomness import GOLDEN

AT_ONCE = 256
"""Answers that are written at a time."""


class LanguageAgent:
    """Plays the task that it was trained for, and every other with the same tokens whose texts fit its context.

    Its products are of float32: in bfloat16 0 to 9 of 100 greedy answers of five trained models were other ones, where
    two tokens are about as likely, and writing them took about as long.

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
        self.sampler = Sampler(network, AT_ONCE, narrow=False)
        told = board_of(network.game) is not None
        if retries and not told:
            raise ValueError(f"{name} was trained for {network.game.name}, where nothing is asked again; omit retries.")
        self.board = BoardPlayer(network, name, temperature, retries) if told else None

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        """Memory: text [B, L] as it was planned up to `planned` [B], of which the first `at` [B] tokens must stand."""
        if self.board is not None and game.name == self.board.board.name:
            return self.board.begin(game, seeds)
        if game.name != self.actor.game.name and not reads(self.actor.network, game):
            raise Unable(
                f"{self.name} was trained for {self.actor.game.name} and cannot play {game.name}: it plays tasks of "
                f"the same tokens with texts of at most {self.context}; train it with a longer gpt:context."
            )
        at, planned = np.zeros((2, len(seeds)), np.int64)
        text = np.zeros((len(seeds), game.shape[2]), np.uint8)
        return {"rng": seeds.copy(), "text": text, "at": at, "planned": planned}

    def act(self, view: View, memory: Memory) -> Decision:
        if self.board is not None and view.game.name == self.board.board.name:
            return self.board.act(view, memory)
        memory = {name: array.copy() for name, array in memory.items()}
        other = np.flatnonzero(~_as_planned(view.obs, memory))
        if len(other):
            self._plan(view, memory, other)
        tokens = np.take_along_axis(memory["text"], memory["at"][:, None], 1)[:, 0]
        memory["at"] += 1
        memory["rng"] += GOLDEN  # as a draw moves it, so that what is written anew is drawn as if nothing had been
        return Decision(tokens.astype(np.int64), memory, _Shown(self.actor, view, self.picking.temperature))

    def _plan(self, view: View, memory: Memory, lanes: NDArray[np.int64]) -> None:
        """Writes the rest of some lanes' answers into their memory."""
        assert view.game.language is not None
        stands = view.obs[lanes, :, 0]
        text, written = stands.argmax(1).astype(np.uint8), stands.any(1).sum(1)
        reach = int(written.max())
        most = min(view.game.language.answer, text.shape[1] - reach)
        samples = self.sampler.sample(text[:, :reach], written, most, memory["rng"][lanes], *self.picking)
        np.put_along_axis(text, written[:, None] + np.arange(most), samples.tokens, 1)
        memory["text"][lanes], memory["at"][lanes] = text, written
        memory["planned"][lanes] = written + samples.length


def _as_planned(obs: NDArray[np.float32], memory: Memory) -> NDArray[np.bool_]:
    """[B] whether there is a token planned for now, and behind those before it nothing stands."""
    text, at = memory["text"], memory["at"]
    stands = np.take_along_axis(obs[:, :, 0], text[:, None].astype(np.int64), 1)[:, 0] > 0
    same = (stands | (np.arange(text.shape[1]) >= at[:, None])).all(1)
    now = obs[np.arange(len(obs)), :, 0, np.minimum(at, text.shape[1] - 1)].any(1)
    return (at < memory["planned"]) & same & ~now


class _Shown(Mapping[str, NDArray[np.float32]]):
    """What viewers may ask of a decision, value and policy; the network is asked when they do."""

    def __init__(self, actor: Actor, view: View, temperature: float) -> None:
        self.actor, self.view, self.temperature = actor, view, temperature

    @cached_property
    def shown(self) -> dict[str, NDArray[np.float32]]:
        out, _ = self.actor.look(self.view.obs, {})
        scores = np.where(self.view.legal, out["token"], -np.inf).astype(np.float32)
        odds = np.exp((scores - scores.max(1, keepdims=True)) / np.float32(self.temperature))
        value = out["returns"] if "returns" in out else np.zeros(len(scores), np.float32)
        return {"value": value, "policy": odds / odds.sum(1, keepdims=True)}

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        return self.shown[name]

    def __contains__(self, name: object) -> bool:
        return name in ("value", "policy")

    def __iter__(self) -> Iterator[str]:
        return iter(("value", "policy"))

    def __len__(self) -> int:
        return 2

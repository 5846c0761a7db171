"""Writing of any kind, an untrained model that writes, and prompts for it."""

from __future__ import annotations

import numpy as np
import torch

from agents.language.model import parts
from agents.networks import Network
from envs import kernels
from envs.game import Game, row_dtype, rule
from envs.options import spec

LONG, TOKENS = 12, 8
ROW = row_dtype(1, text=(np.uint8, (LONG,)), written=np.int16)
BODIES = [f"gpt:layers=2,width=16,heads=2,positions={name}" for name in ("learned", "sinusoidal", "rotary")]


def scribble() -> Game:
    """Writing of any kind: eight tokens, of which 0 ends a text of at most twelve; the first is given."""

    @rule
    def reset(row) -> None:
        row.text[:] = 0
        row.text[0] = 3
        row.written = 1

    @rule
    def play(row, action) -> None:
        row.text[row.written] = action
        row.written += 1
        row.ply += 1
        row.done = action == 0 or row.written == LONG

    @rule
    def legal(row, out) -> None:
        out[:] = True

    @rule
    def observe(row, out) -> None:
        out[:] = 0.0
        for i in range(row.written):
            out[row.text[i], 0, i] = 1.0

    return Game(
        name=spec("scribble"),
        seats=1,
        actions=TOKENS,
        shape=(TOKENS, 1, LONG),
        row=ROW,
        reset=reset,
        play=play,
        legal=legal,
        observe=observe,
        names=("end", *"abcdefg"),
        max_plies=LONG,
        pays="general",
    )


GAME = scribble()


def model(body: str = BODIES[0], sharp: float = 5.0, seed: int = 0) -> Network:
    """An untrained model that prefers some tokens clearly."""
    network = Network(GAME, body, ("token",), seed=seed).eval()
    with torch.no_grad():
        parts(network)[0].table.mul_(sharp)
    return network


def prompts(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prompts of 1 to 4 tokens, their lengths, and seeds."""
    generator = np.random.default_rng(seed)
    tokens = generator.integers(1, TOKENS, (count, 4)).astype(np.uint8)
    return tokens, generator.integers(1, 5, count), kernels.seeds(seed, count)

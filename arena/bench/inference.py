"""Positions a second through one network: the backend that is chosen here against PyTorch as everyone first writes it.

A residual tower of 3 blocks of 32 channels for Connect Four, batches of 512, on one core, as each self-play worker has
one, and by the time that core worked; with the option threads=N on N cores and by the clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import torch

from agents.inference import Evaluator, evaluator
from agents.networks import Network
from arena.bench.measure import Contest, Measure, Side, core_rate, rate, stay_on_one_core
from envs import kernels
from envs.registry import game

BATCH = 512


def contests(backbone: str = "resnet:blocks=3,width=32", threads: str = "1") -> Iterator[Contest]:
    """Ours against the network called as a module, in float32."""
    used = int(threads)
    if used == 1:
        stay_on_one_core()
    speed = core_rate if used == 1 else rate
    network = Network(game("connect_four"), backbone).eval()
    subject = f"connect_four, {backbone}, batch {BATCH}, {used} {'core' if used == 1 else 'cores'}"

    @cache
    def best() -> Evaluator:
        return evaluator(network, threads=used, batch=BATCH)

    def ours() -> Measure:
        obs = observations()
        best()(obs)
        return speed(lambda: len(best()(obs)[1]))

    def eager() -> Measure:
        obs = observations()
        return speed(lambda: forward(network, obs, used))

    yield Contest(
        subject,
        "positions/s",
        Side("arena", ours),
        Side("eager PyTorch float32", eager),
        f"ours is {best().backend}" + (f" ({best().note})" if best().note else ""),
    )


def forward(network: Any, obs: np.ndarray, threads: int) -> int:
    """What the first draft of such a program does: tensors in, modules called, arrays out."""
    torch.set_num_threads(threads)
    with torch.inference_mode():
        out = network(torch.from_numpy(obs))
        answer = out["policy"].numpy(), torch.tanh(out["value"] / 2).numpy()
    return len(answer[0])


def observations() -> np.ndarray:
    """[BATCH, 2, 6, 7] positions ten random moves into their games."""
    rules = game("connect_four")
    return kernels.view(rules, kernels.random_openings(rules, kernels.seeds(0, BATCH), 10)).obs

"""Inference on an NVIDIA GPU: a whole network as one CUDA graph, so that no layer waits for Python.

For small networks a GPU waits for its orders longer than it computes: a residual tower of 4 blocks is some forty
kernels. A graph of them, copies to and from page-locked memory included, is recorded once for each batch size
(https://docs.nvidia.com/cuda, "CUDA graphs"), and given as one order after that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.inference import Answer, Unsuited
from agents.networks import Playing

KIND = torch.bfloat16
WARM = 3
"""Runs before one is recorded: libraries choose and load their kernels in the first."""


@dataclass
class Recorded:
    """A batch size's graph, and the page-locked memory that it reads and writes."""

    graph: torch.cuda.CUDAGraph
    given: Tensor
    answer: tuple[Tensor, Tensor]


class Graphs:
    """Bfloat16 on the first GPU; threads do not matter to it."""

    exact = False
    """Recording a size takes a hundredth of a second."""

    def __init__(self, playing: Playing, threads: int) -> None:
        if not torch.cuda.is_available():
            raise Unsuited("PyTorch finds no GPU")
        self.playing = playing.eval().requires_grad_(False).to("cuda", KIND)
        self.playing.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.recorded: dict[int, Recorded] = {}
        self.memory = torch.cuda.graph_pool_handle()
        self.stream = torch.cuda.Stream()

    def load(self, playing: Playing) -> None:
        new = playing.state_dict()
        with torch.cuda.stream(self.stream), torch.no_grad():
            for name, tensor in self.playing.state_dict().items():
                tensor.copy_(new[name])  # in place: the graphs know the addresses
        self.stream.synchronize()

    def run(self, obs: NDArray[np.float32]) -> Answer:
        if len(obs) not in self.recorded:
            self.recorded[len(obs)] = self._record(obs.shape)
        one = self.recorded[len(obs)]
        one.given.numpy()[:] = obs
        with torch.cuda.stream(self.stream):
            one.graph.replay()
        self.stream.synchronize()
        logits, odds = one.answer
        return logits.numpy(), odds.numpy()

    def _record(self, shape: tuple[int, ...]) -> Recorded:
        given = torch.zeros(shape).pin_memory()
        with torch.inference_mode(), torch.cuda.stream(self.stream):
            for _ in range(WARM):
                self._compute(given)
            kept = tuple(torch.empty(part.shape).pin_memory() for part in self._compute(given))
            self.stream.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self.memory, stream=self.stream, capture_error_mode="thread_local"):
                for part, host in zip(self._compute(given), kept, strict=True):
                    host.copy_(part, non_blocking=True)
        return Recorded(graph, given, (kept[0], kept[1]))

    def _compute(self, given: Tensor) -> tuple[Tensor, Tensor]:
        x = given.to("cuda", non_blocking=True).to(KIND)
        if x.dim() == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        logits, odds = self.playing(x)
        return logits.float(), odds.float()

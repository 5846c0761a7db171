"""Inference by PyTorch itself: on a CPU in float32, which always works, or bfloat16, and on a GPU."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from agents.hardware import native_bfloat16
from agents.inference import Answer, Unsuited
from agents.networks import Playing


class Eager:
    """Float32 on the CPU, channels last."""

    exact = True
    device = "cpu"
    kind = torch.float32

    def __init__(self, playing: Playing, threads: int) -> None:
        self.threads = threads
        self.load(playing)

    def load(self, playing: Playing) -> None:
        self.playing = playing.eval().to(self.device, self.kind)
        for tensor in self.playing.parameters():
            if tensor.dim() == 4:
                tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)

    def run(self, obs: NDArray[np.float32]) -> Answer:
        before = torch.get_num_threads()
        if before != self.threads:
            torch.set_num_threads(self.threads)
        try:
            with torch.inference_mode():
                x = torch.from_numpy(obs)
                if x.dim() == 4:
                    x = x.contiguous(memory_format=torch.channels_last)
                logits, odds = self.playing(x.to(self.device, self.kind))
                return logits.float().cpu().numpy(), odds.float().cpu().numpy()
        finally:
            if before != self.threads:
                torch.set_num_threads(before)


class EagerBf16(Eager):
    """Bfloat16 on a CPU that multiplies it."""

    kind = torch.bfloat16

    def __init__(self, playing: Playing, threads: int) -> None:
        if not native_bfloat16():
            raise Unsuited("the CPU has no bfloat16 arithmetic")
        super().__init__(playing, threads)


class Cuda(Eager):
    """Bfloat16 on the first NVIDIA GPU."""

    device = "cuda"
    kind = torch.bfloat16

    def __init__(self, playing: Playing, threads: int) -> None:
        if not torch.cuda.is_available():
            raise Unsuited("PyTorch finds no GPU")
        super().__init__(playing, threads)

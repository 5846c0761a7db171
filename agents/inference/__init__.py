"""How networks are asked for policies and values: the fastest backend that works here, behind one call.

`auto` takes the first of `ORDER` that is installed, that this machine suits, and that agrees with plain PyTorch on a
few positions to within `LOGIT_TOLERANCE` and `VALUE_TOLERANCE`. The order is by measurement: Connect Four, 3 blocks
of 32 channels, batch 512, one Zen 4 core, positions a second (bfloat16 needs a CPU with AVX512-BF16 or AMX):

    openvino-bf16 44,000    torch-bf16 36,000    onnxruntime 23,900    openvino 23,500    torch 16,800
    PyTorch as it is written, batch normalisation unfolded and channels first: 12,600

Measured and left out: TorchInductor in bfloat16 (41,000, but 16 s to compile, and a C++ compiler), int8 in OpenVINO
(59,000, but logits are off by 0.06 and the ranges must be found anew for every snapshot).
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from agents.networks import Network, Playing, Weights, load_weights
from envs.registry import Unknown, nearest

Answer = tuple[NDArray[np.float32], NDArray[np.float32]]

BACKENDS: dict[str, str] = {
    "cuda": "agents.inference.eager:Cuda",
    "openvino-bf16": "agents.inference.openvino:OpenVinoBf16",
    "torch-bf16": "agents.inference.eager:EagerBf16",
    "onnxruntime": "agents.inference.onnxruntime:OnnxRuntime",
    "openvino": "agents.inference.openvino:OpenVino",
    "torch": "agents.inference.eager:Eager",
}
"""name -> "module:class" of an engine."""

ORDER = tuple(BACKENDS)

LOGIT_TOLERANCE = 0.03
"""Of the largest logit, or of 1 if that is more: bfloat16 keeps 8 bits of every factor."""
VALUE_TOLERANCE = 0.05


class Unsuited(ValueError):
    """This machine lacks what a backend needs; the text says what."""


class Engine(Protocol):
    """One way to run a network; made as `Engine(playing, threads)`, raising `Unsuited` or ImportError if it cannot.

    exact  batch sizes cost nothing to vary; otherwise each new one costs milliseconds, once
    """

    exact: bool

    def load(self, playing: Playing) -> None:
        """Takes the weights of another network of the same make."""
        ...

    def run(self, obs: NDArray[np.float32]) -> Answer:
        """[B, *shape] -> logits [B, A] and log-odds of winning [B], in arrays that the engine may use again."""
        ...


class Evaluator:
    """Observations in, policy logits and values out, at any batch size; not for two threads at once.

    backend  which one runs
    note     why it is not a better one; empty if it is the best there is
    """

    def __init__(self, network: Network, backend: str, engine: Engine, batch: int) -> None:
        self.backend = backend
        self.note = ""
        self.batch = batch
        self.game = network.game
        self.engine = engine
        self._twin = network

    def __call__(self, obs: NDArray[np.float32]) -> Answer:
        """obs [B, *shape] -> (logits [B, A], value [B] in (-1, 1)), from the mover's side, in arrays of their own."""
        count = len(obs)
        logits = np.empty((count, self.game.actions), np.float32)
        value = np.empty(count, np.float32)
        for start in range(0, count, self.batch):
            piece = np.ascontiguousarray(obs[start : start + self.batch], np.float32)
            n = len(piece)
            scores, odds = self.engine.run(piece if self.engine.exact else padded(piece))
            logits[start : start + n] = scores[:n]
            value[start : start + n] = np.tanh(odds[:n] * np.float32(0.5))
        return logits, value

    def load(self, arrays: Weights) -> None:
        """Takes new weights of the same network; raises `Misfit` and keeps the old ones if they do not fit."""
        load_weights(self._twin, arrays)
        self.engine.load(Playing(self._twin))


def evaluator(network: Network, *, backend: str = "auto", threads: int = 1, batch: int = 512) -> Evaluator:
    """An evaluator with a copy of the network's weights as they are now.

    backend  "auto" or a name of `BACKENDS`, which is then used or refused
    threads  cores that one call may keep busy; with fewer free, its threads wait for each other and it is far slower
    batch    the most positions computed at once; more are computed in pieces
    """
    if backend != "auto" and backend not in BACKENDS:
        raise Unknown(f"There is no inference backend '{backend}'; {nearest(backend, ['auto', *BACKENDS])}")
    twin = network.twin()
    names, reasons = (backend,), list[str]()
    if backend == "auto":
        finite = all(np.isfinite(each).all() for each in probed(twin)[1:])
        names = ORDER if finite else ("torch",)
        reasons = [] if finite else ["the network's numbers overflow, and no backend can be held to them"]
    for name in names:
        try:
            engine = _engine(name, Playing(twin), threads)
        except (Unsuited, ImportError) as error:
            reasons.append(f"{name}: {error}")
            continue
        except Exception as error:  # a backend's own failure, whatever its type, must not stop plain PyTorch
            if name == "torch":
                raise
            reasons.append(f"{name}: {type(error).__name__} {str(error).strip().partition(chr(10))[0]}")
            continue
        made = Evaluator(twin, name, engine, batch)
        wrong = disagreement(made, twin) if backend == "auto" and name != "torch" else ""
        if not wrong:
            made.note = "; ".join(reasons)
            return made
        reasons.append(f"{name}: {wrong}")
    raise Unsuited(f"The inference backend '{backend}' cannot run here ({'; '.join(reasons)}); use 'auto'.")


def _engine(name: str, playing: Playing, threads: int) -> Engine:
    module, _, attribute = BACKENDS[name].partition(":")
    return getattr(importlib.import_module(module), attribute)(playing, threads)


def probed(network: Network) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Eight random observations, and what plain PyTorch answers to them: logits, and odds of winning."""
    obs = np.random.default_rng(0).integers(0, 2, (8, *network.game.shape)).astype(np.float32)
    with torch.inference_mode():
        scores, odds = Playing(network)(torch.from_numpy(obs))
    return obs, scores.numpy(), odds.numpy()


def disagreement(candidate: Evaluator, network: Network) -> str:
    """What sets an evaluator apart from plain PyTorch on eight random observations; empty if nothing does."""
    obs, want, odds = probed(network)
    even = np.tanh(odds / 2)
    logits, value = candidate(obs)
    off = float(np.abs(logits - want).max() / max(1.0, np.abs(want).max()))
    if not off <= LOGIT_TOLERANCE:
        return f"logits differ from PyTorch's by {off:.3f} of the largest"
    off = float(np.abs(value - even).max())
    return "" if off <= VALUE_TOLERANCE else f"values differ from PyTorch's by {off:.3f}"


def padded(obs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The batch filled up with zeros to the next of sixteen sizes an octave: at most 1/16 more, 2-3 % on average."""
    count = len(obs)
    step = 1 << max(0, count.bit_length() - 5)
    missing = -count % step
    if not missing:
        return obs
    return np.concatenate([obs, np.zeros((missing, *obs.shape[1:]), np.float32)])


def numbers(playing: Playing) -> dict[str, Any]:
    """The float tensors of a network that plays, by name: what an engine has to take over."""
    return {name: tensor for name, tensor in playing.state_dict().items() if tensor.is_floating_point()}

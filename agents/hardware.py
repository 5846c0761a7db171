"""What this machine has to compute with: processors that multiply bfloat16, and CUDA devices."""

from __future__ import annotations

import os
from functools import cache

from llvmlite.binding import get_host_cpu_features


@cache
def native_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 itself; emulated, it is slower than float32."""
    features = get_host_cpu_features()
    return bool(features.get("avx512bf16") or features.get("amx-bf16"))


def repeat_exactly() -> None:
    """Has a GPU give the same bits each time from here on, and PyTorch warn of what cannot.

    To be called before the GPU's first product, or cuBLAS knows nothing of it.
    """
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)


class NoDevice(ValueError):
    """A device was asked for that this machine lacks; the text says what it has."""


def device_of(name: str, count: int = 1, setting: str = "device") -> str:
    """The device that a setting means for `count` networks of one device each; "auto" is cuda if there are as many.

    Raises NoDevice for a cuda that is not there.
    """
    if name == "cpu":
        return name
    import torch

    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if there >= count:
        return "cuda"
    if name == "auto":
        return "cpu"
    wanted = "none that PyTorch can use" if not there else f"{there}, and {count} learners want one each"
    raise NoDevice(f'{setting} is "cuda", and of CUDA devices this machine has {wanted}; set it to "cpu".')

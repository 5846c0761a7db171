"""Which arithmetic this machine does well."""

from __future__ import annotations

from functools import cache

from llvmlite.binding import get_host_cpu_features


@cache
def native_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 itself; emulated, it is slower than float32."""
    features = get_host_cpu_features()
    return bool(features.get("avx512bf16") or features.get("amx-bf16"))

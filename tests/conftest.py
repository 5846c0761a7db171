"""What holds for every test."""

from __future__ import annotations

import os

import hypothesis
import pytest

# No test fails for the time it takes: machines are shared.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

# The suite runs one process a core; libraries that start a thread a core on top of that stand in each other's way.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of one game run in one process (with --dist loadgroup): each game's loops are compiled once."""
    for item in items:
        for name, value in getattr(getattr(item, "callspec", None), "params", {}).items():
            if name in ("spec", "rules"):
                item.add_marker(pytest.mark.xdist_group(str(getattr(value, "name", value))))

"""What holds for every test."""

from __future__ import annotations

import os

# The suite runs one process a core; libraries that start a thread a core on top of that stand in each other's way.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

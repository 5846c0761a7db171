"""What holds for every test."""

from __future__ import annotations

import gc
import os
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

# Most of what tests wait for is numba: it takes less trouble over code that runs for a moment, and keeps that code out
# of the packages' own caches, where it would slow down whoever plays. To test what is shipped: NUMBA_OPT=3.
os.environ.setdefault("NUMBA_OPT", "1")
QUICK = os.environ["NUMBA_OPT"] == "1"
if QUICK:
    os.environ.update(NUMBA_LOOP_VECTORIZE="0", NUMBA_SLP_VECTORIZE="0")
    os.environ["NUMBA_CACHE_DIR"] = str(ROOT / ".pytest_cache" / "compiled")

# Dozens of processes, Ray's among them, import the same libraries: in 4 s of CPU instead of 9 s where bytecode is kept,
# and where Python is told to keep none beside the sources it is kept here.
if sys.dont_write_bytecode:
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(ROOT / ".pytest_cache" / "bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import hypothesis  # noqa: E402
import numba  # noqa: E402, F401  (before what it asked LLVM for is taken back)
import pytest  # noqa: E402
from llvmlite.binding import ffi  # noqa: E402
from numba.core.codegen import CPUCodeLibrary  # noqa: E402

from envs import masks, parts  # noqa: E402

# No test fails for the time it takes: machines are shared. And none by luck: every run tries the same examples, and
# `pytest --hypothesis-profile=fresh` others.
hypothesis.settings.register_profile("fresh", deadline=None)
hypothesis.settings.register_profile("same", deadline=None, derandomize=True)
hypothesis.settings.load_profile("same")

# The suite runs one process a core; libraries that start a thread a core on top of that stand in each other's way.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

# Python looks for garbage after every 700 new objects, and a compiler makes little else: a tenth of its time.
gc.set_threshold(20_000, 20, 10)

# numba has each of its calls of LLVM announced to every compile that is under way: a tenth of its time.
for announcements in list(getattr(ffi.lib._lock, "_cblist", ())):
    ffi.unregister_lock_callback(*announcements)


def optimise(self: CPUCodeLibrary) -> None:
    """numba's whole passes without the cheap ones that it runs before them, to count references less."""
    passes, builder = self._codegen._module_pass_manager()
    passes.run(self._final_module, builder)


if QUICK:
    # Rules are optimised within the loops that they are copied into, once, and masks counted by one code for all games.
    parts._Library._optimize_final_module = lambda self: None
    CPUCodeLibrary._optimize_final_module = optimise
    for counting in (masks.count_true, masks.nth_true, masks.word_at, masks.nth_of_few):
        counting.constants = False


@pytest.fixture(autouse=True)
def same_noise() -> None:
    """What a test draws from PyTorch is the same whichever tests ran before it."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


def pytest_configure(config: pytest.Config) -> None:
    """Every other of several processes reads the tests from their end: each makes half of the bytecode for both."""
    if int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 2 and config.args == config.getini("testpaths"):
        parts = sorted(part for part in (ROOT / "tests").iterdir() if part.is_dir() or part.name.startswith("test_"))
        config.args = [str(part) for part in reversed(parts) if part.name != "__pycache__"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Several processes take what lasts longest first, and before all the tests that wait for Ray.

    A test of how things run together, or of learning, lasts about ten times as long as others.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        sizes: Counter[str] = Counter()
        for item in items:
            together = item.path.parent.relative_to(ROOT / "tests").parts in (("arena",), ("arena", "engines"))
            sizes[group(item.nodeid)] += 10 if together or item.get_closest_marker("learns") else 1
        items.sort(key=lambda item: (group(item.nodeid) != "ray", -sizes[group(item.nodeid)], item.path))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hands out whole groups. (xdist's own `xdist_group` is without effect where pytest is 9.2.)"""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    return Groups(config, log)


@cache
def group(nodeid: str) -> str:
    """What must run in the same process: what uses Ray, the tests of one game, what is left of a file.

    So Ray is started once, and a game's loops are compiled once.
    """
    from envs.registry import GAMES

    path, _, test = nodeid.partition("::")
    if uses_ray(path):
        return "ray"
    words = test.partition("[")[2].rstrip("]").split("-")
    games = (word.partition(":")[0] for word in words)
    return next((name for name in games if name in GAMES), path)


@cache
def uses_ray(path: str) -> bool:
    return "mark.ray" in (ROOT / path).read_text(encoding="utf-8")

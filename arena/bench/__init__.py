"""Benchmarks: the arena against its peers, side by side in one run, as ratios."""

from __future__ import annotations

import inspect
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TypedDict

from envs.registry import Unknown, nearest, resolve

BENCHES: dict[str, str] = {
    "rules": "arena.bench.rules:contests",
    "games": "arena.bench.games:contests",
    "search": "arena.bench.search:contests",
    "exact": "arena.bench.exact:contests",
    "tabular": "arena.bench.tabular:contests",
    "inference": "arena.bench.inference:contests",
    "selfplay": "arena.bench.selfplay:contests",
    "train": "arena.bench.train:contests",
    "throughput": "arena.bench.throughput:contests",
    "workers": "arena.bench.workers:contests",
    "goal": "arena.bench.goal:contests",
    "strength": "arena.bench.strength:contests",
    "ratings": "arena.bench.ratings:contests",
    "leagues": "arena.bench.leagues:contests",
    "matchmaking": "arena.bench.matchmaking:contests",
    "memory": "arena.bench.memory:contests",
    "language": "arena.bench.language:contests",
    "tasks": "arena.bench.tasks:contests",
    "preferences": "arena.bench.preferences:contests",
}
"""name -> "module:function"; the function gives the contests of a benchmark (see `arena.bench.measure`)."""

HOURS = {"train"}
"""What takes hours, and is measured when it is named, not among all the others."""

SUMMARIES: dict[str, str] = {"games": "arena.bench.games:means"}
"""name -> "module:function"; the function gives further rows, worked out of those of a benchmark."""

ONE_CORE = {
    "rules",
    "search",
    "exact",
    "tabular",
    "ratings",
    "leagues",
    "matchmaking",
    "throughput",
    "goal",
    "memory",
    "tasks",
    "preferences",
}
"""What is measured on one core, ours and theirs."""

PATIENCE = 60.0
"""Seconds that a benchmark has to end, and Ray with it, when it is stopped."""

INSTALL = "pip install -e '.[peers]'"


class Row(TypedDict):
    """One comparison; figures are medians over `runs` interleaved runs."""

    bench: str
    subject: str
    ours: float
    peer: str | None
    """None where the peer is not installed; `note` says what to do."""
    theirs: float | None
    unit: str
    ratio: float | None
    """ours / theirs."""
    runs: int
    note: str


class BenchFailed(ValueError):
    """A benchmark could not be carried out; the text says which and why."""


def run(
    names: Sequence[str] = (),
    *,
    runs: int = 5,
    seconds: float = 1.0,
    options: Mapping[str, str] | None = None,
    began: Callable[[str], None] | None = None,
) -> Iterator[tuple[str, list[Row] | BenchFailed]]:
    """Runs benchmarks, each in a process of its own: (its name, its rows or why not); by default all but `HOURS`.

    A contest is measured in `runs` rounds, ours and then the peer for about `seconds` each. `options` go to the
    benchmarks whose `contests` has an argument of that name; `began(name)` is called before each.
    """
    chosen = list(names) or unnamed()
    known = {name: inspect.signature(resolve(BENCHES, name, "benchmark")).parameters for name in chosen}
    for key in options or {}:
        if not any(key in parameters for parameters in known.values()):
            there = sorted({key for parameters in known.values() for key in parameters})
            raise Unknown(f"{', '.join(chosen)}: no option '{key}'; {nearest(key, there)}")
    for key, value in (options or {}).items():
        for parameters in known.values():
            _require_numbers(key, value, str(parameters[key].default) if key in parameters else "")
    for name in chosen:
        if began is not None:
            began(name)
        own = {key: value for key, value in (options or {}).items() if key in known[name]}
        try:
            yield name, _in_own_process(name, {**own, "runs": str(runs), "seconds": str(seconds)})
        except BenchFailed as why:
            yield name, why


def unnamed() -> list[str]:
    """The benchmarks that are measured where none is named."""
    return [name for name in BENCHES if name not in HOURS]


def _require_numbers(key: str, value: str, usual: str) -> None:
    """Raises BenchFailed where an option that is usually a number, or several with commas between them, is none."""
    kinds = {kind for part in usual.split(",") if (kind := _kind(part)) is not str}
    if not kinds or all(_kind(part) in (int, *kinds) for part in (value.split(",") if "," in usual else [value])):
        return
    number = "a whole number" if kinds == {int} else "a number"
    what = f"{number}, or several with commas between them" if "," in usual else number
    raise BenchFailed(f"--option {key}={value}: {key} is {what}, as in --option {key}={usual}.")


def _kind(word: str) -> type:
    """What a word is: a whole number, another number, or words."""
    for kind in (int, float):
        try:
            kind(word)
        except ValueError:
            continue
        return kind
    return str


def _in_own_process(name: str, options: Mapping[str, str]) -> list[Row]:
    """The limits on threads and cores must be there before NumPy, torch and jax start. Raises BenchFailed."""
    words = [f"{key}={value}" for key, value in options.items()]
    command = [sys.executable, "-m", "arena.bench", name, *words]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", **(one_thread() if name in ONE_CORE else {})}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        out, _ = process.communicate()
    except BaseException:
        _stop(process)
        raise
    if process.returncode == 2 and out:
        raise BenchFailed(json.loads(out)["wrong"])
    if process.returncode:
        raise BenchFailed(f"it stopped with exit code {process.returncode}; its message is above.")
    return json.loads(out)


def _stop(process: subprocess.Popen[str]) -> None:
    """Stops a benchmark as Ctrl-C does, so that it takes with it what it has started; at last by force."""
    with suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
    process.kill()
    process.wait()


def one_thread() -> dict[str, str]:
    """Environment that keeps numerical libraries to one thread."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS")
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return {**dict.fromkeys(names, "1"), "XLA_FLAGS": flags}


def as_table(rows: Iterable[Row]) -> str:
    """The rows for people, columns aligned, a dash where there is no peer."""
    lines = [("bench", "subject", "ours", "peer", "theirs", "unit", "ratio")]
    for row in rows:
        theirs = "-" if row["theirs"] is None else figure(row["theirs"])
        ratio = "-" if row["ratio"] is None else f"{figure(row['ratio'])}x"
        cells = (row["bench"], row["subject"], figure(row["ours"]), row["peer"] or "-", theirs, row["unit"], ratio)
        lines.append(cells)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def figure(value: float) -> str:
    """Three digits that count, thousands set apart: 20,300,000 and 0.412."""
    if not 1000 <= abs(value) < math.inf:
        return f"{value:.3g}"
    digits = len(str(int(abs(value)))) - 3
    return f"{round(value, -digits):,.0f}"

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

COUNTED = {"goal", "strength", "leagues", "memory", "tasks", "preferences", "train"}
"""What is counted or learned, as much as options of its own say, and not measured in rounds."""

ROUNDS, SECONDS = 5, 1.0
"""Rounds of a contest, and seconds of each side in each of them, unless others are asked for."""

MAY_BE_NONE = {"workers", "learners", "first"}
"""Options that may be 0; others may where 0 is what they usually are."""

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
    """A benchmark could not be carried out; the text says why."""


class BenchCrashed(BenchFailed):
    """A benchmark ended of a fault of its own, which is told on standard error."""


def run(
    names: Sequence[str] = (),
    *,
    runs: int | None = None,
    seconds: float | None = None,
    options: Mapping[str, str] | None = None,
    began: Callable[[str], None] | None = None,
) -> Iterator[tuple[str, list[Row] | BenchFailed]]:
    """Runs benchmarks, each in a process of its own: (its name, its rows or why not); by default all but `HOURS`.

    A contest is measured in `runs` rounds, ours and then the peer for about `seconds` each; rows that are counted or
    learned (all of `COUNTED`, some of others) take no notice of these. `options` go to the benchmarks whose `contests`
    has an argument of that name; `began(name)` is called before each. Raises BenchFailed for what no benchmark named
    takes, before any begins.
    """
    chosen = list(names) or unnamed()
    rounds = {key: str(value) for key, value in (("runs", runs), ("seconds", seconds)) if value is not None}
    if rounds and COUNTED.issuperset(chosen):
        raise BenchFailed(f"{', '.join(chosen)}: measured in no rounds; leave {' and '.join(f'--{k}' for k in rounds)} "
                          "out. Options of its own say how much is counted or learned.")  # fmt: skip
    known = {name: inspect.signature(resolve(BENCHES, name, "benchmark")).parameters for name in chosen}
    for key in options or {}:
        if not any(key in parameters for parameters in known.values()):
            there = sorted({key for parameters in known.values() for key in parameters})
            raise Unknown(f"{', '.join(chosen)}: no option '{key}'; {nearest(key, there)}")
    for key, value in (options or {}).items():
        for parameters in known.values():
            _require(key, value, str(parameters[key].default) if key in parameters else "")
    for name in chosen:
        if began is not None:
            began(name)
        own = {key: value for key, value in (options or {}).items() if key in known[name]}
        try:
            yield name, _in_own_process(name, {**own, **rounds})
        except BenchFailed as why:
            yield name, why


def unnamed() -> list[str]:
    """The benchmarks that are measured where none is named."""
    return [name for name in BENCHES if name not in HOURS]


def _require(key: str, value: str, usual: str) -> None:
    """Raises BenchFailed where an option is not what it usually is: yes or no; a number, or several, and no less."""
    if usual in ("yes", "no") and value not in ("yes", "no"):
        raise BenchFailed(f"--option {key}={value}: {key} is yes or no.")
    kinds, several = {kind for part in usual.split(",") if (kind := _kind(part)) is not str}, "," in usual
    if not kinds:
        return
    parts, whole = value.split(",") if several else [value], kinds == {int}
    if not all(_kind(part) in (int, *kinds) for part in parts):
        one = "a whole number" if whole else "a number"
        what = f"{one}, or several with commas between them" if several else one
        raise BenchFailed(f"--option {key}={value}: {key} is {what}, as in --option {key}={usual}.")
    none = key in MAY_BE_NONE or any(float(part) == 0 for part in usual.split(","))
    if not all(0 < number < float("inf") or (none and number == 0) for number in map(float, parts)):
        least = "0 or more" if none else "1 or more" if whole else "above 0"
        raise BenchFailed(f"--option {key}={value}: {key} is {least}, as in --option {key}={usual}.")


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
        raise BenchCrashed(f"it stopped with exit code {process.returncode}; its message is above.")
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

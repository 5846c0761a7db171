"""How two things are compared: in turns, several times over, by their medians."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from arena.bench import BENCHES, INSTALL, ONE_CORE, ROUNDS, SECONDS, SUMMARIES, Row
from arena.text import sentence
from envs.registry import resolve

Measure: TypeAlias = Callable[[float], float]
"""Works for about so many seconds and returns the rate, in the contest's unit."""


@dataclass(frozen=True)
class Side:
    """One side of a contest: a name, and what gets it ready (imports, compiles) and then measures it."""

    name: str
    make: Callable[[], Measure]


@dataclass(frozen=True)
class Contest:
    """What is compared; the larger rate wins."""

    subject: str
    unit: str
    ours: Side
    peer: Side | None = None
    """None where nobody else has it."""
    note: str = ""


def compare(bench: str, contest: Contest, runs: int, seconds: float) -> Row:
    """Measures ours and the peer in turns; a peer that is not installed gives a row that says how to install it."""
    ours = contest.ours.make()
    theirs, note = None, contest.note
    try:
        theirs = contest.peer.make() if contest.peer else None
    except ModuleNotFoundError as missing:
        note = f"{contest.peer.name if contest.peer else ''}: {missing.name} is not installed; {INSTALL} brings it."
    pairs = [(ours(seconds), theirs(seconds) if theirs else 0.0) for _ in range(runs)]
    ours_rate = statistics.median(pair[0] for pair in pairs)
    theirs_rate = statistics.median(pair[1] for pair in pairs) if theirs else None
    return Row(
        bench=bench,
        subject=contest.subject,
        ours=ours_rate,
        peer=contest.peer.name if contest.peer and theirs else None,
        theirs=theirs_rate,
        unit=contest.unit,
        ratio=ours_rate / theirs_rate if theirs_rate else None,
        runs=runs,
        note=note,
    )


def rate(work: Callable[[], float], clock: Callable[[], float] = time.perf_counter) -> Measure:
    """The measure of work that returns how much it did: amounts a second by `clock`, over whole calls."""

    def measure(seconds: float) -> float:
        amount, start = 0.0, clock()
        while True:
            amount += work()
            spent = clock() - start
            if spent >= seconds:
                return amount / spent

    return measure


def core_rate(work: Callable[[], float]) -> Measure:
    """The same by the time that the core worked for this process, whatever else it had to do meanwhile."""
    return rate(work, time.process_time)


def machine_rate(work: Callable[[], float]) -> Measure:
    """The same of work that uses every core, by the time of the machine that others left to it.

    On an idle machine that is the clock's time. On a busy one it is what this process and nobody used, shared by all
    cores: never more than the clock's, so that whoever else is at work does not count against it.
    """

    def measure(seconds: float) -> float:
        amount, start, own, idle = 0.0, time.perf_counter(), time.process_time(), idle_seconds()
        while True:
            amount += work()
            spent = time.perf_counter() - start
            if spent >= seconds:
                left = time.process_time() - own + idle_seconds() - idle
                return amount / min(spent, left / machine_cores())

    return measure


def idle_seconds() -> float:
    """What all cores together have idled since the machine started, in seconds; counted on the clock elsewhere."""
    if sys.platform != "linux":
        return machine_cores() * time.perf_counter() - time.process_time()
    with open("/proc/stat", encoding="ascii") as stat:
        idle, waiting = stat.readline().split()[4:6]
    return (int(idle) + int(waiting)) / os.sysconf("SC_CLK_TCK")


def machine_cores() -> int:
    """How many cores the machine has, whether this process may use them (`arena.sections.cores`) or not."""
    return os.cpu_count() or 1


def stay_on_one_core() -> None:
    """Keeps this process to one of the cores it may use, where the system can."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def bench(name: str, options: Mapping[str, str]) -> list[Row]:
    """All rows of one benchmark, measured in this process."""
    given: dict[str, Any] = dict(options)
    runs, seconds = int(given.pop("runs", ROUNDS)), float(given.pop("seconds", SECONDS))
    contests: Iterable[Contest | Row] = resolve(BENCHES, name, "benchmark")(**given)
    rows = [compare(name, c, runs, seconds) if isinstance(c, Contest) else c for c in contests]
    return rows + (resolve(SUMMARIES, name, "summary")(rows) if name in SUMMARIES else [])


def main(words: list[str]) -> int:
    """`python -m arena.bench NAME key=value ...`: prints the rows as JSON, or what a user can mend (exit code 2)."""
    name, *rest = words
    if name in ONE_CORE:
        stay_on_one_core()
    options = dict(word.split("=", 1) for word in rest)
    try:
        rows = bench(name, options)
    except (ValueError, OSError) as error:
        sys.stdout.write(json.dumps({"wrong": sentence(error)}) + "\n")
        return 2
    sys.stdout.write(json.dumps(rows) + "\n")
    return 0

"""Compiled rules: cached between processes, never mixed up, and the same with the compiler switched off."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any

import numpy as np
import pytest

from agents.files import write_text
from agents.learn.worlds import WORLDS
from envs import kernels
from envs.game import rule
from envs.registry import GAMES, game

ROOT = Path(__file__).resolve().parents[2]


SPECS = sorted([*GAMES, "othello:size=6"])
STEPPED = ("blackjack", "connect_four", "kuhn", "pendulum")  # whose loop of random steps, made of the others, is tried


def fields(rows: kernels.Rows) -> bytes:
    return b"".join(rows[field].tobytes() for field in rows.dtype.names or ())


def digest(spec: str) -> str:
    """Of all that the loops of a game give for two short batches of random play: a few games, 40 plies at most.

    (`move` looks for the best move before each of its games, which uncompiled takes half a second.)
    """
    rules = game(spec)
    digest = hashlib.sha256()
    rows = kernels.new_rows(rules, kernels.seeds(4, 3))
    for _ in range(40):
        if rows["done"].all():
            break
        view = kernels.view(rules, rows)
        digest.update(view.obs.tobytes() + view.legal.tobytes() + view.seat.tobytes())
        digest.update(b"" if view.keys is None else view.keys.tobytes())
        digest.update(fields(rows))
        kernels.random_rows(rules, rows, 1)
    kernels.reset_rows(rules, rows, kernels.seeds(5, 3))  # whatever they hold
    kernels.random_rows(rules, rows, min(40, 4 * rules.max_plies))
    digest.update(fields(rows))
    if spec in STEPPED:
        rows = kernels.new_rows(rules, kernels.seeds(6, 3))
        obs, masks = np.empty((3, *rules.shape), np.float32), np.empty((3, rules.actions), np.bool_)
        ended = kernels.random_steps(rules, rows, obs, masks, min(40, 4 * rules.max_plies))
        digest.update(obs.tobytes() + masks.tobytes() + str(ended).encode() + fields(rows))
    return digest.hexdigest()


UNCOMPILED = """
import importlib.util, json, sys
import numpy as np
np.seterr(all='ignore')
spec = importlib.util.spec_from_file_location("here", sys.argv[1])
here = importlib.util.module_from_spec(spec)
spec.loader.exec_module(here)
def digest(spec):
    try:
        return here.digest(spec)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
print(json.dumps({spec: digest(spec) for spec in here.SPECS}))
"""


@pytest.fixture(scope="session")
def uncompiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every game's digest with the compiler switched off: worked out by one process for all that run the tests."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent  # the run's own, and common to its processes
    try:
        (place / "uncompiled").mkdir()
    except FileExistsError:
        deadline = time.monotonic() + 240
        while not (place / "uncompiled" / "digests.json").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
    else:
        environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", UNCOMPILED, __file__]
        write_text(
            place / "uncompiled" / "digests.json",
            subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout,
        )
    return json.loads((place / "uncompiled" / "digests.json").read_text())


@pytest.mark.parametrize("spec", SPECS)
def test_the_same_with_the_compiler_switched_off(spec: str, uncompiled: dict[str, str]) -> None:
    assert digest(spec) == uncompiled[spec]


TINY = """
from __future__ import annotations
import json, sys
import numpy as np
from envs import kernels
from envs.game import Game, row_dtype, rule

STEP = 1

def tiny(size):
    @rule
    def amount(row):  # long enough to be called, not inlined
        x = row.ply
LONG
        return size * STEP + min(abs(x), 0)
    @rule
    def reset(row):
        row.total = 0
    @rule
    def play(row, action):
        row.total += amount(row) + amount(row) - amount(row)
    @rule
    def legal(row, out):
        out[:] = True
    @rule
    def observe(row, out):
        out[0] = row.total
    return Game(name="tiny", seats=1, actions=1, shape=(1,), row=row_dtype(1, total=np.int64), reset=reset, play=play,
                legal=legal, observe=observe, names=("go",), max_plies=9)

def total(size, compiled):
    rules = tiny(size)
    rows = np.zeros(1, rules.row)
    kernels.play_rows(rules, rows, np.zeros(1, np.int64))
    dispatcher = kernels.play_rows.of(rules)
    compiled.append(sum(dispatcher.stats.cache_misses.values()))
    return int(rows["total"][0])
""".replace("LONG", "\n".join(f"        x = (x ^ (x >> {i})) * {2 * i + 1}" for i in range(1, 60)))


FORKS = """
import json, os, sys
import numba
from envs import kernels
sys.dont_write_bytecode = True  # of what is changed within the second
for line in sys.stdin:
    if not os.fork():
        folder, before, sizes = json.loads(line)
        numba.config.CACHE_DIR = folder + "/cache"
        sys.path.insert(0, folder)
        exec(before)
        from tiny import total
        compiled = []
        print(json.dumps({"totals": [total(size, compiled) for size in sizes], "compiled": compiled}), flush=True)
        os._exit(0)
    if os.wait()[1]:
        sys.exit(1)
"""


@pytest.fixture(scope="module")
def forks() -> Iterator[subprocess.Popen[str]]:
    """A process that has compiled nothing and forks, line by line: a new process, but for its second of imports."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", FORKS]
    with subprocess.Popen(command, env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True) as process:
        yield process
        process.communicate()


Tiny = Callable[..., dict[str, list[int]]]


@pytest.fixture
def play_tiny(tmp_path: Path, forks: subprocess.Popen[str]) -> Tiny:
    """Plays tiny games of some sizes in a new process, and says what they come to and how many loops it compiled."""
    (tmp_path / "tiny.py").write_text(TINY)

    def play(*sizes: int, before: str = "") -> dict[str, list[int]]:
        assert forks.stdin and forks.stdout and forks.stderr
        print(json.dumps([str(tmp_path), before, sizes]), file=forks.stdin, flush=True)
        answer = forks.stdout.readline()
        assert answer, forks.stderr.read()
        return json.loads(answer)

    return play


def test_a_second_process_compiles_nothing(play_tiny: Tiny) -> None:
    assert play_tiny(3) == {"totals": [3], "compiled": [1]}
    assert play_tiny(3) == {"totals": [3], "compiled": [0]}


def test_a_changed_rule_is_compiled_anew(play_tiny: Tiny, tmp_path: Path) -> None:
    assert play_tiny(3)["totals"] == [3]
    (tmp_path / "tiny.py").write_text(TINY.replace("size * STEP", "size + STEP"))
    assert play_tiny(3) == {"totals": [4], "compiled": [1]}
    (tmp_path / "tiny.py").write_text(TINY.replace("size * STEP", "size + STEP").replace("STEP = 1", "STEP = 2"))
    assert play_tiny(3) == {"totals": [5], "compiled": [1]}


def test_rules_of_one_name_cached_by_two_processes_are_not_mixed_up(play_tiny: Tiny) -> None:
    assert play_tiny(3)["totals"] == [3]
    assert play_tiny(7)["totals"] == [7]
    assert play_tiny(3, 7) == {"totals": [3, 7], "compiled": [0, 0]}


def test_without_names_of_their_own_they_are_mixed_up(play_tiny: Tiny) -> None:
    """The negative control: this is what `tell_closures_apart` is for."""
    off = "kernels.tell_closures_apart = lambda function: None"
    assert play_tiny(3, before=off)["totals"] == [3]
    assert play_tiny(7, before=off)["totals"] == [7]
    assert play_tiny(3, 7, before=off)["totals"] == [3, 3]


def test_the_fingerprint_follows_sources_closures_and_constants() -> None:
    def make(n: int) -> Any:
        @rule
        def inner() -> int:
            return n

        @rule
        def outer() -> int:
            return inner()

        return outer

    assert kernels.fingerprint(make(1)) == kernels.fingerprint(make(1))
    assert kernels.fingerprint(make(1)) != kernels.fingerprint(make(2))
    assert kernels.fingerprint(make(1)) != kernels.fingerprint(game("connect_four").play)
    assert kernels.fingerprint(WORLDS["ended"].play) != kernels.fingerprint(WORLDS["endless"].play)  # of one file


@pytest.mark.parametrize("spec", SPECS)
def test_a_loop_is_made_once_for_each_game(spec: str) -> None:
    rules = game(spec)
    assert game(spec) is rules
    assert kernels.play_rows.of(rules) is kernels.play_rows.of(rules)

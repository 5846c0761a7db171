"""Compiled rules: cached between processes, never mixed up, and the same with the compiler switched off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs import kernels
from envs.game import rule
from envs.registry import GAMES, game

ROOT = Path(__file__).resolve().parents[2]


def run(script: str, cache: Path | None, *, compiled: bool = True, path: Path = ROOT) -> Any:
    """What a script prints as JSON, run in a process of its own; cache None is the ordinary one."""
    environment = {
        **os.environ,
        **({"NUMBA_CACHE_DIR": str(cache)} if cache else {}),
        "NUMBA_DISABLE_JIT": "0" if compiled else "1",
        "PYTHONPATH": f"{path}{os.pathsep}{ROOT}",
    }
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, cwd=path)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


RANDOM_GAMES = """
import hashlib, json
import numpy as np
from envs import kernels
from envs.registry import game
digests = {}
for spec in SPECS:
    rules = game(spec)
    digest = hashlib.sha256()
    rows = kernels.new_rows(rules, kernels.seeds(4, 3))
    mask = np.empty(rules.actions, np.bool_)
    while not rows["done"].all():
        view = kernels.view(rules, rows)
        digest.update(view.obs.tobytes() + view.legal.tobytes() + view.seat.tobytes() + rows.tobytes())
        kernels.random_rows(rules, rows, mask, 1)
    obs, masks = np.empty((3, *rules.shape), np.float32), np.empty((3, rules.actions), np.bool_)
    rows = kernels.new_rows(rules, kernels.seeds(5, 3))
    ended = kernels.random_steps(rules, rows, obs, masks, 60)
    digest.update(obs.tobytes() + masks.tobytes() + rows.tobytes() + str(ended).encode())
    digest.update(str(kernels.count_sequences(rules, 2)).encode())
    digests[spec] = digest.hexdigest()
print(json.dumps(digests))
"""


def test_the_same_with_the_compiler_switched_off() -> None:
    script = f"SPECS = {sorted([*GAMES, 'othello:size=6'])}\n" + RANDOM_GAMES
    slow = run("import numpy as np\nnp.seterr(over='ignore')\n" + script, None, compiled=False)
    assert slow == run(script, None)


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


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    (tmp_path / "tiny.py").write_text(TINY)
    return tmp_path


def play_tiny(tiny: Path, *sizes: int, before: str = "") -> dict[str, list[int]]:
    script = (
        f"import json\nfrom envs import kernels\n{before}\nfrom tiny import total\ncompiled = []\n"
        f"totals = [total(size, compiled) for size in {list(sizes)}]\n"
        "print(json.dumps({'totals': totals, 'compiled': compiled}))"
    )
    return run(script, tiny / "cache", path=tiny)


def test_a_second_process_compiles_nothing(tiny: Path) -> None:
    assert play_tiny(tiny, 3) == {"totals": [3], "compiled": [1]}
    assert play_tiny(tiny, 3) == {"totals": [3], "compiled": [0]}


def test_a_changed_rule_is_compiled_anew(tiny: Path) -> None:
    assert play_tiny(tiny, 3)["totals"] == [3]
    (tiny / "tiny.py").write_text(TINY.replace("size * STEP", "size + STEP"))
    assert play_tiny(tiny, 3) == {"totals": [4], "compiled": [1]}
    (tiny / "tiny.py").write_text(TINY.replace("size * STEP", "size + STEP").replace("STEP = 1", "STEP = 2"))
    assert play_tiny(tiny, 3) == {"totals": [5], "compiled": [1]}


def test_rules_of_one_name_cached_by_two_processes_are_not_mixed_up(tiny: Path) -> None:
    assert play_tiny(tiny, 3)["totals"] == [3]
    assert play_tiny(tiny, 7)["totals"] == [7]
    assert play_tiny(tiny, 3, 7) == {"totals": [3, 7], "compiled": [0, 0]}


def test_without_names_of_their_own_they_are_mixed_up(tiny: Path) -> None:
    """The negative control: this is what `tell_closures_apart` is for."""
    off = "kernels.tell_closures_apart = lambda function: None"
    assert play_tiny(tiny, 3, before=off)["totals"] == [3]
    assert play_tiny(tiny, 7, before=off)["totals"] == [7]
    assert play_tiny(tiny, 3, 7, before=off)["totals"] == [3, 3]


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


@pytest.mark.parametrize("spec", sorted(GAMES))
def test_a_loop_is_made_once_for_each_game(spec: str) -> None:
    rules = game(spec)
    assert game(spec) is rules
    assert kernels.play_rows.of(rules) is kernels.play_rows.of(rules)
    assert np.dtype(rules.row).itemsize % 8 == 0

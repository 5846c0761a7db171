"""Agents for tests: fast, known, and in the table under their own names; and the command line, in an empty folder."""

import sys
import types

import numpy as np
import pytest

from agents import registry
from agents.agent import Decision
from arena import cli
from arena.worker import cached_agent
from envs.kernels import pick_legal


class First:
    """The first legal move, or the last."""

    def __init__(self, last: bool = False, note: str = "") -> None:
        self.name = f"first:note={note}" if note else "first:last=true" if last else "first"
        self.last = last

    def begin(self, game, seeds):
        return {"rng": seeds.copy()}

    def act(self, view, memory):
        legal = view.legal[:, ::-1] if self.last else view.legal
        action = legal.argmax(1)
        return Decision(view.legal.shape[1] - 1 - action if self.last else action, memory)


class Slow(First):
    """Plays at random and presses Ctrl-C at its third move."""

    moves = 0

    def __init__(self) -> None:
        super().__init__()
        self.name = "slow"

    def act(self, view, memory):
        Slow.moves += 1
        if Slow.moves == 3:
            raise KeyboardInterrupt
        rng = memory["rng"].copy()
        return Decision(pick_legal(view.legal, rng), {"rng": rng})


class Broken(First):
    """Has a bug."""

    def act(self, view, memory):
        raise TypeError("a bug\nin two lines")


class Hostile(First):
    """Has a name that wants to be a program."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "<script>alert(1)</script>\"'=cmd&\x1b[31m"


@pytest.fixture(autouse=True)
def agents_for_tests(monkeypatch):
    module = types.ModuleType("agents_for_tests")
    for kind in (First, Slow, Broken, Hostile):
        setattr(module, kind.__name__, kind)
        monkeypatch.setitem(registry.AGENTS, kind.__name__.lower(), f"agents_for_tests:{kind.__name__}")
    monkeypatch.setitem(sys.modules, "agents_for_tests", module)
    Slow.moves = 0
    cached_agent.cache_clear()
    yield
    cached_agent.cache_clear()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, at a terminal of a known width."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


@pytest.fixture
def arena(capsys):
    """Runs a command line: its exit code, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def played(arena):
    """A database of a tournament of three."""
    code, _, err = arena("tournament", "tic_tac_toe", "random", "first", "first:last=true", "--pairs", "3")
    assert (code, err) == (0, "")

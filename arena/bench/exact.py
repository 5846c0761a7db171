"""Exact work on small games: exploitability of uniform play, once the tree is built and with its building, and CFR+.

One core, by the time that core worked. Both sides are first asked for the same number, which must agree to 1e-9.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache
from typing import Any

from agents.exact.best_response import exploitability, nash_conv
from agents.exact.cfr import Regrets
from agents.exact.tree import Tree, flatten
from arena.bench import BenchFailed
from arena.bench.measure import Contest, Measure, Side, core_rate
from envs.registry import game

TWINS = {"leduc": "leduc_poker", "liars_dice": "liars_dice"}
ITERATIONS = 10
"""CFR+ iterations before the two sides are compared; more of one are timed."""


def contests(subject: str = "leduc") -> Iterator[Contest]:
    """Ours against open_spiel's C++ and its Python; `subject` is leduc or liars_dice."""
    if subject not in TWINS:
        raise BenchFailed(f"'{subject}' has no twin here; subject is {' or '.join(TWINS)}.")
    name = f"exploitability of uniform play, {subject}"
    note = "exploitability: open_spiel builds its trees anew in each call; ours is built before, but for `tree and all`"
    ours, anew = Side("arena", lambda: gains(subject)), Side("arena", lambda: gains_anew(subject))
    fast = Side("open_spiel in C++", lambda: gains_cpp(subject))
    plain = Side("open_spiel in Python", lambda: gains_python(subject))
    for said, side, peer in (("", ours, fast), ("", ours, plain), (", tree and all", anew, fast)):
        yield Contest(f"{name}{said}", "evaluations/s", side, peer, note)
    name = f"CFR+, {subject}"
    yield Contest(
        name, "iterations/s", Side("arena", lambda: plus(subject)), Side("open_spiel in C++", lambda: plus_cpp(subject))
    )


@cache
def tree(spec: str) -> Tree:
    return flatten(game(spec))


def agree(ours: float, theirs: float, what: str) -> None:
    """Raises BenchFailed unless two figures are the same: what differs is not to be compared by its speed."""
    if abs(ours - theirs) > 1e-9:
        raise BenchFailed(f"{what}: ours is {ours}, theirs {theirs}; the two do not do the same.")


def gains(spec: str, times: int = 20) -> Measure:
    where = tree(spec)
    uniform = where.uniform()

    def work() -> float:
        for _ in range(times):
            nash_conv(where, uniform)
        return times

    work()
    return core_rate(work)


def gains_anew(spec: str) -> Measure:
    """The same with the building of the tree each time, as for a game that is asked about once."""

    def work() -> float:
        where = flatten(game(spec))
        nash_conv(where, where.uniform())
        return 1.0

    work()
    return core_rate(work)


def gains_cpp(spec: str) -> Measure:
    """`pyspiel.nash_conv` of a tabular policy, as its own tests call it."""
    pyspiel: Any = importlib.import_module("pyspiel")
    rules = pyspiel.load_game(TWINS[spec])
    policy = pyspiel.UniformRandomPolicy(rules)
    agree(nash_conv(tree(spec), tree(spec).uniform()), pyspiel.nash_conv(rules, policy), "NashConv")

    def work() -> float:
        pyspiel.nash_conv(rules, policy)
        return 1.0

    return core_rate(work)


def gains_python(spec: str) -> Measure:
    """`exploitability.nash_conv` of open_spiel's Python, with its C++ best responses switched off."""
    pyspiel: Any = importlib.import_module("pyspiel")
    exploits: Any = importlib.import_module("open_spiel.python.algorithms.exploitability")
    policies: Any = importlib.import_module("open_spiel.python.policy")
    rules = pyspiel.load_game(TWINS[spec])
    uniform = policies.UniformRandomPolicy(rules)
    theirs = exploits.nash_conv(rules, uniform, use_cpp_br=False)
    agree(nash_conv(tree(spec), tree(spec).uniform()), theirs, "NashConv")

    def work() -> float:
        exploits.nash_conv(rules, uniform, use_cpp_br=False)
        return 1.0

    return core_rate(work)


def plus(spec: str, times: int = 10) -> Measure:
    regrets = Regrets(tree(spec), plus=True)
    regrets.run(1)

    def work() -> float:
        regrets.run(times)
        return times

    return core_rate(work)


def plus_cpp(spec: str) -> Measure:
    """`pyspiel.CFRPlusSolver`."""
    pyspiel: Any = importlib.import_module("pyspiel")
    rules = pyspiel.load_game(TWINS[spec])
    solver, ours = pyspiel.CFRPlusSolver(rules), Regrets(tree(spec), plus=True)
    for _ in range(ITERATIONS):
        solver.evaluate_and_update_policy()
    ours.run(ITERATIONS)
    theirs = pyspiel.exploitability(rules, solver.average_policy())
    agree(exploitability(tree(spec), ours.average()), theirs, "exploitability of CFR+")

    def work() -> float:
        solver.evaluate_and_update_policy()
        return 1.0

    return core_rate(work)

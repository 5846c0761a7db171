"""On what terms agents meet: how long they may think, how much they may search, and when a game counts as decided."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.clock import UNTIMED, Clock, Clocked
from agents.registry import AGENTS, is_program
from envs.registry import parse, resolve

if TYPE_CHECKING:
    from agents.agent import Agent
    from agents.play import Judge
    from envs.game import Game, Rows

UNBOUND = "-"
"""Among budgets: that of an agent which keeps its own."""


@dataclass(frozen=True)
class Terms:
    """The terms of a contest; as they come they ask for nothing.

    clock       of every agent; a program that says its own `move` or `game` keeps that, as time odds
    sims        simulations a move: one number for everybody who searches, or one for each agent in turn (node odds)
    adjudicate  a game counts as what perfect play makes of it once it can last no more than so many plies; 0 = never
    """

    clock: Clock = UNTIMED
    sims: tuple[int | None, ...] = ()
    adjudicate: int = 0

    @property
    def parts(self) -> tuple[object, ...]:
        """What sets the games played on these terms apart from others; the budgets stand in the agents' names."""
        clock = ("clock", self.clock.move, self.clock.game) if self.clock else ()
        return (*clock, *(("adjudicate", self.adjudicate) if self.adjudicate else ()))

    def written(self, specs: Sequence[str]) -> list[str]:
        """The agents' specs with the terms in them that they keep themselves; raises ValueError if one cannot."""
        if len(self.sims) > 1 and len(self.sims) != len(specs):
            raise ValueError(
                f"--sims gives {len(self.sims)} budgets for {len(specs)} agents; give one for all, or one for each."
            )
        timed = [with_clock(spec, self.clock) for spec in specs]
        if len(self.sims) == 1 and self.sims[0] is not None:
            return [with_sims(spec, self.sims[0]) if searches(spec) else spec for spec in timed]
        budgets = self.sims if len(self.sims) == len(specs) else [None] * len(specs)
        for spec, sims in zip(timed, budgets, strict=True):
            if sims is not None and not searches(spec):
                raise ValueError(f"'{spec}' does no simulations; write {UNBOUND} in its place, as in --sims 400,-.")
        return [spec if n is None else with_sims(spec, n) for spec, n in zip(timed, budgets, strict=True)]

    def bound(self, agent: Agent, spec: str) -> Agent:
        """The agent as it plays on these terms."""
        return Clocked(agent, self.clock) if self.clock and not is_program(spec) else agent

    def judge(self, rules: Game) -> Judge | None:
        """Who ends games whose result is known; raises ValueError where nobody can."""
        if not self.adjudicate:
            return None
        import numpy as np

        from agents.agent import Unable
        from agents.scripted.solver import worth
        from agents.scripted.solvers import SOLUTIONS

        if rules.name not in SOLUTIONS:
            there = " and ".join(sorted(SOLUTIONS))
            raise Unable(f"--adjudicate needs a solver, and there is one for {there}; leave it out in {rules.name}.")

        def judge(rows: Rows) -> np.ndarray:
            found = np.full(len(rows), np.nan)
            late = rows["ply"] >= rules.max_plies - self.adjudicate
            if late.any():
                found[late] = worth(rules, rows[late])
            return found

        return judge


FREE = Terms()
"""No terms at all."""


def terms(move: float = 0.0, game: float = 0.0, sims: str | None = None, adjudicate: int = 0) -> Terms:
    """The terms that a command line asks for; `sims` as in "400" or "400,100,-"."""
    try:
        budgets = () if sims is None else tuple(None if n.strip() == UNBOUND else int(n) for n in sims.split(","))
    except ValueError:
        raise ValueError(f"--sims takes whole numbers, as in --sims 400 or --sims 400,100,-, not '{sims}'.") from None
    if any(n is not None and n < 1 for n in budgets):
        raise ValueError("--sims takes numbers of at least 1; an agent's raw policy is FOLDER:sims=0.")
    return Terms(Clock(move, game), budgets, adjudicate)


def searches(spec: str) -> bool:
    """Whether an agent takes a number of simulations."""
    name = spec.partition(":")[0]
    if is_program(spec):
        return False
    if name in AGENTS:
        return "sims" in inspect.signature(resolve(AGENTS, name, "agent")).parameters
    from arena.entrants import simulations
    from arena.worker import cached_agent

    return simulations(cached_agent(spec)) is not None


def with_sims(spec: str, sims: int) -> str:
    """The spec of an agent that searches, with its budget."""
    name, _, options = spec.partition(":")
    if "sims" in parse(f"agent:{options}")[1]:
        raise ValueError(f"'{spec}' says its simulations itself; leave them out there, or --sims.")
    return f"{name}:{options},sims={sims}" if options else f"{name}:sims={sims}"


def with_clock(spec: str, clock: Clock) -> str:
    """A program's spec with the clock in it, where it does not say its own times; any other spec as it is."""
    if not is_program(spec):
        return spec
    head, _, command = spec.partition(":")
    kind, _, settings = head.partition(",")
    own = parse(f"{kind}:{settings}")[1]
    given = {"move": clock.move, "game": clock.game}
    added = [f"{key}={seconds:g}" for key, seconds in given.items() if seconds and key not in own]
    return f"{','.join(filter(None, [kind, *added, settings]))}:{command}"

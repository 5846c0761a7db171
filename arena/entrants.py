"""Who enters a contest: the name an agent goes by, what it is made of, and that it can play before anything is stored.

A program that was edited is another member: its first version goes by its plain name, each later one by that and the
beginning of what it is known by, as in `python bot.py@3fa2c1`. So no game of one is ever shown as the other's. A member
of which nobody knows what it was made of (its games were imported, or are older than this) stays by itself likewise:
the program of its name that is here may be another, and goes by its name and letters from the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agents.registry import AGENTS, is_program
from arena.store import Member
from arena.worker import cached_agent
from envs.game import Game

if TYPE_CHECKING:
    from agents.agent import Agent

SHOWN = 6
"""Letters of a program's digest in the name of a later version."""


def identity(spec: str, rules: Game, members: Sequence[Member]) -> tuple[str, str]:
    """The name that an agent goes by, and the spec that says all of how it plays."""
    try:
        spec.encode()
    except UnicodeEncodeError:
        raise ValueError(f"The name of {spec!a} is not UTF-8, and is not kept; rename the file or folder.") from None
    agent = ready(spec, rules)
    digest = digest_of(spec)
    known = {member.name: member.sha256 for member in members if member.game == rules.name}
    if digest is None:
        if known.get(agent.name) is not None and agent.name.partition(":")[0] in AGENTS:
            raise ValueError(
                f"'{agent.name}' is a program or a trained agent in this database; take another (--db FILE)."
            )
        return agent.name, spec
    if agent.name.partition(":")[0] in AGENTS:
        mend = "exec,name=mybot:COMMAND" if is_program(spec) else "its folder by another name"
        raise ValueError(
            f"'{agent.name}' is the name of an agent of the arena's own, and '{spec}' is another: try {mend}."
        )
    if is_program(spec):
        plain = known.get(agent.name, digest) == digest
        return agent.name if plain else f"{agent.name}@{digest[:SHOWN]}", spec
    folder, _, options = spec.partition(":")
    sims = simulations(agent)
    if sims is not None and "sims=" not in options:
        options = ",".join(filter(None, [options, f"sims={sims}"]))
    for member in members:
        if member.sha256 == digest and member.spec.partition(":")[2] == options:
            return member.name, f"{folder}:{options}"
    spec = f"{folder}:{options}"
    return ready(spec, rules).name, spec


def simulations(agent: Agent) -> int | None:
    """How much a trained agent searches; None if it does not."""
    from agents.search.agent import SearchAgent

    return agent.settings.simulations if isinstance(agent, SearchAgent) else None


def unboxed(specs: Iterable[str]) -> list[str]:
    """What is to be said of the programs among some agents that run without a box, each thing once."""
    from agents.external.outside import Outside

    agents = [cached_agent(spec) for spec in specs if is_program(spec)]
    return list(dict.fromkeys(agent.unboxed for agent in agents if isinstance(agent, Outside) and agent.unboxed))


def ready(spec: str, rules: Game) -> Agent:
    """The agent of a spec, seen to be able to play the game."""
    import numpy as np

    agent = cached_agent(spec)
    agent.begin(rules, np.zeros(1, np.uint64))
    return agent


def greet(entrants: Mapping[str, str], rules: Game) -> None:
    """Says hello to each program once; raises Unable if one does not answer: what never starts is no result."""
    from agents.agent import Unable
    from agents.external.outside import Outside
    from agents.external.process import Fault

    for name, spec in entrants.items():
        agent = cached_agent(spec) if is_program(spec) else None
        if isinstance(agent, Outside):
            try:
                agent.started(rules)
            except Fault as fault:
                raise Unable(f"'{name}' cannot play: {fault.text} `arena verify` says more.") from None
            finally:
                agent.close()


def digest_of(spec: str) -> str | None:
    """What a program's command and the files that it names are known by, or an agent's weights; None if by nothing."""
    from agents.external.outside import Outside

    agent = cached_agent(spec) if is_program(spec) else None
    return agent.digest() if isinstance(agent, Outside) else weights_digest(spec)


def weights_digest(spec: str) -> str | None:
    """What an agent's weights and settings are known by; None if the spec is of no folder, or of one not to be read."""
    folder = Path(spec.partition(":")[0])
    if not (folder / "agent.toml").exists():
        return None
    from agents.storage import BadAgent, agent_digest

    try:
        return agent_digest(folder)
    except BadAgent:
        return None

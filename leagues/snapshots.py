"""When a learner of a league is frozen as a new member, and whether it then starts anew.

AlphaStar's rules (Vinyals et al. 2019, pseudocode `multiagent.py`): after a least number of steps a main agent or a
league exploiter is frozen once it beats everybody frozen, a main exploiter once it beats the main agents, and all of
them at the latest after a greatest number of steps. A main exploiter then starts anew, a league exploiter with
probability 1/4, a main agent never. An oracle of PSRO is frozen at even distances, and each is trained from the
beginning (Lanctot et al. 2017). All other roles are frozen at even distances and never start anew.
"""

from __future__ import annotations

from typing import Generic, Literal, NamedTuple, TypeVar

from envs.registry import parse
from leagues.census import Census, Member

Weights = TypeVar("Weights")


class Rule(NamedTuple):
    """Whom a role has to beat before it is frozen, and how probably it starts anew then."""

    beats: Literal["frozen", "mains", "nobody"]
    restarts: float


RULES: dict[str, Rule] = {
    "main": Rule("frozen", 0.0),
    "main_exploiter": Rule("mains", 1.0),
    "league_exploiter": Rule("frozen", 0.25),
    "psro": Rule("nobody", 1.0),
}
"""role -> its rule; all others have EVEN."""

EVEN = Rule("nobody", 0.0)


class Verdict(NamedTuple):
    """Whether a learner is to be frozen now, why or why not, and how probably it starts anew then."""

    freeze: bool
    reason: str
    restarts: float


def verdict(me: Member, census: Census, steps: float, least: float, most: float, beaten: float = 0.7) -> Verdict:
    """What the rule of a learner's role says, `steps` after it was last frozen.

    Args:
        least: not before as many steps, in the learner's own count.
        most: then in any case.
        beaten: a win rate above this is a win over an opponent.
    """
    if not 0 <= least <= most:
        raise ValueError(
            f"A snapshot is due after {least} steps at least and {most} at most: put the smaller one first."
        )
    rule = RULES.get(parse(me.role)[0], EVEN)
    if steps < least:
        return Verdict(False, f"{steps:g} of {least:g} steps done", rule.restarts)
    others = {"frozen": census.frozen(), "mains": census.live("main"), "nobody": []}[rule.beats]
    others = [name for name in others if name != me.name]
    if not others:
        return Verdict(
            True, f"{least:g} steps done" + (", nobody to beat" if rule.beats != "nobody" else ""), rule.restarts
        )
    wins = census.winrates(me.name, others)
    hardest = f"{others[wins.argmin()]} in {wins.min():.0%}"
    if wins.min() > beaten:
        return Verdict(True, f"it beats all {len(others)}, the hardest, {hardest}", rule.restarts)
    return Verdict(steps >= most, f"{steps:g} of at most {most:g} steps done, it beats {hardest}", rule.restarts)


class Checkpoint(NamedTuple, Generic[Weights]):
    """What becomes the frozen member, and what the learner goes on with."""

    frozen: Weights
    onward: Weights


def checkpoint(trained: Weights, first: Weights, restart: bool) -> Checkpoint[Weights]:
    """Freezes what was trained, and only then starts anew from the first weights, if it does.

    The published pseudocode sets the first weights back before it takes the snapshot, so every exploiter that enters
    its league is an untrained one.
    """
    return Checkpoint(frozen=trained, onward=first if restart else trained)

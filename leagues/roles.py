"""Roles: whom a learner of a league is fed right now, and why.

A role is one pure function of the learner and the census: it gives parts, each a share of the learner's games, spread
over members, with its reason in words. A member that is itself named is self-play. A new role is such a function and a
line in ROLES; options are its keyword arguments ("openai_five:past=0.3").
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike

from envs.registry import Option, check_options, parse, resolve
from leagues.census import ANCHOR, Census, Member
from leagues.pfsp import check_weighting, once_harder, pfsp
from leagues.quality import softmax

ROLES: dict[str, str] = {
    "latest": "leagues.roles:latest",
    "uniform_past": "leagues.roles:uniform_past",
    "prioritised": "leagues.roles:prioritised",
    "openai_five": "leagues.roles:openai_five",
    "main": "leagues.roles:main",
    "main_exploiter": "leagues.roles:main_exploiter",
    "league_exploiter": "leagues.roles:league_exploiter",
    "psro": "leagues.roles:psro",
}
"""name -> "module:function" of (member, census, **options)."""

SOLVERS: dict[str, str] = {
    "uniform": "leagues.meta_solvers:uniform",
    "nash": "leagues.meta_games:nash",
    "projected_replicator": "leagues.meta_solvers:projected_replicator",
    "alpha_rank": "leagues.meta_games:alpha_rank",
}
"""The meta-solvers of PSRO: name -> "module:function" of the antisymmetric payoff table."""

TOO_STRONG = 0.3
"""A main agent does not learn from another that it beats less often than this, but from that one's past."""
HOPELESS = 0.1
"""The same for a main exploiter."""
FORGOTTEN = 0.7
"""A past version that a main agent beats less often than this, though it once was stronger against it, is forgotten."""
EXPLOITED = 0.3
"""A main exploiter's snapshot that a main agent beats less often than this exploits it."""


@dataclass(frozen=True)
class Part:
    """A share of a learner's games, its opponents with their probabilities (which sum to 1), and the reason."""

    share: float
    odds: dict[str, float]
    reason: str

    def of(self, share: float) -> Part:
        return Part(self.share * share, self.odds, self.reason)


@dataclass(frozen=True)
class Feed:
    """Whom a learner meets next."""

    parts: tuple[Part, ...]

    @cached_property
    def odds(self) -> dict[str, float]:
        """The probability of every member that can be met; they sum to 1."""
        total: dict[str, float] = {}
        for part in self.parts:
            for name, odds in part.odds.items():
                total[name] = total.get(name, 0.0) + part.share * odds
        scale = sum(total.values())
        return {name: odds / scale for name, odds in total.items() if odds > 0}

    @property
    def reason(self) -> str:
        """The parts in words, the same reason once."""
        shares: dict[str, float] = {}
        for part in self.parts:
            shares[part.reason] = shares.get(part.reason, 0.0) + part.share
        return "; ".join(f"{share:.0%} {reason}" for reason, share in shares.items())

    def draw(self, rng: np.random.Generator, count: int) -> list[str]:
        """The opponents in the next `count` games."""
        names = list(self.odds)
        return [names[i] for i in rng.choice(len(names), count, p=list(self.odds.values()))]


Role = Callable[..., list[Part]]
"""(member, census, **options) -> the parts of what it is fed."""


def feed(me: Member, census: Census) -> Feed:
    """What a member's role gives it right now."""
    if me.plays(ANCHOR):
        raise ValueError(f"'{me.name}' is an anchor: it is there to be rated against and learns nothing.")
    role, options = check_role(me.role)
    return Feed(tuple(role(me, census, **options)))


def check_role(spec: str) -> tuple[Role, dict[str, Option]]:
    """The function and the options of a role's spec; raises ValueError for a name or an option that there is not."""
    name, options = parse(spec)
    role = resolve(ROLES, name, "role")
    check_options(options, islice(inspect.signature(role).parameters, 2, None), f"The role '{name}'")
    return role, options


def itself(me: Member, why: str) -> list[Part]:
    return [Part(1.0, {me.name: 1.0}, why)]


def spread(names: Sequence[str], odds: ArrayLike, why: str) -> list[Part]:
    return [Part(1.0, dict(zip(names, np.asarray(odds).tolist(), strict=True)), why)]


def mixed(*shares: tuple[float, Sequence[Part]]) -> list[Part]:
    return [part.of(share) for share, parts in shares for part in parts if share > 0]


def checked(name: str, value: float, most: float = 1.0) -> float:
    if not isinstance(value, int | float) or not 0.0 <= value <= most:
        raise ValueError(f"The option '{name}' of a role is a share from 0 to {most:g}, not {value}.")
    return float(value)


def latest(me: Member, census: Census) -> list[Part]:
    """Plain self-play."""
    return itself(me, "itself as it is now")


def uniform_past(me: Member, census: Census) -> list[Part]:
    """Fictitious self-play: all that it was, each as often (Brown 1951; Heinrich et al. 2015)."""
    past = census.frozen(parent=me.name)
    if not past:
        return itself(me, "itself, having no past yet")
    return spread(past, np.full(len(past), 1 / len(past)), f"its {counted(past)}, all alike")


def prioritised(me: Member, census: Census, weighting: str = "squared") -> list[Part]:
    """PFSP over everybody frozen, and nothing else."""
    check_weighting(weighting)
    frozen = census.frozen()
    if not frozen:
        return itself(me, "itself, as nobody is frozen yet")
    odds = pfsp(census.winrates(me.name, frozen), weighting)
    return spread(frozen, odds, f"{counted(frozen)}, by PFSP ({weighting})")


def openai_five(me: Member, census: Census, past: float = 0.2) -> list[Part]:
    """Mostly itself, the rest its past by quality scores (Berner et al. 2019, appendix N)."""
    checked("past", past)
    before = census.frozen(parent=me.name)
    if not before:
        return itself(me, "itself, having no past yet")
    odds = softmax(census.quality.scores(me.name, before))
    why = f"its {counted(before)}, by quality score"
    return mixed((1 - past, itself(me, "itself as it is now")), (past, spread(before, odds, why)))


def main(me: Member, census: Census, hard: float = 0.5, verify: float = 0.15) -> list[Part]:
    """AlphaStar's main agent: the hard ones of all frozen, what it forgot or is exploited by, and self-play."""
    checked("verify", verify, 1 - checked("hard", hard))
    mains = census.live("main") or [me.name]
    parts = mixed((hard, prioritised(me, census)))
    for other in mains:
        play = main_or_past(me, other, census, TOO_STRONG)
        check = verification(me, other, census) or play
        parts += mixed((verify / len(mains), check), ((1 - hard - verify) / len(mains), play))
    return parts


def main_or_past(me: Member, other: str, census: Census, bar: float) -> list[Part]:
    """A main agent, or, while it is beaten no more often than `bar`, its past as a curriculum."""
    if other == me.name:
        return itself(me, "itself as it is now")
    wins, past = float(census.winrates(me.name, [other])[0]), census.frozen(parent=other)
    if wins > bar:
        return spread([other], [1.0], f"{other}, a main agent")
    if not past:
        return spread([other], [1.0], f"{other}, a main agent with no past yet, which wins {1 - wins:.0%}")
    why = f"the past of {other}, which wins {1 - wins:.0%}: {counted(past)} by PFSP (variance)"
    return spread(past, pfsp(census.winrates(me.name, past), "variance"), why)


def verification(me: Member, other: str, census: Census) -> list[Part]:
    """Exploiters that beat a main agent, or else past versions of `other` that it has forgotten; [] if all is well."""
    exploiters = census.frozen(role="main_exploiter")
    wins = census.winrates(me.name, exploiters)
    if exploiters and wins.min() < EXPLOITED:
        why = f"main exploiters, of which {exploiters[wins.argmin()]} wins {1 - wins.min():.0%}"
        return spread(exploiters, pfsp(wins, "squared"), why)
    past = census.frozen(parent=other)
    wins = census.winrates(me.name, past)
    count = once_harder(wins)
    past, wins = past[:count], wins[:count]
    if past and wins.min() < FORGOTTEN:
        why = f"the past of {other}, of which it forgot {past[wins.argmin()]}: it wins {wins.min():.0%}"
        return spread(past, pfsp(wins, "squared"), why)
    return []


def main_exploiter(me: Member, census: Census) -> list[Part]:
    """AlphaStar's main exploiter: the main agents of today, or the past of those that it cannot beat yet."""
    mains = census.live("main")
    if not mains:
        raise ValueError(f"'{me.name}' exploits main agents, and there are none; add a member whose role is main.")
    return [part for other in mains for part in mixed((1 / len(mains), main_or_past(me, other, census, HOPELESS)))]


def league_exploiter(me: Member, census: Census) -> list[Part]:
    """AlphaStar's league exploiter: everybody frozen, whoever beats it in half of its games or more alike."""
    return prioritised(me, census, "linear_capped")


def psro(me: Member, census: Census, solver: str = "nash") -> list[Part]:
    """Policy-space response oracles: the meta-game's solution over everybody frozen (Lanctot et al. 2017)."""
    solve = resolve(SOLVERS, str(solver), "meta-solver")
    frozen = census.frozen()
    if not frozen:
        return itself(me, "itself, as nobody is frozen yet")
    wins = census.payoff.winrates(frozen)
    odds = solve(wins - wins.T)
    unmet = int((census.payoff.counts(frozen) == 0).sum() - len(frozen)) // 2
    guess = f", {unmet} unplayed pairings taken as even" if unmet else ""
    return spread(frozen, odds, f"{counted(frozen)} by the meta-game's {solver}{guess}")


def counted(frozen: Sequence[str]) -> str:
    return "one frozen member" if len(frozen) == 1 else f"{len(frozen)} frozen members"

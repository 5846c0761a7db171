"""Who is in a league, from whom each member descends, and how they have done: what roles and snapshots read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from leagues.payoff import Payoff
from leagues.quality import Quality

ANCHOR = "anchor"
"""The role of members of known strength that are there to be rated against; nobody is trained on them."""


@dataclass(frozen=True)
class Member:
    """An agent's entry in a league: live, that is learning, or a frozen snapshot.

    role    the spec of its role (`leagues.roles.ROLES`), or "anchor"; a snapshot keeps the role of who it was
    parent  the live member whose snapshot it is; None for one that is live, or that came from elsewhere
    """

    name: str
    role: str
    live: bool = False
    parent: str | None = None

    def plays(self, role: str) -> bool:
        """Whether this is its role, whatever the options."""
        return self.role.partition(":")[0] == role


@dataclass(frozen=True)
class Census:
    """The members, in the order in which they came, and what their games told."""

    members: Sequence[Member]
    payoff: Payoff = field(default_factory=Payoff)
    quality: Quality = field(default_factory=Quality)

    def __post_init__(self) -> None:
        names = [member.name for member in self.members]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"Two members of the league are named '{twice}'; give one another name.")

    def live(self, role: str) -> list[str]:
        """Who is learning in this role."""
        return [m.name for m in self.members if m.live and m.plays(role)]

    def frozen(self, role: str | None = None, parent: str | None = None) -> list[str]:
        """The frozen members without the anchors, oldest first; of one role or one parent alone, if named."""
        return [
            m.name
            for m in self.members
            if not m.live
            and not m.plays(ANCHOR)
            and (role is None or m.plays(role))
            and (parent is None or m.parent == parent)
        ]

    def winrates(self, name: str, against: Sequence[str]) -> NDArray[np.float64]:
        """Mean scores of a member against others; 0.5 where two never met, and against itself."""
        return self.payoff.winrates([name], against)[0]

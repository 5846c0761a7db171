"""A learner in a league, and what its turn in a round brought."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.learn.learner import Learner, Metrics
from arena.population.sparring import Sparred
from leagues.census import Member
from leagues.population import Weights
from leagues.roles import Feed
from leagues.snapshots import Verdict

if TYPE_CHECKING:
    from agents.experience import Columns
    from agents.play import Finished


@dataclass
class Pupil:
    """A learner in the league.

    settings  of its algorithm, which breeding changes
    before    steps that it made before it last started anew
    frozen    its steps in all when it was last frozen
    lives     how often it started anew
    stopped   why it learns no more; "" while it does
    seconds   that workers played for it in this start
    waiting   experience of the last round, which it learns from while the next one is played
    """

    member: Member
    learner: Learner
    weights: Weights
    settings: Any
    before: int = 0
    frozen: int = 0
    lives: int = 0
    stopped: str = ""
    metrics: Metrics = field(default_factory=dict)
    fed: Feed | None = None
    verdict: Verdict | None = None
    games: int = 0
    seconds: float = 0.0
    waiting: Columns | None = None

    @property
    def steps(self) -> int:
        """In all its lives."""
        return self.before + self.learner.steps


@dataclass
class Turn:
    """What one learner's round brought."""

    name: str
    parts: list[Sparred]
    round: int
    metrics: Metrics = field(default_factory=dict)
    """What its learner last said of itself."""
    fed: Feed | None = None

    @property
    def games(self) -> list[tuple[Finished, tuple[str, ...], int]]:
        """Each game with who sat where, and the number of its worker."""
        found = []
        for worker, part in enumerate(self.parts):
            for finished, seats in zip(part.games, part.seats, strict=True):
                found.append((finished, seats, worker))
        return found

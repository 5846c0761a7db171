"""What a league consists of, as TOML: its learners with their roles, when they are frozen, and its anchors.

anchors = ["random"]            # agents' specs

[snapshots]                     # see leagues/snapshots.py
least = 20_000                  # learner's steps
most = 40_000
beaten = 0.7

[learners.NAME]
role = "main"                   # a spec of leagues.roles.ROLES
count = 1                       # so many of them
algorithm = ""                  # empty: the run's own
backbone = ""
settings = {}                   # of the algorithm, beside the run's own: settings = { entropy = 0.1 }
positions = 0                   # it gathers on each worker in a round, if its player asks; 0: the run's, over all
playing = {}                    # of how it gathers experience, beside the run's own: playing = { lanes = 64 }
snapshots = {}                  # when it is frozen, if not as the others are: algorithms count different steps

[matches]                       # see `Matches`
opponents = 4

[breeding]                      # population-based training among learners of one kind; see leagues/breeding.py
every = 0                       # rounds; 0: never
settings = []                   # of the algorithm, that change: ["learning_rate", "entropy"]
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from envs.registry import Unknown, check_options, nearest
from leagues.breeding import Breeding
from leagues.census import Census, Member
from leagues.roles import feed

FOLDER = Path(__file__).with_name("presets")

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Of a kind of learners: its snapshots are folders."""


@dataclass(frozen=True)
class Learners:
    """Learners of one kind; the keys are those of its table."""

    role: str
    count: int = 1
    algorithm: str = ""
    backbone: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    positions: int = 0
    playing: Mapping[str, Any] = field(default_factory=dict)
    snapshots: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= self.count <= 1000:
            raise ValueError(f"The count of learners is a whole number from 1 to 1000, not {self.count}.")
        if self.positions < 0:
            raise ValueError(f"The positions of a round are a whole number from 0 up, not {self.positions}.")


@dataclass(frozen=True)
class Snapshots:
    """When learners are frozen, in their own steps; the arguments of `leagues.snapshots.verdict`."""

    least: float = 20_000
    most: float = 40_000
    beaten: float = 0.7

    def __post_init__(self) -> None:
        if not 0 < self.least <= self.most:
            raise ValueError(f"Snapshots need 0 < least <= most, not {self.least:g} and {self.most:g}.")
        if not 0 <= self.beaten <= 1:
            raise ValueError(f"`beaten` is a win rate between 0 and 1, not {self.beaten:g}.")


@dataclass(frozen=True)
class Matches:
    """How members meet, and what is made of it.

    opponents    drawn for each learner and round; each new game is against one of these
    decay        by which what two members did counts less with each new game between them, while one of them learns
    margin       0: whoever is paid more has won; above: scores are in proportion to pay, 1 at a lead by so much
    rated_pairs  pairs of rating games after each snapshot
    every_pair   pairs of games of a new snapshot against everybody frozen, as meta-games want them; 0: none
    stored       games of each learner and round that are kept in the database, move by move
    cached       frozen members whose weights are kept in memory
    """

    opponents: int = 4
    decay: float = 0.99
    margin: float = 0.0
    rated_pairs: int = 20
    every_pair: int = 0
    stored: int = 10
    cached: int = 32

    def __post_init__(self) -> None:
        for name, least in (("opponents", 1), ("rated_pairs", 0), ("every_pair", 0), ("stored", 0), ("cached", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"`matches.{name}` is a whole number from {least} up, not {getattr(self, name)}.")
        if not 0 < self.decay <= 1:
            raise ValueError(f"`matches.decay` is above 0 and at most 1, not {self.decay:g}.")
        if not 0 <= self.margin < float("inf"):
            raise ValueError(f"`matches.margin` is a lead in pay of 0 or more, not {self.margin:g}.")


@dataclass(frozen=True)
class Composition:
    """All of a league but what it plays and learns with by default."""

    learners: Mapping[str, Learners]
    snapshots: Snapshots = field(default_factory=Snapshots)
    anchors: tuple[str, ...] = ("random",)
    matches: Matches = field(default_factory=Matches)
    breeding: Breeding = field(default_factory=Breeding)

    def __post_init__(self) -> None:
        if not self.learners:
            raise ValueError("A league needs one learner or more; add a table such as [learners.main] with its role.")
        for name in self.learners:
            if not NAME.fullmatch(name):
                raise ValueError(f"Learners are named by letters, digits, '.', '_' and '-', and {name!r} is not.")
        names = [member.name for member in self.members()]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"Two members of the league would be named '{twice[0]}'; give one another name.")
        for member in self.members():
            if member.live:
                feed(member, Census(self.members()))  # a role says what it misses
                self.rule(member.name)

    def of(self, name: str) -> Learners:
        """What is said of a learner, by its name."""
        return self.learners[name if name in self.learners else name.rpartition("-")[0]]

    def rule(self, name: str) -> Snapshots:
        """When a learner is frozen: by the league's rule, but for what its own says otherwise."""
        own = self.of(name).snapshots
        return _table(Snapshots, {**asdict(self.snapshots), **own}, f"learners.{name}.snapshots")

    def without(self, left_out: Mapping[str, str]) -> tuple[Composition | None, dict[str, str]]:
        """The league without some kinds of learners, and without those that have nobody to meet then.

        Returns None for the league if nobody is left, and name -> why, in a sentence, of all that are not in it.
        """
        kinds, gone = {name: of for name, of in self.learners.items() if name not in left_out}, dict(left_out)
        while kinds:
            found = _lonely(kinds)
            if found is None:
                return replace(self, learners=kinds), gone
            name, why = found
            gone[name] = f"'{name}' is left out as well: {why}"
            del kinds[name]
        return None, gone

    def kinds(self) -> dict[str, list[str]]:
        """The learners of each kind: NAME, or NAME-0, NAME-1 ..."""
        return {
            name: [name] if of.count == 1 else [f"{name}-{i}" for i in range(of.count)]
            for name, of in self.learners.items()
        }

    def members(self) -> list[Member]:
        """The league as it begins: the learners, then the anchors."""
        learners = [
            Member(name, self.learners[kind].role, live=True) for kind, names in self.kinds().items() for name in names
        ]
        return learners + [Member(anchor, "anchor") for anchor in self.anchors]


def _lonely(learners: Mapping[str, Learners]) -> tuple[str, str] | None:
    """A kind whose role has nobody to meet among these learners, and why; None if there is none."""
    members = [Member(name, of.role, live=True) for name, of in learners.items()]
    for member in members:
        try:
            feed(member, Census(members))
        except ValueError as error:
            return member.name, str(error)
    return None


def preset(name: str) -> Composition:
    """One of the leagues in leagues/presets: self-play, openai-five, alphastar, psro."""
    return composition(tables(name))


def tables(name: str) -> dict[str, Any]:
    """The tables of a preset, or of a file that ends in .toml."""
    if name.endswith(".toml"):
        try:
            return tomllib.loads(Path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise ValueError(f"The league {name} cannot be read ({error}); see leagues/presets for some.") from None
    known = {path.stem: path for path in FOLDER.glob("*.toml")}
    if name not in known:
        raise Unknown(f"There is no preset '{name}'; {nearest(name, known)}")
    return tomllib.loads(known[name].read_text(encoding="utf-8"))


def composition(tables: Mapping[str, Any]) -> Composition:
    """A league from the tables of its TOML; raises ValueError that names the key."""
    check_options(tables, _keys(Composition), "A league")
    learners = tables.get("learners", {})
    if not isinstance(learners, Mapping):
        raise ValueError("`learners` holds one table for each kind of learner; write for example [learners.main].")
    anchors = tables.get("anchors", ["random"])
    if not isinstance(anchors, list) or not all(isinstance(anchor, str) for anchor in anchors):
        raise ValueError('`anchors` is a list of agents; write for example anchors = ["random"].')
    return Composition(
        {name: _table(Learners, table, f"learners.{name}") for name, table in learners.items()},
        _table(Snapshots, tables.get("snapshots", {}), "snapshots"),
        tuple(anchors),
        _table(Matches, tables.get("matches", {}), "matches"),
        _table(Breeding, tables.get("breeding", {}), "breeding"),
    )


def _keys(kind: type) -> list[str]:
    return [one.name for one in fields(kind)]


def _table(kind: type, table: Any, where: str) -> Any:
    """A dataclass from a table: no other keys, and of each the type of its default."""
    if not isinstance(table, Mapping):
        raise ValueError(f"`{where}` is a table; write [{where}] and its keys below.")
    check_options(table, _keys(kind), f"[{where}]")
    if kind is Learners and "role" not in table:
        raise ValueError(f'[{where}] names no role; write for example role = "main".')
    types = {"str": str, "int": int, "float": (int, float), "Mapping[str, Any]": Mapping, "tuple[str, ...]": list}
    for one in fields(kind):
        value = table.get(one.name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, types[str(one.type)])):
            raise ValueError(f"`{where}.{one.name}` is of the wrong type: {value!r} is no {one.type}.")
        if isinstance(value, list) and not all(isinstance(item, str) for item in value):
            raise ValueError(f"`{where}.{one.name}` is a list of names in quotes, not {value!r}.")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    return kind(**values)

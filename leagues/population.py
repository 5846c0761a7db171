"""The population of a league: who is in it, from whom each member descends, and frozen weights that never change.

Frozen weights lie on disk; a bounded number of them is kept in memory. Their digest is taken when a member enters and
compared whenever they are read again, so a member whose files vanished or changed is noticed, named and left out,
while the rest of the league goes on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from envs.registry import nearest
from leagues.census import Census, Member
from leagues.payoff import Payoff
from leagues.quality import Quality

Weights = Mapping[str, NDArray[Any]]


class Unusable(ValueError):
    """A member cannot play; the text names it, the cause and the mend."""


class Population:
    """The members of a league in the order in which they came.

    Args:
        digest: of the weights that lie in a folder; raises OSError or ValueError if there are none.
        load: the weights that lie in a folder, in arrays of their own.
        cached: how many frozen members' weights are kept in memory.
    """

    def __init__(self, digest: Callable[[Path], str], load: Callable[[Path], Weights], cached: int = 32) -> None:
        if cached < 1:
            raise ValueError(f"The population keeps the weights of one member or more in memory, not of {cached}.")
        self._digest, self._load, self._cached = digest, load, cached
        self._members: dict[str, Member] = {}
        self._places: dict[str, tuple[Path, str]] = {}
        self._memory: OrderedDict[str, Weights] = OrderedDict()
        self.unusable: dict[str, str] = {}
        """Name -> why, in a sentence: the members that are left out."""

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, name: str) -> Member:
        if name not in self._members:
            raise Unusable(f"Nobody in the league is named '{name}'; {nearest(name, self._members)}")
        return self._members[name]

    @property
    def held(self) -> tuple[str, ...]:
        """Whose weights are in memory, the least recently used first."""
        return tuple(self._memory)

    def enter(self, member: Member, folder: Path | None = None, digest: str | None = None) -> None:
        """Adds a member; with a folder, the weights in it are its own from now on.

        With a digest (of a league that is resumed), a folder that no longer matches makes the member unusable.
        """
        if member.name in self._members:
            raise ValueError(f"The league has a member named '{member.name}' already; give this one another name.")
        if member.parent is not None and member.parent not in self._members:
            raise ValueError(f"'{member.name}' is said to descend from '{member.parent}', who is not in the league.")
        if member.live and folder is not None:
            raise ValueError(f"'{member.name}' is still learning, so its weights are not kept as a frozen member's.")
        if folder is not None and digest is None:
            digest = self._digest(folder)
        self._members[member.name] = member
        if folder is not None and digest is not None:
            self._places[member.name] = (folder, digest)
            self._check(member.name)

    def weights(self, name: str) -> Weights:
        """A frozen member's weights, read-only; raises `Unusable` if they are not those that entered."""
        if name not in self._places:
            raise Unusable(f"'{self[name].name}' has no frozen weights to play with; it is live, or needs none.")
        if name not in self._memory:
            if not self._check(name):
                raise Unusable(self.unusable[name])
            arrays = self._load(self._places[name][0])
            for array in arrays.values():
                array.flags.writeable = False
            self._memory[name] = arrays
            while len(self._memory) > self._cached:
                self._memory.popitem(last=False)
        self._memory.move_to_end(name)
        return self._memory[name]

    def usable(self, name: str) -> bool:
        """Whether a member can play: a frozen one's folder is compared with its digest now."""
        return name not in self._places or self._check(name)

    def check(self) -> dict[str, str]:
        """Compares all frozen members with their digests; gives name -> why for those that are left out."""
        for name in self._places:
            self._check(name)
        return dict(self.unusable)

    def _check(self, name: str) -> bool:
        folder, digest = self._places[name]
        why = ""
        try:
            if self._digest(folder) != digest:
                why = f"'{name}' is left out: {folder} is not what entered the league; put the original back."
        except (OSError, ValueError) as error:
            why = f"'{name}' is left out: {folder} cannot be read ({error}); put it back."
        if why:
            self.unusable[name] = why
            self._memory.pop(name, None)
        else:
            self.unusable.pop(name, None)
        return not why

    def census(self, payoff: Payoff, quality: Quality) -> Census:
        """What roles read: everybody who can play."""
        return Census([m for m in self._members.values() if m.name not in self.unusable], payoff, quality)

    def digests(self) -> dict[str, str]:
        """Name -> digest of every frozen member's weights."""
        return {name: digest for name, (_, digest) in self._places.items()}

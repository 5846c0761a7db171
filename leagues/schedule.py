"""Who plays whom: formats as iterators of pairings, always two games from one opening with the seats swapped.

A format is a function of the entrants' names, the number of pairs for each meeting, and a seed. The same arguments
give the same pairings with the same ids on every machine, so a tournament that was cut short goes on by skipping the
ids it has. An opening depends on the seed, the two names and the repetition only: entering one more member leaves
the others' games alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from envs.registry import resolve

Format = Callable[[Sequence[str], int, int], Iterator["Pairing"]]

FORMATS: dict[str, str] = {
    "round-robin": "leagues.schedule:round_robin",
    "gauntlet": "leagues.schedule:first_against_the_rest",
}
"""name -> "module:function" of (names, pairs, seed)."""


def _digest(*parts: str | int) -> bytes:
    """Sixteen bytes that only equal parts share; lengths are written, so ("ab", "c") is not ("a", "bc")."""
    text = "".join(f"{len(str(part))}:{part}" for part in parts)
    return blake2b(text.encode(), digest_size=16).digest()


@dataclass(frozen=True)
class Pairing:
    """One game to be played."""

    first: str  # moves first
    second: str
    opening: int  # seed of the opening, below 2**63; the same in both games of a pair

    @property
    def id(self) -> str:
        """32 hexadecimal digits that no other game of the schedule has."""
        return _digest("game", self.first, self.second, self.opening).hex()

    @property
    def pair(self) -> str:
        """The id that a game shares with its twin, the one with the seats swapped, and with no other."""
        return _digest("pair", *sorted((self.first, self.second)), self.opening).hex()

    def swapped(self) -> Pairing:
        """The other game of the pair."""
        return Pairing(self.second, self.first, self.opening)


def pair(a: str, b: str, seed: int, repetition: int = 0) -> tuple[Pairing, Pairing]:
    """Both games of a and b from the opening of this seed and repetition; a begins the first of them."""
    if a == b:
        raise ValueError(f"{a!r} cannot be paired with itself; enter the twin under another name.")
    opening = int.from_bytes(_digest("opening", seed, *sorted((a, b)), repetition)[:8], "big") >> 1
    game = Pairing(a, b, opening)
    return game, game.swapped()


def pairs_of(meetings: Iterable[tuple[str, str]], seed: int) -> Iterator[Pairing]:
    """Two games for each meeting, in order; a meeting that comes again gets another opening."""
    seen: dict[tuple[str, str], int] = {}
    for a, b in meetings:
        key = (min(a, b), max(a, b))
        repetition = seen.get(key, 0)
        seen[key] = repetition + 1
        yield from pair(a, b, seed, repetition)


def rounds(names: Sequence[str]) -> Iterator[list[tuple[str, str]]]:
    """Everybody against everybody, each at most once a round (the circle method): n - 1 rounds, n if n is odd."""
    circle: list[str | None] = [*names, *([None] if len(names) % 2 else [])]
    for number in range(len(circle) - 1):
        half = len(circle) // 2
        meetings = zip(circle[:half], reversed(circle[half:]), strict=True)
        played = [(a, b) for a, b in meetings if a is not None and b is not None]
        yield [(b, a) for a, b in played] if number % 2 else played
        circle = [circle[0], circle[-1], *circle[1:-1]]


def round_robin(names: Sequence[str], pairs: int, seed: int) -> Iterator[Pairing]:
    """Everybody meets everybody in `pairs` pairs of games; cut off anywhere, all have played about equally often."""
    _check(names, pairs)
    order = list(rounds(sorted(names)))
    return pairs_of((meeting for _ in range(pairs) for meetings in order for meeting in meetings), seed)


def gauntlet(hero: str, field: Sequence[str], pairs: int, seed: int) -> Iterator[Pairing]:
    """One member meets each of the others in `pairs` pairs of games, once each before it meets any again."""
    _check([hero, *field], pairs)
    return pairs_of(((hero, name) for _ in range(pairs) for name in sorted(field)), seed)


def first_against_the_rest(names: Sequence[str], pairs: int, seed: int) -> Iterator[Pairing]:
    """The gauntlet as a format: the first name is the hero."""
    _check(names, pairs)
    return gauntlet(names[0], names[1:], pairs, seed)


def schedule(form: str, names: Sequence[str], pairs: int, seed: int) -> Iterator[Pairing]:
    """The pairings of a format of the table; raises Unknown, with the nearest name, for any other."""
    chosen: Format = resolve(FORMATS, form, "format")
    return chosen(names, pairs, seed)


def _check(names: Sequence[str], pairs: int) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{twice[0]!r} is entered twice; enter the twin under another name.")
    if len(names) < 2:
        raise ValueError(f"A tournament needs two members or more, and has {len(names)}.")
    if pairs < 1:
        raise ValueError(f"Each meeting needs one pair of games or more, not {pairs}.")

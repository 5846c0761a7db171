"""Who plays whom: formats as courses of pairings, always two games from one opening with the seats swapped.

A format is a function of the entrants' names, the number of pairs for each meeting, a seed and a number of rounds. It
gives a course: a generator that yields the pairings of a round and is sent their scores, which may decide the next
round. The same arguments and scores give the same pairings with the same ids on every machine, so a tournament that
was cut short goes on by following its course anew and skipping the ids it has. An opening depends on the seed, the
two names and the repetition only: entering one more member leaves the others' games alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from envs.registry import resolve

Scores = Mapping[str, float]
"""A game's id -> the score of whoever moved first: 1, 0.5 or 0."""

Course = Generator[list["Pairing"], Scores, list["Standing"]]
"""Yields the games of a round, is sent their scores, and returns who came where."""

Format = Callable[[Sequence[str], int, int, int | None], Course]

FORMATS: dict[str, str] = {
    "round-robin": "leagues.schedule:everybody_against_everybody",
    "gauntlet": "leagues.schedule:first_against_the_rest",
    "swiss": "leagues.swiss:swiss",
    "knockout": "leagues.knockout:knockout",
    "ladder": "leagues.ladder:ladder",
}
"""name -> "module:function" of (names, pairs, seed, rounds)."""

MOST_PAIRS = 1_000_000
"""Pairs of games of one meeting: the games of a round are listed before it begins."""


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


class Standing(NamedTuple):
    """Where a format put somebody, who may share the place."""

    place: int
    name: str
    points: float  # in the format's own count
    note: str


def pair(a: str, b: str, seed: int, repetition: int = 0) -> tuple[Pairing, Pairing]:
    """Both games of a and b from the opening of this seed and repetition; a begins the first of them."""
    if a == b:
        raise ValueError(f"{a!r} cannot be paired with itself; enter the twin under another name.")
    opening = int.from_bytes(_digest("opening", seed, *sorted((a, b)), repetition)[:8], "big") >> 1
    game = Pairing(a, b, opening)
    return game, game.swapped()


def pairs_of(
    meetings: Iterable[tuple[str, str]], seed: int, seen: dict[tuple[str, str], int] | None = None
) -> Iterator[Pairing]:
    """Two games for each meeting, in order; a meeting that comes again gets another opening.

    `seen` counts the meetings of each two, by their sorted names, from one call to the next.
    """
    seen = {} if seen is None else seen
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
    check_entrants(names, pairs)
    order = list(rounds(sorted(names)))
    return pairs_of((meeting for _ in range(pairs) for meetings in order for meeting in meetings), seed)


def gauntlet(hero: str, field: Sequence[str], pairs: int, seed: int) -> Iterator[Pairing]:
    """One member meets each of the others in `pairs` pairs of games, once each before it meets any again."""
    check_entrants([hero, *field], pairs)
    return pairs_of(((hero, name) for _ in range(pairs) for name in sorted(field)), seed)


def everybody_against_everybody(names: Sequence[str], pairs: int, seed: int, rounds: int | None = None) -> Course:
    """The round robin as a format."""
    _no_rounds("round robin", rounds)
    return _at_once(round_robin(names, pairs, seed))


def first_against_the_rest(names: Sequence[str], pairs: int, seed: int, rounds: int | None = None) -> Course:
    """The gauntlet as a format: the first name is the hero."""
    _no_rounds("gauntlet", rounds)
    check_entrants(names, pairs)
    return _at_once(gauntlet(names[0], names[1:], pairs, seed))


def _at_once(games: Iterator[Pairing]) -> Course:
    yield list(games)
    return []


def schedule(form: str, names: Sequence[str], pairs: int, seed: int, rounds: int | None = None) -> Course:
    """The course of a format of the table; raises Unknown, with the nearest name, for any other.

    What the format does not allow raises ValueError here, before the first round.
    """
    chosen: Format = resolve(FORMATS, form, "format")
    return chosen(names, pairs, seed, rounds)


def follow(course: Course, play: Callable[[list[Pairing]], Scores]) -> tuple[list[Pairing], list[Standing]]:
    """Plays a course to its end; every game of it, and the standings (none where only points and ratings tell)."""
    games: list[Pairing] = []
    try:
        some = next(course)
        while True:
            games += some
            some = course.send(play(some))
    except StopIteration as end:
        return games, end.value


def meet(
    meetings: Sequence[tuple[str, str]], pairs: int, seed: int, seen: dict[tuple[str, str], int]
) -> Generator[list[Pairing], Scores, list[float]]:
    """A round of a course: `pairs` pairs of games for each meeting; returns the first named one's points in each."""
    games = [list(pairs_of([meeting] * pairs, seed, seen)) for meeting in meetings]
    if not games:
        return []
    scores = yield [game for some in games for game in some]
    return [
        sum(scores[game.id] if game.first == a else 1.0 - scores[game.id] for game in some)
        for (a, _), some in zip(meetings, games, strict=True)
    ]


def _no_rounds(form: str, rounds: int | None) -> None:
    if rounds is not None:
        raise ValueError(f"The rounds of a {form} follow from its entrants; leave their number out, or ask for pairs.")


def check_entrants(names: Sequence[str], pairs: int) -> None:
    """Raises ValueError for names entered twice, fewer than two, or meetings without games or with too many."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{twice[0]!r} is entered twice; enter the twin under another name.")
    if len(names) < 2:
        raise ValueError(f"A tournament needs two members or more, and has {len(names)}.")
    if pairs < 1:
        raise ValueError(f"Each meeting needs one pair of games or more, not {pairs}.")
    if pairs > MOST_PAIRS:
        raise ValueError(f"A meeting has at most {MOST_PAIRS:,} pairs of games, and {pairs:,} were asked for.")

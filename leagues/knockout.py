"""The knockout: whoever loses a meeting is out.

The entrants are seeded in the order in which they are named. The bracket has room for the next power of two, and is
drawn so that the two best seeds can meet in the final only, the four best in the semi-finals, and so on; where it
has more room than entrants the best seeds pass the first round without a game. A level meeting is played again, one
pair of games at a time from new openings, at most `REPLAYS` times; is it still level, the better seed goes on.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from leagues.schedule import Course, Pairing, Scores, Standing, check_entrants, meet

REPLAYS = 3

Round = Generator[list[Pairing], Scores, list[str]]


def knockout(names: Sequence[str], pairs: int, seed: int, rounds: int | None = None) -> Course:
    """The knockout as a format; a standing's points are the rounds survived."""
    check_entrants(names, pairs)
    if rounds is not None:
        raise ValueError("The rounds of a knockout follow from its entrants; leave their number out.")
    return _play(list(names), pairs, seed)


def bracket(entrants: int) -> list[int]:
    """The seeds, from 0, in the order of the bracket: neighbours meet, and their winners after them.

    There are as many as the next power of two; seeds from `entrants` on are byes.
    """
    seeds = [0]
    while len(seeds) < entrants:
        seeds = [seed for better in seeds for seed in (better, 2 * len(seeds) - 1 - better)]
    return seeds


def _play(names: list[str], pairs: int, seed: int) -> Course:
    seen: dict[tuple[str, str], int] = {}
    seeds = {name: i for i, name in enumerate(names)}
    left: list[str | None] = [names[i] if i < len(names) else None for i in bracket(len(names))]
    out: list[Standing] = []
    survived = 0
    while len(left) > 1:
        meetings = [(a, b) for a, b in zip(left[::2], left[1::2], strict=True) if a is not None and b is not None]
        winners = yield from _decide(meetings, pairs, seed, seen, seeds)
        losers = [b if winner == a else a for (a, b), winner in zip(meetings, winners, strict=True)]
        place = len([name for name in left if name is not None]) - len(losers) + 1
        out = [
            *(Standing(place, name, float(survived), f"out in round {survived + 1}") for name in sorted(losers)),
            *out,
        ]
        decided = dict(zip(meetings, winners, strict=True))
        left = [
            a if b is None else b if a is None else decided[a, b] for a, b in zip(left[::2], left[1::2], strict=True)
        ]
        survived += 1
    (champion,) = (name for name in left if name is not None)
    return [Standing(1, champion, float(survived), "champion"), *out]


def _decide(
    meetings: list[tuple[str, str]], pairs: int, seed: int, seen: dict[tuple[str, str], int], seeds: dict[str, int]
) -> Round:
    """Plays a round, level meetings again; returns the winners in the order of the meetings."""
    won: dict[tuple[str, str], str] = {}
    level, games = meetings, pairs
    for _ in range(1 + REPLAYS):
        points = yield from meet(level, games, seed, seen)
        won.update(
            {
                meeting: meeting[0] if mine > games else meeting[1]
                for meeting, mine in zip(level, points, strict=True)
                if mine != games
            }
        )
        level, games = [meeting for meeting in level if meeting not in won], 1
        if not level:
            break
    return [won.get(meeting) or min(meeting, key=lambda name: seeds[name]) for meeting in meetings]

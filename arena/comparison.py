"""One game's results as other rating systems see them, and the members of several games on one scale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING, Any

from arena.leaderboard import met
from arena.store import Store, StoreError
from arena.text import counted, printable
from leagues.bradley_terry import ELO, Z95
from leagues.joined import Joined, Place, joined
from leagues.rating import Result

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from leagues.whole_history import Track

PERIODS = 10
"""Equal shares of the games, in the order in which they were committed: Glicko-2's periods, whole-history's times."""

STEP = 30.0
"""Elo by which a strength is thought to move in a period by whole-history rating, as a standard deviation."""

FEW = 200
"""Members at most whose whole history is worked out."""


@dataclass(frozen=True)
class Compared:
    """A member by every system, in Elo above the board's zero; what ends in `error` is half of a 95 % interval."""

    name: str
    games: int
    bradley_terry: float
    low: float
    high: float
    elo: float
    glicko: float
    glicko_error: float
    weng_lin: float
    weng_lin_error: float
    whole_history: Sequence[float] | None
    """At each period in which it played; None of more than `FEW` members."""
    whole_history_error: float | None
    """At the last of them."""


def compared(store: Store, game: str) -> tuple[list[Compared], str | None]:
    """Everybody who played, by every system, in the leaderboard's order; and who stands at 0, None if the mean does."""
    from leagues.elo import elo
    from leagues.glicko import glicko
    from leagues.weng_lin import BETA, weng_lin

    played = store.played(game)
    if not played:
        raise StoreError(f"{store.path} has no rated game of {game}; `arena tournament` plays some.")
    rated, cuts = met(store, game), [i * len(played) // PERIODS for i in range(PERIODS + 1)]
    periods = [played[begin:end] for begin, end in pairwise(cuts)]
    unit = ELO / (sqrt(2.0) * BETA)  # Elo a point of skill, between two whose skills are known
    deviations, skills = glicko(periods), weng_lin(played)
    classroom = _from_zero(elo(played), rated.anchor)
    points = _from_zero({name: one.rating for name, one in deviations.items()}, rated.anchor)
    means = _from_zero({name: unit * one.mean for name, one in skills.items()}, rated.anchor)
    tracks = _tracks(periods, rated.anchor if rated.anchor in skills else None) if len(skills) <= FEW else {}
    lines = []
    for row in rated.rows():
        name = str(row["name"])
        if name not in skills:
            continue
        track = tracks.get(name)
        lines.append(
            Compared(
                name=name,
                games=round(float(row["games"])),
                bradley_terry=float(row["elo"]),
                low=float(row["low"]),
                high=float(row["high"]),
                elo=classroom[name],
                glicko=points[name],
                glicko_error=Z95 * deviations[name].deviation,
                weng_lin=means[name],
                weng_lin_error=Z95 * unit * skills[name].deviation,
                whole_history=None if track is None else [float(elo) for elo in track.elo],
                whole_history_error=None if track is None else Z95 * float(track.error[-1]),
            )
        )
    return lines, rated.anchor


def _from_zero(values: Mapping[str, float], zero: str | None) -> dict[str, float]:
    """The same with the anchor at 0, or else the mean."""
    nought = values[zero] if zero is not None and zero in values else sum(values.values()) / len(values)
    return {name: value - nought for name, value in values.items()}


def _tracks(periods: Iterable[Sequence[Result]], anchor: str | None) -> Mapping[str, Track]:
    from leagues.whole_history import Dated, whole_history

    games = [Dated(float(time), *result) for time, period in enumerate(periods) for result in period]
    return whole_history(games, drift=STEP**2, anchor=anchor)


SYSTEMS = (
    "Elo, as it is taught, and Weng-Lin take the games one after another, Glicko-2 in ten periods; whole-history "
    "rating lets everybody but the zero move by some 30 Elo a period, pulls them to it by two games, shows the last. "
    "± is half of a 95 % interval. Only Bradley-Terry, the leaderboard's, knows draws and who moved first."
)


def compared_table(game: str, lines: Sequence[Compared], zero: str | None) -> RichTable:
    """The systems beside each other, for a terminal."""
    from rich.table import Table
    from rich.text import Text

    begins = f"{zero} = 0" if zero else "mean = 0"
    title = Text(printable(f"{game}: one game's results by five systems, {begins}"))
    grid = Table(title=title, title_justify="left", pad_edge=False, caption=SYSTEMS, caption_justify="left")
    grid.add_column("name", overflow="ellipsis", no_wrap=True, max_width=40, style="cyan")
    for heading in ("games", "Bradley-Terry", "Elo", "Glicko-2", "Weng-Lin", "whole-history"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for line in lines:
        history = "" if line.whole_history is None else _about(line.whole_history[-1], line.whole_history_error)
        grid.add_row(
            Text(printable(line.name)),
            f"{line.games:,}",
            f"{round(line.bradley_terry)} ({line.low:.0f} … {line.high:.0f})",
            f"{round(line.elo)}",
            _about(line.glicko, line.glicko_error),
            _about(line.weng_lin, line.weng_lin_error),
            history,
        )
    return grid


def _about(value: float, error: float | None) -> str:
    return f"{round(value)} ± {error or 0.0:.0f}"


def compared_document(game: str, lines: Sequence[Compared], zero: str | None) -> dict[str, Any]:
    """The same as plain values, for JSON."""
    return {"game": game, "zero": zero, "periods": PERIODS, "members": [asdict(line) for line in lines]}


def anchors(text: str) -> tuple[str, str]:
    """The two anchors of LOW,HIGH; a spec's own commas are not parted."""
    low, comma, high = text.partition(",")
    if not comma or not low or not high or low == high:
        raise ValueError("--join takes two anchors, the weaker first, as in --join random,solver:epsilon=0.1.")
    return low.strip(), high.strip()


def join(store: Store, low: str, high: str) -> list[Joined]:
    """Everybody on one scale, from all games in which both anchors have played."""
    found = {}
    for game in store.games_with_members():
        played = {name for result in store.results(game) for name in result[:2]}
        if {low, high} <= played:
            found[game] = met(store, game)
    if not found:
        raise StoreError(
            f"{store.path} has no game in which both '{low}' and '{high}' have played; enter them in a tournament of "
            "each game."
        )
    return joined(found, low, high)


JOINED = (
    "A game's share is how far on the way from the first anchor's Elo to the second's somebody stands in it; "
    "joined is the mean of the games played. ± is half of a 95 % interval."
)


def joined_table(lines: Sequence[Joined], low: str, high: str) -> RichTable:
    """The joined scale, and each game's, for a terminal."""
    from rich.table import Table
    from rich.text import Text

    games = list(dict.fromkeys(game for line in lines for game in line.games))
    title = Text(printable(f"{counted(len(games), 'game')} joined: {low} = 0 %, {high} = 100 %"))
    grid = Table(title=title, title_justify="left", pad_edge=False, caption=JOINED, caption_justify="left")
    grid.add_column("#", justify="right", style="dim")
    grid.add_column("name", overflow="ellipsis", no_wrap=True, max_width=40, style="cyan")
    grid.add_column("joined", justify="right", no_wrap=True, style="bold")
    for game in games:
        grid.add_column(Text(printable(game)), justify="right", no_wrap=True)
    for rank, line in enumerate(lines, 1):
        each = ["" if game not in line.games else _share(line.games[game]) for game in games]
        grid.add_row(str(rank), Text(printable(line.name)), _share(line.mean), *each)
    return grid


def _share(one: Place) -> str:
    return f"{round(100 * one.place)} ± {100 * Z95 * one.error:.0f} %"


def joined_document(lines: Sequence[Joined], low: str, high: str) -> dict[str, Any]:
    """The same as plain values, for JSON; errors are standard errors."""
    members = [
        {"name": line.name, **line.mean._asdict(), "games": {game: one._asdict() for game, one in line.games.items()}}
        for line in lines
    ]
    return {"low": low, "high": high, "members": members}

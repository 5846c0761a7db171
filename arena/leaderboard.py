"""The leaderboard: everybody of a game on one scale, with intervals, and as a table, JSON, CSV or a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from agents.play import read_forfeit
from arena.store import Member, Store, StoreError
from arena.text import counted, inert, percent, printable
from leagues.overturn import Lead, overturn
from leagues.rating import Ratings, Result, rate

if TYPE_CHECKING:
    from rich.table import Table as RichTable

ANCHOR = "random"
"""Stands at 0 in every game in which it is a member."""

BELIEVED = 4.0
"""Games that each two are taken to have played beforehand, as their ratings expect, when it is asked who beats whom."""

MANY = 1500
"""Members among whom it is asked who beats whom, and what the lead hangs on: of more, that takes minutes."""


@dataclass(frozen=True)
class Line:
    """One member's line."""

    rank: int
    name: str
    kind: str
    elo: float
    low: float
    high: float
    games: int
    score: float
    better: float | None
    """The probability that it is truly stronger than the next one down; None on the last line."""
    anchors: Mapping[str, float | None]
    """Its mean score against each anchor, None where they never met."""
    nash: float | None
    """Its weight in the equilibrium of choosing a member; copies share one's weight. None of more than `MANY` members,
    as of what follows."""
    nash_average: float | None
    """What it gets against that mixture, a win counting 1 and a loss -1: 0 if it is part of it, else below."""
    alpha_rank: float | None
    """The share of time that evolution by alpha-rank spends at it."""
    forfeits: Mapping[str, int] = field(default_factory=dict)
    """How many of its games it lost other than by the rules, by kind: late, crash, illegal ..."""
    exploitability: float | None = None
    """What a best response to it gains a seat, over the whole tree; None where that is not known."""


@dataclass(frozen=True)
class Leaderboard:
    """A game's ratings, best first."""

    game: str
    lines: Sequence[Line]
    anchors: Sequence[str]
    zero: str | None
    """Who stands at 0; None if the mean of all does."""
    games: int
    first_move: float
    """What moving first is worth, in Elo."""
    first_move_error: float
    cycles: float = 0.0
    """How much of the members' beating each other no ranking explains: 0 none, 1 all, as in rock-paper-scissors."""
    exact: bool = False
    """Whether exploitability was asked for."""
    outdated: int = 0
    """Games by other versions of the rules, which do not count."""
    lead: Lead | None = None
    """How few games the first place hangs on; None of fewer than two members, or more than `MANY`."""
    unrated: Sequence[str] = ()
    """Who has played no game that counts, and has no line."""

    @property
    def hangs_on(self) -> str:
        """What is said of how few games would change the leader; empty of fewer than two members."""
        if self.lead is None or not self.games:
            return ""
        leader, rival = printable(self.lead.leader), printable(self.lead.rival or "")
        if self.lead.games is None:
            found = "whichever games are left out" if self.lead.exact else "whatever was tried by leaving games out"
            return f"{leader} leads {found}"
        if not self.lead.games:
            return f"{leader} and {rival} stand level"
        most = "" if self.lead.exact else "at most "
        of = f"{percent(self.lead.games / self.games)} of all"
        return f"without {most}{counted(self.lead.games, 'game')} ({of}) {rival} would lead"

    @property
    def unasked(self) -> str:
        """What is said of what is not worked out; empty if all is."""
        many = (
            f"of more than {MANY:,} members neither Nash, α-rank and circles are worked out, nor what the lead hangs on"
        )
        return many if len(self.lines) > MANY else ""

    @property
    def in_circles(self) -> str:
        """What is said of cycles; empty if there are none to speak of."""
        return f"{percent(self.cycles)} of who beats whom goes in circles" if self.cycles >= 0.01 else ""

    @property
    def forfeited(self) -> str:
        """What is said of games lost other than by the rules; empty if there are none."""
        return "; ".join(
            f"{printable(line.name)} forfeited {sum(line.forfeits.values()):,} of {line.games:,} games "
            f"({counted_kinds(line.forfeits)})"
            for line in self.lines
            if line.forfeits
        )

    @property
    def left_out(self) -> str:
        """What is said of games that do not count; empty if there are none."""
        played = "game, played" if self.outdated == 1 else "games, played"
        said = [f"{self.outdated:,} {played} under other rules, left out"] if self.outdated else []
        said += [f"{counted(len(self.unrated), 'member')} without a rated game, left out"] if self.unrated else []
        return "; ".join(said)


def ratings(
    store: Store, game: str, *, upto: int | None = None, intervals: bool = True, without: Sequence[str] = ()
) -> Ratings:
    """Everybody's rating from every stored game that counts, or from those up to a number; see `rate`.

    Members `without` are not rated.
    """
    members = [m.name for m in store.members(game) if m.kind in ("anchor", "snapshot", "agent")]
    members = [name for name in members if name not in without]
    results = store.results(game, upto=upto)
    known = {name for result in results for name in result[:2]}
    anchor = ANCHOR if ANCHOR in known.union(members) else None
    return rate(results, members=members, anchor=anchor, intervals=intervals)


def met(store: Store, game: str) -> Ratings:
    """The ratings of those who are on the leaderboard: `idle` members are not."""
    return ratings(store, game, without=idle(store.members(game), store.results(game)))


def keep_ratings(store: Store, game: str) -> None:
    """Keeps everybody's rating, where games have come since ratings were kept last; not of more than `MANY` members."""
    if store.newest(store.last_rated(game), game) is not None and len(store.members(game)) <= MANY:
        store.add_ratings(game, store.last_number(), ratings(store, game).rows())


def leaderboard(store: Store, game: str, exact: bool = False) -> Leaderboard:
    """The leaderboard of a game; raises StoreError if nobody has played it.

    With `exact` each agent's exploitability too, in small games; seconds for one that searches, nothing is kept.
    """
    members = {member.name: member for member in store.members(game)}
    if not members:
        played = ", ".join(store.games_with_members()) or "nothing yet"
        raise StoreError(f"{store.path} has no members of {game}; it has {played}.")
    results = store.results(game)
    unrated = idle(members.values(), results)
    rated = ratings(store, game, without=unrated)
    anchors = [name for name in rated.names if members[name].kind == "anchor"]
    anchors.sort(key=lambda name: rated.elo[rated.names.index(name)])
    met, lost = scores(results), forfeits(store, game)
    rows = rated.rows()
    few = len(rows) <= MANY
    weights, averages, evolved, cycles = population(rated, results) if few else ({}, {}, {}, 0.0)
    lines = []
    for i, row in enumerate(rows):
        name = str(row["name"])
        lines.append(
            Line(
                rank=i + 1,
                name=name,
                kind=members[name].kind,
                elo=float(row["elo"]),
                low=float(row["low"]),
                high=float(row["high"]),
                games=round(float(row["games"])),
                score=float(row["score"]),
                better=rated.superiority(name, str(rows[i + 1]["name"])) if i + 1 < len(rows) else None,
                anchors={anchor: met.get((name, anchor)) for anchor in anchors},
                nash=weights.get(name),
                nash_average=averages.get(name),
                alpha_rank=evolved.get(name),
                forfeits=lost.get(name, {}),
                exploitability=exploitability(game, members[name].spec) if exact else None,
            )
        )
    games, worth, outdated = sum(results.values()), rated.first_move, store.outdated(game)
    error = 1.96 * worth.error
    lead = overturn(results, rated.names) if few else None
    return Leaderboard(
        game, lines, anchors, rated.anchor, games, worth.elo, error, cycles, exact, outdated, lead, tuple(unrated)
    )


def idle(members: Iterable[Member], results: Mapping[Result, int]) -> list[str]:
    """Who is there for games that do not count alone (a person's, an import's), where others have some that do.

    A league's snapshots and learners are none of them: their rating games are to come.
    """
    met = {name for result in results for name in result[:2]}
    return [m.name for m in members if m.kind in ("anchor", "agent") and m.name not in met] if met else []


def exploitability(game: str, spec: str) -> float | None:
    """An agent's exploitability in a small game, hidden or open; None where it cannot be worked out any more."""
    from arena.exploitability import exact

    try:
        found = exact(game, spec, patient=True)
    except ValueError:  # an agent whose folder is gone has its rating still
        return None
    return None if found is None else found.exploitability


def forfeits(store: Store, game: str) -> dict[str, dict[str, int]]:
    """Each member's rated games that were lost other than by the rules, by kind."""
    found: dict[str, dict[str, int]] = {}
    for name, reason, count in store.forfeits(game):
        lost = read_forfeit(reason)
        if lost is not None:
            kinds = found.setdefault(name, {})
            kinds[lost[1].kind] = kinds.get(lost[1].kind, 0) + count
    return found


def counted_kinds(kinds: Mapping[str, int]) -> str:
    """late 2, crash 1."""
    return ", ".join(f"{kind} {count:,}" for kind, count in sorted(kinds.items(), key=lambda one: (-one[1], one[0])))


def population(
    rated: Ratings, results: Mapping[Result, int]
) -> tuple[dict[str, float], dict[str, float], dict[str, float], float]:
    """What ratings do not tell of who beats whom: everybody's weight in the equilibrium, Nash average (Balduzzi et al.
    2018) and share by alpha-rank, and the share of circles.

    Each two are taken to have played `BELIEVED` games more that went as the ratings expect, so a lucky game, or none,
    does not pass for a hole in somebody's play.
    """
    import numpy as np

    from leagues.meta_games import alpha_rank, cycle_share, nash, nash_average

    index = {name: i for i, name in enumerate(rated.names)}
    points, games = np.zeros((len(index), len(index))), np.zeros((len(index), len(index)))
    for (first, second, score), count in results.items():
        i, j = index[first], index[second]
        points[i, j] += score * count
        points[j, i] += (1.0 - score) * count
        games[i, j] += count
        games[j, i] += count
    thought = rated.expectations()
    payoff = 2.0 * (points + BELIEVED * thought) / (games + BELIEVED) - 1.0
    payoff = (payoff - payoff.T) / 2.0  # exactly, whatever the rounding
    share = np.where(games > 0, points / np.maximum(games, 1.0), 0.5)
    weight = nash(payoff)
    weights, averages, evolved = (
        dict(zip(rated.names, map(float, numbers), strict=True))
        for numbers in (weight, nash_average(payoff, weight), alpha_rank(payoff))
    )
    return weights, averages, evolved, cycle_share(share, thought, games)


def scores(results: Mapping[Result, int]) -> dict[tuple[str, str], float]:
    """(a, b) -> a's mean score against b over both seats."""
    points: dict[tuple[str, str], float] = {}
    games: dict[tuple[str, str], int] = {}
    for (first, second, score), count in results.items():
        for pair, part in (((first, second), score), ((second, first), 1.0 - score)):
            points[pair] = points.get(pair, 0.0) + part * count
            games[pair] = games.get(pair, 0) + count
    return {pair: points[pair] / games[pair] for pair in points}


def as_document(board: Leaderboard) -> dict[str, Any]:
    """The leaderboard as plain values, for JSON."""
    return asdict(board)


def as_csv(board: Leaderboard) -> str:
    """The leaderboard as comma-separated values; a cell that a spreadsheet would run as a formula is quoted."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    against = [f"score against {inert(anchor)}" for anchor in board.anchors]
    gain = ["exploitability"] if board.exact else []
    writer.writerow(
        [
            "rank",
            "name",
            "kind",
            "elo",
            "low",
            "high",
            "games",
            "score",
            "nash",
            "nash_average",
            "alpha_rank",
            "forfeits",
            *gain,
            *against,
        ]
    )
    for line in board.lines:
        numbers = [f"{value:.1f}" for value in (line.elo, line.low, line.high)]
        scored = [_blank(line.anchors[anchor]) for anchor in board.anchors]
        shares = [_blank(value) for value in (line.score, line.nash, line.nash_average, line.alpha_rank)]
        lost = sum(line.forfeits.values())
        gained = [_blank(line.exploitability)] if board.exact else []
        writer.writerow([line.rank, inert(line.name), line.kind, *numbers, line.games, *shares, lost, *gained, *scored])
    return out.getvalue()


def _blank(score: float | None) -> str:
    return "" if score is None else f"{round(score, 4) + 0.0:.4f}"  # no -0


def weight(share: float | None) -> str:
    """A share of a mixture as it is shown: nothing where it is none to speak of, or not known."""
    return "" if share is None or share < 0.0005 else percent(share)


def _shown(gain: float | None) -> str:
    return "" if gain is None else f"{gain:.3f}"


BETTER = "better: the probability to be truly stronger than the next one down"
NASH = "Nash: the weight in the mixture of members that no member beats"
EVOLVED = "; α-rank: the share of time that evolution among them spends at it"


def as_table(board: Leaderboard, width: int = 100) -> RichTable:
    """The leaderboard for a terminal; columns that do not fit are left out, the least telling first."""
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    zero = f", {board.zero} = 0" if board.zero else ""
    title = f"{board.game}: {board.games:,} rated games{zero}"
    worth = f"moving first is worth {board.first_move:+.0f} ± {board.first_move_error:.0f} Elo" if board.games else ""
    parts = (worth, board.hangs_on, board.in_circles, board.unasked, board.left_out, board.forfeited)
    said = [*filter(None, parts)]
    grid = Table(title=escape(printable(title)), title_justify="left", pad_edge=False)
    longest = max(len(line.name) for line in board.lines)
    room = width - min(longest, 28) - 24
    room -= 9 if board.exact else 0
    shown_interval, shown_games, shown_better, shown_nash = room >= 16, room >= 24, room >= 36, room >= 46
    shown_nash = shown_nash and not board.unasked
    shown_anchors = board.anchors[: max(0, (room - 49) // 12)] if shown_better else []
    shown_evolved = not board.unasked and room - 49 - 12 * len(board.anchors) >= 12
    said += [BETTER] if shown_better else []
    said += [NASH + (EVOLVED if shown_evolved else "")] if shown_nash else []
    grid.caption = escape("\n".join(said)) or None
    grid.add_column("#", justify="right", style="dim")
    grid.add_column("name", overflow="ellipsis", no_wrap=True, max_width=40)
    grid.add_column("Elo", justify="right", style="bold", no_wrap=True)
    for shown, heading in (
        (shown_interval, "95 %"),
        (shown_games, "games"),
        (shown_better, "better"),
        (shown_nash, "Nash"),
        (shown_evolved, "α-rank"),
        (board.exact, "exploit"),
    ):
        if shown:
            grid.add_column(heading, justify="right", no_wrap=True)
    for anchor in shown_anchors:
        grid.add_column(Text(printable(f"v {anchor}")), justify="right", overflow="fold", max_width=10)
    for line in board.lines:
        cells = [
            str(line.rank),
            Text(printable(line.name), style="" if line.kind == "anchor" else "cyan"),
            f"{line.elo:.0f}",
        ]
        cells += [f"{line.low:.0f} … {line.high:.0f}"] if shown_interval else []
        cells += [f"{line.games:,}"] if shown_games else []
        cells += ["" if line.better is None else percent(line.better)] if shown_better else []
        cells += [weight(line.nash)] if shown_nash else []
        cells += [weight(line.alpha_rank)] if shown_evolved else []
        cells += [_shown(line.exploitability)] if board.exact else []
        cells += ["" if line.anchors[a] is None else percent(line.anchors[a]) for a in shown_anchors]
        grid.add_row(*cells)
    return grid

"""A class as one HTML page that needs nothing else: the table, who met whom, every game with its moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from agents.play import read_forfeit
from arena.page import framed
from arena.store import StoredGame, written_move
from arena.text import counted, printable
from arena.tournament import Contest, forfeited
from envs import kernels
from envs.registry import game as game_of
from envs.text import text_seen
from leagues.schedule import Pairing

REFRESH = 5
"""Seconds after which the page of a class that goes on is read again."""

SAT_OUT = "Who sits out a round gets a point, and in games three quarters of a meeting's."

MORE_STYLE = """
h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem } td.win { color: var(--sky) } td.self { color: var(--raised) }
details { background: var(--panel); border-radius: .5rem; padding: .5rem .8rem; margin: .3rem 0 }
summary { cursor: pointer } pre { margin: .5rem 0; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem }
.warn { color: var(--orange) }
"""


@dataclass
class Meeting:
    """Two that meet in a round; `games` fills as they are played."""

    round: int
    first: str
    second: str
    pairings: list[Pairing] = field(default_factory=list)
    games: list[StoredGame] = field(default_factory=list)

    @property
    def points(self) -> float | None:
        """What the first got of the games; None while they are not played."""
        return sum(score(stored, self.first) for stored in self.games) if self.games else None


@dataclass(frozen=True)
class Score:
    """One line of the table: a meeting won is a point, a level one half, sitting out is a point as well."""

    place: int
    name: str
    points: float
    buchholz: float
    game_points: float
    won: int
    drawn: int
    lost: int
    forfeits: Mapping[str, int]
    sat_out: tuple[int, ...] = ()
    """The rounds."""


def score(stored: StoredGame, name: str) -> float:
    """1, 0.5 or 0 for a player of a game for two."""
    mine, other = stored.results if stored.seats[0] == name else stored.results[::-1]
    return (1.0 + (mine > other) - (mine < other)) / 2.0


def table_of(names: Sequence[str], meetings: Sequence[Meeting]) -> list[Score]:
    """The table after the meetings that were played; a round counts for who sits out once it is over."""
    points, games, met = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0), {name: [] for name in names}
    out: dict[str, list[int]] = {name: [] for name in names}
    for number in sorted({meeting.round for meeting in meetings}):
        some = [meeting for meeting in meetings if meeting.round == number]
        busy = {name for meeting in some for name in (meeting.first, meeting.second)}
        for meeting in some:
            mine, all_of_it = meeting.points, len(meeting.games)
            for name, other in ((meeting.first, meeting.second), (meeting.second, meeting.first)):
                if mine is not None:
                    part = mine if name == meeting.first else all_of_it - mine
                    points[name] += (1.0 + (2 * part > all_of_it) - (2 * part < all_of_it)) / 2.0
                    games[name] += part
                    met[name].append(other)
        if all(meeting.games for meeting in some):
            for name in set(names) - busy:
                points[name] += 1.0
                out[name].append(number)
                games[name] += 0.75 * len(some[0].pairings)  # as leagues.swiss counts it
    strength = {name: sum(points[other] for other in met[name]) for name in names}
    merit = {name: (-points[name], -strength[name], -games[name]) for name in names}
    stored = [one for meeting in meetings for one in meeting.games]
    return [
        Score(
            1 + sum(merit[other] < merit[name] for other in names), name, points[name], strength[name], games[name],
            won=_count(stored, name, 1.0), drawn=_count(stored, name, 0.5), lost=_count(stored, name, 0.0),
            forfeits=_forfeits(stored, name), sat_out=tuple(out[name]),
        )
        for name in sorted(names, key=lambda name: (merit[name], name))
    ]  # fmt: skip


def _count(games: Sequence[StoredGame], name: str, wanted: float) -> int:
    return sum(name in stored.seats and score(stored, name) == wanted for stored in games)


def _forfeits(games: Sequence[StoredGame], name: str) -> dict[str, int]:
    kinds: dict[str, int] = {}
    for lost in (lost for stored in games for lost in forfeited(stored) if lost.name == name):
        kinds[lost.kind] = kinds.get(lost.kind, 0) + 1
    return kinds


def as_page(
    contest: Contest, table: Sequence[Score], meetings: Sequence[Meeting], refused: Mapping[str, str], unboxed: str,
    over: bool,
) -> str:  # fmt: skip
    """The whole page; names and what programs wrote are text whatever they hold."""
    rounds = max((meeting.round for meeting in meetings), default=0)
    played = counted(sum(len(meeting.games) for meeting in meetings), "game")
    state = (
        f"Over after {counted(rounds, 'round')}, {played}." if over else f"Round {rounds or 1} is on; {played} so far."
    )
    warned = f'<p class="warn">{_text(unboxed)}</p>' if unboxed else ""
    left = "".join(
        f"<tr><td class=name>{_text(name)}</td><td class=name>{_text(why)}</td></tr>" for name, why in refused.items()
    )
    left = f"<h2>Not taking part</h2><div class=scroll><table>{left}</table></div>" if refused else ""
    main = f"""<h1>{_text(contest.game)}: the class</h1>
<p>{state} A meeting won is a point, a level one half; equal points are told apart by the opponents' points
(Buchholz), then by the points in games. {SAT_OUT}</p>
{warned}
<h2>Table</h2>
{_table(table)}
<h2>Who met whom</h2>
{_cross_table(table, meetings)}
{_rounds(meetings, [line.name for line in table])}
{left}"""
    return framed(f"{contest.game}: the class", main, MORE_STYLE, 0 if over else REFRESH)


def _text(text: str) -> str:
    return escape(printable(text))


def _table(table: Sequence[Score]) -> str:
    rows = "\n".join(
        f"<tr><td class=rank>{s.place}</td><td class=name>{_text(s.name)}</td><td class=elo>{s.points:g}</td>"
        f"<td>{s.buchholz:g}</td><td>{s.game_points:g}</td><td>{s.won}</td><td>{s.drawn}</td><td>{s.lost}</td>"
        f"<td class='name small'>{_text(', '.join(f'{kind} {n}' for kind, n in s.forfeits.items()))}</td></tr>"
        for s in table
    )
    heads = "<th>points</th><th>Buchholz</th><th>in games</th><th>won</th><th>drawn</th><th>lost</th>"
    return (
        f"<div class=scroll><table>\n<thead><tr><th>#</th><th class=name>name</th>{heads}"
        f"<th class=name>forfeits</th></tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>"
    )


def _cross_table(table: Sequence[Score], meetings: Sequence[Meeting]) -> str:
    points: dict[tuple[str, str], float] = {}
    for meeting in meetings:
        mine = meeting.points
        if mine is not None:
            for pair, part in (
                ((meeting.first, meeting.second), mine),
                ((meeting.second, meeting.first), len(meeting.games) - mine),
            ):
                points[pair] = points.get(pair, 0.0) + part
    rows = []
    for s in table:
        cells = []
        for other in table:
            mine, theirs = points.get((s.name, other.name)), points.get((other.name, s.name), 0.0)
            shown = "×" if s is other else "" if mine is None else f"{mine:g}"
            kind = "self" if s is other else "win" if mine is not None and mine > theirs else "small"
            cells.append(f"<td class={kind}>{shown}</td>")
        rows.append(f"<tr><td class=rank>{s.place}</td><td class=name>{_text(s.name)}</td>{''.join(cells)}</tr>")
    heads = "".join(f'<th title="{_text(s.name)}">{i}</th>' for i, s in enumerate(table, 1))
    lines = "\n".join(rows)
    return (
        f"<div class=scroll><table>\n<thead><tr><th>#</th><th class=name>points in games against</th>{heads}</tr>"
        f"</thead>\n<tbody>\n{lines}\n</tbody>\n</table></div>"
    )


def _rounds(meetings: Sequence[Meeting], names: Sequence[str]) -> str:
    parts = []
    for number in sorted({meeting.round for meeting in meetings}, reverse=True):
        some = [meeting for meeting in meetings if meeting.round == number]
        out = sorted(set(names) - {name for meeting in some for name in (meeting.first, meeting.second)})
        parts.append(f"<h2>Round {number}</h2>")
        parts += [_meeting(meeting) for meeting in some]
        parts += [f"<p>Sits out: {_text(', '.join(out))}.</p>"] if out else []
    return "\n".join(parts)


def _meeting(meeting: Meeting) -> str:
    names = f"{_text(meeting.first)} – {_text(meeting.second)}"
    if meeting.points is None:
        return f"<details><summary>{names}: to be played</summary></details>"
    other = len(meeting.games) - meeting.points
    games = "\n".join(f"<pre>{escape(described(stored))}</pre>" for stored in meeting.games)
    return f"<details><summary>{names}: <b>{meeting.points:g} : {other:g}</b></summary>\n{games}\n</details>"


def described(stored: StoredGame) -> str:
    """A game in lines of text: who, how it ended, the moves, the last position."""
    rules = game_of(stored.game)
    first, second = stored.seats
    better = score(stored, first)
    ended = "drawn" if better == 0.5 else f"{first if better else second} won"
    lost = read_forfeit(stored.reason)
    if lost is not None:
        ended += f"; {stored.seats[lost[0]]} forfeited ({lost[1].kind}): {lost[1].text}"
    moves = enumerate(stored.moves)
    names = [written_move(move) if rules.controls else rules.written(move, ply) for ply, move in moves]
    row = kernels.replay(rules, stored.seed, stored.moves)[-1:]
    given = f" ({counted(stored.opening, 'move')} given)" if stored.opening else ""
    lines = [
        f"{first} begins, {second} second: {ended}",
        f"moves{given}: {' '.join(names)}",
        "",
        text_seen(rules, row),
    ]
    return "\n".join(printable(line) for text in lines for line in (text.splitlines() or [""]))

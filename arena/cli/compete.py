"""Commands that let agents meet: tournaments and matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena.cli.frame import document, going_on, known, progress, say, screen, show
from arena.cli.options import AgentSpec, Database, GameName, Json, Seed
from arena.text import counted, percent, printable

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from arena.store import Member
    from arena.tournament import Contest, Forfeited, MatchResult, Table
    from leagues.sprt import MatchElo

Opening = Annotated[int | None, typer.Option("--opening", min=0, help="At most so many random moves first.")]
Openings = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Pairs begin from its lines of moves; balanced:plies=12 from positions that a solver proves drawn.",
    ),
]
MoveTime = Annotated[
    float, typer.Option("--move-time", min=0.0, help="Seconds for a move; later loses. 0: as long as it likes.")
]
GameTime = Annotated[
    float, typer.Option("--game-time", min=0.0, help="Seconds for all of an agent's moves of a game; 0: no limit.")
]
Sims = Annotated[
    str | None,
    typer.Option(metavar="N[,N...]", help="Simulations a move for all that search, or for each agent (- = its own)."),
]
Adjudicate = Annotated[
    int,
    typer.Option(
        min=0, metavar="PLIES", help="End a game as perfect play would, once it can last no more than so many plies."
    ),
]
NAMED = 6
"""Games of a match whose ids are shown, by their beginnings."""
AGAIN = "run the same command again to go on; every game that was finished is kept."


def add_to(app: typer.Typer) -> None:
    """Adds this file's commands."""
    for command in (tournament, match):
        app.command(no_args_is_help=True)(command)


def tournament(
    game: GameName,
    agents: Annotated[
        list[str],
        typer.Argument(metavar="AGENT AGENT...", help="Specs or folders, two or more; best:GAME is the best trained."),
    ],
    format: Annotated[
        str, typer.Option("--format", help="round-robin, gauntlet (the first against all), swiss, knockout or ladder.")
    ] = "round-robin",
    pairs: Annotated[int, typer.Option(min=1, help="Pairs of games in each meeting, seats swapped.")] = 10,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Of a swiss (else log2 of the agents) or a ladder (else one an agent).")
    ] = None,
    seed: Seed = 0,
    opening: Opening = None,
    openings: Openings = None,
    move_time: MoveTime = 0.0,
    game_time: GameTime = 0.0,
    sims: Sims = None,
    adjudicate: Adjudicate = 0,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that play, a core each (on Ray); 0: this one. The games are the same.")
    ] = 0,
    database: Database = Path("arena.db"),
    json: Json = False,
) -> None:
    """Let agents play each other and rate them on one scale.

    A swiss pairs agents that have done about as well, in a knockout the loser is out, on a ladder neighbours change
    places; agents are seeded in the order in which they are named, the best first. What was played is kept: the same
    command after a crash plays only what is missing. --sims 400 gives equal compute to all that search.

    Example: [bold]arena tournament connect_four random alphabeta:depth=4 mcts:sims=200 --pairs 20[/]
    """
    from envs.registry import GAMES
    from leagues.schedule import FORMATS

    known(FORMATS, format, "format")
    known(GAMES, game, "game")
    from arena.cluster import stop_ray
    from arena.specs import expand
    from arena.store import Store
    from arena.terms import terms
    from arena.tournament import contest, tournament

    specs = [expand(agent, database) for agent in agents]
    agreed = terms(move_time, game_time, sims, adjudicate)
    entered = contest(
        game, specs, seed=seed, opening_plies=opening, members=_members(database), openings=openings, terms=agreed
    )
    _unboxed(entered)
    with Store(database) as store, going_on(AGAIN), progress("games") as heard:
        try:
            table = tournament(store, entered, format, pairs, heard, rounds=rounds, workers=workers)
        finally:
            stop_ray()
    _say_stored(table.stored, table.games, seed)
    if json:
        document(_tournament_document(table, format))
    else:
        show(_tournament_table(table), *([_standings_table(table)] if table.standings else []))
        show(*_forfeit_lines(table.forfeits))


def _say_stored(stored: int, games: int, seed: int) -> None:
    """Says which of the games shown an earlier command has played."""
    if stored:
        were = f"{stored} of {counted(games, 'game')} {'was' if stored == 1 else 'were'} stored earlier"
        say(f"{were} and not played again; --seed {seed + 1} or --db FILE plays new ones.")


def _unboxed(contest: Contest) -> None:
    """Says once if programs run without a box."""
    from arena.entrants import unboxed

    for text in unboxed(contest.entrants.values()):
        say(text)


def _members(database: Path) -> Sequence[Member]:
    """Everybody whom a database knows, if there is one yet."""
    from arena.store import Store

    if not database.is_file() or database.stat().st_size == 0:
        return ()
    with Store.read(database) as store:
        return store.members()


def _tournament_document(table: Table, form: str) -> dict[str, Any]:
    contest, rated = table.contest, table.ratings
    return {
        "game": contest.game,
        "format": form,
        "id": contest.id,
        "games": table.games,
        "zero": rated.anchor,
        "first_move": {"elo": rated.first_move.elo, "error": rated.first_move.error},
        "ratings": rated.rows(),
        "standings": [standing._asdict() for standing in table.standings],
        "forfeits": [lost._asdict() for lost in table.forfeits],
        "meetings": [
            {"member": a, "opponent": b, "points": points, "games": games}
            for (a, b), (points, games) in sorted(table.points.items())
        ],
    }


def _tournament_table(table: Table) -> RichTable:
    from rich.table import Table as RichTable
    from rich.text import Text

    rows = table.ratings.rows()
    zero = f", {table.ratings.anchor} = 0" if table.ratings.anchor else ", mean = 0"
    title = Text(printable(f"{table.contest.game}: {table.games:,} games{zero}"))
    grid = RichTable(title=title, title_justify="left", pad_edge=False)
    grid.add_column("#", justify="right", style="dim")
    grid.add_column("name", overflow="ellipsis", no_wrap=True, style="cyan")
    for heading in ("Elo", "95 %", "points"):
        grid.add_column(heading, justify="right", no_wrap=True)
    crossed = screen().width >= 62 + 8 * len(rows) and len(rows) <= 12
    for i in range(len(rows) if crossed else 0):
        grid.add_column(f"v {i + 1}", justify="right", no_wrap=True)
    for i, row in enumerate(rows):
        name = str(row["name"])
        interval = f"{row['low']:.0f} … {row['high']:.0f}"
        points = f"{float(row['score']) * float(row['games']):g} / {row['games']:.0f}"
        cells = [str(i + 1), Text(printable(name)), f"{row['elo']:.0f}", interval, points]
        for other in rows if crossed else ():
            met = table.points.get((name, str(other["name"])))
            cells.append("" if met is None else f"{met[0]:g}")
        grid.add_row(*cells)
    return grid


def _forfeit_lines(forfeits: Sequence[Forfeited]) -> list[str]:
    """One line for everybody who forfeited, with what was said of each kind the first time."""
    from rich.markup import escape

    lines = []
    for name in dict.fromkeys(lost.name for lost in forfeits):
        mine = [lost for lost in forfeits if lost.name == name]
        first = {lost.kind: lost for lost in reversed(mine)}
        kinds = (f"{kind} {sum(lost.kind == kind for lost in mine)}: {first[kind].text}" for kind in sorted(first))
        said = f"forfeited {counted(len(mine), 'game')}: " + " ".join(kinds)
        lines.append(f"[bold]{escape(printable(name))}[/] {escape(printable(said))}")
    return lines


def _standings_table(table: Table) -> RichTable:
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable(title="standings", title_justify="left", pad_edge=False)
    grid.add_column("place", justify="right", style="dim")
    grid.add_column("name", overflow="ellipsis", no_wrap=True, style="cyan")
    grid.add_column("points", justify="right", no_wrap=True)
    grid.add_column("", no_wrap=True)
    for place, name, points, note in table.standings:
        grid.add_row(str(place), Text(printable(name)), f"{points:g}", note)
    return grid


def match(
    game: GameName,
    first: AgentSpec,
    second: AgentSpec,
    games: Annotated[int, typer.Option(min=1, help="Games at most; an odd number is made even.")] = 100,
    sprt: Annotated[
        str | None, typer.Option(metavar="ELO0,ELO1", help="Stop as soon as one of the two is settled.")
    ] = None,
    seed: Seed = 0,
    opening: Opening = None,
    openings: Openings = None,
    move_time: MoveTime = 0.0,
    game_time: GameTime = 0.0,
    sims: Sims = None,
    adjudicate: Adjudicate = 0,
    database: Database = Path("arena.db"),
    json: Json = False,
) -> None:
    """Let two agents play, seats swapped in pairs from the same openings.

    --sprt 0,20 plays until it is settled whether the first agent is 0 or 20 (normalised) Elo ahead.
    --sims 100,400 are node odds; under --move-time or --game-time games are played move by move against the clock.

    Example: [bold]arena match connect_four mcts:sims=400 mcts:sims=100 --games 200[/]
    """
    bounds = None if sprt is None else _bounds(sprt)
    from arena.specs import expand
    from arena.store import Store
    from arena.terms import terms
    from arena.tournament import contest, match

    specs = [expand(first, database), expand(second, database)]
    agreed, members = terms(move_time, game_time, sims, adjudicate), _members(database)
    entered = contest(
        game, specs, seed=seed, opening_plies=opening, purpose="match", members=members, openings=openings, terms=agreed
    )
    _unboxed(entered)
    with Store(database) as store, going_on(AGAIN), progress("games") as heard:
        result = match(store, entered, games, sprt=bounds, heard=heard)
    _say_stored(result.stored, result.games, seed)
    if json:
        lost = [one._asdict() for one in result.forfeits]
        described = {**asdict(result), "elo": result.elo._asdict(), "games": result.games, "forfeits": lost}
        document({"game": entered.game, "id": entered.id, "sprt": bounds, **described})
    else:
        show(*_match_lines(result), *_forfeit_lines(result.forfeits))


def _bounds(text: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"--sprt takes two numbers, as in --sprt 0,20, not '{text}'.") from None
    if not -200 <= low < high <= 200:
        raise ValueError("--sprt takes two numbers from -200 to 200, the smaller first, as in --sprt 0,20.")
    return low, high


def _match_lines(result: MatchResult) -> list[str]:
    from rich.markup import escape

    first, second = (escape(printable(name)) for name in (result.first, result.second))
    elo = result.elo
    lines = [
        f"[bold]{first}[/] against [bold]{second}[/]: "
        f"{result.wins} won, {result.draws} drawn, {result.losses} lost of {result.games}",
        f"score {percent(elo.score)}, Elo {_known_of(elo)}, stronger with probability {percent(elo.superiority)}",
    ]
    if result.llr is not None:
        said = {"elo0": "the lower bound holds", "elo1": "the upper bound holds"}.get(
            result.verdict or "", "not settled; more --games may settle it"
        )
        lines.append(f"sequential test: {said} (log-likelihood ratio {result.llr:.2f})")
    some = " ".join(id[:8] for id in result.ids[:NAMED])
    more = f" and {len(result.ids) - NAMED} more (--json has all)" if len(result.ids) > NAMED else ""
    return [*lines, f"games {some}{more}; `arena watch --game-id ID` shows one, `arena export ID` writes it"]


def _known_of(elo: MatchElo) -> str:
    """An Elo difference; who has won or lost everything may be ahead or behind by any amount."""
    if elo.score == 1.0:
        return f"above {elo.low:+.0f} (95 %)"
    if elo.score == 0.0:
        return f"below {elo.high:+.0f} (95 %)"
    return f"{elo.elo:+.0f} (95 %: {elo.low:+.0f} … {elo.high:+.0f})"

"""Commands that show: games, people at play, what there is, and whether it is whole."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from arena.cli.frame import Database, Json, Seed, Wanting, document, known, progress, put, say, show
from arena.text import printable

Export = Annotated[
    Path | None, typer.Option("--export", metavar="FILE", help="Write a .png, .gif or .mp4 instead; needs no display.")
]
Analyst = Annotated[
    str | None, typer.Option("--analyst", metavar="AGENT", help="Judges every position of a stored game.")
]


def add_to(app: typer.Typer) -> None:
    """Adds this file's commands."""
    app.command(no_args_is_help=True)(watch)
    app.command(no_args_is_help=True)(play)
    app.command("list", no_args_is_help=True)(list_names)
    app.command(no_args_is_help=True)(verify)


def watch(
    players: Annotated[
        list[str] | None, typer.Argument(metavar="[GAME AGENT AGENT]", help="A game to be played now.")
    ] = None,
    game_id: Annotated[
        str | None, typer.Option("--game-id", metavar="ID", help="A stored game, by its id's beginning.")
    ] = None,
    league: Annotated[bool, typer.Option("--league", help="The newest games of a running league.")] = False,
    export: Export = None,
    ply: Annotated[int | None, typer.Option(min=0, help="The position that a .png shows; left out: the last.")] = None,
    analyst: Analyst = None,
    seed: Seed = 0,
    database: Database = Path("arena.db"),
) -> None:
    """Watch two agents play, a stored game, or a running league.

    Example: [bold]arena watch connect_four mcts:sims=200 alphabeta:depth=6 --export game.gif[/]
    """
    if (bool(players), game_id is not None, league).count(True) != 1:
        raise ValueError("Say one of three: a game and two agents, --game-id ID, or --league.")
    if players:
        if len(players) != 3:
            raise ValueError(
                f"A game to watch is GAME AGENT AGENT; here are {len(players)} words: {' '.join(players)}."
            )
        game, first, second = players
        _watch_match(game, first, second, export, ply, seed)
    else:
        _watch_stored(database, game_id, analyst, export, ply)


def _watch_match(game: str, first: str, second: str, export: Path | None, ply: int | None, seed: int) -> None:
    rules, agents = _table(game, [first, second])
    from arena.viewers.watch import watch_match

    with progress("drawing") as heard:
        written = watch_match(rules, agents, seed=seed, export=export, ply=ply, progress=_share(heard))
    _written(written)


def _watch_stored(
    database: Path, game_id: str | None, analyst: str | None, export: Path | None, ply: int | None
) -> None:
    from agents.registry import agent
    from arena.replays import NewestGames, shown
    from arena.store import Store
    from arena.viewers.watch import watch_game, watch_league

    judge = None if analyst is None else agent(analyst)
    with Store.read(database) as store, progress("drawing") as heard:
        share = _share(heard)
        if game_id is not None:
            stored = shown(store, store.stored_game(game_id))
            written = watch_game(stored, analyst=judge, export=export, ply=ply, progress=share)
        else:
            written = watch_league(NewestGames(store), analyst=judge, export=export, ply=ply, progress=share)
    _written(written)


def _table(game: str, specs: list[str]) -> tuple[Any, list[Any]]:
    """The game and its players, each seen to be able to play it."""
    from arena.tournament import ready
    from envs.registry import game as game_of

    rules = game_of(game)
    return rules, [ready(spec, rules) for spec in specs]


def _share(heard: Any) -> Any:
    return lambda share: heard(round(100 * share), 100)


def _written(path: Path | None) -> None:
    if path is not None:
        say(f"Written to {path}.")


def play(
    game: Annotated[str, typer.Argument(metavar="GAME", help="A game: `arena list games`.")],
    against: Annotated[str, typer.Option("--against", metavar="AGENT", help="Whom you play: a spec or a folder.")],
    seat: Annotated[int, typer.Option(min=0, max=1, help="Yours: 0 moves first.")] = 0,
    seed: Seed = 0,
) -> None:
    """Play against an agent with the mouse or the keyboard.

    Example: [bold]arena play connect_four --against mcts:sims=500 --seat 0[/]
    """
    rules, (agent,) = _table(game, [against])
    from arena.viewers.watch import play as play_window

    play_window(rules, agent, seat, seed=seed)


def list_names(
    what: Annotated[str, typer.Argument(metavar="games|agents|algorithms|backbones", help="Which table.")],
    json: Json = False,
) -> None:
    """List what there is to write in a command or in arena.toml.

    Example: [bold]arena list games[/]
    """
    from agents.registry import AGENTS, ALGORITHMS, BACKBONES
    from envs.registry import GAMES, summary

    tables = {"games": GAMES, "agents": AGENTS, "algorithms": ALGORITHMS, "backbones": BACKBONES}
    known(tables, what, "list of")
    rows = [{"name": name, "summary": summary(tables[what], name)} for name in tables[what]]
    if json:
        document(rows)
        return
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, show_header=False, pad_edge=False)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(style="dim")
    for row in rows:
        grid.add_row(Text(row["name"]), Text(row["summary"]))
    show(grid)


def verify(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A database, or an agent's folder.")],
    json: Json = False,
) -> None:
    """See whether a database or an agent is whole and says what is true; exit code 1 if not.

    Every stored game is played again by the rules, and the ratings are made anew from the games.

    Example: [bold]arena verify arena.db[/]
    """
    from arena.verify import verify

    with progress("games") as heard:
        report = verify(path, heard)
    if json:
        document({**asdict(report), "whole": report.whole})
    else:
        checked = ", ".join(f"{count:,} {what}" for what, count in report.checked.items() if what != "faults")
        verdict = "whole" if report.whole else f"{report.checked['faults']} faults"
        put(f"{printable(str(path))}: {verdict} ({checked or 'empty'})\n")
        for text in report.faults:
            put(f"  {printable(text)}\n")
    if not report.whole:
        raise Wanting

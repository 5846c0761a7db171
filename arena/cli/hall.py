"""Commands for games as files, and for a tournament in a classroom."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from arena.cli.frame import document, going_on, known, progress, put, say, show
from arena.cli.options import Database, Json, Seed
from arena.text import counted, printable


def add_to(app: typer.Typer) -> None:
    """Adds this file's commands."""
    app.command()(export)
    app.command("import", no_args_is_help=True)(import_games)
    app.command("class", no_args_is_help=True)(hold_class)


def export(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[GAME-ID...]", help="Stored games, by their ids' beginnings.")
    ] = None,
    game: Annotated[str | None, typer.Option("--game", help="Without ids: only this game's.")] = None,
    purpose: Annotated[
        str | None, typer.Option("--purpose", help="Only rating, selfplay, league, tournament, match or play games.")
    ] = None,
    run: Annotated[str | None, typer.Option("--run", metavar="NAME", help="Only of this run or tournament.")] = None,
    format: Annotated[
        str | None, typer.Option("--format", help="jsonl, pgn or sgf; left out: by the file's ending, else jsonl.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Left out: standard output.")] = None,
    database: Database = Path("arena.db"),
) -> None:
    """Write stored games as text: JSON Lines, PGN-like text, or SGF (Go, Hex, Othello, Gomoku).

    Example: [bold]arena export --game go --format sgf --out games.sgf[/]
    """
    from arena.records import FORMATS, texts
    from arena.store import Store
    from envs.registry import game as game_of

    form = format or (out.suffix[1:] if out is not None and out.suffix[1:] in FORMATS else "jsonl")
    known(FORMATS, form, "format")
    if ids and (game, purpose, run) != (None, None, None):
        raise ValueError("Games are named by their ids or chosen by --game, --purpose and --run, not both.")
    with Store.read(database) as store:
        name = None if game is None else game_of(game).name
        chosen = map(store.stored_game, ids) if ids else store.games(name, purpose=purpose, run=run)
        count = 0
        with _written(out) as write:
            for text in texts(chosen, form):
                write(text)
                count += 1
    if not count:
        raise ValueError(f"{database} has no such games; `arena leaderboard` shows what there is.")
    if out is not None:
        say(f"{counted(count, 'game')} written to {out}.")


@contextlib.contextmanager
def _written(path: Path | None) -> Iterator:
    """What writes text to standard output, or to a file that is there when all of it is."""
    if path is None:
        yield put
        return
    from agents.files import require_plain

    require_plain(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "w", encoding="utf-8", newline="\n") as file:
            yield file.write
        os.replace(beside, path)
    except OSError as error:
        error.filename, error.filename2 = str(path), None  # not of what lay beside it for a moment
        raise
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


def import_games(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines, PGN-like text or SGF; it says itself.")],
    database: Database = Path("arena.db"),
    json: Json = False,
) -> None:
    """Read games from a file into the database, each played again by the rules; all of them or none.

    Games that the database has already are not stored twice. They count for ratings if their purpose does
    (rating, tournament, match).

    Example: [bold]arena import games.sgf[/]
    """
    from arena.records import add, read
    from arena.store import Store

    games = read(file)
    with Store(database) as store:
        new = add(store, games)
    if json:
        document({"file": str(file), "games": len(games), "new": new, "ids": [stored.id for stored in games]})
    else:
        had = f", {len(games) - new} known already" if new < len(games) else ""
        put(f"{counted(new, 'game')} stored in {database}{had}.\n")
        where = "" if database == Path("arena.db") else f" --db {quote(str(database))}"
        put(printable(f"`arena watch --game-id {quote(games[0].id)}{where}` shows the first.") + "\n")


def hold_class(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Bots (.py, .js, programs) and folders of bots or trained agents.")
    ],
    game: Annotated[str, typer.Option("--game", help="A game for two: `arena list games`.")] = "connect_four",
    rounds: Annotated[int | None, typer.Option(min=1, help="Left out: log2 of the bots, rounded up.")] = None,
    pairs: Annotated[int, typer.Option(min=1, help="Pairs of games in each meeting, seats swapped.")] = 2,
    move: Annotated[float, typer.Option(min=0.01, help="Seconds a bot has for a move.")] = 2.0,
    box: Annotated[str, typer.Option(help="auto: in a box where one can be made; yes: only so; no: never.")] = "auto",
    house: Annotated[
        list[str] | None, typer.Option("--with", metavar="AGENT", help="An agent of the arena too; may be given again.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="For the page and the archive; left out: runs/FOLDER-class."),
    ] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Hold a tournament of everybody's bots: Swiss rounds in the sandbox, a page that grows, an archive at the end.

    The page is DIR/index.html, written anew after each meeting; DIR/class.zip opens without the arena.
    The same command goes on after a crash.

    Example: [bold]arena class bots --game connect_four --with random[/]
    """
    from envs.registry import GAMES

    known(GAMES, game, "game")
    known(dict.fromkeys(("auto", "yes", "no")), box, "box")
    from dataclasses import asdict

    from arena.classpage import SAT_OUT
    from arena.classroom import Class, begin, hold

    place = out or Path("runs") / f"{folder.resolve().name}-class"
    chosen = Class(game, rounds, pairs, seed, move, box, tuple(house or ()))
    entered = begin(folder, place, chosen)
    for name, why in entered.refused.items():
        say(f"{name} does not take part: {why}")
    if entered.others:
        say(f"The class goes on with the bots it began with ({entered.others}); for a new one name another --out.")
    say(f"The page is {place / 'index.html'}.")
    again = "run the same command again to go on; every meeting that was played is kept."
    with going_on(again), progress("games of the round") as heard:
        table = hold(entered, place, chosen, heard)
    if json:
        document(
            {"game": game, "out": str(place), "table": [asdict(line) for line in table], "refused": entered.refused}
        )
        return
    from rich.table import Table
    from rich.text import Text

    grid = Table(title=Text(game), title_justify="left", pad_edge=False)
    for heading in ("#", "name", "points", "Buchholz", "in games", "forfeits"):
        grid.add_column(heading, justify="left" if heading in ("name", "forfeits") else "right", no_wrap=True)
    for line in table:
        lost = ", ".join(f"{kind} {count}" for kind, count in line.forfeits.items())
        numbers = (f"{line.points:g}", f"{line.buchholz:g}", f"{line.game_points:g}")
        grid.add_row(str(line.place), Text(printable(line.name)), *numbers, lost)
    show(grid)
    out_of = [f"round {n} {printable(line.name)}" for line in table for n in line.sat_out]
    put(f"Sat out: {', '.join(sorted(out_of))}. {SAT_OUT}\n" if out_of else "")
    put(f"The archive is {place / 'class.zip'}.\n")

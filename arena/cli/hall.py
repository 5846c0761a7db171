"""Commands for games as files, and for a tournament in a classroom."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from arena.cli.frame import Database, Json, document, known, put, say
from arena.text import counted


def add_to(app: typer.Typer) -> None:
    """Adds this file's commands."""
    app.command()(export)
    app.command("import", no_args_is_help=True)(import_games)


def export(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[GAME-ID...]", help="Stored games, by their ids' beginnings.")
    ] = None,
    game: Annotated[str | None, typer.Option("--game", help="Without ids: only this game's.")] = None,
    purpose: Annotated[
        str | None, typer.Option("--purpose", help="Only rating, selfplay, tournament, match or play games.")
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
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(beside, "w", encoding="utf-8", newline="\n") as file:
            yield file.write
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


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

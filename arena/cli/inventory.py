"""Commands that say what there is, and whether it is whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena.cli.frame import Wanting, document, known, progress, put, screen, show
from arena.cli.options import Json
from arena.text import counted, printable

if TYPE_CHECKING:
    from arena.verify import Report


LISTS: dict[str, str] = {
    "games": "envs.registry:GAMES",
    "agents": "agents.registry:AGENTS",
    "algorithms": "agents.registry:ALGORITHMS",
    "backbones": "agents.registry:BACKBONES",
    "roles": "leagues.roles:ROLES",
    "recipes": "arena.recipes:RECIPES",
    "benchmarks": "arena.bench:BENCHES",
}
"""What can be listed -> "module:table"."""


def add_to(app: typer.Typer) -> None:
    """Adds this file's commands."""
    app.command("list", no_args_is_help=True)(list_names)
    app.command(no_args_is_help=True)(verify)


def list_names(
    what: Annotated[str, typer.Argument(metavar="|".join(LISTS), help="Which table.")],
    json: Json = False,
) -> None:
    """List what there is to write in a command or in arena.toml.

    Example: [bold]arena list games[/]
    """
    from envs.registry import resolve, summary

    known(LISTS, what, "list of")
    table: Mapping[str, Any] = resolve(LISTS, what, "list of")
    said = {"roles": _first_line, "recipes": _summary}.get(what, summary)  # all roles are in one file, all recipes too
    rows: list[dict[str, Any]] = [{"name": name, "summary": said(table, name)} for name in table]
    if what == "games":
        rows = [{**row, **_sizes(row["name"])} for row in rows]
    if json:
        document(rows)
        return
    from rich.table import Table
    from rich.text import Text

    sizes = ("seats", "moves", "plies", "sees") if what == "games" else ()
    sizes = sizes[: 0 if screen().width < 70 else 3 if screen().width < 110 else 4]
    grid = Table(box=None, show_header=bool(sizes), header_style="dim", pad_edge=False)
    grid.add_column("name", style="bold", no_wrap=True)
    for size in sizes:
        grid.add_column(size, justify="right", no_wrap=True)
    grid.add_column("", style="dim")
    for row in rows:
        cells = (_size(row[size]) for size in sizes)
        grid.add_row(Text(row["name"]), *cells, Text(row["summary"]))
    show(grid)


def _first_line(table: Mapping[str, str], name: str) -> str:
    """Of what is said of a function of a table."""
    from envs.registry import resolve

    return (resolve(table, name, "function").__doc__ or "").partition("\n")[0]


def _summary(table: Mapping[str, Any], name: str) -> str:
    """Of what says so itself."""
    return table[name].summary


def _sizes(name: str) -> dict[str, Any]:
    """How large a game is as it comes, what kind of game it is, and its options with their defaults."""
    from inspect import signature

    from envs.registry import GAMES, game, resolve

    rules = game(name)
    kinds = ("hidden", "chance", "simultaneous")
    return {
        "seats": rules.seats,
        "moves": rules.actions or [list(bounds) for bounds in rules.controls],
        "sees": list(rules.shape),
        "plies": rules.max_plies,
        "pays": rules.pays,
        "kinds": [kind for kind in kinds if getattr(rules, kind)],
        "options": {key: value.default for key, value in signature(resolve(GAMES, name, "game")).parameters.items()},
    }


def _size(size: int | list[Any]) -> str:
    """A number; the sides of an observation; or how many numbers an action is."""
    if isinstance(size, int):
        return f"{size:,}"
    return f"{len(size)} real" if isinstance(size[0], list) else "x".join(str(side) for side in size)


def verify(
    path: Annotated[
        str,
        typer.Argument(metavar="PATH", help="A database, the folder of a run or an agent, exec:COMMAND or http://..."),
    ],
    game: Annotated[str, typer.Option("--game", help="What a program is tried in.")] = "tic_tac_toe",
    json: Json = False,
) -> None:
    """See whether a database, a run or an agent is whole and says what is true; exit code 1 if not.

    Every stored game is played again by the rules, and the ratings are made anew from the games. A program plays
    some games and is asked about some positions, and what is wrong with it is said.

    Example: [bold]arena verify arena.db[/]

    Example: [bold]arena verify "exec:python mybot.py" --game connect_four[/]
    """
    from agents.registry import is_program, program_meant
    from arena.verify import verify

    if not is_program(path) and (meant := program_meant(path)):
        raise ValueError(f"'{path}' is no database and no folder; for a program write `arena verify \"{meant}\"`.")
    with progress("games" if is_program(path) else "games and ratings") as heard:
        if is_program(path):
            from arena.tryout import try_out

            report = try_out(path, game, heard)
        else:
            report = verify(Path(path), heard)
    if json:
        document({**asdict(report), "whole": report.whole})
    else:
        put(f"{printable(path)}: {_verdict(report)}\n")
        for text in report.faults:
            put("".join(f"  {printable(line)}\n" for line in text.splitlines()))
        for text in report.notes:
            put(f"  (note) {printable(text)}\n")
    if not report.whole:
        raise Wanting


def _verdict(report: Report) -> str:
    """What was looked at, and whether all of it is as it should be."""
    asides = {"unknown lines": "passes over unknown lines", "end of input": "ends when its input does"}
    counts = {what: count for what, count in report.checked.items() if what not in ("faults", *asides)}
    checked = ", ".join(f"{count:,} {what}" for what, count in counts.items())
    if report.whole and report.kind == "program":
        return "; ".join([f"nothing is wrong: {checked}", *(asides[one] for one in asides if report.checked.get(one))])
    faults = report.checked.get("faults", 0)
    return f"{'whole' if report.whole else counted(faults, 'fault')} ({checked or 'empty'})"

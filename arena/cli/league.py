"""The command `arena league`: one learner by arena.toml, or many with roles; and what a league has come to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from arena.cli.frame import document, going_on, known, overrides, screen, show, spelled
from arena.cli.options import Address, Json, Minutes, Settings, Workers

Folder = Annotated[
    Path | None, typer.Option("--report", metavar="DIR", help="Where a league's pictures go, if not into its folder.")
]


LOOKING = ("target", "report", "json")
"""What goes with a league's folder, which is only looked at."""


def league(
    context: typer.Context,
    target: Annotated[
        str | None, typer.Argument(metavar="[GAME|RUN]", help="A game to play, or the folder of a league to look at.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="Many learners: self-play, openai-five, alphastar, psro, or a .toml of one's own."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Left out, and no preset: arena.toml, if it is here."),
    ] = None,
    minutes: Minutes = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="The same in rounds, with a preset.")] = None,
    workers: Workers = None,
    address: Address = None,
    watch: Annotated[bool | None, typer.Option("--watch/--headless", help="Open a window on the newest games.")] = None,
    settings: Settings = None,
    report: Folder = None,
    json: Json = False,
) -> None:
    """Train by self-play or in a league of many, freeze snapshots, rate them against the anchors.

    Without a preset it does what arena.toml says. Started again, it goes on from where it was. Given the folder of a
    league of many learners it shows who is in it, what each is fed and why, and how they do, and trains nothing.

    Example: [bold]arena league --minutes 5 --set game.name=tic_tac_toe --set run.name=ttt[/]

    Example: [bold]arena league kuhn --preset alphastar --minutes 5 --report pictures[/]
    """
    from arena.config import tables
    from envs.registry import GAMES

    if target is not None and (Path(target) / "league.json").is_file():
        wrong = [word for name, word in spelled(context).items() if name not in LOOKING]
        if not wrong:
            look(Path(target), report, json)
            return
        if target not in GAMES:  # a folder may have the name of its game
            raise ValueError(
                f"{target} is only looked at, and {wrong[0]} is for a league that is played; to go on with this one, "
                "give again the command that began it."
            )
    if target is not None:
        if target not in GAMES:
            _require_no_run(Path(target))
        known(GAMES, target, "game")
    given = {"run.minutes": minutes, "workers.count": workers, "viewer.watch": watch, "game.name": target}
    path = config or (Path("arena.toml") if preset is None and Path("arena.toml").exists() else None)
    if preset is None and path is not None and "learners" in tables(path):
        preset, path = str(path), None
    if preset is None and path is not None and path.name == "config.toml" and path.with_name("league.toml").is_file():
        whole = path.with_name("league.toml")
        raise ValueError(f"{path} is what the learners of {path.parent} share; add --preset {whole} for the league.")
    if preset is not None:
        many(preset, path, overrides(given, settings), rounds, address, report, json)
        return
    for option, value in (("--report", report), ("--rounds", rounds)):
        if value is not None:
            raise ValueError(f"{option} is for leagues of many learners; add --preset, or name such a league's folder.")
    one(path, overrides(given, settings), address, json)


def _require_no_run(folder: Path) -> None:
    """Raises ValueError for a run's folder that has no league's document, with what reads it."""
    if (folder / "league.toml").is_file():
        raise ValueError(f"{folder} is a league that has shown nothing yet; give again the command that began it.")
    if (folder / "config.toml").is_file():
        raise ValueError(
            f"{folder} is a run of one learner, and only leagues of many are shown by their folder; "
            f"`arena leaderboard` rates its snapshots, and `arena verify {folder}` looks through it."
        )


def one(path: Path | None, settings: list[str], address: str | None, json: bool) -> None:
    """The league of one learner."""
    from arena.config import load

    chosen = load(path, settings)
    if chosen.run.engine != "native":
        raise ValueError("A league trains by our own loop: take run.engine out; `arena train --engine` has the others.")
    if chosen.run.steps:
        raise ValueError("A league lasts for minutes; take run.steps out, and say run.minutes.")
    from arena.leaderboard import as_document, as_table
    from arena.league import run_league

    with going_on(f"run the same command again to go on from {chosen.folder}."):
        found = run_league(chosen, address=address)
    if json:
        document(as_document(found))
    else:
        show(as_table(found, screen().width))


def many(
    preset: str, config: Path | None, settings: list[str], rounds: int | None, address: str | None,
    report: Path | None, json: bool,
) -> None:  # fmt: skip
    """A league of many learners."""
    from arena.population.composing import compose, run_season

    composed = compose(preset, "", config, settings)
    folder = composed.config.folder
    with going_on(f"run the same command again to go on from {folder}."):
        run_season(composed, rounds=rounds, address=address)
    look(folder, report or folder / "report", json)


def look(folder: Path, report: Path | None, json: bool) -> None:
    """What a league has come to: tables or the document, and pictures."""
    from arena.population.board import board
    from arena.population.standing import read

    told: Mapping[str, Any] = read(folder)
    if report is not None:
        from arena.population.report import write_report

        files = write_report(told, report)
        told = {**told, "pictures": [str(file) for file in files]}
    if json:
        document(told)
        return
    console = screen()
    console.print(board(told, console.width))
    if report is not None:
        console.print(f"Pictures are in {report}.", soft_wrap=True)

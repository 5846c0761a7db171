"""Commands that study learners: what is broken in one, and how good it is over seeds and settings."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena.cli.frame import Wanting, document, going_on, known, progress, say, screen, show
from arena.cli.options import Address, Algorithm, GameName, Json, Seed, Settings, Tuned
from arena.text import folder_name, printable

if TYPE_CHECKING:
    from rich.table import Table

    from arena.doctor.findings import Report
    from arena.ranking import Summary


def add_to(app: typer.Typer) -> None:
    """Adds this file's commands."""
    app.command(no_args_is_help=True)(doctor)
    app.command(no_args_is_help=True)(sweep)


def doctor(
    algorithm: Algorithm,
    backbone: Annotated[
        str, typer.Option(help="A spec: gru:width=16; left out: a small perceptron. `arena list backbones`")
    ] = "",
    settings: Settings = None,
    seed: Seed = 0,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="CHECK", help="One check; again for more.")
    ] = None,
    json: Json = False,
) -> None:
    """Find out which part of a learner is broken, in worlds where the truth is known.

    It is tried with one batch, with rewards, values, ends, masks, vectors and memory planted one at a time, beside
    exact values, and across a stop. Exit code 1 if anything is wrong. --set learner.clip=0.3 tries a setting of the
    learner in place of what it has in those worlds.

    Example: [bold]arena doctor ppo --backbone gru:width=16[/]
    """
    from agents.registry import ALGORITHMS, BACKBONES

    known(ALGORITHMS, algorithm, "algorithm")
    if backbone:
        known(BACKBONES, backbone, "backbone")
    from arena.doctor.examination import examine, require_checks
    from arena.doctor.subject import learner_settings

    require_checks(algorithm, backbone, only or ())
    given = learner_settings(algorithm, settings or ())
    with going_on("nothing of it is kept."), progress("checks") as heard:
        report = examine(algorithm, backbone, seed, only or (), heard, given)
    if json:
        document(report.document())
    else:
        show(*_lines(report))
    if not report.healthy:
        raise Wanting


def _lines(report: Report) -> list[str]:
    """A line a check, then a line a part that is broken."""
    from rich.markup import escape

    colours = {"✓": "green", "✗": "red", "–": "dim"}
    width = max((len(finding.check) for finding in report.findings), default=0)
    lines = [
        f"[{colours[f.mark]}]{f.mark}[/] [bold]{f.check:{width}}[/]  {escape(printable(f.about))} "
        f"[dim]({escape(printable(f.says))})[/]"
        for f in report.findings
    ]
    for complaint in report.complaints:
        lines.append(f"[red]Look at {escape(complaint.part)}:[/] {escape(printable(complaint.says))}")
    tried = ", ".join(f"{name} = {value}" for name, value in report.settings.items())
    if tried:
        lines.append(f"[dim]Tried with {escape(printable(tried))}.[/]")
    if report.healthy:
        lines.append(f"{report.algorithm} is well; {report.seconds:.0f} seconds.")
    return lines


def sweep(
    algorithm: Algorithm,
    game: GameName,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="A.B=C,D", help="Values to try, or LOW..HIGH to draw from; may be given again."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each setting.")] = 5,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="How far each run trains, as `arena train --steps`; left out: 50,000, or as --tuned."),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=1, help="Draw so many settings; left out: every combination.")
    ] = None,
    sampler: Annotated[str, typer.Option(help="How --samples are drawn: random, or tpe (Optuna's).")] = "random",
    episodes: Annotated[int, typer.Option(min=1, help="Held-out games that a run is scored on.")] = 100,
    backbone: Annotated[str, typer.Option(help="A spec; left out: what suits the algorithm.")] = "",
    tuned: Tuned = False,
    best: Annotated[bool, typer.Option("--best", help="Score the best agent seen in training, not the last.")] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Runs at a time, on Ray; 0: one after the other, without. Left out: the cores."),
    ] = None,
    address: Address = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Results and runs; left out: runs/sweep-GAME-ALGORITHM.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Left out: curves.png in the folder.")] = None,
    json: Json = False,
) -> None:
    """Train an algorithm over seeds and settings, and say how good each setting is, with 95 % intervals.

    A run's score is its mean return in games that no run trains on; settings are compared by the interquartile mean of
    their runs, and one of which a run diverged comes after those of which none did. Stopped and started again, it goes
    on; with more seeds or values, only what is new is run. Where runs have workers of their own (workers.count), there
    is one at a time.

    Example: [bold]arena sweep ppo cart_pole --seeds 5 --set ppo.learning_rate=1e-3,3e-4 --steps 30000[/]
    """
    from agents.registry import ALGORITHMS, BACKBONES
    from envs.registry import GAMES

    known(ALGORITHMS, algorithm, "algorithm")
    known(GAMES, game, "game")
    if backbone:
        known(BACKBONES, backbone, "backbone")
    from arena import samplers
    from arena.cluster import stop_ray
    from arena.recipes import recipe
    from arena.sweep import plan, search

    folder = out or Path("runs") / folder_name(f"sweep-{game}-{algorithm}")
    asked = samplers.sampler(sampler, [samplers.choice(text, algorithm) for text in given or ()], samples, seed)
    base = dict(recipe(algorithm, game).settings) if tuned else {}
    far: int = steps or base.get("run.steps", 50_000)
    planned = partial(
        plan, algorithm, game, seeds=seeds, steps=far, episodes=episodes, out=folder, backbone=backbone,
        first=seed, base=base, best=best,
    )  # fmt: skip
    with going_on(f"run the same command again to go on from {folder}."), progress("runs") as heard:
        try:
            results = search(asked, planned, workers=workers, address=address, heard=heard)
        finally:
            stop_ray()
    _put_sweep(algorithm, game, results, far, episodes, plot or folder / "curves.png", json)
    if any("diverged" in one for one in results):
        say(f"A run that diverged is not made again, unless its file in {folder / 'results'} is removed.")
        raise Wanting


def _put_sweep(
    algorithm: str, game: str, results: list[dict[str, Any]], steps: int, episodes: int, picture: Path, json: bool
) -> None:
    """Draws the learning curves, and prints what the runs came to; says which of them diverged."""
    from arena.ranking import described, draw, label, summarise

    for one in results:
        if "diverged" in one:
            say(f"{label(one['settings'])} with seed {one['seed']} diverged: {one['diverged']}")
    found = summarise(results)
    drawn = draw(picture, f"{algorithm} in {game}", found)
    if json:
        document(described(algorithm, game, found, steps, episodes, picture if drawn else None))
        return
    if found:
        show(_sweep_table(algorithm, game, found, steps, episodes, screen().width))
    if drawn:
        show(f"Learning curves are in {printable(str(picture))}.")


def _sweep_table(algorithm: str, game: str, found: list[Summary], steps: int, episodes: int, width: int = 160) -> Table:
    """A line a setting; its name is folded, never cut, as all it is told by; a narrow table leaves the mean out."""
    from rich.table import Table
    from rich.text import Text

    title = f"{algorithm} in {game}: {steps:,} steps a run, scored on {episodes} held-out games"
    grid = Table(title=Text(printable(title)), title_justify="left", pad_edge=False)
    wide = width >= 100
    grid.add_column("settings", overflow="fold", style="cyan", min_width=18)
    for heading in ("middle mean", "95 %", *(["mean"] if wide else []), "runs", "beats the best"):
        grid.add_column(heading, justify="right", overflow="fold")
    for i, one in enumerate(found):
        sure = f"({one.ahead.low:.0%} … {one.ahead.high:.0%})".replace(" ", "\N{NO-BREAK SPACE}")
        middle = _score(one.score.value) if one.score else "–"
        bounds = f"{_score(one.score.low)} … {_score(one.score.high)}" if one.score else "–"
        mean = [_score(one.mean) if one.mean is not None else "–"] if wide else []
        ahead = f"{one.ahead.value:.0%} {sure}" if i else "–"
        grid.add_row(Text(printable(one.name)), middle, bounds, *mean, one.count, ahead)
    return grid


def _score(value: float) -> str:
    """A return with as many decimals as tell something: 299.7, 34.56, 0.123."""
    return f"{value:.{1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3}f}"

"""Commands that study learners: what is broken in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from arena.cli.frame import Json, Seed, Wanting, document, going_on, known, progress, show
from arena.text import printable

if TYPE_CHECKING:
    from arena.doctor.findings import Report

Algorithm = Annotated[str, typer.Argument(metavar="ALGORITHM", help="`arena list algorithms`")]


def add_to(app: typer.Typer) -> None:
    """Adds this file's commands."""
    app.command(no_args_is_help=True)(doctor)


def doctor(
    algorithm: Algorithm,
    backbone: Annotated[
        str, typer.Option(help="A spec: gru:width=16; left out: a small perceptron. `arena list backbones`")
    ] = "",
    seed: Seed = 0,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="CHECK", help="One check; again for more.")
    ] = None,
    json: Json = False,
) -> None:
    """Find out which part of a learner is broken, in worlds where the truth is known.

    It is tried with one batch, with rewards, values, ends, masks, vectors and memory planted one at a time, beside
    exact values, and across a stop. Exit code 1 if anything is wrong.

    Example: [bold]arena doctor ppo --backbone gru:width=16[/]
    """
    from agents.registry import ALGORITHMS, BACKBONES

    known(ALGORITHMS, algorithm, "algorithm")
    if backbone:
        known(BACKBONES, backbone, "backbone")
    from arena.doctor.examination import examine, require_checks

    require_checks(algorithm, backbone, only or ())
    with going_on("nothing of it is kept."), progress("checks") as heard:
        report = examine(algorithm, backbone, seed, only or (), heard)
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
    if report.healthy:
        lines.append(f"{report.algorithm} is well; {report.seconds:.0f} seconds.")
    return lines

"""All commands, as one application."""

from __future__ import annotations

from typing import Annotated

import typer

from arena.cli import compete, hall, inventory, launch, look, strength, study

app = typer.Typer(
    name="arena",
    help="A place where learning agents meet: train, league, rate, watch and play.\n\n"
    "A game or an agent is written as [bold]name[/] or [bold]name:key=value,key=value[/]: "
    "othello:size=6, mcts:sims=200, or the folder of a trained agent.\n\n"
    "Example: [bold]arena match connect_four mcts:sims=200 random --games 20[/]",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the whole traceback of an error; works anywhere.")
    ] = False,
) -> None:
    """Options of every command."""


for module in (launch, compete, strength, hall, look, inventory, study):
    module.add_to(app)

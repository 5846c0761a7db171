"""Arguments and options that several commands take, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, and nothing else there.")]
Database = Annotated[Path, typer.Option("--database", "--db", help="The database of members, games and ratings.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Everything random follows from it.")]
GameName = Annotated[str, typer.Argument(metavar="GAME", help="A game: `arena list games`.")]
AgentSpec = Annotated[str, typer.Argument(metavar="AGENT", help="A spec or a folder.")]
Algorithm = Annotated[str, typer.Argument(metavar="ALGORITHM", help="`arena list algorithms`")]
Minutes = Annotated[
    float | None,
    typer.Option("--minutes", min=0, help="How long to train; a run that was cut short gets what is left of it."),
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=0, help="Ray workers; 0 runs in this process, without Ray.")
]
Address = Annotated[str | None, typer.Option("--address", help="A Ray cluster's address, to run there.")]
Tuned = Annotated[
    bool, typer.Option("--tuned", help="Begin with the settings by which it has learned this: `arena list recipes`.")
]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="A.B=C", help="A setting; may be given again.")]

"""Commands that say how strong agents are: by their returns, and by everybody's ratings."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena.cli.frame import document, going_on, known, progress, put, say, screen, show
from arena.cli.options import AgentSpec, Database, GameName, Json, Seed
from arena.text import printable

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from arena.seat_returns import SeatReturn


def add_to(app: typer.Typer) -> None:
    """Adds this file's commands."""
    app.command(no_args_is_help=True)(evaluate)
    app.command()(leaderboard)


def evaluate(
    agent: AgentSpec,
    game: GameName,
    episodes: Annotated[int, typer.Option(min=1, help="Games in each seat against each opponent.")] = 200,
    against: Annotated[list[str] | None, typer.Option("--against", help="An opponent; may be given again.")] = None,
    seed: Seed = 0,
    database: Database = Path("arena.db"),
    json: Json = False,
) -> None:
    """Measure an agent's mean return in each seat, from the game's own beginning; nothing is stored.

    In small games that hide something, its exploitability too: what a best answer to it gains a seat, 0 at equilibrium.
    In a language task, its return on the prompts that training never deals, too.

    Example: [bold]arena evaluate mcts:sims=200 connect_four --episodes 100 --against random[/]
    """
    from arena.evaluation import twin
    from arena.seat_returns import evaluate, exploited
    from arena.specs import expand

    spec, *others = (expand(one, database) for one in (agent, *(against or ["random"])))
    with going_on("nothing of it is kept."), progress("games") as heard:
        found = evaluate(game, spec, others, episodes, seed=seed, heard=heard)
        gain = exploited(game, spec)
        apart = twin(game)
        unseen = evaluate(apart, spec, others, episodes, seed=seed, heard=heard) if apart != game else []
    if json:
        returns, more = ([asdict(one) for one in rows] for rows in (found, unseen))
        said = {"agent": agent, "game": game, "seed": seed, "returns": returns, "exploitability": gain}
        document({**said, "held_out": more} if more else said)
    else:
        show(_returns_table(agent, game, found), *([_returns_table(agent, apart, unseen)] if unseen else []))
        if failed := sum(one.broken for one in (*found, *unseen)):
            put(f"{failed} of these games ended as the program of {game} failed; they count with what it had paid.\n")
        if gain is not None:
            put(f"exploitability {gain:.4f}: what a best answer to it gains a seat, exactly; 0 at an equilibrium\n")


def _returns_table(agent: str, game: str, found: list[SeatReturn]) -> RichTable:
    from rich.table import Table as RichTable
    from rich.text import Text

    from envs.registry import game as game_of

    grid = RichTable(title=Text(printable(f"{agent} in {game}")), title_justify="left", pad_edge=False)
    several = game_of(game).seats > 1
    grid.add_column("seat", justify="right")
    if several:
        grid.add_column("against", overflow="ellipsis", no_wrap=True)
    for heading in ("mean return", "± 95 %", "games", "plies"):
        grid.add_column(heading, justify="right")
    for one in found:
        numbers = (f"{one.mean:+.3f}", f"{one.error:.3f}", str(one.episodes), f"{one.plies:.1f}")
        others = [Text(printable(one.opponent))] if several else []
        grid.add_row(str(one.seat), *others, *numbers)
    return grid


def leaderboard(
    game: Annotated[str | None, typer.Argument(metavar="[GAME]", help="Left out: the game most played.")] = None,
    json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values on standard output.")] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page that needs nothing else.")] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="In small games: what a best response to each gains; takes seconds.")
    ] = False,
    systems: Annotated[
        bool, typer.Option("--systems", help="Beside it: Elo as it is taught, Glicko-2, Weng-Lin, whole-history.")
    ] = False,
    join: Annotated[
        str | None,
        typer.Option(
            metavar="LOW,HIGH", help="All games that both anchors played, on one scale from one to the other."
        ),
    ] = None,
    database: Database = Path("arena.db"),
) -> None:
    """Show everybody's rating, with its 95 % interval, from every stored game that counts.

    --exact adds exploitability where the game's whole tree is small: kuhn, leduc, tic_tac_toe.
    --join random,solver:epsilon=0.1 tells how far on the way from one to the other everybody is, over all their games.

    Example: [bold]arena leaderboard connect_four --html leaderboard.html[/]
    """
    if json and csv:
        raise ValueError("--json and --csv both want standard output; choose one.")
    if systems or join is not None:
        if (systems and join is not None) or csv or html is not None or exact:
            raise ValueError("--systems and --join are tables of their own: only --json goes with them, and not both.")
        _compare(game, join, database, json)
        return
    from arena.leaderboard import as_csv, as_document, as_table, leaderboard
    from arena.store import Store

    with Store.read(database) as store:
        board = leaderboard(store, _chosen(store, game), exact)
    if html is not None:
        from agents.files import write_text
        from arena.page import as_page

        write_text(html, as_page(board))
        say(f"Written to {html}.")
    if json:
        document(as_document(board))
    elif csv:
        put(as_csv(board))
    elif html is None:
        show(as_table(board, screen().width))


def _compare(game: str | None, join: str | None, database: Path, json: bool) -> None:
    """A game by other rating systems, or all games on one scale."""
    from arena import comparison
    from arena.store import Store

    with Store.read(database) as store:
        if join is None:
            name = _chosen(store, game)
            told = (name, *comparison.compared(store, name))
            if json:
                document(comparison.compared_document(*told))
            else:
                show(comparison.compared_table(*told))
        elif game is not None:
            raise ValueError(f"--join takes every game that both anchors played; leave {game} out.")
        else:
            low, high = comparison.anchors(join)
            places = comparison.join(store, low, high)
            if json:
                document(comparison.joined_document(places, low, high))
            else:
                show(comparison.joined_table(places, low, high))


def _chosen(store: Any, game: str | None) -> str:
    """The game asked for under the name it is stored by, or the one that was played most."""
    if game is not None:
        from envs.registry import GAMES
        from envs.registry import game as game_of

        known(GAMES, game, "game")
        return game_of(game).name
    played = store.games_with_members()
    if not played:
        raise ValueError(f"{store.path} has no members yet; `arena league` or `arena tournament` enter some.")
    return max(played, key=store.count)

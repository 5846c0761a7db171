"""Commands that say how strong agents are: by their returns, and by everybody's ratings."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena.cli.frame import document, going_on, known, progress, put, say, screen, show
from arena.cli.options import AgentSpec, Database, GameName, Json, Seed, Settings
from arena.text import printable

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from agents.exact.best_response import Answers
    from arena.best_response import Bound
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
    best_response: Annotated[
        str | None,
        typer.Option("--best-response", metavar="ALGORITHM", help="Train an answer to the agent: ppo, alphazero, dqn."),
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="How long that trains; left out: 1.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="The same in the learner's steps.")] = None,
    pairs: Annotated[int | None, typer.Option(min=2, help="Fresh games in each seat; left out: 1000.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the answer's run there.")] = None,
    settings: Settings = None,
    seed: Seed = 0,
    database: Database = Path("arena.db"),
    json: Json = False,
) -> None:
    """Measure an agent's mean return in each seat, from the game's own beginning; nothing is stored.

    In small games its exploitability, exactly: what a best answer to it gains a seat, 0 at an equilibrium.
    In others --best-response trains an answer to it, whose gain in games that it was not chosen by is a lower bound.
    In a language task, its return on the prompts that training never deals, too.

    Example: [bold]arena evaluate mcts:sims=200 connect_four --episodes 100 --against random[/]

    Example: [bold]arena evaluate random liars_dice:dice=2 --best-response ppo --minutes 2[/]
    """
    from arena.evaluation import twin
    from arena.exploitability import exact
    from arena.seat_returns import evaluate
    from arena.specs import expand
    from envs.registry import game as game_of

    given = {"--minutes": minutes, "--steps": steps, "--pairs": pairs, "--out": out, "--set": settings}
    _check_training(best_response, given)
    if against and game_of(game).seats == 1:
        raise ValueError(f"{game} has one seat, and nobody is met there; leave --against out.")
    spec, *others = (expand(one, database) for one in (agent, *(against or ["random"])))
    with going_on(lambda: _kept(out)):
        with progress("games") as heard:
            found = evaluate(game, spec, others, episodes, seed=seed, heard=heard)
            apart = twin(game)
            unseen = evaluate(apart, spec, others, episodes, seed=seed, heard=heard) if apart != game else []
        with progress("best answers") as heard:
            gain = exact(game, spec, heard=heard)
        bound = None
        if best_response is not None:
            from arena.best_response import learned

            longest = 1.0 if minutes is None and steps is None else minutes
            bound = learned(
                game, spec, best_response, minutes=longest, steps=steps, pairs=pairs or 1000, seed=seed, out=out,
                settings=settings or (),
            )  # fmt: skip
    if json:
        returns, more = ([asdict(one) for one in rows] for rows in (found, unseen))
        said = {"agent": agent, "game": game, "seed": seed, "returns": returns, **_gains_document(gain, bound)}
        document({**said, "held_out": more} if more else said)
    else:
        show(_returns_table(agent, game, found), *([_returns_table(agent, apart, unseen)] if unseen else []))
        if failed := sum(one.broken for one in (*found, *unseen)):
            put(f"{failed} of these games ended as the program of {game} failed; they count with what it had paid.\n")
        if gain is not None:
            show(_gains_table(agent, gain))
            exploitability = f"exploitability {gain.exploitability:.4f}"
            put(f"{exploitability}: what a best answer to it gains a seat, exactly; 0 at an equilibrium\n")
        if bound is not None:
            put(_told(bound) + "\n")


def _check_training(algorithm: str | None, given: dict[str, Any]) -> None:
    """Refuses options of a training that is not asked for, and, before any game, one that cannot begin."""
    from agents.registry import ALGORITHMS
    from arena.config import begun
    from arena.sections import require_unsaid

    if algorithm is not None:
        known(ALGORITHMS, algorithm, "algorithm")
    elif wrong := [name for name, value in given.items() if value is not None]:
        raise ValueError(f"{wrong[0]} is for the training of an answer; add --best-response ppo.")
    if given["--steps"] is not None and given["--minutes"] is not None:
        raise ValueError("--steps and --minutes both say when to stop; choose one.")
    require_unsaid("evaluate", given["--set"] or ())
    if given["--out"] is not None and begun(given["--out"]):
        raise ValueError(f"{given['--out']} holds a run already; name another --out.")


def _kept(out: Path | None) -> str:
    """What is left of an evaluation that was cut short."""
    from arena.config import begun

    if out is None or not begun(out):
        return "nothing of it is kept."
    best = out / "best"
    found = f"the best answer by then is in {best}" if best.is_dir() else f"{out} has a state of its training"
    return f"{found}, and nothing was measured; name another --out to train one anew."


def _gains_document(gain: Answers | None, bound: Bound | None) -> dict[str, Any]:
    """What best answers gain, exactly and at least, for --json."""
    said: dict[str, Any] = {"exploitability": None if gain is None else gain.exploitability}
    if gain is not None:
        said["exact"] = {key: getattr(gain, key).tolist() for key in ("values", "best", "gains")}
    if bound is not None:
        said["lower_bound"] = {"at_least": bound.at_least, **asdict(bound), "how": _told(bound)}
    return said


def _gains_table(agent: str, gain: Answers) -> RichTable:
    import numpy as np
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable(title=Text(printable(f"best answers to {agent}")), title_justify="left", pad_edge=False)
    for heading in ("seat", "it is worth", "a best answer gets", "gain"):
        grid.add_column(heading, justify="right")
    told = np.round([gain.values, gain.best], 9) + 0.0  # no -0
    for seat, (value, best) in enumerate(told.T.tolist()):
        grid.add_row(str(seat), f"{value:+.6f}", f"{best:+.6f}", f"{best - value:.6f}")
    return grid


def _told(bound: Bound) -> str:
    """A lower bound in a sentence, and how it was come by in another."""
    seats = ", ".join(f"{gain:+.4f} in seat {seat}" for seat, gain in enumerate(bound.seats))
    return (
        f"exploitability at least {bound.at_least:.4f}, a lower bound: an answer gained {bound.mean:.4f} ± "
        f"{bound.error:.4f} a seat (95 %) in {bound.pairs:,} fresh games from each ({seats}). It learned by "
        f"{bound.algorithm} against the agent as it is, {bound.steps:,} steps in {bound.seconds:.0f} s, and is the "
        f"best of {bound.tries} snapshots by {bound.held_out} other games, taken after step {bound.snapshot:,}; "
        "a better answer may gain more."
    )


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
        others = [Text(printable(one.opponent))] if one.opponent is not None else []
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

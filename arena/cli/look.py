"""Commands that show games: agents at play, people at play, and what was played."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena.cli.frame import known, progress, put, say, spelled
from arena.cli.options import Database, GameName, Seed
from arena.text import printable

if TYPE_CHECKING:
    from arena.viewers.snapshot import Snapshot

Export = Annotated[
    Path | None, typer.Option("--export", metavar="FILE", help="Write a .png, .gif or .mp4 instead; needs no display.")
]
Describe = Annotated[
    bool, typer.Option("--describe", help="Print the captions and the table of each position instead, as text.")
]
Analyst = Annotated[
    str | None,
    typer.Option(
        "--analyst",
        metavar="AGENT",
        help="Judges every position of a stored game: a spec, 'newest' (the newest snapshot; so for --league), 'none'.",
    ),
]

Size = Annotated[
    int | None,
    typer.Option("--group", metavar="G", help="A language task: so many answers of one model, or of two, to a prompt."),
]
Prompt = Annotated[int, typer.Option("--prompt", metavar="N", min=0, help="Which prompt of a --group it is.")]
Head = Annotated[
    str | None, typer.Option("--attention", metavar="LAYER.HEAD", help="In a --group, where this head looks, as 1.2.")
]
Curves = Annotated[bool, typer.Option("--curves", help="A run's curves over its steps; RUN in place of a game.")]


SHOWN = {"players", "export", "describe", "database"}
WAYS: dict[str, set[str]] = {
    "--curves": {"players", "export", "describe", "curves"},
    "--group": SHOWN | {"group", "prompt", "head", "ply", "seed"},
    "a file of games": SHOWN | {"game_id", "ply", "analyst"},
    "--league": SHOWN | {"league", "purpose", "run", "ply", "analyst"},
    "--game-id": SHOWN | {"game_id", "ply", "analyst"},
    "a game that is played now": SHOWN | {"ply", "seed"},
}
"""What `watch` shows -> the parameters that say something of it."""


def add_to(app: typer.Typer) -> None:
    """Adds this file's commands."""
    app.command(no_args_is_help=True)(watch)
    app.command(no_args_is_help=True)(play)


def watch(
    context: typer.Context,
    players: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[GAME [AGENT...]]",
            help="A game to be played now, an agent a seat (the last has all that are left); with --league only whose; "
            "or a file of games (.jsonl, .pgn, .sgf).",
        ),
    ] = None,
    game_id: Annotated[
        str | None, typer.Option("--game-id", metavar="ID", help="A stored game, by its id's beginning.")
    ] = None,
    league: Annotated[bool, typer.Option("--league", help="The newest games of a running league.")] = False,
    purpose: Annotated[
        str,
        typer.Option(
            "--purpose", help="Which games of a league: rating, selfplay, league, tournament, match, play, any."
        ),
    ] = "rating",
    run: Annotated[str | None, typer.Option("--run", metavar="NAME", help="Only the games of this run.")] = None,
    export: Export = None,
    describe: Describe = False,
    ply: Annotated[int | None, typer.Option(min=0, help="The position that a .png shows; left out: the last.")] = None,
    analyst: Analyst = None,
    group: Size = None,
    prompt: Prompt = 0,
    head: Head = None,
    curves: Curves = False,
    seed: Seed = 0,
    database: Database = Path("arena.db"),
) -> None:
    """Watch agents play, a stored game, or a running league; a group of answers, or a run's curves.

    A --group is one prompt of a language task and the answers of one model, or of two, before and after training;
    `untrained` stands for a model as it began.

    Example: [bold]arena watch connect_four mcts:sims=200 alphabeta:depth=6 --export game.gif[/]

    Example: [bold]arena watch reverse untrained runs/reverse-grpo --group 8 --export group.png[/]
    """
    words = players or []
    filed = len(words) == 1 and not league and words[0].endswith((".jsonl", ".pgn", ".sgf"))
    grouped = group is not None or curves or head is not None
    if not (filed or grouped) and (bool(words) and not league, game_id is not None, league).count(True) != 1:
        raise ValueError("Say one of three: a game and its agents, --game-id ID, or --league.")
    chosen = (curves, grouped, filed, league, game_id is not None, True)
    _require_fitting(spelled(context), next(way for way, it in zip(WAYS, chosen, strict=True) if it))
    showing = Showing(export, describe, ply)
    if grouped:
        from arena.cli.language import look_at

        look_at(words, showing, group, prompt, head, curves, seed, database)
    elif filed:
        _watch_file(showing, Path(words[0]), game_id, analyst, database)
    elif league:
        if len(words) > 1:
            raise ValueError(f"--league takes a game at most; here are {len(words)} words: {' '.join(words)}.")
        _watch_league(showing, database, words[0] if words else None, purpose, run, analyst)
    elif game_id is not None:
        _watch_stored(showing, database, game_id, analyst)
    elif len(words) < 2:
        raise ValueError(f"A game to watch is GAME AGENT..., an agent a seat; here is only {words[0]}.")
    else:
        _watch_match(showing, database, words[0], words[1:], seed)


def _require_fitting(given: dict[str, str], way: str) -> None:
    """Raises ValueError for an option that says nothing of what is shown."""
    for name, option in given.items():
        if name not in WAYS[way]:
            others = [other for other, fitting in WAYS.items() if name in fitting and other != option]
            whose = f"{option} is for {', '.join(others)}" if others else f"{option} shows something else"
            raise ValueError(f"{whose}, and this is {way}; leave one of them out.")


@dataclass(frozen=True)
class Showing:
    """How a game is shown: in a window, in a file, or in words."""

    export: Path | None
    describe: bool
    ply: int | None

    def __post_init__(self) -> None:
        if self.describe and self.export is not None:
            raise ValueError("--describe prints words and --export writes a picture; choose one.")
        if self.ply is not None and self.export is None and not self.describe:
            raise ValueError("--ply is the position that --export FILE.png or --describe shows; a window shows all.")
        if self.ply is not None and self.export is not None and self.export.suffix.lower() in (".gif", ".mp4"):
            raise ValueError(
                f"--ply is the position that a .png shows, and {self.export.name} shows them all; leave it out."
            )

    def put(self, snapshot: Snapshot) -> None:
        """Prints a game in words."""
        from arena.viewers.describe import described

        put("".join(c if c == "\n" else printable(c) for c in described(snapshot, self.ply)))

    def put_judged(self, way: Callable[..., Any], *what: Any) -> None:
        """Prints a stored game in words, once an analyst has judged it."""
        with progress("judging") as heard:
            snapshot = way(*what, ply=self.ply, progress=_share(heard))
        self.put(snapshot)

    def show(self, way: Callable[..., Path | None], *what: Any, **more: Any) -> None:
        """Opens a window, or writes a file and says where."""
        with progress("drawing") as heard:
            written = way(*what, export=self.export, ply=self.ply, progress=_share(heard), **more)
        if written is not None:
            say(f"Written to {written}.")


def _watch_match(showing: Showing, database: Path, game: str, specs: list[str], seed: int) -> None:
    rules, agents = _table(game, specs, database)
    if len(agents) > rules.seats:
        raise ValueError(
            f"{rules.name} has {rules.seats} seat{'s' if rules.seats > 1 else ''}, and {len(agents)} agents were given."
        )
    agents += agents[-1:] * (rules.seats - len(agents))
    from arena.viewers import watch

    if showing.describe:
        showing.put(watch.match_played(rules, agents, seed=seed))
    else:
        showing.show(watch.watch_match, rules, agents, seed=seed)


def _watch_stored(showing: Showing, database: Path, game_id: str, analyst: str | None) -> None:
    from agents.registry import agent
    from arena.replays import NOBODY, analyst_spec, shown
    from arena.specs import expand
    from arena.store import Store
    from arena.viewers import watch

    with Store.read(database) as store:
        stored = shown(store, store.stored_game(game_id))
        spec = analyst_spec(store, stored.game.name, analyst or NOBODY)
        judge = None if spec is None else agent(expand(spec, database))
        if showing.describe:
            showing.put_judged(watch.game_judged, stored, judge)
        else:
            showing.show(watch.watch_game, stored, analyst=judge)


def _watch_file(showing: Showing, path: Path, game_id: str | None, analyst: str | None, database: Path) -> None:
    from agents.registry import agent
    from arena.records import read
    from arena.replays import NEWEST, NOBODY, shown
    from arena.specs import expand
    from arena.viewers import watch

    if analyst == NEWEST:
        raise ValueError("A file of games has no snapshots; name the --analyst, as in --analyst mcts:sims=200.")
    games = read(path)
    chosen = [stored for stored in games if stored.id.startswith(game_id or "")]
    if not chosen:
        raise ValueError(f"{path} has no game '{game_id}'; it has {games[0].id} and {len(games) - 1} more.")
    if len(chosen) > 1:
        say(f"{path} has {len(games)} games; this is the first, and --game-id ID shows another.")
    record = shown(None, chosen[0])
    judge = None if analyst in (None, NOBODY) else agent(expand(analyst, database))
    if showing.describe:
        showing.put_judged(watch.game_judged, record, judge)
    else:
        showing.show(watch.watch_game, record, analyst=judge)


def _watch_league(
    showing: Showing, database: Path, game: str | None, purpose: str, run: str | None, analyst: str | None
) -> None:
    from arena.replays import NEWEST, PURPOSES, LeagueGames
    from arena.viewers import watch
    from envs.registry import game as game_of

    known(dict.fromkeys(PURPOSES), purpose, "purpose")
    feed = LeagueGames(database, game_of(game).name if game else None, purpose, run, analyst or NEWEST)
    if showing.describe:
        showing.put_judged(watch.newest_judged, feed)
    else:
        showing.show(watch.watch_league, feed)


def _table(game: str, specs: list[str], database: Path) -> tuple[Any, list[Any]]:
    """The game and its players, each seen to be able to play it."""
    from arena.entrants import ready
    from arena.specs import expand
    from envs.registry import game as game_of

    rules = game_of(game)
    return rules, [ready(expand(spec, database), rules) for spec in specs]


def _share(heard: Any) -> Any:
    return lambda share: heard(round(100 * share), 100)


def play(
    game: GameName,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="AGENT", help="Whom you play: a spec or a folder; has all other seats."),
    ] = None,
    seat: Annotated[int, typer.Option(min=0, help="Yours: 0 moves first.")] = 0,
    name: Annotated[str, typer.Option("--name", help="Under which your games are stored.")] = "you",
    seed: Seed = 0,
    database: Database = Path("arena.db"),
) -> None:
    """Play against an agent with the mouse or the keyboard.

    Games that are finished or resigned are stored; they never count for ratings.

    Example: [bold]arena play connect_four --against mcts:sims=500 --seat 0[/]
    """
    from arena.specs import expand
    from envs.registry import game as game_of

    if against is None and game_of(game).seats > 1:
        raise ValueError(f"Say whom you play in {game}, for example --against random.")
    against = expand(against or "random", database)
    rules, (agent,) = _table(game, [against], database)
    if seat >= rules.seats:
        raise ValueError(f"{rules.name} has seats 0 to {rules.seats - 1}, and --seat {seat} was asked for.")
    if not name.strip() or name == agent.name:
        raise ValueError(f"'{name}' is {'no name' if not name.strip() else 'the name of the agent'}; say another.")
    from arena.replays import keep_play
    from arena.viewers import watch

    kept: list[str] = []

    def keep(snapshot: Snapshot) -> str:
        kept.append(keep_play(database, snapshot, against))
        return f"Stored as game {kept[-1]}."

    try:
        watch.play(rules, agent, seat, seed=seed, person=name, keep=keep)
    finally:
        for id in kept:
            say(f"Stored as game {id}; `arena watch --game-id {id}` shows it again.")

"""The viewers' ways in: watch agents, a stored game or a league; play against an agent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from agents.agent import Agent
from arena.viewers.export import CannotExport, check_export
from arena.viewers.export import export as write
from arena.viewers.play import Duel
from arena.viewers.snapshot import Snapshot
from arena.viewers.sources import Follow, GameFeed, GameRecord, Judge, Live, Replay, Source, judged, replayed
from arena.viewers.ui import UI
from arena.viewers.window import INSTEAD, Window
from envs.game import Game

Progress = Callable[[float], None]


def watch_match(
    game: Game, agents: Sequence[Agent], *, seed: int = 0, opening: Sequence[int] = (), ratings: Sequence[str] = (),
    export: Path | str | None = None, ply: int | None = None, size: tuple[int, int] = (1280, 720),
    ui: UI | None = None, progress: Progress = lambda share: None,
) -> Path | None:  # fmt: skip
    """Shows agents at play, one a seat, or plays their game to the end and writes it to `export`."""
    if export is None:
        return _show(Live(game, agents, seed=seed, opening=opening, ratings=ratings), ui, size)
    check_export(export)
    snapshot = match_played(game, agents, seed=seed, opening=opening, ratings=ratings)
    return write(snapshot, export, size=size, ui=ui, ply=ply, progress=progress)


def match_played(
    game: Game, agents: Sequence[Agent], *, seed: int = 0, opening: Sequence[int] = (), ratings: Sequence[str] = ()
) -> Snapshot:
    """The game of some agents, one a seat, played here and now."""
    return Live(game, agents, seed=seed, opening=opening, ratings=ratings, start=False).play_out()


def watch_game(
    stored: GameRecord, *, analyst: Agent | None = None, export: Path | str | None = None, ply: int | None = None,
    size: tuple[int, int] = (1280, 720), ui: UI | None = None, progress: Progress = lambda share: None,
) -> Path | None:  # fmt: skip
    """Shows a stored game, or writes it; an analyst, if given, judges every position."""
    if export is None:
        return _show(Replay(stored, analyst), ui, size)
    snapshot = game_judged(stored, analyst, _last(export, ply), progress)
    return write(snapshot, export, size=size, ui=ui, ply=ply, progress=progress)


def game_judged(
    stored: GameRecord, analyst: Agent | None, ply: int | None = None, progress: Progress = lambda share: None
) -> Snapshot:
    """A stored game with an analyst's opinion of every position, or of those up to a ply, if that is what is shown."""
    judge = Judge(replayed(stored), analyst)
    if analyst is None:
        return judge.snapshot
    length = judge.snapshot.length
    count = 1 + (length if ply is None else min(ply, length))
    for k in range(count):
        judge.snapshot = judged(judge.snapshot, analyst, k)
        progress((k + 1) / count)
    return judge.snapshot


def watch_league(
    feed: GameFeed, *, export: Path | str | None = None, ply: int | None = None, size: tuple[int, int] = (1280, 720),
    ui: UI | None = None, progress: Progress = lambda share: None,
) -> Path | None:  # fmt: skip
    """Shows the newest games of a league one after the other, waiting for the first, or writes the newest."""
    if export is None:
        return _show(Follow(feed), ui, size)
    snapshot = newest_judged(feed, _last(export, ply), progress)
    return write(snapshot, export, size=size, ui=ui, ply=ply, progress=progress)


def _last(export: Path | str, ply: int | None) -> int | None:
    """The ply up to which a file shows a game, None for all of it: films show the whole."""
    return ply if check_export(export)[1] == "png" else None


def newest_judged(feed: GameFeed, ply: int | None = None, progress: Progress = lambda share: None) -> Snapshot:
    """The newest game of a league with its analyst's opinions; raises ValueError if there is none."""
    newest = feed.next()
    if newest is None:
        raise CannotExport(f"There is no finished game to show. {feed.waiting()}")
    return game_judged(newest, feed.analyst(newest.game), ply, progress)


def play(
    game: Game, agent: Agent, seat: int = 0, *, seed: int = 0, person: str = "you", opening: Sequence[int] = (),
    size: tuple[int, int] = (1280, 720), ui: UI | None = None, keep: Callable[[Snapshot], str] | None = None,
) -> None:  # fmt: skip
    """A person plays against an agent with the mouse or the keyboard; `keep` is given every game that is over."""
    source = Duel(game, agent, seat, seed=seed, person=person, opening=opening, keep=keep)
    elsewhere = (
        f"; `arena match {game.name} human AGENT --games 2` is played at the terminal" if game.seats == 2 else ""
    )
    _show(source, ui or UI(tab="moves"), size, f"Playing needs a screen and a mouse or a keyboard{elsewhere}.")


def _show(source: Source, ui: UI | None, size: tuple[int, int], mend: str = INSTEAD) -> None:
    try:
        window = Window(source, ui or UI(), size, Path.cwd(), mend)
    except ValueError:
        source.close()
        raise
    window.run()

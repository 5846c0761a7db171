"""The viewers' ways in: watch two agents, a stored game or a league; play against an agent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from agents.agent import Agent
from arena.viewers.export import CannotExport, check_export
from arena.viewers.export import export as write
from arena.viewers.play import Duel
from arena.viewers.snapshot import Snapshot
from arena.viewers.sources import Follow, GameFeed, Live, Replay, Source, StoredGame, judged, replayed
from arena.viewers.ui import UI
from arena.viewers.window import Window
from envs.game import Game

Progress = Callable[[float], None]


def watch_match(
    game: Game, agents: Sequence[Agent], *, seed: int = 0, opening: Sequence[int] = (), ratings: Sequence[str] = (),
    export: Path | str | None = None, ply: int | None = None, size: tuple[int, int] = (1280, 720),
    ui: UI | None = None, progress: Progress = lambda share: None,
) -> Path | None:  # fmt: skip
    """Shows two agents at play, or plays their game to the end and writes it to `export`."""
    if export is None:
        return _show(Live(game, agents, seed=seed, opening=opening, ratings=ratings), ui, size)
    check_export(export)
    source = Live(game, agents, seed=seed, opening=opening, ratings=ratings, start=False)
    return write(source.play_out(), export, size=size, ui=ui, ply=ply, progress=progress)


def watch_game(
    stored: StoredGame, *, analyst: Agent | None = None, export: Path | str | None = None, ply: int | None = None,
    size: tuple[int, int] = (1280, 720), ui: UI | None = None, progress: Progress = lambda share: None,
) -> Path | None:  # fmt: skip
    """Shows a stored game, or writes it; an analyst, if given, judges every position."""
    if export is None:
        return _show(Replay(stored, analyst), ui, size)
    check_export(export)
    snapshot = judged_throughout(replayed(stored), analyst)
    return write(snapshot, export, size=size, ui=ui, ply=ply, progress=progress)


def watch_league(
    feed: GameFeed, *, analyst: Agent | None = None, export: Path | str | None = None, ply: int | None = None,
    size: tuple[int, int] = (1280, 720), ui: UI | None = None, progress: Progress = lambda share: None,
) -> Path | None:  # fmt: skip
    """Shows the newest games of a running league one after the other, or writes the newest."""
    if export is None:
        return _show(Follow(feed, analyst), ui, size)
    check_export(export)
    newest = feed.newest(None)
    if newest is None:
        raise CannotExport("The league has no finished game yet; try again when its first games are over.")
    snapshot = judged_throughout(replayed(newest), analyst)
    return write(snapshot, export, size=size, ui=ui, ply=ply, progress=progress)


def play(
    game: Game, agent: Agent, seat: int = 0, *, seed: int = 0, person: str = "you", opening: Sequence[int] = (),
    size: tuple[int, int] = (1280, 720), ui: UI | None = None,
) -> None:  # fmt: skip
    """A person plays against an agent with the mouse or the keyboard."""
    _show(Duel(game, agent, seat, seed=seed, person=person, opening=opening), ui or UI(tab="moves"), size)


def judged_throughout(snapshot: Snapshot, analyst: Agent | None) -> Snapshot:
    """The snapshot with an analyst's opinion of every position."""
    if analyst is not None:
        for k in range(snapshot.length + 1):
            snapshot = judged(snapshot, analyst, k)
    return snapshot


def _show(source: Source, ui: UI | None, size: tuple[int, int]) -> None:
    try:
        window = Window(source, ui or UI(), size, Path.cwd())
    except ValueError:
        source.close()
        raise
    window.run()

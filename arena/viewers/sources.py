"""Where snapshots come from: a stored game, two agents at play, the newest games of a league.

A source works in a thread of its own and publishes frozen snapshots; whoever shows them takes the newest and never
waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from agents.agent import Agent, Unable
from agents.play import Table
from arena.viewers.snapshot import Ply, Snapshot
from arena.viewers.thoughts import thought_of
from envs import kernels
from envs.game import Game, Rows


@dataclass(frozen=True)
class GameRecord:
    """A finished game to be shown: its rules, its seed and its moves, the first `opening` of them given."""

    game: Game
    moves: tuple[Any, ...]
    names: tuple[str, ...]
    seed: int = 0
    opening: int = 0
    ratings: tuple[str, ...] = ()
    result: tuple[float, ...] | None = None
    """Each seat's result, where the rules alone do not give it."""
    facts: tuple[tuple[str, str], ...] = ()
    ended: str = ""
    """A sentence on why it ended, where it was not by the rules."""


class GameFeed(Protocol):
    """The finished games of a league that may still be running, or not even have begun."""

    def game(self) -> Game:
        """The game whose empty board is shown before there is a first game."""
        ...

    def next(self) -> GameRecord | None:
        """The newest finished game that was not given before, or None; raises ValueError if it cannot be shown."""
        ...

    def waiting(self) -> str:
        """A sentence on what is being waited for."""
        ...

    def analyst(self, game: Game) -> Agent | None:
        """Who is to judge the positions of a game; raises ValueError if there should be somebody and is not."""
        ...


class Source(Protocol):
    """Something that publishes snapshots."""

    def newest(self) -> Snapshot:
        """The newest snapshot, at once."""
        ...

    def ask(self, what: str, number: Any) -> str:
        """Asks for something (`next`, `play`, `undo`, `move`), with an action to `play`; a sentence if it cannot be."""
        ...

    def close(self) -> None:
        """Ends the source's thread."""
        ...


def replayed(stored: GameRecord) -> Snapshot:
    """The snapshot of a stored game: every position played again by the rules."""
    rows = kernels.replay(stored.game, stored.seed, list(stored.moves))
    kept(stored.game, rows[-1:])
    plies = tuple(Ply(action_of(stored.game, a), int(rows[k]["seat"])) for k, a in enumerate(stored.moves))
    forced = None if rows[-1]["done"] else stored.result
    return Snapshot(
        stored.game, stored.names, plies, rows, kernels.legal_mask(stored.game, rows), stored.ratings, stored.seed,
        stored.opening, forced=forced, facts=stored.facts, note="" if forced is None else stored.ended,
    )  # fmt: skip


def action_of(game: Game, action: Any) -> Any:
    """An action as a snapshot keeps it: a number, or a tuple of numbers where actions are vectors."""
    return tuple(float(x) for x in action) if game.controls else int(action)


def judged(snapshot: Snapshot, analyst: Agent, ply: int) -> Snapshot:
    """The snapshot with the analyst's opinion of one position; its voice is nobody's seat."""
    row = snapshot.rows[ply : ply + 1]
    if row[0]["done"]:
        return snapshot
    memory = analyst.begin(snapshot.game, np.array([snapshot.seed], np.uint64))
    decision = analyst.act(kernels.view(snapshot.game, row), memory)
    if ply < snapshot.length:
        thought = thought_of(snapshot.game, decision, 0, row, snapshot.plies[ply].action, None)
        return replace(snapshot, plies=(*snapshot.plies[:ply], thought, *snapshot.plies[ply + 1 :]))
    return replace(
        snapshot,
        thoughts=thought_of(snapshot.game, decision, 0, row, action_of(snapshot.game, decision.action[0]), None),
    )


class Judge:
    """An analyst at work on one snapshot after another, from the first position on: the way the game is shown."""

    def __init__(self, snapshot: Snapshot, analyst: Agent | None) -> None:
        self.snapshot = snapshot
        self.employ(analyst)

    def employ(self, analyst: Agent | None) -> None:
        """Gives the work to an analyst, or to nobody."""
        self.analyst = analyst
        if analyst is not None:
            self.snapshot = replace(self.snapshot, facts=(*self.snapshot.facts, ("analyst", analyst.name)))

    def judge(self, stop: Callable[[], bool]) -> None:
        """Judges every position of the snapshot, publishing each opinion as it comes, until `stop()`."""
        if self.analyst is None:
            return
        for ply in range(self.snapshot.length + 1):
            if stop():
                return
            try:
                self.snapshot = judged(self.snapshot, self.analyst, ply)
            except Exception as error:  # an agent may be anyone's program: say what it did and stay open
                self.snapshot = replace(self.snapshot, note=f"{self.analyst.name} could not judge: {error}")
                return


class Replay:
    """A stored game; an analyst, if given, judges its positions."""

    def __init__(self, stored: GameRecord, analyst: Agent | None = None) -> None:
        self._judge = Judge(replayed(stored), analyst)
        self._closed = threading.Event()
        threading.Thread(target=self._judge.judge, args=(self._closed.is_set,), name="analyst", daemon=True).start()

    def newest(self) -> Snapshot:
        return self._judge.snapshot

    def ask(self, what: str, number: Any) -> str:
        return ""

    def close(self) -> None:
        self._closed.set()


class Live:
    """Agents at play in a thread, one a seat; `next` begins another game with the seats changed."""

    def __init__(
        self, game: Game, agents: Sequence[Agent], *, seed: int = 0, opening: Sequence[int] = (),
        ratings: Sequence[str] = (), start: bool = True,
    ) -> None:  # fmt: skip
        if len(agents) != game.seats:
            raise ValueError(f"{game.name} has {game.seats} seats, and {len(agents)} agents were given.")
        self._game, self._agents, self._seed, self._opening = game, list(agents), seed, tuple(opening)
        self._ratings = tuple(ratings)
        self._closed, self._go = threading.Event(), threading.Event()
        self._number = 0
        self._begin()
        if start:
            threading.Thread(target=self._run, name="game", daemon=True).start()

    def _begin(self) -> None:
        seats = np.roll(np.arange(len(self._agents)), self._number)
        seeds = kernels.seeds(self._seed, 1, self._number)
        self._table = Table.new(self._game, self._agents, seats[None, :].astype(np.int64), seeds)
        start = replayed(
            GameRecord(
                self._game, self._opening, tuple(self._agents[i].name for i in seats), int(seeds[0]),
                len(self._opening), tuple(self._ratings[i] for i in seats) if self._ratings else (),
            )
        )  # fmt: skip
        self._table.rows[:] = start.rows[-1:]
        self._snapshot = replace(start, live=True, number=self._number, thinking=int(start.rows[-1]["seat"]))

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                while not self._snapshot.rows[-1]["done"] and not self._closed.is_set():
                    self._snapshot = advanced(self._snapshot, self._table)
            except Exception as error:  # an agent may be anyone's program: say what it did and stay open
                self._snapshot = replace(self._snapshot, note=failed(self._snapshot, error), thinking=None)
            self._go.wait()
            self._go.clear()
            if not self._closed.is_set():
                self._number += 1
                self._begin()

    def play_out(self) -> Snapshot:
        """The game played to its end, here and now; for a source that was not started."""
        while not self._snapshot.rows[-1]["done"]:
            self._snapshot = advanced(self._snapshot, self._table)
        return self._snapshot

    def newest(self) -> Snapshot:
        return self._snapshot

    def ask(self, what: str, number: Any) -> str:
        if what == "next" and self._snapshot.result is not None:
            self._go.set()
        return ""

    def close(self) -> None:
        self._closed.set()
        self._go.set()


def advanced(snapshot: Snapshot, table: Table, voice: int | None = None) -> Snapshot:
    """The snapshot after one move of the table's single game; whose opinion it was, if not the mover's."""
    before = table.rows.copy()
    seat = int(before[0]["seat"])
    table.moves[0] = [ply.action for ply in snapshot.plies]
    actions, moved = table.step()
    if table.forfeits:
        table.rows[:] = before
        raise Unable(table.forfeits.popitem()[1][1].text)
    _, _, decision = moved[0]
    ply = thought_of(
        snapshot.game, decision, 0, before, action_of(snapshot.game, actions[0]), seat if voice is None else voice
    )
    return extended(snapshot, ply, table.rows)


def failed(snapshot: Snapshot, error: Exception) -> str:
    """One sentence on an agent that could not move."""
    seat = int(snapshot.rows[-1]["seat"])
    return f"{snapshot.names[seat]} could not move: {error or type(error).__name__}"


def kept(game: Game, row: Rows) -> str:
    """Has another project's program keep how a position looks; a sentence, if its program has failed."""
    if not game.foreign:
        return ""
    from envs.adapters.foreign.programs import programs_of

    programs = programs_of(game)
    if programs is None:
        return ""
    programs.keep(row[0])
    fault = programs.fault(row[0])
    return "" if fault is None else f"{game.name} failed after {fault.ply} moves: {fault.words}."


def extended(snapshot: Snapshot, ply: Ply, row: Rows) -> Snapshot:
    """The snapshot with one more ply that led to `row` [1]."""
    note = kept(snapshot.game, row)
    return replace(
        snapshot,
        plies=(*snapshot.plies, ply),
        rows=np.concatenate([snapshot.rows, row]),
        legal=np.concatenate([snapshot.legal, kernels.legal_mask(snapshot.game, row)]),
        thoughts=None,
        thinking=None if row[0]["done"] else int(row[0]["seat"]),
        note=note or snapshot.note,
    )


class Follow:
    """The newest games of a league, one after the other; asks the feed twice a second while it waits for one."""

    def __init__(self, feed: GameFeed) -> None:
        self._feed = feed
        empty = replayed(GameRecord(feed.game(), (), ("player 1", "player 2")))
        self._judge = Judge(replace(empty, note=feed.waiting()), None)
        self._closed, self._go = threading.Event(), threading.Event()
        threading.Thread(target=self._run, name="follow", daemon=True).start()

    def _run(self) -> None:
        while not self._closed.is_set():
            if not self._advance():
                self._closed.wait(0.5)
                continue
            self._go.clear()
            self._employ()
            self._judge.judge(lambda: self._closed.is_set() or self._go.is_set())
            self._go.wait()

    def _advance(self) -> bool:
        """Goes on to the next game; False if there is none yet, or it cannot be read or shown just now."""
        try:
            game = self._feed.next()
            if game is not None:
                self._judge = Judge(replace(replayed(game), number=self._judge.snapshot.number + 1), None)
                return True
            note = self._feed.waiting()
        except Exception as error:
            note = f"The league's games could not be read: {error}"
        self._say(note)
        return False

    def _employ(self) -> None:
        """Finds an analyst for the game that is shown; the first one takes a moment to load."""
        try:
            self._judge.employ(self._feed.analyst(self._judge.snapshot.game))
        except Exception as error:
            self._say(f"There is no analyst: {error}")

    def _say(self, note: str) -> None:
        if note != self._judge.snapshot.note:
            self._judge.snapshot = replace(self._judge.snapshot, note=note)

    def newest(self) -> Snapshot:
        return self._judge.snapshot

    def ask(self, what: str, number: Any) -> str:
        if what == "next":
            self._go.set()
        return ""

    def close(self) -> None:
        self._closed.set()
        self._go.set()

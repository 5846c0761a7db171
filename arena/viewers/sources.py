"""Where snapshots come from: a stored game, two agents at play, the newest games of a league.

A source works in a thread of its own and publishes frozen snapshots; whoever shows them takes the newest and never
waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agents.agent import Agent, Decision
from agents.play import Table
from arena.viewers.snapshot import Candidate, Ply, Snapshot, to_player_1
from envs import kernels
from envs.game import Game, Rows


@dataclass(frozen=True)
class StoredGame:
    """A game as it is kept: its rules, its seed and its moves, the first `opening` of them given."""

    game: Game
    moves: tuple[int, ...]
    names: tuple[str, ...]
    seed: int = 0
    opening: int = 0
    ratings: tuple[str, ...] = ()
    result: tuple[float, ...] | None = None
    """Each seat's result, where the rules alone do not give it."""
    facts: tuple[tuple[str, str], ...] = ()
    key: int = 0
    """Which stored game it is; a feed goes on after it."""


class GameFeed(Protocol):
    """The stored games of a running league."""

    def newest(self, after: int | None) -> StoredGame | None:
        """The newest finished game, or None if there is none newer than the one whose key is `after`."""
        ...


class Source(Protocol):
    """Something that publishes snapshots."""

    def newest(self) -> Snapshot:
        """The newest snapshot, at once."""
        ...

    def ask(self, what: str, number: int) -> str:
        """Asks for something (`next`, `play`, `undo`, `move`); a sentence if it cannot be."""
        ...

    def close(self) -> None:
        """Ends the source's thread."""
        ...


def thought_of(game: Game, decision: Decision, lane: int, row: Rows, action: int, voice: int | None) -> Ply:
    """What an agent's decision says of one position [1], seen from player 1."""
    seat = int(row[0]["seat"])
    known = {name: np.asarray(decision.extra[name])[lane] for name in decision.extra}
    proven = "visits" not in known or bool(known.get("proven", False))
    value = _told(known["value"], seat, proven) if "value" in known else None
    return Ply(action, seat, value, _candidates(game, known, row, seat, proven), voice)


def _told(value: float, seat: int, proven: bool) -> float | None:
    """A mover's value as player 1 sees it; no number is no value, and only what is proven is a win or a loss."""
    if not np.isfinite(value):
        return None
    most = 1.0 if proven else 0.99
    return to_player_1(float(np.clip(value, -most, most)), seat)


def _candidates(game: Game, known: Mapping[str, NDArray], row: Rows, seat: int, proven: bool) -> tuple[Candidate, ...]:
    visits, prior, values = known.get("visits"), known.get("prior", known.get("policy")), known.get("q")
    if visits is None and prior is None and values is None:
        return ()
    found = []
    for action in np.flatnonzero(kernels.legal_mask(game, row)[0]).tolist():
        seen = visits is None or visits[action] > 0
        found.append(
            Candidate(
                action,
                0.0 if visits is None else float(visits[action]),
                None if prior is None else float(prior[action]),
                _told(values[action], seat, proven) if seen and values is not None else None,
                *_line(game, row, action, known.get("pv")),
            )
        )
    return tuple(found)


def _line(game: Game, row: Rows, action: int, expected: NDArray | None) -> tuple[tuple[int, ...], Rows]:
    """The expected continuation of an action, itself first, and the position before each of its moves."""
    moves = [action] if expected is None else [int(a) for a in expected[action] if a >= 0] or [action]
    rows = np.zeros(len(moves), game.row)
    rows[:1] = row
    for i, move in enumerate(moves):
        if rows[i]["done"] or not kernels.legal_mask(game, rows[i : i + 1])[0, move]:
            return tuple(moves[:i]), rows[:i]
        if i + 1 < len(moves):
            rows[i + 1] = rows[i]
            kernels.play_rows(game, rows[i + 1 : i + 2], np.array([move], np.int64))
    return tuple(moves), rows


def replayed(stored: StoredGame) -> Snapshot:
    """The snapshot of a stored game: every position played again by the rules."""
    rows = kernels.replay(stored.game, stored.seed, list(stored.moves))
    plies = tuple(Ply(int(a), int(rows[k]["seat"])) for k, a in enumerate(stored.moves))
    forced = None if rows[-1]["done"] else stored.result
    return Snapshot(
        stored.game, stored.names, plies, rows, kernels.legal_mask(stored.game, rows), stored.ratings, stored.seed,
        stored.opening, forced=forced, facts=stored.facts,
    )  # fmt: skip


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
    return replace(snapshot, thoughts=thought_of(snapshot.game, decision, 0, row, int(decision.action[0]), None))


class Judge:
    """An analyst at work on one snapshot after another, from the last position backwards."""

    def __init__(self, snapshot: Snapshot, analyst: Agent | None) -> None:
        self.snapshot, self.analyst = snapshot, analyst

    def judge(self, stop: Callable[[], bool]) -> None:
        """Judges every position of the snapshot, publishing each opinion as it comes, until `stop()`."""
        if self.analyst is None:
            return
        for ply in range(self.snapshot.length, -1, -1):
            if stop():
                return
            try:
                self.snapshot = judged(self.snapshot, self.analyst, ply)
            except Exception as error:  # an agent may be anyone's program: say what it did and stay open
                self.snapshot = replace(self.snapshot, note=f"{self.analyst.name} could not judge: {error}")
                return


class Replay:
    """A stored game; an analyst, if given, judges its positions."""

    def __init__(self, stored: StoredGame, analyst: Agent | None = None) -> None:
        self._judge = Judge(replayed(stored), analyst)
        self._closed = threading.Event()
        threading.Thread(target=self._judge.judge, args=(self._closed.is_set,), name="analyst", daemon=True).start()

    def newest(self) -> Snapshot:
        return self._judge.snapshot

    def ask(self, what: str, number: int) -> str:
        return ""

    def close(self) -> None:
        self._closed.set()


class Live:
    """Two agents at play in a thread; `next` begins another game with the seats changed."""

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
        swap = self._number % 2 == 1
        seats = np.arange(len(self._agents))[:: -1 if swap else 1]
        seeds = kernels.seeds(self._seed, 1, self._number)
        self._table = Table.new(self._game, self._agents, seats[None, :].astype(np.int64), seeds)
        start = replayed(
            StoredGame(
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

    def ask(self, what: str, number: int) -> str:
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
    actions, moved = table.step()
    _, _, decision = moved[0]
    ply = thought_of(snapshot.game, decision, 0, before, int(actions[0]), seat if voice is None else voice)
    return extended(snapshot, ply, table.rows)


def failed(snapshot: Snapshot, error: Exception) -> str:
    """One sentence on an agent that could not move."""
    seat = int(snapshot.rows[-1]["seat"])
    return f"{snapshot.names[seat]} could not move: {error or type(error).__name__}"


def extended(snapshot: Snapshot, ply: Ply, row: Rows) -> Snapshot:
    """The snapshot with one more ply that led to `row` [1]."""
    return replace(
        snapshot,
        plies=(*snapshot.plies, ply),
        rows=np.concatenate([snapshot.rows, row]),
        legal=np.concatenate([snapshot.legal, kernels.legal_mask(snapshot.game, row)]),
        thoughts=None,
        thinking=None if row[0]["done"] else int(row[0]["seat"]),
    )


class Follow:
    """The newest games of a running league, one after the other; asks the feed twice a second while it waits."""

    def __init__(self, feed: GameFeed, analyst: Agent | None = None) -> None:
        first = feed.newest(None)
        if first is None:
            raise ValueError("The league has no finished game yet; try again when its first games are over.")
        self._feed, self._key, self._number = feed, first.key, 0
        self._judge = Judge(replayed(first), analyst)
        self._closed, self._go = threading.Event(), threading.Event()
        threading.Thread(target=self._run, name="follow", daemon=True).start()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._judge.judge(lambda: self._closed.is_set() or self._go.is_set())
            self._go.wait()
            self._go.clear()
            while not self._closed.is_set() and not self._advance():
                self._closed.wait(0.5)

    def _advance(self) -> bool:
        """Goes on to the newest game; False if there is none yet, or the feed cannot be read just now."""
        note = "Waiting for the league's next game."
        try:
            game = self._feed.newest(self._key)
        except Exception as error:
            game, note = None, f"The league's games could not be read: {error}"
        if game is None:
            self._judge.snapshot = replace(self._judge.snapshot, note=note)
            return False
        self._key, self._number = game.key, self._number + 1
        self._judge.snapshot = replace(replayed(game), number=self._number)
        return True

    def newest(self) -> Snapshot:
        return self._judge.snapshot

    def ask(self, what: str, number: int) -> str:
        if what == "next":
            self._go.set()
        return ""

    def close(self) -> None:
        self._closed.set()
        self._go.set()
